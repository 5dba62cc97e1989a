#!/usr/bin/env bash
# files/apply: writes the files that differ, then reloads what reads them, once each.
# Inputs (stdin, key=value):
#   name          of this set of files
#   file_path, file_content, file_owner, file_group, file_mode   parallel lists
#   action_path, action   parallel lists: when that file changed, do that
#                         (reload UNIT, restart UNIT, signal SIGNAL CONTAINER, daemon-reload)
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../lib.sh"
name="" file_path=() file_content=() file_owner=() file_group=() file_mode=() action_path=() action=()
read_inputs name file_path file_content file_owner file_group file_mode action_path action
[[ $name =~ ^[a-z][a-z0-9-]*$ ]] || fail "name: found '$name', wanted lower-case letters, digits and -"
. "$here/record.sh"

# id_of passwd|group NAME: its number; a number stands for itself, whether or not it has a name here.
id_of() {
  local entry
  if [[ $2 =~ ^[0-9]+$ ]]; then
    printf '%s' "$2"
    return
  fi
  entry=$(getent "$1" "$2") || return 1
  IFS=: read -r _ _ entry _ <<<"$entry"
  printf '%s' "$entry"
}

resolve_accounts() {
  local index
  for index in "${!file_path[@]}"; do
    uid[index]=$(id_of passwd "${file_owner[index]}") || fail "${file_path[index]}: there is no user ${file_owner[index]} on this node"
    gid[index]=$(id_of group "${file_group[index]}") || fail "${file_path[index]}: there is no group ${file_group[index]} on this node"
  done
}

check_folder() {
  local above=${1%/*}
  [[ $(readlink -m -- "$above") == "$above" ]] || fail "$1: a folder above it is a symbolic link; use the path it points to"
  [[ ! -d $1 ]] || fail "$1 is a directory, wanted a file; move it away by hand"
  # One that is there keeps its mode.
  [[ -d $above ]] || install -d -m 0755 -- "$above"
}

# Noted before the file changes: if this is cut off in between, the next run still knows what to reload.
note_pending() {
  local index
  for index in "${!action_path[@]}"; do
    if [[ ${action_path[index]} == "$1" ]]; then pending[${action[index]}]=1; fi
  done
  save_pending
}

save_pending() {
  if ((${#pending[@]} == 0)); then
    rm -f "$state/pending"
  else
    printf '%s\n' "${!pending[@]}" | changed_file "$state/pending" 0600 root || true
  fi
}

differs() {
  local path=${file_path[$1]} has should
  [[ -f $path && ! -L $path ]] || return 0
  has=$(stat -c '%a %u %g' -- "$path")
  should="${file_mode[$1]} ${uid[$1]} ${gid[$1]}"
  [[ $has != "$should" ]] || ! printf '%s' "${file_content[$1]}" | cmp -s - "$path"
}

write_file() {
  local path=${file_path[$1]} sum
  check_folder "$path"
  differs "$1" || return 0
  step "writing $path"
  note_pending "$path"
  sum=$(printf '%s' "${file_content[$1]}" | sha256sum)
  # What was there before is brought in line but not recorded, so never removed.
  if [[ ! -e $path || -n $(record_of "$path") ]]; then record_put "$path" "${sum%% *}"; fi
  printf '%s' "${file_content[$1]}" | changed_file "$path" "${file_mode[$1]}" "${uid[$1]}:${gid[$1]}" || true
}

drop_stale() {
  local sum path paths=()
  declare -A keep=()
  [[ -f $state/created ]] || return 0
  for path in "${file_path[@]}"; do keep[$path]=1; done
  while read -r sum path; do
    if [[ -n $sum && -z ${keep[$path]-} ]]; then paths+=("$path"); fi
  done <"$state/created"
  for path in "${paths[@]}"; do remove_own "$path"; done
}

# do_action KIND [ARGUMENT...]: a unit or container that is not there yet will read the file when it starts.
do_action() {
  step "$*"
  case $1 in
    daemon-reload) systemctl daemon-reload ;;
    reload)
      if systemctl is-active --quiet "$2"; then systemctl reload-or-restart "$2" || fail "$2 does not reload: systemctl status $2"; fi
      ;;
    restart)
      if systemctl cat -- "$2" >/dev/null 2>&1; then systemctl restart "$2" || fail "$2 does not restart: systemctl status $2"; fi
      ;;
    signal)
      if command -v docker >/dev/null && [[ $(docker container inspect --format '{{.State.Running}}' -- "$3" 2>/dev/null) == true ]]; then
        docker kill --signal "$2" -- "$3" >/dev/null || fail "container $3 does not take signal $2"
      fi
      ;;
    *) fail "onChange: unknown action $1" ;;
  esac
}

# daemon-reload goes first, since the others may need what it reads.
do_pending() {
  local one words
  for one in daemon-reload "${!pending[@]}"; do
    [[ -n ${pending[$one]-} ]] || continue
    read -r -a words <<<"$one"
    do_action "${words[@]}"
    unset 'pending[$one]'
    save_pending
  done
}

mkdir -p -- "$state"
chmod 0700 -- "$state"
declare -A pending=()
if [[ -f $state/pending ]]; then
  while IFS= read -r line; do
    [[ -z $line ]] || pending[$line]=1
  done <"$state/pending"
fi
uid=() gid=()
resolve_accounts
for index in "${!file_path[@]}"; do write_file "$index"; done
drop_stale
do_pending
