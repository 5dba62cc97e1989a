#!/usr/bin/env bash
# weights/apply: verifies what has arrived, puts it into the store and makes the version current.
# Inputs (stdin, key=value):
#   version          ID of the wanted version
#   manifest_sha256  hash of its SHA256SUMS
#   url              base URL to fetch from, or empty: then the files were uploaded
#   file_path        path inside the model, repeated (without url)
#   file_sha256      its hash, in the same order
#   file_size        its size in bytes, in the same order
#   keep             versions that stay
#   verify           quick or full: contents that were not read whole within a day are read again
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=store.sh
. "$(dirname "${BASH_SOURCE[0]}")/store.sh"
# shellcheck source=fetch.sh
. "$(dirname "${BASH_SOURCE[0]}")/fetch.sh"
version="" manifest_sha256="" url="" file_path=() file_sha256=() file_size=() keep=2 verify=quick
read_inputs version manifest_sha256 url file_path file_sha256 file_size keep verify
umask 022
[[ $version =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ && $keep =~ ^[0-9]+$ ]] || fail "version or keep: not as documented"
vault_open || fail "$MOUNT_POINT: the vault is not open; weights are never written outside it. Bring the vault up first"
mkdir -p "$STORE/blobs" "$STORE/versions"
[[ -d $INCOMING ]] || mkdir -m 0700 "$INCOMING"
fresh=$STORE/versions/.$version.new
manifest=$INCOMING/manifest-$version
rm -rf -- "$STORE"/versions/.*.new "$STORE/.current.new"

write_manifest() {
  local at line
  for at in "${!file_path[@]}"; do printf '%s  %s\n' "${file_sha256[at]}" "${file_path[at]}"; done >"$manifest"
  line=$(sha256sum <"$manifest")
  [[ ${line%% *} == "$manifest_sha256" ]] || fail "the list of files has SHA-256 ${line%% *}, wanted $manifest_sha256. Nothing was changed"
}

check_files() {
  local at
  for at in "${!file_path[@]}"; do
    check_path "${file_path[at]}"
    check_sha "${file_sha256[at]}"
  done
}

# Told before the first byte, not by a full disk in the middle.
check_remote_space() {
  local at need=0 free size have
  for at in "${!file_path[@]}"; do
    ! blob_good "${file_sha256[at]}" "" || continue
    size=$(remote_bytes "$url/$(encoded "${file_path[at]}")")
    have=$(stat -c %s -- "$(staged "${file_sha256[at]}")" 2>/dev/null || printf 0)
    need=$((need + ${size:-0} - have))
  done
  free=$(free_bytes)
  ((need + 67108864 <= free)) || fail "vault: $((free / 1048576)) MiB free, the model needs $((need / 1048576)) MiB more and 64 MiB must stay free; remove versions (weights.keepVersions) or use larger disks. Nothing was changed"
}

# settle PATH SHA256 [SIZE]: from the staging folder into blobs, only with the right content.
settle() {
  local path=$1 sha=$2 size=${3-} from line
  ! blob_good "$sha" "$size" || return 0
  from=$(staged "$sha")
  if [[ -n $url ]]; then fetch_blob "$url/$(encoded "$path")" "$from" "$sha"; fi
  [[ $size != 0 ]] || : >"$from"
  [[ -f $from ]] || fail "$path: has not arrived ($from is not there); run again"
  line=$(stat -c %s -- "$from")
  if [[ -n $size && $line -lt $size ]]; then fail "$path: $line of $size bytes have arrived; run again, and the rest follows"; fi
  line=$(sha256sum <"$from")
  if [[ ${line%% *} != "$sha" ]]; then
    rm -f -- "$from"
    fail "$path: arrived with SHA-256 ${line%% *}, wanted $sha. It was deleted; the current version is untouched. If the file on the workstation has changed, make its manifest anew"
  fi
  chmod 0444 -- "$from"
  touch -d "@$MARK" -- "$from"
  sync -- "$from"
  mv -fT -- "$from" "$STORE/blobs/$sha"
  note_read "$sha"
}

# Each content noted as it is read, so that an act that was cut off goes on. One that has changed under the same size
# and time is no longer in the store; settle brings it anew, now or once it has been uploaded.
read_again() {
  local at sha due=() line bad=0
  local -A path=()
  for at in "${!file_sha256[@]}"; do path[${file_sha256[at]}]=${file_path[at]}; done
  mapfile -t due < <(unread "${!path[@]}")
  for at in "${!due[@]}"; do
    sha=${due[at]}
    blob_good "$sha" "" || continue
    step "reading $((at + 1)) of ${#due[@]}: ${path[$sha]}"
    # A reading error is the disk's, too.
    line=$(sha256sum <"$STORE/blobs/$sha") || line=""
    if [[ ${line%% *} == "$sha" ]]; then
      note_read "$sha"
    else
      warn "${path[$sha]}: it has changed on the vault, though nobody wrote to it: look after the disks. It is brought anew"
      rm -f -- "$STORE/blobs/$sha"
      bad=$((bad + 1))
    fi
  done
  ((bad == 0)) || sync -f "$STORE"
}

