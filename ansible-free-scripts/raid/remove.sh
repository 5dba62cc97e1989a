#!/usr/bin/env bash
# raid/remove: leaves the array as it is, or destroys it when its own UUID was typed in.
# Inputs (stdin, key=value):
#   name       array name, /dev/md/NAME
#   on_delete  keep or wipe
#   wipe_uuid  UUID of the array that may be destroyed, or empty
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=block.sh
. "$(dirname "${BASH_SOURCE[0]}")/block.sh"
# shellcheck source=array.sh
. "$(dirname "${BASH_SOURCE[0]}")/array.sh"
# shellcheck source=conf.sh
. "$(dirname "${BASH_SOURCE[0]}")/conf.sh"
name="" member=() spare=() on_delete="" wipe_uuid=""
read_inputs name member spare on_delete wipe_uuid

# carries_own SERIAL: the disk is named, is no member of a running array, and has a superblock of this name.
carries_own() {
  [[ -n ${DISK_PATH[$1]-} && -z ${MEMBER_STATE[$1]-} ]] && superblock "${DISK_PATH[$1]}" && [[ $SUPERBLOCK_NAME == "racksmith:$name" ]]
}

# The UUID of an array that is stopped: the one that may be destroyed, where a disk carries it.
stopped_uuid() {
  local serial
  for serial in "${member[@]}" "${spare[@]}"; do
    carries_own "$serial" || continue
    uuid=$SUPERBLOCK_UUID
    [[ $uuid != "$wipe_uuid" ]] || return 0
  done
}

disk_table
uuid="" devices=() apart=()
if find_array "$name"; then
  uuid=${MD[MD_UUID]}
  array_members "${ARRAY_DEV##*/}"
  for serial in "${!MEMBER_STATE[@]}"; do devices+=("${DISK_PATH[$serial]-/dev/$serial}"); done
else
  stopped_uuid
fi
for serial in "${member[@]}" "${spare[@]}"; do
  if carries_own "$serial" && [[ $SUPERBLOCK_UUID == "$uuid" ]]; then apart+=("${DISK_PATH[$serial]}"); fi
done
devices+=("${apart[@]}")
if [[ -z $uuid ]]; then
  step "array $name: not there"
  [[ $on_delete == wipe ]] || exit 0
elif [[ $on_delete != wipe ]]; then
  warn "kept: array /dev/md/$name ($uuid) on ${devices[*]}, with its data"
  exit 0
else
  [[ $wipe_uuid == "$uuid" ]] || fail "array $name: raid.wipeUuid is '$wipe_uuid', the array's UUID is $uuid; wanted the same, since all on it is lost. Nothing was changed"
  for device in ${ARRAY_DEV:+"$ARRAY_DEV"} "${apart[@]}"; do
    used=$(used_by "$device")
    [[ -z $used ]] || fail "array $name: $device: $used; close what uses it first. Nothing was changed"
  done
  step "destroying array $name ($uuid) on ${devices[*]}"
  [[ -z $ARRAY_DEV ]] || mdadm --quiet --stop "$ARRAY_DEV"
  mdadm --quiet --zero-superblock "${devices[@]}"
fi
rm -f "$WEBHOOK_FILE" "$RAID_STATE/$name.creating"
install_conf "$name" "" "" "" || true
rebuild_initramfs
