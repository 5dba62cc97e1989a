# shellcheck shell=bash
# hardware.sh: system, disks, network cards, GPUs and what carries them. Sourced by observe.sh here and in driver/.

# Where /sys, /proc and /etc are read from: tests put a recorded machine there.
root=${RACKSMITH_FACTS_ROOT-}

# A file's first line, or nothing. Many sysfs files exist and refuse to be read.
first_line() {
  local -n _line=$1
  _line=""
  { read -r _line <"$2" || true; } 2>/dev/null
}

os_facts() {
  local line ID="" VERSION_ID="" PRETTY_NAME="" kernel machine
  while IFS= read -r line; do
    line=${line//\"/}
    case $line in
      ID=*) ID=${line#*=} ;;
      VERSION_ID=*) VERSION_ID=${line#*=} ;;
      PRETTY_NAME=*) PRETTY_NAME=${line#*=} ;;
    esac
  done <"$root/etc/os-release"
  first_line kernel "$root/proc/sys/kernel/osrelease"
  machine=$(uname -m)
  json_str os "$ID$VERSION_ID"
  json_str osName "$PRETTY_NAME"
  json_str kernel "$kernel"
  json_str arch "$machine"
}

# unquote TEXT: what lsblk -P put between quotes, its \xHH undone.
unquote() {
  if [[ $2 == *\\x* ]]; then printf -v "$1" '%b' "$2"; else printf -v "$1" '%s' "$2"; fi
}

# One row a block device: the whole disk first, then what lies on it.
disks() {
  local by_id_link rows line name path type size rota tran serial model mount parent entry entries=() pattern
  local -A disk_of=() mounts=() parts=()
  rows=$(lsblk -bPo NAME,PKNAME,PATH,TYPE,SIZE,ROTA,TRAN,SERIAL,MODEL,MOUNTPOINT)
  pattern='^NAME="(.*)" PKNAME="(.*)" PATH="(.*)" TYPE="(.*)" SIZE="(.*)" ROTA="(.*)" TRAN="(.*)" SERIAL="(.*)" MODEL="(.*)" MOUNTPOINT="(.*)"$'
  while IFS= read -r line; do
    [[ $line =~ $pattern ]] || continue
    name=${BASH_REMATCH[1]} parent=${BASH_REMATCH[2]} path=${BASH_REMATCH[3]} type=${BASH_REMATCH[4]}
    mount=${BASH_REMATCH[10]}
    if [[ -n $parent && -n ${disk_of[$parent]-} ]]; then
      disk_of[$name]=${disk_of[$parent]}
    else
      disk_of[$name]=$name
    fi
    [[ -z $mount ]] || mounts[${disk_of[$name]}]+=$mount$'\n'
    if [[ $type == part ]]; then parts[${disk_of[$name]}]+=$path$'\n'; fi
  done <<<"$rows"
  while IFS= read -r line; do
    [[ $line =~ $pattern && ${BASH_REMATCH[4]} == disk ]] || continue
    name=${BASH_REMATCH[1]} path=${BASH_REMATCH[3]} size=${BASH_REMATCH[5]} rota=${BASH_REMATCH[6]}
    tran=${BASH_REMATCH[7]} serial=${BASH_REMATCH[8]} model=${BASH_REMATCH[9]}
    [[ $name != zram* && $name != fd[0-9]* ]] || continue
    unquote serial "$serial"
    unquote model "$model"
    unquote mount "${mounts[$name]-}"
    json_begin
    json_str name "$name"
    json_str path "$path"
    by_id "$path"
    json_str byId "$by_id_link"
    json_str serial "$serial"
    json_str model "$model"
    json_num sizeBytes "$size"
    json_bool rotational "$rota"
    json_str transport "$tran"
    local mounted=()
    [[ -z $mount ]] || mapfile -t mounted <<<"${mount%$'\n'}"
    json_list mounts ${mounted[@]+"${mounted[@]}"}
    signatures "$path" "${parts[$name]-}"
    json_end entry
    entries+=("$entry")
  done < <(sort <<<"$rows")
  json_array disks ${entries[@]+"${entries[@]}"}
}

# by_id PATH: sets by_id_link to the first name under /dev/disk/by-id that is this device.
by_id() {
  local link
  by_id_link=""
  for link in "$root"/dev/disk/by-id/*; do
    [[ $link != */dm-* && $link != */md-* && $link != *-part* && $link -ef $1 ]] || continue
    by_id_link=${link#"$root"}
    return 0
  done
}

# signatures DISK PARTITIONS: what libblkid finds on the medium itself; udev's memory may be stale.
signatures() {
  local device line found entry entries=() devices=("$1") offset uuid label type more=()
  [[ -z $2 ]] || mapfile -t more <<<"${2%$'\n'}"
  devices+=(${more[@]+"${more[@]}"})
  for device in "${devices[@]}"; do
    found=$(wipefs --no-act --parsable --output OFFSET,UUID,TYPE,LABEL "$device" 2>/dev/null) || found=""
    while IFS=, read -r offset uuid type label; do
      [[ $offset == 0x* ]] || continue
      unquote label "$label"
      json_begin
      json_str device "$device"
      json_str type "$type"
      json_str uuid "$uuid"
      json_str label "$label"
      json_end entry
      entries+=("$entry")
    done <<<"$found"
  done
  json_array signatures ${entries[@]+"${entries[@]}"}
}

