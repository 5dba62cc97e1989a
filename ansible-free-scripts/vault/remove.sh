#!/usr/bin/env bash
# vault/remove: unmounts and closes the vault. The data stays unless the volume's own UUID was typed in.
# Inputs (stdin, key=value):
#   name       the opened volume is /dev/mapper/racksmith-NAME
#   device     the device that is encrypted
#   on_delete  keep or wipe
#   wipe_uuid  UUID of the volume that may be destroyed, or empty
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=luks.sh
. "$(dirname "${BASH_SOURCE[0]}")/luks.sh"
# shellcheck source=boot.sh
. "$(dirname "${BASH_SOURCE[0]}")/boot.sh"
name="" device="" on_delete="" wipe_uuid=""
read_inputs name device on_delete wipe_uuid
mapper=racksmith-$name

have_header=""
if [[ -b $device ]] && luks_header "$device" && [[ ${LUKS[label]} == "$mapper" ]]; then have_header=yes; fi
if [[ -n $have_header && $on_delete == wipe && $wipe_uuid != "${LUKS[uuid]}" ]]; then
  fail "vault $name: vault.wipeUuid is '$wipe_uuid', the volume's UUID is ${LUKS[uuid]}; wanted the same, since all in it is lost. Nothing was changed"
fi
if findmnt --mountpoint "$MOUNT_POINT" >/dev/null 2>&1; then
  umount -- "$MOUNT_POINT" || fail "$MOUNT_POINT: in use; stop what reads from it (docker ps, fuser -vm $MOUNT_POINT) first. Nothing was changed"
fi
if [[ -e /dev/mapper/$mapper ]]; then
  cryptsetup close -- "$mapper" || fail "/dev/mapper/$mapper: in use by something other than $MOUNT_POINT; the vault is unmounted and still open"
fi
boot_remove "$mapper"
if [[ -z $have_header ]]; then
  step "vault $name: no volume on $device"
elif [[ $on_delete == wipe ]]; then
  step "destroying the keys of volume ${LUKS[uuid]}"
  cryptsetup luksErase --batch-mode -- "$device"
  wipefs --all --quiet -- "$device"
else
  warn "kept: encrypted volume ${LUKS[uuid]} on $device, closed; its operator key opens it again"
fi
