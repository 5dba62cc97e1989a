#!/usr/bin/env bash
# access/apply: role groups, their members, keys, sudo rules and folder modes.
# Inputs (stdin, key=value):
#   group                  role groups, repeated
#   member, member_group   parallel lists: login name, its role's group
#   key_user, key          parallel lists: public keys to add
#   connection_user        the user racksmith connects with, which keeps all it has
#   sudoers                content of /etc/sudoers.d/racksmith
#   directory, directory_mode, directory_group   parallel lists
#   vault_path             the one of them that must be a mount point, or empty
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
group=() member=() member_group=() key_user=() key=() connection_user="" sudoers=""
directory=() directory_mode=() directory_group=() vault_path=""
read_inputs group member member_group key_user key connection_user sudoers \
  directory directory_mode directory_group vault_path
rules=/etc/sudoers.d/racksmith

create_groups() {
  local name
  for name in "${group[@]}"; do
    getent group "$name" >/dev/null || groupadd --system -- "$name"
  done
}

create_members() {
  local index
  for index in "${!member[@]}"; do
    [[ ${member[index]} != "$connection_user" ]] || fail "members: $connection_user is the user racksmith connects with; leave it out"
    if ! getent passwd "${member[index]}" >/dev/null; then
      step "creating ${member[index]}, without a password"
      useradd --create-home --shell /bin/bash -- "${member[index]}"
    fi
    put_in_group "${member[index]}" "${member_group[index]}"
  done
}

# One person, one role: joins this group and leaves the two others.
put_in_group() {
  local name
  for name in "${group[@]}"; do
    if [[ $name == "$2" ]]; then
      gpasswd --add "$1" "$name" >/dev/null
    elif in_group "$1" "$name"; then
      gpasswd --delete "$1" "$name" >/dev/null
    fi
  done
}

in_group() {
  local line
  line=$(getent group "$2") || return 1
  [[ ,${line##*:}, == *",$1,"* ]]
}

# Who is in a role group and not in the configuration leaves the group; the account stays.
drop_others() {
  local name line user members
  declare -A wanted=()
  for user in "${member[@]}"; do wanted[$user]=1; done
  for name in "${group[@]}"; do
    line=$(getent group "$name")
    IFS=, read -r -a members <<<"${line##*:}"
    for user in "${members[@]}"; do
      if [[ -z ${wanted[$user]-} ]]; then
        step "$user leaves $name; the account is kept"
        gpasswd --delete "$user" "$name" >/dev/null
      fi
    done
  done
}

add_keys() {
  local index line home primary file
  for index in "${!key[@]}"; do
    line=$(getent passwd "${key_user[index]}")
    IFS=: read -r _ _ _ primary _ home _ <<<"$line"
    file=$home/.ssh/authorized_keys
    [[ ! -L $home/.ssh && ! -L $file ]] || fail "members/${key_user[index]}: $file is behind a symbolic link; racksmith will not write through it"
    install -d -m 0700 -o "${key_user[index]}" -g "$primary" "$home/.ssh"
    if ! grep -qxF -- "${key[index]}" "$file" 2>/dev/null; then
      {
        [[ ! -s $file ]] || printf '%s\n' "$(<"$file")"
        printf '%s\n' "${key[index]}"
      } | changed_file "$file" 0600 "${key_user[index]}:$primary" || true
    fi
  done
}

# Checked alone, then as a whole, then by what counts: that the connecting user still gets in.
put_rules() {
  local candidate said before=""
  candidate=$(mktemp /tmp/racksmith-sudoers.XXXXXX)
  printf '%s' "$sudoers" >"$candidate"
  if ! said=$(visudo -cf "$candidate" 2>&1); then
    rm -f "$candidate"
    fail "visudo refuses the sudo rules, the old ones stay: $said"
  fi
  rm -f "$candidate"
  [[ ! -f $rules ]] || before=$(<"$rules")
  printf '%s' "$sudoers" | changed_file "$rules" 0440 root || true
  if ! said=$(visudo -c 2>&1) || ! still_in; then
    if [[ -n $before ]]; then
      printf '%s\n' "$before" | changed_file "$rules" 0440 root || true
    else
      rm -f "$rules"
    fi
    fail "with the new rules $connection_user could not act as root any more; the old ones are back: $said"
  fi
}

still_in() {
  [[ $connection_user == root ]] || runuser -u "$connection_user" -- sudo -n true 2>/dev/null
}

set_directories() {
  local index path
  for index in "${!directory[@]}"; do
    path=${directory[index]}
    if [[ $path == "$vault_path" ]]; then
      mountpoint -q -- "$path" || fail "$path is not mounted: open the vault first (racksmith unlock)"
    fi
    [[ ! -L $path ]] || fail "$path is a symbolic link, wanted a folder"
    install -d -m "${directory_mode[index]}" -o root -g "${directory_group[index]}" "$path"
  done
}

apt_install sudo
create_groups
create_members
drop_others
add_keys
put_rules
set_directories