nics() {
  local card name mac speed driver rdma entry entries=()
  for card in "$root"/sys/class/net/*; do
    [[ -e $card/device ]] || continue
    name=${card##*/}
    first_line mac "$card/address"
    first_line speed "$card/speed"
    driver=$(readlink "$card/device/driver" 2>/dev/null) || driver=""
    rdma=no
    [[ ! -d $card/device/infiniband ]] || rdma=yes
    json_begin
    json_str name "$name"
    json_str mac "$mac"
    if [[ $speed == -1 ]]; then speed=""; fi
    json_num speedMbps "$speed"
    json_str driver "${driver##*/}"
    json_bool rdma "$rdma"
    json_end entry
    entries+=("$entry")
  done
  json_array nics ${entries[@]+"${entries[@]}"}
}

# GPUs as the bus shows them, whether or not a driver is there; NVSwitches beside them.
pci_gpus() {
  local device class vendor id entry entries=() switches=0 simulated=""
  for device in "$root"/sys/bus/pci/devices/*; do
    first_line vendor "$device/vendor"
    [[ $vendor == 0x10de ]] || continue
    first_line class "$device/class"
    case $class in
      0x0300* | 0x0302*)
        first_line id "$device/device"
        json_begin
        json_str bus "${device##*/}"
        json_str deviceId "$id"
        json_str model "$(gpu_model "${device##*/}")"
        json_end entry
        entries+=("$entry")
        ;;
      0x0680*) switches=$((switches + 1)) ;;
    esac
  done
  json_array pciGpus ${entries[@]+"${entries[@]}"}
  json_num nvswitches "$switches"
  # The virtual rack describes its simulated GPUs to the guest through QEMU's firmware interface.
  if [[ -e $root/sys/firmware/qemu_fw_cfg/by_name/opt/racksmith/gpus/raw ]]; then
    simulated=$(tr -d '\0' <"$root/sys/firmware/qemu_fw_cfg/by_name/opt/racksmith/gpus/raw")
  fi
  json_str simulatedGpus "$simulated"
}

gpu_model() {
  local line
  while IFS= read -r line; do
    if [[ $line =~ ^Model:[[:space:]]*(.+)$ ]]; then
      printf '%s' "${BASH_REMATCH[1]}"
      return
    fi
  done 2>/dev/null <"$root/proc/driver/nvidia/gpus/$1/information" || true
}

# What the driver itself says, when there is one that answers.
driver_gpus() {
  local out="" links="" lines=()
  if command -v nvidia-smi >/dev/null; then
    out=$(timeout 30 nvidia-smi --query-gpu=pci.bus_id,name,memory.total --format=csv,noheader,nounits 2>/dev/null) || out=""
    [[ -z $out ]] || mapfile -t lines <<<"$out"
    # One card has nobody to be linked to.
    ((${#lines[@]} < 2)) || links=$(timeout 30 nvidia-smi nvlink --status 2>/dev/null) || links=""
  fi
  json_list driverGpus ${lines[@]+"${lines[@]}"}

  local count=0 line
  while IFS= read -r line; do
    [[ ! $line =~ Link\ [0-9]+:\ [0-9] ]] || count=$((count + 1))
  done <<<"$links"
  json_num nvlinks "$count"
}

platform() {
  local vendor product iommu=no bmc=no
  local groups=("$root"/sys/class/iommu/*)
  [[ ! -e ${groups[0]} ]] || iommu=yes
  [[ ! -e $root/dev/ipmi0 && ! -e $root/sys/class/ipmi/ipmi0 ]] || bmc=yes
  first_line vendor "$root/sys/class/dmi/id/sys_vendor"
  first_line product "$root/sys/class/dmi/id/product_name"
  json_str vendor "$vendor"
  json_str product "$product"
  json_bool iommu "$iommu"
  json_bool bmc "$bmc"
  power_supplies "$bmc"
}

# Names and states of power supplies, where a BMC answers and ipmitool is there.
power_supplies() {
  local out="" lines=() line supplies=()
  if [[ $1 == yes ]] && command -v ipmitool >/dev/null; then
    out=$(timeout 10 ipmitool sdr type "Power Supply" 2>/dev/null) || out=""
  fi
  [[ -z $out ]] || mapfile -t lines <<<"$out"
  for line in ${lines[@]+"${lines[@]}"}; do
    [[ $line =~ ^([^|]+[^|\ ])\ *\|[^|]*\|\ *([a-z]+)\ *\| ]] || continue
    supplies+=("${BASH_REMATCH[1]} ${BASH_REMATCH[2]}")
  done
  json_list powerSupplies ${supplies[@]+"${supplies[@]}"}
}
