#!/usr/bin/env bash
# vault/apply: makes, opens and mounts the SM4-encrypted volume.
# Inputs (stdin, key=value):
#   name              the opened volume is /dev/mapper/racksmith-NAME
#   device            the device to encrypt
#   key               the operator's key (secret)
#   unlock            operator or tpm2
#   tpm2_pcrs         PCRs to bind to, "7+11", or empty
#   sector_size       512 or 4096
#   workqueues        true or false
#   pbkdf_memory_mib  upper bound of argon2id's memory
#   pbkdf_time_ms     time that trying one key takes
#   reformat          UUID of what the device carries and may lose, or empty
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=../raid/block.sh
. "$(dirname "${BASH_SOURCE[0]}")/../raid/block.sh"
# shellcheck source=luks.sh
. "$(dirname "${BASH_SOURCE[0]}")/luks.sh"
# shellcheck source=boot.sh
. "$(dirname "${BASH_SOURCE[0]}")/boot.sh"
# shellcheck source=tpm2.sh
. "$(dirname "${BASH_SOURCE[0]}")/tpm2.sh"
name="" device="" key="" unlock="" tpm2_pcrs="" sector_size=4096 workqueues="" pbkdf_memory_mib=1024 pbkdf_time_ms=2000 reformat=""
read_inputs name device key unlock tpm2_pcrs sector_size workqueues pbkdf_memory_mib pbkdf_time_ms reformat
[[ $name =~ ^[a-z][a-z0-9-]{0,30}$ ]] || fail "name: '$name' is no vault name"
[[ -n $key ]] || fail "key: is empty; the vault needs its operator key"
mapper=racksmith-$name tpm2_stale=""
here=$(dirname "${BASH_SOURCE[0]}")

# The key goes through a pipe from this shell's own printf: in no argv, environment or file.
with_key() { printf '%s' "$key" | "$@"; }

performance() {
  [[ $workqueues == true ]] || printf '%s\n' --perf-no_read_workqueue --perf-no_write_workqueue
}

# An eighth of the machine's memory, so that opening the vault never fails on a small or busy node.
pbkdf_memory_kib() {
  local line affordable wanted=$((pbkdf_memory_mib * 1024))
  read -r line </proc/meminfo
  [[ $line =~ ([0-9]+) ]]
  affordable=$((BASH_REMATCH[1] / 8))
  ((affordable >= 32768)) || affordable=32768
  printf '%s' "$((wanted < affordable ? wanted : affordable))"
}

may_format() {
  local found used begun
  used=$(used_by "$real")
  [[ -z $used ]] || fail "$device: $used; wanted a device that nobody uses. Nothing was changed on it"
  found=$(carries "$real")
  [[ -n $found ]] || return 0
  begun=$(journal "$name")
  [[ -z $begun || " ${found//,/} " != *" $begun "* ]] || return 0
  [[ -n $reformat && " ${found//,/} " == *" $reformat "* ]] || fail "$device carries $found, which would be lost; wanted a blank device. To destroy it, put its UUID into vault.reformat. Nothing was changed on it"
  step "$device: destroying $found, as vault.reformat says"
}

format() {
  local uuid bytes
  may_format
  wipefs --all --quiet -- "$real"
  read -r uuid </proc/sys/kernel/random/uuid
  printf '%s\n' "$uuid" | changed_file "$VAULT_STATE/$name.formatting" 0600 root:root || true
  bytes=$(blockdev --getsize64 "$real")
  ((bytes % 4096 == 0)) || sector_size=512
  step "encrypting $device with SM4"
  with_key cryptsetup luksFormat --batch-mode --type luks2 --cipher sm4-xts-plain64 --key-size 256 \
    --sector-size "$sector_size" --pbkdf argon2id --pbkdf-memory "$(pbkdf_memory_kib)" --iter-time "$pbkdf_time_ms" \
    --uuid "$uuid" --label "$mapper" --subsystem racksmith-new --key-file=- -- "$real"
  luks_header "$real" || fail "$device: cryptsetup made a volume, but there is no LUKS header on it"
}

# Without --disable-external-tokens cryptsetup asks the TPM first, and any key would do.
# cryptsetup exits with 2 when no key slot takes the key, otherwise when it could not try.
check_key() {
  local rc=0
  with_key cryptsetup open --type luks2 --test-passphrase --disable-external-tokens --key-file=- -- "$real" || rc=$?
  ((rc == 0 || rc == 2)) || fail "vault $name: the key could not be tried on volume ${LUKS[uuid]} (cryptsetup exit $rc, see above). Nothing was changed"
  ((rc == 0)) || fail "vault $name: the key given does not open volume ${LUKS[uuid]} on $device. Nothing was changed. Give the key that it was made with (racksmith:vault key)"
}

open_with_key() {
  local options
  mapfile -t options < <(performance)
  step "opening the vault"
  with_key cryptsetup open --type luks2 --disable-external-tokens --persistent "${options[@]}" --key-file=- -- "$real" "$mapper"
}

