#!/usr/bin/env bash
# raid/apply: creates, assembles or repairs one md array over disks named by serial.
# Inputs (stdin, key=value):
#   name             array name, /dev/md/NAME
#   level            0, 1 or 10
#   member           disk serial, repeated
#   spare            disk serial, repeated
#   chunk_kib        chunk of levels 0 and 10, or empty
#   bitmap           true or false
#   wipe             serial of a disk whose contents may be destroyed, repeated
#   monitor_mail     address for array events, or empty
#   monitor_webhook  URL for array events (secret), or empty
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=block.sh
. "$(dirname "${BASH_SOURCE[0]}")/block.sh"
# shellcheck source=array.sh
. "$(dirname "${BASH_SOURCE[0]}")/array.sh"
# shellcheck source=conf.sh
. "$(dirname "${BASH_SOURCE[0]}")/conf.sh"
# shellcheck source=claim.sh
. "$(dirname "${BASH_SOURCE[0]}")/claim.sh"
name="" level="" member=() spare=() chunk_kib="" bitmap="" monitor_mail="" monitor_webhook=""
read_inputs name level member spare chunk_kib bitmap wipe monitor_mail monitor_webhook
[[ $name =~ ^[a-z][a-z0-9-]{0,20}$ ]] || fail "name: '$name' is no array name"
[[ $level =~ ^(0|1|10)$ ]] || fail "level: found '$level', wanted 0, 1 or 10"

# half_made SERIAL BEGUN: the disk was written by a creation that was cut short: it carries the journal's UUID.
half_made() {
  [[ -n ${DISK_PATH[$1]-} ]] && superblock "${DISK_PATH[$1]}" && [[ $SUPERBLOCK_UUID == "$2" ]]
}

