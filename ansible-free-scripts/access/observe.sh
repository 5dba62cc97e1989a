#!/usr/bin/env bash
# access/observe: role groups and members, accounts and keys, sudo rules, folder modes.
# Inputs (stdin, key=value):
#   group          role groups, repeated
#   member         wanted login names, repeated
#   key_user, key  parallel lists: wanted public keys
#   directory      folders, repeated
#   vault_path     the one of them that must be a mount point, or empty
set -euo pipefail
here=${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}
# shellcheck source=../lib.sh
. "${here}../lib.sh"
group=() member=() key_user=() key=() directory=() vault_path=""
read_inputs group member key_user key directory vault_path
rules=/etc/sudoers.d/racksmith

groups=""
json_begin
for name in "${group[@]}"; do
  line=$(getent group "$name") || continue
  IFS=, read -r -a members <<<"${line##*:}"
  json_list "$name" "${members[@]}"
done
json_end groups

users=()
for name in "${member[@]}"; do
  if getent passwd "$name" >/dev/null; then users+=("$name"); fi
done

keys=()
for index in "${!key[@]}"; do
  line=$(getent passwd "${key_user[index]}") || continue
  IFS=: read -r _ _ _ _ _ home _ <<<"$line"
  if grep -qxF -- "${key[index]}" "$home/.ssh/authorized_keys" 2>/dev/null; then keys+=("${key_user[index]} ${key[index]}"); fi
done

sum=""
[[ ! -f $rules ]] || sum=$(sha256sum <"$rules")
mode=$(stat -c '%a %U:%G' "$rules" 2>/dev/null) || mode=missing

directories=""
json_begin
for path in "${directory[@]}"; do
  if [[ $path == "$vault_path" ]] && ! mountpoint -q -- "$path"; then
    is="not mounted"
  else
    is=$(stat -c '%a %U:%G' -- "$path" 2>/dev/null) || is=missing
  fi
  json_str "$path" "$is"
done
json_end directories

json_begin
json_raw groups "$groups"
json_list users "${users[@]}"
json_list keys "${keys[@]}"
json_str sudoersSha256 "${sum%% *}"
json_str sudoersMode "$mode"
json_bool sudoInstalled "$(command -v visudo >/dev/null && printf yes)"
json_raw directories "$directories"
json_end "$@"
