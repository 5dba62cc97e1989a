# shellcheck shell=bash
# raid/array.sh: the disks and racksmith's array on them. Sourced after lib.sh and block.sh.

RAID_STATE=/var/lib/racksmith/raid
MDADM_CONF=/etc/mdadm/mdadm.conf

# disk_table: reads all whole disks once. Fills DISK_PATH, DISK_BYTES by serial and DISK_SERIAL by kernel name.
declare -A DISK_PATH=() DISK_BYTES=() DISK_SERIAL=()
disk_table() {
  local line all serial pattern='^KNAME="([^"]*)" PATH="([^"]*)" SERIAL="([^"]*)" SIZE="([0-9]*)" TYPE="disk"$'
  DISK_PATH=() DISK_BYTES=() DISK_SERIAL=()
  all=$(lsblk -bdnPo KNAME,PATH,SERIAL,SIZE,TYPE) || fail "lsblk cannot list the disks"
  while IFS= read -r line; do
    [[ $line =~ $pattern ]] || continue
    serial=${BASH_REMATCH[3]%"${BASH_REMATCH[3]##*[! ]}"}
    [[ -n $serial ]] || continue
    # Two disks under one serial: neither can be told from the other, so neither is offered.
    if [[ -n ${DISK_PATH[$serial]-} ]]; then
      DISK_PATH[$serial]="ambiguous"
      continue
    fi
    DISK_PATH[$serial]=${BASH_REMATCH[2]}
    DISK_BYTES[$serial]=${BASH_REMATCH[4]}
    DISK_SERIAL[${BASH_REMATCH[1]}]=$serial
  done <<<"$all"
}

# md_export ARGS…: runs mdadm with --export. Fills MD with its MD_… lines.
declare -A MD=()
md_export() {
  local line all
  MD=()
  all=$(mdadm "$@" 2>/dev/null) || true
  while IFS= read -r line; do
    [[ $line == MD_*=* ]] && MD[${line%%=*}]=${line#*=}
  done <<<"$all"
  [[ -n ${MD[MD_UUID]-} ]]
}

# find_array NAME: sets ARRAY_DEV (/dev/md127) when racksmith's array of this name is assembled, else returns 1.
# The name in the superblock is the mark of ownership: /dev/md/NAME may be anybody's.
ARRAY_DEV=""
find_array() {
  local md
  ARRAY_DEV=""
  command -v mdadm >/dev/null || return 1
  for md in /sys/block/md*/md; do
    [[ -e $md ]] || continue
    md=${md%/md}
    if md_export --detail --export "/dev/${md##*/}" && [[ ${MD[MD_NAME]-} == "racksmith:$1" ]]; then
      ARRAY_DEV=/dev/${md##*/}
      return 0
    fi
  done
  return 1
}

# superblock DEVICE: the array UUID in it; sets SUPERBLOCK_NAME. Returns 1 without one.
SUPERBLOCK_UUID=""
SUPERBLOCK_NAME=""
superblock() {
  SUPERBLOCK_UUID="" SUPERBLOCK_NAME=""
  command -v mdadm >/dev/null || return 1
  md_export --examine --export "$1" || return 1
  SUPERBLOCK_UUID=${MD[MD_UUID]}
  SUPERBLOCK_NAME=${MD[MD_NAME]-}
}

# ran_here: what `superblock` has just read belongs to an array of racksmith's that has run on this host.
ran_here() {
  [[ $SUPERBLOCK_NAME == racksmith:* && -e $MDADM_CONF && $(<"$MDADM_CONF") == *"UUID=$SUPERBLOCK_UUID"* ]]
}

# array_members MDNAME: fills MEMBER_STATE by serial: in_sync, rebuilding, spare, leaving, faulty.
declare -A MEMBER_STATE=()
array_members() {
  local dir kname state slot serial
  MEMBER_STATE=()
  for dir in /sys/block/"$1"/md/dev-*; do
    [[ -e $dir/state ]] || continue
    kname=${dir##*/dev-}
    read -r state <"$dir/state" || state=""
    read -r slot <"$dir/slot" || slot=none
    serial=${DISK_SERIAL[$kname]-$kname}
    case ,$state, in
      *,faulty,*) state=faulty ;;
      *,want_replacement,*) state=leaving ;;
      *,in_sync,*) state=in_sync ;;
      *,spare,*) if [[ $slot == none ]]; then state=spare; else state=rebuilding; fi ;;
    esac
    MEMBER_STATE[$serial]=$state
  done
}

