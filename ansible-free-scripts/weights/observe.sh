#!/usr/bin/env bash
# weights/observe: which versions are on the vault, which is current, and whether its files are as they were.
# Inputs (stdin, key=value):
#   version      ID of the wanted version
#   keep         versions that stay
#   verify       quick or full: then also how many contents are to be read whole again. Nothing is read here
#   file_sha256  hashes of the wanted files, repeated
#   file_size    their sizes in bytes, in the same order
set -euo pipefail
here=${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}
# shellcheck source=../lib.sh
. "${here}../lib.sh"
# shellcheck source=store.sh
. "${here}store.sh"
version="" keep=2 verify=quick file_sha256=() file_size=()
read_inputs version keep verify file_sha256 file_size
[[ $version =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ && $keep =~ ^[0-9]+$ ]] || fail "version or keep: not as documented"

open="" current="" free=null missing=() versions=() broken=() surplus_ids=() due=()
if vault_open; then
  open=true
  current=$(current_id)
  declare -A seen=()
  for at in "${!file_sha256[@]}"; do
    sha=${file_sha256[at]}
    check_sha "$sha"
    [[ -z ${seen[$sha]-} ]] || continue
    seen[$sha]=yes
    ! blob_good "$sha" "${file_size[at]-}" || continue
    json_begin
    json_str sha256 "$sha"
    json_num stagedBytes "$(stat -c %s -- "$(staged "$sha")" 2>/dev/null || printf 0)"
    json_end entry
    missing+=("${entry:?}")
  done
  # Free space comes and goes by itself, so it is only told where it decides something.
  ((${#missing[@]} == 0)) || free=$(free_bytes)
  if [[ -d $STORE/versions ]]; then
    mapfile -t versions < <(find "$STORE/versions" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%f\n' | sort)
    mapfile -t broken < <({ damaged "$version" && unlinked "$version"; } | sort -u)
    if [[ $verify == full ]]; then
      mapfile -t hashes < <(hashes_of "$version")
      mapfile -t due < <(unread "${hashes[@]}")
    fi
    mapfile -t surplus_ids < <(surplus "$version" "$keep")
  fi
fi

json_begin
json_bool vaultOpen "$open"
json_str current "$current"
json_list versions "${versions[@]}"
json_str manifestSha256 "$(manifest_of "$version")"
json_list damaged "${broken[@]}"
json_list surplus "${surplus_ids[@]}"
json_num unread "${#due[@]}"
json_array missing "${missing[@]}"
json_num freeBytes "$free"
json_end
