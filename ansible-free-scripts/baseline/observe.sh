#!/usr/bin/env bash
# baseline/observe: the system's settings as they are in force, and the files that keep them so. Changes nothing.
# Inputs (stdin, key=value):
#   file_path    file to look at, repeated
#   sysctl_key   kernel setting to read, repeated
set -euo pipefail
here=${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}
# shellcheck source=../lib.sh
. "${here}../lib.sh"
# shellcheck source=state.sh
. "${here}state.sh"
file_path=() sysctl_key=()
read_inputs file_path sysctl_key

files() {
  local path hash found entry entries=() plain=()
  local -A sum=() mode=()
  for path in ${file_path[@]+"${file_path[@]}"}; do
    [[ ! -f $path ]] || plain+=("$path")
  done
  # Each tool runs once over all files: starting it takes longer than what it does.
  if ((${#plain[@]} > 0)); then
    while read -r -d '' hash path; do sum["$path"]=$hash; done < <(sha256sum -z -- "${plain[@]}")
    while read -r -d '' found path; do mode["$path"]=$found; done < <(stat -L --printf '%a %n\0' -- "${plain[@]}")
  fi
  for path in ${file_path[@]+"${file_path[@]}"}; do
    json_begin
    json_str path "$path"
    json_str sha256 "${sum["$path"]-}"
    json_str mode "${mode["$path"]-}"
    json_end entry
    entries+=("$entry")
  done
  json_array files ${entries[@]+"${entries[@]}"}
}

sysctls() {
  local key value object
  json_begin
  for key in ${sysctl_key[@]+"${sysctl_key[@]}"}; do
    if value=$(sysctl_read "$key"); then json_str "$key" "$value"; fi
  done
  json_end object
  json_raw sysctl "$object"
}

# Lines of fstab that name a swap area.
fstab_swaps() {
  local device type lines=()
  if [[ -f /etc/fstab ]]; then
    while read -r device _ type _; do
      if [[ $device != \#* && $type == swap ]]; then lines+=("$device in /etc/fstab"); fi
    done </etc/fstab
  fi
  json_list fstabSwaps ${lines[@]+"${lines[@]}"}
}

unattended() {
  local line names=()
  while IFS= read -r line; do
    [[ $line =~ ^Unattended-Upgrade::Package-Blacklist::\ \"(.*)\"\;$ ]] || continue
    names+=("${BASH_REMATCH[1]}")
  done < <(apt-config dump Unattended-Upgrade::Package-Blacklist)
  json_list unattendedBlacklist ${names[@]+"${names[@]}"}
}

journal() {
  local line max=""
  while IFS= read -r line; do
    if [[ $line == SystemMaxUse=* ]]; then max=${line#*=}; fi
  done < <(systemd-analyze cat-config systemd/journald.conf 2>/dev/null)
  json_str journalMaxUse "$max"
}

json_begin
files
mapfile -t due < <(files_due)
json_list filesDue ${due[@]+"${due[@]}"}
sysctls
json_str memlock "$(manager_memlock)"
json_str transparentHugePages "$(thp_mode)"
mapfile -t swaps < <(active_swaps)
json_list swaps ${swaps[@]+"${swaps[@]}"}
fstab_swaps
if [[ -d /sys/module/nouveau ]]; then json_bool nouveauLoaded yes; else json_bool nouveauLoaded no; fi
json_str timeService "$(time_service)"
unattended
journal
json_str firewall "$(firewall_state)"
json_end
