#!/usr/bin/env bash
# vault/observe: the encrypted volume, its header, what is active, and what brings it up after a reboot.
# Inputs (stdin, key=value):
#   name        the opened volume is /dev/mapper/racksmith-NAME
#   device      the device that is encrypted
#   unlock      operator or tpm2
#   workqueues  true or false
set -euo pipefail
here=${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}
# shellcheck source=../lib.sh
. "${here}../lib.sh"
# shellcheck source=../raid/block.sh
. "${here}../raid/block.sh"
# shellcheck source=luks.sh
. "${here}luks.sh"
# shellcheck source=boot.sh
. "${here}boot.sh"
name="" device="" unlock="" workqueues=""
read_inputs name device unlock workqueues
mapper=racksmith-$name

real="" carried="" used="" header=null opened=null uuid=""
if [[ -b $device ]]; then
  real=$(readlink -f -- "$device")
  carried=$(carries "$real")
  if luks_header "$real"; then
    uuid=${LUKS[uuid]}
    header_json "$real" header
  fi
fi
if active_volume "$mapper"; then open_json "$real" opened; elif [[ -n $real ]]; then used=$(used_by "$real"); fi

json_begin
json_str device "$real"
json_str carries "$carried"
json_str usedBy "$used"
json_raw header "$header"
json_str formattingUuid "$(journal "$name")"
json_raw open "$opened"
json_str mounted "$(findmnt --noheadings --first-only --output SOURCE,FSTYPE --mountpoint "$MOUNT_POINT" 2>/dev/null | tr -s ' ' || true)"
json_bool boot "$(boot_is "$mapper" "$unlock" "$uuid" "$workqueues" && echo true)"
json_bool tpm "$([[ -e /dev/tpmrm0 ]] && echo true)"
json_end
