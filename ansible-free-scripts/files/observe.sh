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

# kind_of PATH FOLDER: sets kind to what is there, without following links. FOLDER is the one above it, links resolved.
kind_of() {
  if [[ $2 != "${1%/*}" ]]; then
    kind="via link"
  elif [[ -L $1 ]]; then
    kind="link"
  elif [[ -f $1 ]]; then
    kind="file"
  elif [[ -d $1 ]]; then
    kind=directory
  elif [[ -e $1 ]]; then
    kind=other
  else
    kind=missing
  fi
}

# Each tool runs once over all files: starting it takes longer than what it does.
folders=() kinds=() plain=()
((${#file_path[@]} == 0)) || mapfile -d '' -t folders < <(readlink -z -m -- "${file_path[@]%/*}")
for at in "${!file_path[@]}"; do
  kind_of "${file_path[at]}" "${folders[at]-}"
  kinds+=("$kind")
  [[ $kind != file ]] || plain+=("${file_path[at]}")
done
declare -A sum=() status=()
if ((${#plain[@]} > 0)); then
  while read -r -d '' hash path; do sum["$path"]=$hash; done < <(sha256sum -z -- "${plain[@]}" 2>/dev/null)
  while read -r -d '' mode owner group uid gid path; do
    status["$path"]="$mode $owner $group $uid $gid"
  done < <(stat --printf '%a %U %G %u %g %n\0' -- "${plain[@]}" 2>/dev/null)
fi

declare -A wanted=()
entries=()
entry=""
for at in "${!file_path[@]}"; do
  path=${file_path[at]}
  wanted["$path"]=1
  mode="" owner="" group="" uid="" gid=""
  read -r mode owner group uid gid <<<"${status["$path"]-}" || true
  json_begin
  json_str path "$path"
  json_str kind "${kinds[at]}"
  json_str sha256 "${sum["$path"]-}"
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
    [[ -n ${wanted["$path"]-} || ! -e $path ]] || stale+=("$path")
  done <"$state/created"
fi
pending=()
[[ ! -f $state/pending ]] || mapfile -t pending <"$state/pending"

json_begin
json_array files "${entries[@]}"
json_list stale "${stale[@]}"
json_list pending "${pending[@]}"
json_end "$@"