put_manifest() {
  install -m 0444 -- "$manifest" "$1/.racksmith.new"
  touch -d "@$MARK" -- "$1/.racksmith.new"
  mv -fT -- "$1/.racksmith.new" "$1/SHA256SUMS"
}

build_version() {
  local at
  mkdir "$fresh"
  for at in "${!file_path[@]}"; do
    [[ ${file_path[at]} != */* ]] || mkdir -p -- "$fresh/${file_path[at]%/*}"
    ln -- "$STORE/blobs/${file_sha256[at]}" "$fresh/${file_path[at]}"
  done
  put_manifest "$fresh"
  sync -f "$STORE"
  mv -T -- "$fresh" "$STORE/versions/$version"
}

# File by file and by rename: a server that reads the version never finds one missing.
repair_version() {
  local at path dir=$STORE/versions/$version
  local -A wanted=()
  for at in "${!file_path[@]}"; do wanted[${file_path[at]}]=${file_sha256[at]}; done
  while IFS= read -r path; do
    [[ -n $path ]] || continue
    if [[ -z ${wanted[$path]-} ]]; then
      warn "version $version: removing $path, which its manifest does not name"
      rm -f -- "$dir/$path"
      continue
    fi
    step "version $version: restoring $path"
    [[ $path != */* ]] || mkdir -p -- "$dir/${path%/*}"
    ln -f -- "$STORE/blobs/${wanted[$path]}" "$dir/.racksmith.new"
    mv -fT -- "$dir/.racksmith.new" "$dir/$path"
  done < <({ damaged "$version" && unlinked "$version"; } | sort -u)
}

make_current() {
  [[ $(current_id) != "$version" ]] || return 0
  step "version $version becomes current"
  ln -s -- "versions/$version" "$STORE/.current.new"
  mv -fT -- "$STORE/.current.new" "$STORE/current"
  sync -f "$STORE"
}

# make_room: what keepVersions lets go, before the first byte is written: on a full vault nothing else would free any.
# Contents that only those versions had go with them, but for what has arrived for the wanted one.
make_room() {
  local id sha current contents=()
  current=$(current_id)
  [[ -n $current ]] || return 0
  while IFS= read -r id; do
    [[ $id != "$version" ]] || continue
    mapfile -t contents < <(hashes_of "$id")
    remove_version "$id"
    for sha in "${contents[@]}"; do
      [[ " ${file_sha256[*]} " == *" $sha "* ]] || find "$STORE/blobs" -mindepth 1 -name "$sha" -links 1 -delete
    done
  done < <(surplus "$current" "$keep")
}

remove_version() {
  step "removing version $1"
  rm -rf -- "${STORE:?}/versions/$1"
}

collect_garbage() {
  local id gone=()
  mapfile -t gone < <(surplus "$version" "$keep")
  for id in "${gone[@]}"; do remove_version "$id"; done
  find "$STORE/blobs" -mindepth 1 -type f -links 1 -delete
  rm -f -- "$INCOMING"/weights-* "$INCOMING"/manifest-*
  forget_reads
}

make_room
# Also mends a line that a power cut tore. What is lost with it is only read again.
forget_reads || true
if [[ -n $url ]]; then
  command -v curl >/dev/null || apt_install curl ca-certificates
  fetch_manifest "$url" "$manifest_sha256" "$manifest"
  read_manifest "$manifest"
  check_files
else
  check_files
  write_manifest
fi
had=$(manifest_of "$version")
[[ -z $had || $had == "$manifest_sha256" ]] || fail "version $version is on the vault with other content (manifest $had, wanted $manifest_sha256); give the new content a new version. Nothing was changed"
if [[ $verify == full ]]; then read_again; fi
if [[ -n $url ]]; then check_remote_space; fi
step "verifying ${#file_path[@]} files"
for at in "${!file_path[@]}"; do settle "${file_path[at]}" "${file_sha256[at]}" "${file_size[at]-}"; done
if [[ -d $STORE/versions/$version ]]; then
  [[ -n $had ]] || put_manifest "$STORE/versions/$version"
  repair_version
else
  build_version
fi
make_current
collect_garbage