# Opening by TPM that fails (other firmware, other Secure Boot state) is no error: the operator's key opens it,
# and the slot is made anew for the machine as it is now.
open_volume() {
  [[ ! -e /dev/mapper/$mapper ]] || return 0
  if [[ $unlock == tpm2 && -n ${LUKS[tpm2_token]} ]]; then
    boot_write "$mapper" tpm2 "${LUKS[uuid]}" "$workqueues"
    tpm2_opens "$name" "$mapper" || tpm2_stale=yes
  fi
  [[ -e /dev/mapper/$mapper ]] || open_with_key
}

# The slot for the TPM follows the policy; the operator's slot is never touched.
set_tpm2() {
  local had=""
  if [[ $unlock != tpm2 ]]; then
    [[ -z ${LUKS[tpm2_token]} ]] || tpm2_forget "$real"
    return 0
  fi
  [[ -z ${LUKS[tpm2_token]} ]] || had=$(tpm2_pcrs "$real" "${LUKS[tpm2_token]}")
  [[ -n ${LUKS[tpm2_token]} && -z $tpm2_stale && ${had//,/+} == "$tpm2_pcrs" ]] || with_key tpm2_enroll "$name" "$real" "$tpm2_pcrs"
}

# Before "ready" nothing of anybody's can be in the volume, as it has never been mounted; all the same, a
# filesystem in it that this host has no journal of is left alone.
finish() {
  local inside
  inside=$(carries "/dev/mapper/$mapper")
  if [[ -n $inside && ${LUKS[uuid]} != "$(journal "$name")" ]]; then
    fail "vault $name: volume ${LUKS[uuid]} was never finished, yet it carries $inside and this host did not begin it; wanted an empty one. Nothing was changed"
  fi
  step "making the filesystem"
  mkfs.xfs -q -f -K -L racksmith "/dev/mapper/$mapper"
  cryptsetup config --label "$mapper" --subsystem racksmith-ready -- "$real"
}

# Once the volume is ready, what is in it is somebody's: it must never again be taken for a half-made one, not even when
# the rest of this act fails, or when this is what an earlier act left behind.
end_making() {
  [[ -e $VAULT_STATE/$name.formatting ]] || return 0
  rm -f -- "$VAULT_STATE/$name.formatting"
  sync "$VAULT_STATE"
}

# A volume is made on a device without one, in place of the one that reformat names, and anew where its own making was
# cut short. Whether a volume was finished stands in its header, so one that cannot be read is nothing to decide on.
to_be_made() {
  luks_header "$real" || return 0
  [[ -z $reformat || ${LUKS[uuid]} != "$reformat" ]] || return 0
  [[ -n ${LUKS[dumped]} ]] || fail "$device: cryptsetup cannot read the header of LUKS volume ${LUKS[uuid]} (cryptsetup luksDump $device says why); wanted one that it can read. Repair it, or to destroy the volume put its UUID into vault.reformat. Nothing was changed on it"
  [[ ${LUKS[uuid]} == "$(journal "$name")" && ${LUKS[subsystem]} != racksmith-ready && ! -e /dev/mapper/$mapper ]]
}

set_workqueues() {
  local options
  active_volume "$mapper"
  [[ ${ACTIVE[workqueues]} != "$workqueues" ]] || return 0
  mapfile -t options < <(performance)
  with_key cryptsetup refresh --persistent "${options[@]}" --key-file=- -- "$mapper"
}

# Uploads land on the vault, never in the clear beside it: while it is closed, the link leads nowhere and they fail.
stage_on_vault() {
  local incoming=/var/lib/racksmith/incoming
  [[ -d $MOUNT_POINT/incoming ]] || mkdir -m 0700 "$MOUNT_POINT/incoming"
  [[ ! -L $incoming || $(readlink -- "$incoming") != "$MOUNT_POINT/incoming" ]] || return 0
  mkdir -p "${incoming%/*}"
  rm -rf -- "$incoming"
  ln -s -- "$MOUNT_POINT/incoming" "$incoming"
}

[[ -b $device ]] || fail "$device: no such device on this host; wanted the array that the vault is made on"
real=$(readlink -f -- "$device")
apt_install cryptsetup-bin xfsprogs
bash "$here/sm4-module.sh" ensure "$(uname -r)"
bash "$here/sm4-module.sh" load

if to_be_made; then format; fi
[[ ${LUKS[label]} == "$mapper" ]] || fail "$device carries a LUKS volume ${LUKS[uuid]} (label '${LUKS[label]}') that is not racksmith's; wanted '$mapper'. To destroy it, put its UUID into vault.reformat. Nothing was changed on it"
[[ ${LUKS[cipher]} == sm4-xts-plain64 ]] || fail "$device: volume ${LUKS[uuid]} is encrypted with ${LUKS[cipher]}, wanted sm4-xts-plain64. To make it anew, put its UUID into vault.reformat. Nothing was changed on it"
check_key
open_volume
assert_active "$mapper" "$real"
[[ ${LUKS[subsystem]} == racksmith-ready ]] || finish
end_making
set_workqueues
set_tpm2
boot_write "$mapper" "$unlock" "${LUKS[uuid]}" "$workqueues"
umask 022
mkdir -p "$MOUNT_POINT"
systemctl start "$MOUNT_UNIT" || fail "$MOUNT_POINT: /dev/mapper/$mapper does not mount: $(systemctl show --property=Result --value "$MOUNT_UNIT"); see journalctl -u $MOUNT_UNIT"
stage_on_vault
