#!/usr/bin/env bash
# raid/observe: what the array and its disks are. Changes nothing.
# Inputs (stdin, key=value):
#   name            array name, /dev/md/NAME
#   disk            serial of a member or spare, repeated
#   monitor_mail    address for array events, or empty
#   webhook_sha256  hash of the webhook's URL, or empty
set -euo pipefail
here=${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}
# shellcheck source=../lib.sh
. "${here}../lib.sh"
# shellcheck source=block.sh
. "${here}block.sh"
# shellcheck source=array.sh
. "${here}array.sh"
# shellcheck source=conf.sh
. "${here}conf.sh"
name="" disk=() monitor_mail="" webhook_sha256=""
read_inputs name disk monitor_mail webhook_sha256

disk_table
array=null uuid=""
if find_array "$name"; then
  uuid=${MD[MD_UUID]}
  array_json array
fi
disks=() facts=""
for serial in "${disk[@]}"; do
  disk_json "$serial" facts "$uuid"
  disks+=("$facts")
done
conf="" creating=$(journal "$name")
[[ $array == null ]] || creating=$(begun "$name")
[[ ! -e $MDADM_CONF ]] || conf=$(<"$MDADM_CONF")

json_begin
json_raw array "$array"
json_array disks "${disks[@]}"
json_str creatingUuid "$creating"
json_bool configured "$([[ -n $uuid && $conf == "$(wanted_conf "$name" "$uuid" "$monitor_mail" "$webhook_sha256")" ]] && echo true)"
json_bool initramfsDue "$([[ -e $INITRAMFS_DUE ]] && echo true)"
json_bool webhook "$(webhook_is "$webhook_sha256" && echo true)"
json_end