# went_apart DEVICE: a former member, whose superblock carries the array's UUID, may hold what the array does not: it is
# not older than the working members, or it ran without one of them (it reports it as missing: mdadm's own reason to
# leave a disk out when it assembles, which it does not look at when a disk is added). Neither its age nor a bitmap that
# never saw its writes says then which blocks differ. A spare holds nobody's data.
went_apart() {
  local dir kname device serial state slot said events newest=-1 own_events reports=""
  md_export --examine --export "$1" || return 0
  own_events=${MD[MD_EVENTS]-}
  said=$(mdadm --examine "$1" 2>/dev/null) || return 0
  [[ ! $said =~ Device\ Role\ :\ spare ]] || return 1
  [[ ! $said =~ Array\ State\ :\ ([A-Z.]+) ]] || reports=${BASH_REMATCH[1]}
  for dir in /sys/block/"${ARRAY_DEV##*/}"/md/dev-*; do
    read -r state <"$dir/state" || continue
    read -r slot <"$dir/slot" || continue
    [[ ,$state, == *,in_sync,* && $slot =~ ^[0-9]+$ ]] || continue
    kname=${dir##*/dev-}
    device=/dev/$kname serial=${DISK_SERIAL[$kname]-}
    [[ -z $serial || ${DISK_PATH[$serial]} == ambiguous ]] || device=${DISK_PATH[$serial]}
    md_export --examine --export "$device" || continue
    events=${MD[MD_EVENTS]--1}
    ((events <= newest)) || newest=$events
    [[ ${reports:slot:1} != . ]] || return 0
  done
  [[ ! $own_events =~ ^[0-9]+$ ]] || ((own_events >= newest))
}

# begun NAME: the UUID that was written down before a creation began.
begun() {
  local uuid=""
  [[ -e $RAID_STATE/$1.creating ]] && read -r uuid <"$RAID_STATE/$1.creating"
  printf '%s' "$uuid"
}

# journal NAME: the UUID of an array whose creation was begun and not seen to end: its disks may be made anew.
# mdadm.conf names only an array that has run, so one that it names is none of these, whatever was written down.
journal() {
  local uuid
  uuid=$(begun "$1")
  [[ -z $uuid || ! -e $MDADM_CONF || $(<"$MDADM_CONF") != *"UUID=$uuid"* ]] || uuid=""
  printf '%s' "$uuid"
}

# array_json VAR: what find_array found.
array_json() {
  local md=${ARRAY_DEV##*/} state level chunk bitmap serial entry sorted members=()
  local dir=/sys/block/$md/md
  read -r state <"$dir/array_state"
  read -r level <"$dir/level" || level=""
  read -r chunk <"$dir/chunk_size" || chunk=0
  read -r bitmap <"$dir/bitmap/location" || bitmap=none
  # sysfs is empty where the kernel has not started the array; the superblock still says.
  level=${level:-${MD[MD_LEVEL]-}}
  array_members "$md"
  sorted=$(printf '%s\n' "${!MEMBER_STATE[@]}" | sort)
  while IFS= read -r serial; do
    [[ -n $serial ]] || continue
    json_begin
    json_str serial "$serial"
    json_str state "${MEMBER_STATE[$serial]}"
    json_end entry
    members+=("$entry")
  done <<<"$sorted"
  json_begin
  json_str uuid "${MD[MD_UUID]}"
  json_str device "$ARRAY_DEV"
  # clean, active and write-pending come and go by themselves.
  json_bool running "$([[ $state == inactive || $state == clear ]] || echo true)"
  json_num level "${level#raid}"
  json_num chunkKiB "$((chunk / 1024))"
  json_bool bitmap "$([[ $bitmap == none ]] || echo true)"
  json_num memberCount "${MD[MD_DEVICES]-0}"
  json_array members "${members[@]}"
  json_end "$1"
}

# disk_json SERIAL VAR ARRAY-UUID: what a disk is and carries; an empty device when there is no such disk. After
# array_members, where there is an array.
disk_json() {
  local device=${DISK_PATH[$1]-} carried="" used="" apart="" ran=""
  SUPERBLOCK_UUID="" SUPERBLOCK_NAME=""
  if [[ -n $device && $device != ambiguous ]]; then
    # A dying disk is still listed and cannot be opened: that is a fact, not an end of looking.
    carried=$(carries "$device" 2>/dev/null) || carried=unreadable
    used=$(used_by "$device")
    if superblock "$device" && ran_here; then ran=true; fi
    if [[ -n $3 && $SUPERBLOCK_UUID == "$3" && -z ${MEMBER_STATE[$1]-} ]] && went_apart "$device"; then apart=true; fi
  fi
  json_begin
  json_str serial "$1"
  json_str device "$device"
  json_num sizeBytes "${DISK_BYTES[$1]-0}"
  json_str carries "$carried"
  json_str usedBy "$used"
  json_str arrayUuid "$SUPERBLOCK_UUID"
  json_str arrayName "$SUPERBLOCK_NAME"
  json_bool wentApart "$apart"
  json_bool ranHere "$ran"
  json_end "$2"
}
