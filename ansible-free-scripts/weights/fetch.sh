# shellcheck shell=bash
# weights/fetch.sh: brings files from a URL to the staging folder, going on where it stopped. Sourced after store.sh.

# encoded PATH: percent-encoded, slashes kept.
encoded() {
  local rest=$1 char out=""
  while [[ -n $rest ]]; do
    char=${rest:0:1}
    rest=${rest:1}
    case $char in
      [A-Za-z0-9._~/-]) out+=$char ;;
      *) printf -v char '%%%02X' "'$char" && out+=${char//FFFFFFFFFFFFFF/} ;;
    esac
  done
  printf '%s' "$out"
}

fetch() {
  curl --fail --silent --show-error --location --proto '=http,https' --connect-timeout 30 --speed-limit 1024 --speed-time 60 \
    --retry 5 --retry-connrefused "$@"
}

# fetch_manifest URL SHA256 FILE
fetch_manifest() {
  local line
  step "fetching $1/SHA256SUMS"
  fetch --output "$3" -- "$1/SHA256SUMS" || fail "$1/SHA256SUMS: cannot be fetched; is the address right and reachable from this host?"
  line=$(sha256sum <"$3")
  [[ ${line%% *} == "$2" ]] || fail "$1/SHA256SUMS: its SHA-256 is ${line%% *}, wanted $2 (weights.source.manifestSha256). Nothing was changed"
}

# read_manifest FILE: fills file_sha256 and file_path.
read_manifest() {
  local line
  file_sha256=() file_path=()
  while IFS= read -r line || [[ -n $line ]]; do
    [[ $line =~ ^([0-9a-f]{64})\ [\ *](.+)$ ]] || fail "SHA256SUMS: '${line//[[:cntrl:]]/?}' is no line of it"
    file_sha256+=("${BASH_REMATCH[1]}")
    file_path+=("${BASH_REMATCH[2]#./}")
  done <"$1"
}

# remote_bytes URL: what the server says; nothing when it does not answer HEAD, as some do.
remote_bytes() {
  local headers
  headers=$(fetch --head -- "$1" 2>/dev/null | tr -d '\r') || return 0
  printf '%s' "$(sed -nE 's/^[Cc]ontent-[Ll]ength: ([0-9]+)$/\1/p' <<<"$headers" | tail -n 1)"
}

has_hash() { [[ -e $1 && $(sha256sum <"$1") == "$2 "* ]]; }

# fetch_blob URL FILE SHA256: what is staged is continued; whole but wrong, it is begun anew, once.
fetch_blob() {
  local left=5 anew="" rc
  ! has_hash "$2" "$3" || return 0
  step "fetching $1"
  while ((left-- > 0)); do
    rc=0
    fetch --continue-at - --output "$2" -- "$1" || rc=$?
    # An empty answer makes no file.
    ((rc != 0)) || [[ -e $2 ]] || : >"$2"
    ! has_hash "$2" "$3" || return 0
    # 22 and 33: there is nothing to continue with, so what is staged is not the beginning of it.
    if ((rc == 0 || rc == 22 || rc == 33)); then
      [[ -z $anew && -e $2 ]] || break
      anew=yes
      rm -f -- "$2"
    fi
  done
  fail "$1: does not arrive as the manifest says (SHA-256 $3; last curl exit $rc); what has arrived stays for the next try"
}
