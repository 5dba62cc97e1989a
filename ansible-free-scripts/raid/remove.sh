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
name="" on_delete="" wipe_uuid=""
read_inputs name on_delete wipe_uuid

disk_table
if ! find_array "$name"; then
  step "array $name: not there"
  exit 0
fi
uuid=${MD[MD_UUID]}
array_members "${ARRAY_DEV##*/}"
if [[ $on_delete != wipe ]]; then
  warn "kept: array /dev/md/$name ($uuid) on disks ${!MEMBER_STATE[*]}, with its data"
  exit 0
fi
[[ $wipe_uuid == "$uuid" ]] || fail "array $name: raid.wipeUuid is '$wipe_uuid', the array's UUID is $uuid; wanted the same, since all on it is lost. Nothing was changed"
used=$(used_by "$ARRAY_DEV")
[[ -z $used ]] || fail "array $name: $used; close what uses it first. Nothing was changed"
devices=()
for serial in "${!MEMBER_STATE[@]}"; do devices+=("${DISK_PATH[$serial]-/dev/$serial}"); done
step "destroying array $name ($uuid)"
mdadm --quiet --stop "$ARRAY_DEV"
mdadm --quiet --zero-superblock "${devices[@]}"
rm -f "$WEBHOOK_FILE" "$RAID_STATE/$name.creating"
install_conf "$name" "" "" "" || true
rebuild_initramfs
