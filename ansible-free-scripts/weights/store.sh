# shellcheck shell=bash
# weights/store.sh: the content-addressed store on the vault. Sourced after lib.sh.
#   blobs/SHA256            file contents, mode 0444, modification time 1: any later write shows
#   versions/ID/PATH        hard links to blobs, and SHA256SUMS
#   current -> versions/ID  what the inference server reads
#   read                    lines `SHA256 INODE:SIZE:MTIME EPOCH`: when a content was last read whole and found good
# Uploads arrive in ../incoming, on the same vault: never in the clear elsewhere.

MOUNT_POINT=/srv/racksmith/vault
STORE=$MOUNT_POINT/weights
INCOMING=$MOUNT_POINT/incoming
MARK=1
# With verify: full, how old the last whole reading of a content may be.
READ_EVERY_SECONDS=86400

vault_open() {
  local source
  source=$(findmnt --noheadings --first-only --output SOURCE --mountpoint "$MOUNT_POINT" 2>/dev/null) || return 1
  [[ $source == /dev/mapper/racksmith-* ]]
}

# staged SHA256: where an upload arrives.
staged() { printf '%s/weights-%s' "$INCOMING" "$1"; }

# blob_good SHA256 SIZE: there, and not written to since it was verified. SIZE may be empty.
blob_good() {
  local found
  [[ -f $STORE/blobs/$1 && ! -L $STORE/blobs/$1 ]] || return 1
  found=$(stat -c '%Y %s' -- "$STORE/blobs/$1")
  [[ ${found% *} == "$MARK" && ${2:-${found#* }} == "${found#* }" ]]
}

# note_read SHA256: its content was read whole just now, and is good.
note_read() {
  find "$STORE/blobs/$1" -printf "%f %i:%s:%T@ $EPOCHSECONDS\n" >>"$STORE/read"
}

# unread SHA256...: those on the vault whose content was not read whole within a day, or is another file since.
unread() {
  local sha mark epoch now=$EPOCHSECONDS
  local -A marks=() read_as=()
  if [[ -f $STORE/read ]]; then
    while read -r sha mark epoch; do
      [[ $epoch =~ ^[0-9]{1,12}$ ]] || continue
      read_as[$sha]=""
      ((epoch > now || now - epoch > READ_EVERY_SECONDS)) || read_as[$sha]=$mark
    done <"$STORE/read"
  fi
  [[ ! -d $STORE/blobs ]] || while read -r sha mark; do marks[$sha]=$mark; done < <(find "$STORE/blobs" -type f -printf '%f %i:%s:%T@\n')
  for sha in "$@"; do
    [[ -z ${marks[$sha]-} || ${read_as[$sha]-} == "${marks[$sha]}" ]] || printf '%s\n' "$sha"
  done
}

# forget_reads: one line for each content that is still there.
forget_reads() {
  local sha rest lines=""
  local -A last=()
  [[ -f $STORE/read ]] || return 0
  while read -r sha rest; do [[ ! $sha =~ ^[0-9a-f]{64}$ || ! -e $STORE/blobs/$sha ]] || last[$sha]=$rest; done <"$STORE/read"
  for sha in "${!last[@]}"; do lines+="$sha ${last[$sha]}"$'\n'; done
  printf '%s' "$lines" >"$STORE/.read.new" && mv -fT -- "$STORE/.read.new" "$STORE/read"
}

# hashes_of ID: of a version's contents, once each, as its SHA256SUMS names them.
hashes_of() {
  [[ -f $STORE/versions/$1/SHA256SUMS ]] || return 0
  cut -c 1-64 -- "$STORE/versions/$1/SHA256SUMS" | sort -u
}

# manifest_of ID: hash of a version's SHA256SUMS, empty when there is none or somebody wrote to it.
manifest_of() {
  local line file=$STORE/versions/$1/SHA256SUMS
  [[ -f $file && $(stat -c %Y -- "$file") == "$MARK" ]] || return 0
  line=$(sha256sum <"$file")
  printf '%s' "${line%% *}"
}

current_id() {
  local target
  target=$(readlink -- "$STORE/current") || return 0
  printf '%s' "${target##*/}"
}

# damaged ID: paths of a version that were written to, are missing, or are not in its SHA256SUMS.
damaged() {
  local dir=$STORE/versions/$1
  [[ -f $dir/SHA256SUMS ]] || return 0
  comm -3 <(sed -E 's/^[0-9a-f]{64} [ *](\.\/)?//' "$dir/SHA256SUMS" | sed "s/^/$MARK.0000000000 f /" | sort) \
    <(find "$dir" -mindepth 1 ! -type d ! -path "$dir/SHA256SUMS" -printf '%T@ %y %P\n' | sort) |
    sed -E 's/^\t?[0-9.]+ . //' | sort -u
}

# unlinked ID: paths of a version that are not the blob their SHA256SUMS names.
unlinked() {
  local line path dir=$STORE/versions/$1
  [[ -f $dir/SHA256SUMS ]] || return 0
  while IFS= read -r line || [[ -n $line ]]; do
    path=${line:66}
    path=${path#./}
    [[ $dir/$path -ef $STORE/blobs/${line:0:64} ]] || printf '%s\n' "$path"
  done <"$dir/SHA256SUMS"
}

# in_use ID: some process (a container) has the version mounted.
in_use() {
  grep -qsE "^[0-9]+ [0-9]+ [0-9:]+ /weights/versions/$1(/[^ ]*)? " /proc/[0-9]*/mountinfo
}

# surplus ID KEEP: versions that may go, when ID is current and KEEP stay. Newest stay longest.
surplus() {
  local id kept=1 listing
  [[ -d $STORE/versions ]] || return 0
  listing=$(find "$STORE/versions" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%T@ %f\n' | sort -rn)
  while read -r _ id; do
    [[ -n $id && $id != "$1" ]] || continue
    kept=$((kept + 1))
    ((kept <= $2)) || in_use "$id" || printf '%s\n' "$id"
  done <<<"$listing"
}

# check_path PATH: a name from a manifest may only lead to a place inside the version.
check_path() {
  [[ -n $1 && $1 != /* && $1 != *[[:cntrl:]\\]* && /$1/ != *//* && /$1/ != */./* && /$1/ != */../* && $1 != SHA256SUMS ]] ||
    fail "manifest: the file name '${1//[[:cntrl:]]/?}' is not allowed (absolute, .., empty part, control character or backslash)"
}

check_sha() { [[ $1 =~ ^[0-9a-f]{64}$ ]] || fail "manifest: '${1//[[:cntrl:]]/?}' is no SHA-256"; }

free_bytes() {
  local line
  line=$(df --output=avail -B1 -- "$MOUNT_POINT" | tail -n 1)
  printf '%s' "${line// /}"
}
