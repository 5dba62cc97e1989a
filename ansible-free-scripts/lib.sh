# shellcheck shell=bash
# lib.sh: what every script shares. Sourced after `set -euo pipefail`.
# Inputs are data: nothing here evaluates them, and few of these functions start a process.

# Bytes are bytes, and tools answer in English.
export LC_ALL=C

# step TEXT: a progress line, shown live.
step() { printf '::status %s\n' "${1//[$'\n\r']/ }"; }

# warn TEXT: something a person should read, which stops nothing.
warn() { printf '::warn %s\n' "${1//[$'\n\r']/ }"; }

# needs_reboot WHY: asks for a reboot once this script has ended well.
needs_reboot() { printf '::reboot %s\n' "${1//[$'\n\r']/ }"; }

# fail TEXT: message on stderr, exit 1.
fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

# lib_abort TEXT: as fail, but ends the whole script from inside a pipeline too.
lib_abort() {
  printf '%s\n' "$1" >&2
  if ((BASH_SUBSHELL > 0)); then kill -s TERM "$$"; fi
  exit 1
}

# read_inputs NAME...: fills the named variables from `key=value` lines on stdin.
# A variable declared as an array collects a repeated key; in a scalar the last line wins.
# Other keys are ignored. In values `\\` is a backslash, `\n` a newline, `\r` a carriage return.
read_inputs() {
  local _ri_decls _ri_name _ri_line _ri_key _ri_value _ri_rest _ri_number=0
  local -A _ri_kind=()
  local -a _ri_lines=()
  _ri_decls=$'\n'$(declare -p "$@")
  for _ri_name in "$@"; do
    case $_ri_decls in
      *$'\n'"declare -a $_ri_name"[=$'\n']* | *$'\n'"declare -a $_ri_name") _ri_kind[$_ri_name]=list ;;
      *) _ri_kind[$_ri_name]=scalar ;;
    esac
  done
  mapfile -t _ri_lines
  for _ri_line in "${_ri_lines[@]}"; do
    _ri_number=$((_ri_number + 1))
    [[ -n $_ri_line ]] || continue
    _ri_key=${_ri_line%%=*}
    if [[ $_ri_key == "$_ri_line" || ! $_ri_key =~ ^[a-z][a-z0-9_]*$ ]]; then
      fail "input line $_ri_number is not key=value"
    fi
    [[ -n ${_ri_kind[$_ri_key]-} ]] || continue
    _ri_value=${_ri_line#*=}
    if [[ $_ri_value == *\\* ]]; then
      _ri_rest=${_ri_value//\\\\/_}
      _ri_rest=${_ri_rest//\\[nr]/_}
      [[ $_ri_rest != *\\* ]] || fail "input $_ri_key: a backslash must be followed by \\, n or r"
      printf -v _ri_value '%b' "$_ri_value"
    fi
    if [[ ${_ri_kind[$_ri_key]} == list ]]; then
      local -n _ri_list=$_ri_key
      _ri_list+=("$_ri_value")
      unset -n _ri_list
    else
      printf -v "$_ri_key" '%s' "$_ri_value"
    fi
  done
}

# JSON, without jq. json_begin … json_end prints one object; json_end VAR keeps it instead, to go
# into another one with json_raw or json_array.
_json_stack=()

json_begin() { _json_stack+=(""); }

# _json_quote TEXT: sets _json_quoted.
_json_quote() {
  local text=$1 code char
  if [[ $text == *[\"\\[:cntrl:]]* ]]; then
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    text=${text//$'\n'/\\n}
    text=${text//$'\r'/\\r}
    text=${text//$'\t'/\\t}
    if [[ $text == *[[:cntrl:]]* ]]; then
      for code in 0{1,2,3,4,5,6,7,8} 0b 0c 0e 0f 1{0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f} 7f; do
        printf -v char '%b' "\\x$code"
        text=${text//"$char"/\\u00$code}
      done
    fi
  fi
  _json_quoted="\"$text\""
}

# json_raw KEY JSON
json_raw() {
  local last=$((${#_json_stack[@]} - 1))
  _json_quote "$1"
  _json_stack[last]+="${_json_stack[last]:+,}$_json_quoted:$2"
}

# json_str KEY TEXT
json_str() {
  local quoted
  _json_quote "$2"
  quoted=$_json_quoted
  json_raw "$1" "$quoted"
}

# json_num KEY NUMBER: anything that is not a JSON number becomes null.
json_num() {
  if [[ $2 =~ ^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$ ]]; then json_raw "$1" "$2"; else json_raw "$1" null; fi
}

# json_bool KEY VALUE: true, yes, on and 1 are true.
json_bool() {
  case $2 in
    true | yes | on | 1) json_raw "$1" true ;;
    *) json_raw "$1" false ;;
  esac
}

# json_list KEY TEXT...: a list of strings.
json_list() {
  local key=$1 out="" item
  shift
  for item in "$@"; do
    _json_quote "$item"
    out+="${out:+,}$_json_quoted"
  done
  json_raw "$key" "[$out]"
}

# json_array KEY JSON...: a list of ready JSON values.
json_array() {
  local key=$1 IFS=,
  shift
  json_raw "$key" "[$*]"
}

# json_end [VAR]: closes the object and prints it, or puts it in VAR.
json_end() {
  local _json_last=$((${#_json_stack[@]} - 1)) _json_to=("$@") _json_body
  _json_body="{${_json_stack[_json_last]}}"
  unset '_json_stack[_json_last]'
  if ((${#_json_to[@]} > 0)); then
    printf -v "${_json_to[0]}" '%s' "$_json_body"
  else
    printf '%s\n' "$_json_body"
  fi
}

# json_map KEY [NAME TEXT]...: an object of strings.
json_map() {
  local key=$1 object
  shift
  json_begin
  while (($# > 1)); do
    json_str "$1" "$2"
    shift 2
  done
  json_end object
  json_raw "$key" "$object"
}

# changed_file PATH MODE OWNER[:GROUP]: stdin becomes the file, only where it differs. 0 changed, 1 not.
# Written beside it, synced and renamed: a power cut leaves the old file or the new one.
changed_file() {
  local path=$1 mode=$2 owner=$3 dir fresh had want
  dir=${path%/*}
  dir=${dir:-/}
  [[ $owner == *:* ]] || owner=$owner:$owner
  [[ -d $dir ]] || mkdir -p "$dir" || lib_abort "$path: cannot make the folder $dir"
  # Leftovers of a run that a power cut ended.
  rm -f "$dir/.${path##*/}.racksmith".?????? || true
  fresh=$(mktemp "$dir/.${path##*/}.racksmith.XXXXXX") || lib_abort "$path: cannot write in $dir"
  if ! { cat >"$fresh" && chmod "$mode" "$fresh" && chown "$owner" "$fresh"; }; then
    rm -f "$fresh"
    lib_abort "$path: cannot write it (is the disk full?); the old file is untouched"
  fi
  if [[ -f $path && ! -L $path ]] && cmp -s "$fresh" "$path"; then
    had=$(stat -c '%a %U:%G' "$path")
    want=$(stat -c '%a %U:%G' "$fresh")
    rm -f "$fresh"
    [[ $had != "$want" ]] || return 1
    if ! { chmod "$mode" "$path" && chown "$owner" "$path"; }; then
      lib_abort "$path: cannot set mode $mode and owner $owner"
    fi
    return 0
  fi
  if ! { sync "$fresh" && mv -fT "$fresh" "$path" && sync "$dir"; }; then
    rm -f "$fresh"
    lib_abort "$path: cannot put the new file in place"
  fi
  return 0
}

# mark_due PATH: an empty file that stands from before something is changed until that is in force: an act may be
# ended in between, and the next one then finds its files as they should be.
mark_due() { changed_file "$1" 0600 root </dev/null || true; }

# disk_by_serial SERIAL: prints the device of the whole disk. 1 when there is none.
disk_by_serial() {
  local wanted=$1 line found=() all
  all=$(lsblk -dnPo SERIAL,PATH,TYPE) || fail "lsblk cannot list the disks"
  while IFS= read -r line; do
    [[ $line =~ ^SERIAL=\"(.*)\"\ PATH=\"(.*)\"\ TYPE=\"disk\"$ ]] || continue
    [[ ${BASH_REMATCH[1]} == "$wanted" ]] && found+=("${BASH_REMATCH[2]}")
  done <<<"$all"
  case ${#found[@]} in
    0) return 1 ;;
    1) printf '%s\n' "${found[0]}" ;;
    *) fail "disk serial $wanted is carried by ${found[*]}: cannot tell which is meant" ;;
  esac
}

# apt_install PKG[=VERSION]... and apt_update OFFERED...: see apt.sh, read only when packages are wanted.
apt_install() { _with_apt apt_install "$@"; }
apt_update() { _with_apt apt_update "$@"; }
_with_apt() {
  # shellcheck source=apt.sh
  . "${BASH_SOURCE[0]%/*}/apt.sh"
  "$@"
}
