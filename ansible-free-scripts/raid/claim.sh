# shellcheck shell=bash
# raid/claim.sh: which disks may be given to an array, and making them blank. Sourced after array.sh.

# Serials of disks whose contents may be destroyed. The caller fills it.
wipe=()

in_list() {
  local wanted=$1 item
  shift
  for item in "$@"; do [[ $item != "$wanted" ]] || return 0; done
  return 1
}

# may_claim SERIAL: the disk may be given to the array, or this fails. Looked at again here, right before the
# act: what the preview saw may be hours old.
may_claim() {
  local serial=$1 device=${DISK_PATH[$1]-} found used
  [[ -n $device && $device != ambiguous ]] || fail "disk $serial: not in this machine, or its serial is not unique"
  found=$(carries "$device") || fail "$device (serial $serial): cannot be read, so nobody knows what it carries; wanted a disk that works. Check its cabling or replace it. Nothing was changed on it"
  if [[ -n $found ]] && ! in_list "$serial" "${wipe[@]}"; then
    fail "$device (serial $serial, ${DISK_BYTES[$serial]} bytes) carries $found, which would be lost; wanted a blank disk. To destroy it, put $serial into raid.wipe. Nothing was changed on it"
  fi
  # A serial stays in raid.wipe long after what it was written for is gone.
  if superblock "$device" && ran_here && [[ $SUPERBLOCK_UUID != "${array_uuid-}" ]]; then
    fail "$device (serial $serial) belongs to array $SUPERBLOCK_NAME ($SUPERBLOCK_UUID), which has run on this host; raid.wipe does not reach it. Give the array its name back; or destroy it with raid.onDelete: wipe and raid.wipeUuid; or take its line out of $MDADM_CONF. Nothing was changed on it"
  fi
  release_stale "$serial" "$device"
  used=$(used_by "$device")
  [[ -z $used ]] || fail "$device (serial $serial): $used; wanted a disk that nobody uses. Free it or name another disk. Nothing was changed on it"
}

# claim SERIAL: makes the disk blank, after may_claim.
claim() {
  local device=${DISK_PATH[$1]} found
  found=$(carries "$device")
  [[ -n $found ]] || return 0
  step "$device (serial $1): destroying $found, as raid.wipe says"
  blank "$device"
}

# An old array that the system assembled from disks that may all be wiped, and that nobody uses, is taken apart.
release_stale() {
  local holder slave serial
  in_list "$1" "${wipe[@]}" || return 0
  for holder in /sys/class/block/"${2##*/}"/holders/md*; do
    [[ -e $holder ]] || continue
    holder=${holder##*/}
    [[ -z $(used_by "/dev/$holder") ]] || return 0
    for slave in /sys/class/block/"$holder"/slaves/*; do
      serial=${DISK_SERIAL[${slave##*/}]-}
      in_list "$serial" "${wipe[@]}" || return 0
    done
    step "/dev/$holder: stopping it, since all its disks may be wiped"
    mdadm --quiet --stop "/dev/$holder"
  done
}
