#!/usr/bin/env bash
# files/observe: kind, hash, mode and owner of each file; what is left over or still to be done.
# Inputs (stdin, key=value):
#   name       of this set of files
#   file_path  absolute path, repeated
set -euo pipefail
here=${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}
# shellcheck source=../lib.sh
. "${here}../lib.sh"
name="" file_path=()
read_inputs name file_path
state=/var/lib/racksmith/files.d/$name

# kind_of PATH: what is there, without following links.
kind_of() {
  local above=${1%/*}
  if [[ $(readlink -m -- "$above") != "$above" ]]; then
    printf 'via link'
  elif [[ -L $1 ]]; then
    printf 'link'
  elif [[ -f $1 ]]; then
    printf 'file'
  elif [[ -d $1 ]]; then
    printf 'directory'
  elif [[ -e $1 ]]; then
    printf 'other'
  else
    printf 'missing'
  fi
}

declare -A wanted=()
entries=()
entry=""
for path in "${file_path[@]}"; do
  wanted[$path]=1
  kind=$(kind_of "$path")
  sum="" mode="" owner="" group="" uid="" gid=""
  if [[ $kind == file ]]; then
    sum=$(sha256sum <"$path")
    read -r mode owner group uid gid < <(stat -c '%a %U %G %u %g' -- "$path")
  fi
  json_begin
  json_str path "$path"
  json_str kind "$kind"
  json_str sha256 "${sum%% *}"
  json_str mode "$mode"
  json_str owner "$owner"
  json_str group "$group"
  json_str uid "$uid"
  json_str gid "$gid"
  json_end entry
  entries+=("$entry")
done

stale=()
if [[ -f $state/created ]]; then
  while read -r _ path; do
    [[ -n ${wanted[$path]-} || ! -e $path ]] || stale+=("$path")
  done <"$state/created"
fi
pending=()
[[ ! -f $state/pending ]] || mapfile -t pending <"$state/pending"

json_begin
json_array files "${entries[@]}"
json_list stale "${stale[@]}"
json_list pending "${pending[@]}"
json_end "$@"