# Whether the array can be made at all is looked at first: nothing is zeroed for a creation that then cannot be.
forget_half_made() {
  local begun serial half=()
  begun=$(journal "$name")
  [[ -n $begun ]] || return 0
  for serial in "${member[@]}"; do
    if half_made "$serial" "$begun"; then half+=("${DISK_PATH[$serial]}"); else may_claim "$serial"; fi
  done
  ((${#half[@]} > 0)) || return 0
  step "array $name: its creation was interrupted; starting over"
  mdadm --quiet --zero-superblock "${half[@]}"
  udevadm settle --timeout=30 || true
}

# Once the array runs, its creation is over, and its disks must never again be taken for half-made ones: not even when
# the rest of this act fails, or when this is what an earlier act left behind.
end_creation() {
  local state
  read -r state <"/sys/block/${ARRAY_DEV##*/}/md/array_state"
  [[ -e $RAID_STATE/$name.creating && $state != inactive && $state != clear ]] || return 0
  mark_due "$INITRAMFS_DUE"
  rm -f -- "$RAID_STATE/$name.creating"
  sync "$RAID_STATE"
}

new_uuid() {
  local raw
  read -r raw </proc/sys/kernel/random/uuid
  raw=${raw//-/}
  printf '%s:%s:%s:%s' "${raw:0:8}" "${raw:8:8}" "${raw:16:8}" "${raw:24:8}"
}

create() {
  local uuid serial devices=() options=()
  for serial in "${member[@]}"; do may_claim "$serial"; done
  for serial in "${member[@]}"; do
    claim "$serial"
    devices+=("${DISK_PATH[$serial]}")
  done
  [[ -z $chunk_kib ]] || options+=(--chunk="$chunk_kib")
  if [[ $level != 0 ]]; then
    if [[ $bitmap == true ]]; then options+=(--bitmap=internal); else options+=(--bitmap=none); fi
  fi
  uuid=$(new_uuid)
  printf '%s\n' "$uuid" | changed_file "$RAID_STATE/$name.creating" 0600 root:root || true
  step "creating RAID $level of ${devices[*]}"
  mdadm --create "/dev/md/$name" --run --quiet --metadata=1.2 --homehost=racksmith --name="$name" --uuid="$uuid" \
    --level="$level" --raid-devices="${#devices[@]}" "${options[@]}" "${devices[@]}" </dev/null
}

# Superblocks of this array on the disks, though it is not assembled: its data stands, so it is only ever assembled.
assemble() {
  local serial uuid="" devices=()
  for serial in "${member[@]}" "${spare[@]}"; do
    [[ -n ${DISK_PATH[$serial]-} ]] || continue
    superblock "${DISK_PATH[$serial]}" || continue
    [[ $SUPERBLOCK_NAME == "racksmith:$name" && $SUPERBLOCK_UUID != "$(journal "$name")" ]] || continue
    [[ -z $uuid || $uuid == "$SUPERBLOCK_UUID" ]] || fail "array $name: its disks belong to two arrays, $uuid and $SUPERBLOCK_UUID; wanted one. Name the disks of one of them in raid.members"
    uuid=$SUPERBLOCK_UUID
    devices+=("${DISK_PATH[$serial]}")
  done
  [[ -n $uuid ]] || return 1
  step "assembling the array from ${devices[*]}"
  mdadm --assemble "/dev/md/$name" --run --quiet --uuid="$uuid" "${devices[@]}" </dev/null ||
    fail "array $name ($uuid): cannot be started from ${devices[*]}; a member is missing or broken. Nothing was changed on it"
}

start_inactive() {
  local state
  read -r state <"/sys/block/${ARRAY_DEV##*/}/md/array_state"
  [[ $state == inactive ]] || return 0
  step "starting $ARRAY_DEV"
  mdadm --run --quiet "$ARRAY_DEV"
}

# add SERIAL: back into its own array cheaply where the bitmap allows, else as a new member.
add() {
  local device=${DISK_PATH[$1]}
  if superblock "$device" && [[ $SUPERBLOCK_UUID == "$array_uuid" ]] && is_older "$1"; then
    step "putting $device (serial $1) back"
    mdadm --quiet --manage "$ARRAY_DEV" --re-add "$device" 2>/dev/null && return 0
    mdadm --quiet --zero-superblock "$device"
  else
    may_claim "$1"
    claim "$1"
    step "adding $device (serial $1)"
  fi
  mdadm --quiet --manage "$ARRAY_DEV" --add "$device"
}

# is_older SERIAL: a former member whose data the array holds, and newer. Any other is only taken as wipe says.
is_older() {
  went_apart "${DISK_PATH[$1]}" || return 0
  in_list "$1" "${wipe[@]}" || fail "${DISK_PATH[$1]} (serial $1) was written to apart from the array $array_uuid that it belonged to, so each may hold what the other does not; wanted an older half. Look which one is to be kept. If what this disk holds may go, put $1 into raid.wipe. Nothing was changed on it"
  return 1
}

# Drops what has failed, then fills up: members while one is missing, then the spares. A failed member whose
# place a spare has taken is not brought back.
repair() {
  local serial
  [[ $level != 0 ]] || return 0
  array_members "${ARRAY_DEV##*/}"
  for serial in "${!MEMBER_STATE[@]}"; do
    [[ ${MEMBER_STATE[$serial]} == faulty ]] || continue
    step "removing the failed $serial from $ARRAY_DEV"
    mdadm --quiet --manage "$ARRAY_DEV" --remove "${DISK_PATH[$serial]-failed}"
  done
  udevadm settle --timeout=30 || true
  for serial in "${member[@]}"; do
    array_members "${ARRAY_DEV##*/}"
    ((${#MEMBER_STATE[@]} < ${#member[@]})) || break
    add_missing "$serial"
  done
  array_members "${ARRAY_DEV##*/}"
  for serial in "${spare[@]}"; do add_missing "$serial"; done
  retire_strangers
}

add_missing() {
  [[ -z ${MEMBER_STATE[$1]-} && -n ${DISK_PATH[$1]-} ]] || return 0
  if [[ ${DISK_PATH[$1]} != ambiguous ]] && ! (carries "${DISK_PATH[$1]}") >/dev/null 2>&1; then
    warn "${DISK_PATH[$1]} (serial $1) cannot be read: it is not put into the array; replace it"
    return 0
  fi
  add "$1"
}

# A healthy member that the config no longer names leaves once a spare can take its data over.
retire_strangers() {
  local serial state spares_left=0
  array_members "${ARRAY_DEV##*/}"
  for state in "${MEMBER_STATE[@]}"; do [[ $state != spare ]] || spares_left=$((spares_left + 1)); done
  for serial in "${!MEMBER_STATE[@]}"; do
    ! in_list "$serial" "${member[@]}" "${spare[@]}" || continue
    case ${MEMBER_STATE[$serial]} in
      spare) mdadm --quiet --manage "$ARRAY_DEV" --remove "${DISK_PATH[$serial]-/dev/$serial}" ;;
      in_sync)
        ((spares_left > 0)) || continue
        spares_left=$((spares_left - 1))
        step "$serial is no longer named: its data moves to a spare"
        mdadm --quiet --manage "$ARRAY_DEV" --replace "${DISK_PATH[$serial]-/dev/$serial}"
        ;;
    esac
  done
}

# The name alone could be that of another server's disks put into this one.
require_own() {
  local serial
  array_members "${ARRAY_DEV##*/}"
  for serial in "${!MEMBER_STATE[@]}"; do
    ! in_list "$serial" "${member[@]}" "${spare[@]}" || return 0
  done
  fail "array $name ($array_uuid) is on disks ${!MEMBER_STATE[*]}, none of which raid.members names (${member[*]}); wanted at least one. Nothing was changed"
}

# An array that a power cut left half-made may be assembled and not able to run.
drop_unrunnable() {
  local state
  read -r state <"/sys/block/${ARRAY_DEV##*/}/md/array_state"
  [[ $state == inactive && ${MD[MD_UUID]} == "$(journal "$name")" ]] || return 1
  mdadm --quiet --stop "$ARRAY_DEV"
}

set_bitmap() {
  local found
  [[ $level != 0 ]] || return 0
  read -r found <"/sys/block/${ARRAY_DEV##*/}/md/bitmap/location" || found=none
  if [[ $bitmap == true && $found == none ]]; then
    mdadm --quiet --grow "$ARRAY_DEV" --bitmap=internal
  elif [[ $bitmap != true && $found != none ]]; then
    mdadm --quiet --grow "$ARRAY_DEV" --bitmap=none
  fi
}

write_conf() {
  local changed=""
  if [[ -z $monitor_webhook ]]; then
    rm -f "$WEBHOOK_FILE"
  elif printf '%s' "$monitor_webhook" | changed_file "$WEBHOOK_FILE" 0600 root:root; then
    changed=yes
  fi
  if install_conf "$name" "$array_uuid" "$monitor_mail" "$monitor_webhook" || [[ -e $INITRAMFS_DUE ]]; then changed=yes; fi
  [[ -n $changed ]] || return 0
  if [[ -z $monitor_mail$monitor_webhook ]]; then
    systemctl try-restart mdmonitor.service || true
    return 0
  fi
  systemctl restart mdmonitor.service || warn "mdmonitor does not start: array events are not reported; see systemctl status mdmonitor"
}

# notify.sh posts with curl.
apt_install mdadm ${monitor_webhook:+curl}
modprobe --quiet "raid$level" || true
disk_table
if ! find_array "$name" || drop_unrunnable; then
  if ! assemble; then
    forget_half_made
    create
  fi
  udevadm settle --timeout=30 || true
  find_array "$name" || fail "array $name: mdadm made it but it is not there; see dmesg"
fi
array_uuid=${MD[MD_UUID]}
end_creation
[[ ${MD[MD_LEVEL]-} == "raid$level" ]] || fail "array $name ($array_uuid) is ${MD[MD_LEVEL]-}, wanted raid$level: a level is never changed in place, as that loses data"
require_own
start_inactive
end_creation
repair
set_bitmap
write_conf
rebuild_initramfs
