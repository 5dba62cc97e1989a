# shellcheck shell=bash
# raid/block.sh: what a block device carries and who uses it. Sourced by raid and vault, after lib.sh.

# carries DEVICE: signatures found on it by reading it, "ext4 UUID, gpt UUID"; empty when blank.
carries() {
  local type uuid found="" seen=" "
  local listing
  listing=$(wipefs --noheadings --output TYPE,UUID -- "$1") || fail "$1: cannot be read to see what it carries"
  while read -r type uuid; do
    [[ -n $type && $seen != *" $type "* ]] || continue
    seen+="$type "
    found+="${found:+, }$type${uuid:+ $uuid}"
  done <<<"$listing"
  printf '%s' "$found"
}

# used_by DEVICE: "mounted at /x", "held by md127 (raid1)"; empty when nobody uses it or its partitions.
used_by() {
  local line all first=1 pattern='^KNAME="([^"]*)" TYPE="([^"]*)" MOUNTPOINT="(.*)"$'
  all=$(lsblk -nPo KNAME,TYPE,MOUNTPOINT -- "$1") || fail "$1: lsblk cannot look at it"
  while IFS= read -r line; do
    [[ $line =~ $pattern ]] || continue
    if [[ -n ${BASH_REMATCH[3]} ]]; then
      printf '%s mounted at %s' "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]}"
      return 0
    fi
    if ((first == 0)) && [[ ${BASH_REMATCH[2]} != part ]]; then
      printf 'held by %s (%s)' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
      return 0
    fi
    first=0
  done <<<"$all"
}

# blank DEVICE: destroys every signature on it and on its partitions. The caller has checked that it may.
blank() {
  local part
  while IFS= read -r part; do
    [[ $part == "$1" ]] || wipefs --all --quiet -- "$part"
  done < <(lsblk -nro PATH -- "$1")
  wipefs --all --quiet -- "$1"
  blockdev --rereadpt -- "$1" 2>/dev/null || true
  udevadm settle --timeout=30 || true
}
