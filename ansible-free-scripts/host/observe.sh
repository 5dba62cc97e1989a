#!/usr/bin/env bash
# host/observe: what this machine is. Changes nothing.
# Inputs (stdin, key=value):
#   port               TCP port to look at, repeated: who listens there
#   root_free_mib      free space on / that is asked for; more than that is reported as just that
set -euo pipefail
here=${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}
# shellcheck source=../lib.sh
. "${here}../lib.sh"
# shellcheck source=hardware.sh
. "${here}hardware.sh"
port=() root_free_mib=0
read_inputs port root_free_mib

secure_boot() {
  local variable=${root-}/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c byte
  if [[ ! -e $variable ]]; then
    json_str secureBoot absent
    return
  fi
  byte=$(od -An -tu1 -j4 -N1 "$variable")
  if ((byte == 1)); then json_str secureBoot enabled; else json_str secureBoot disabled; fi
}

cpu_and_memory() {
  local line model="" threads=0 kib=0
  while IFS= read -r line; do
    case $line in
      processor*) threads=$((threads + 1)) ;;
      "model name"*) model=${line#*: } ;;
    esac
  done <"$root/proc/cpuinfo"
  while read -r line kib _; do
    [[ $line != MemTotal: ]] || break
  done <"$root/proc/meminfo"
  json_str cpuModel "$model"
  json_num cpuThreads "$threads"
  json_num memoryMiB "$((kib / 1024))"
}

root_free() {
  local line free
  line=$(df -Pk "$root/" | tail -n 1)
  read -r _ _ _ free _ <<<"$line"
  free=$((free / 1024))
  if ((root_free_mib > 0 && free > root_free_mib)); then free=$root_free_mib; fi
  json_num rootFreeMiB "$free"
  # From the first deployment on, what was installed has taken its share of that space.
  if [[ -d $root/etc/racksmith ]]; then json_bool managed yes; else json_bool managed no; fi
}

# Only the ports asked for: what else listens comes and goes.
ports() {
  local listening wanted line holder entry entries=()
  ((${#port[@]} > 0)) || {
    json_raw ports "[]"
    return
  }
  listening=$(ss -H -l -t -n -p)
  for wanted in "${port[@]}"; do
    while IFS= read -r line; do
      [[ $line =~ ^LISTEN\ +[0-9]+\ +[0-9]+\ +([^\ ]+):([0-9]+)\ +[^\ ]+(.*)$ && ${BASH_REMATCH[2]} == "$wanted" ]] || continue
      local address=${BASH_REMATCH[1]} users=${BASH_REMATCH[3]} process="" pid=""
      [[ $users =~ \(\"([^\"]+)\",pid=([0-9]+) ]] && process=${BASH_REMATCH[1]} pid=${BASH_REMATCH[2]}
      holder_of "$wanted" "$pid" "$process"
      json_begin
      json_num port "$wanted"
      json_str address "$address"
      json_str process "$process"
      json_str holder "$holder"
      json_end entry
      entries+=("$entry")
    done <<<"$listening"
  done
  json_array ports "${entries[@]}"
}

# holder_of PORT PID PROCESS: sets holder to the container or the systemd unit that a listening process belongs to.
holder_of() {
  local cgroup="" id name published
  [[ -z $2 ]] || first_line cgroup "${root-}/proc/$2/cgroup"
  holder=${cgroup##*/}
  # A container on the host's network publishes nothing: its own process listens. Else Docker's proxy does.
  if [[ $cgroup =~ docker[-/]([0-9a-f]{64}) ]]; then
    read_containers
    while IFS='|' read -r id name published; do
      [[ $id != "${BASH_REMATCH[1]}" ]] || holder="container $name"
    done <<<"$containers"
  elif [[ $3 == docker-proxy ]]; then
    read_containers
    while IFS='|' read -r id name published; do
      [[ ", $published" != *":$1->"* ]] || holder="container $name"
    done <<<"$containers"
  fi
}

# Asked once, and only when a container listens: the docker command takes its time.
read_containers() {
  [[ -z ${containers+read} ]] || return 0
  containers=$(timeout 10 docker ps --no-trunc --format '{{.ID}}|{{.Names}}|{{.Ports}}' 2>/dev/null) || containers=$(recorded_containers)
}

# Containers go on without their daemon (live-restore). What it wrote down about the running ones, in the form above.
recorded_containers() {
  local folder=/var/lib/docker file text id name published
  local data_root='"data-root"[[:space:]]*:[[:space:]]*"([^"\\]+)"' host_port='"HostPort":"([0-9]+)"(.*)$'
  # The last such name is the container's own: labels come before it, and volumes have no slash.
  local own_name='.*"Name":"/([A-Za-z0-9][A-Za-z0-9_.-]*)"'
  [[ -r $root/etc/docker/daemon.json && $(<"$root/etc/docker/daemon.json") =~ $data_root ]] && folder=${BASH_REMATCH[1]}
  for file in "$root$folder"/containers/*/config.v2.json; do
    { text=$(<"$file"); } 2>/dev/null || continue
    [[ $text == *'"Running":true'* && $text =~ $own_name ]] || continue
    name=${BASH_REMATCH[1]} published=""
    id=${file%/*}
    while [[ $text =~ $host_port ]]; do
      published+="${published:+, }:${BASH_REMATCH[1]}->"
      text=${BASH_REMATCH[2]}
    done
    printf '%s|%s|%s\n' "${id##*/}" "$name" "$published"
  done
}

json_begin
os_facts
secure_boot
cpu_and_memory
root_free
disks
nics
pci_gpus
driver_gpus
platform
ports
json_str user "${SUDO_USER:-$(id -un)}"
json_end
