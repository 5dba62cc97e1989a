#!/usr/bin/env bash
# driver/observe: which driver is installed, which is loaded, how the cards are set. Changes nothing.
# Inputs (stdin, key=value): none.
set -euo pipefail
here=${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}
# shellcheck source=../lib.sh
. "${here}../lib.sh"
# shellcheck source=../host/hardware.sh
. "${here}../host/hardware.sh"
# shellcheck source=state.sh
. "${here}state.sh"
read_inputs LC_ALL

packages() {
  local abbreviation name version state held entry entries=()
  while IFS='|' read -r abbreviation name version; do
    case $abbreviation in
      ?i*) state=installed ;;
      ?n* | ?c*) continue ;;
      *) state=broken ;;
    esac
    held=no
    [[ $abbreviation != h* ]] || held=yes
    json_begin
    json_str name "$name"
    json_str version "$version"
    json_str state "$state"
    json_bool held "$held"
    json_end entry
    entries+=("$entry")
  done < <(stack_packages)
  json_array packages ${entries[@]+"${entries[@]}"}
}

fields=pci.bus_id,persistence_mode,power.limit,power.max_limit
fields+=,ecc.mode.current,ecc.mode.pending,mig.mode.current,mig.mode.pending

settings() {
  local out="" lines=()
  if command -v nvidia-smi >/dev/null; then
    out=$(timeout 60 nvidia-smi --query-gpu="$fields" --format=csv,noheader,nounits 2>&1) || out="ERROR $out"
  fi
  case $out in
    "") json_str smiError "" ;;
    ERROR*) json_str smiError "${out:6:300}" && out="" ;;
    *) json_str smiError "" && mapfile -t lines <<<"$out" ;;
  esac
  json_list gpus ${lines[@]+"${lines[@]}"}
}

files() {
  local line text
  while IFS= read -r line; do
    text=""
    # The dot keeps the newlines at the end.
    if [[ -f ${line#*=} ]]; then text=$(cat -- "${line#*=}" && printf .); fi
    json_str "${line%%=*}" "${text%.}"
  done < <(racksmith_files)
}

json_begin
os_facts
pci_gpus
packages
json_str loaded "$(loaded_version)"
json_str loadedKind "$(loaded_kind)"
settings
files
units=(nvidia-persistenced nvidia-fabricmanager nvidia-dcgm racksmith-gpu)
unit_states "${units[@]/%/.service}"
for unit in "${units[@]}"; do json_str "${unit//-/_}" "${UNIT_STATE[$unit.service]}"; done
json_end
