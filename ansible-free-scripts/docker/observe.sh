#!/usr/bin/env bash
# docker/observe: packages, holds, daemon.json, what the running engine does, GPU devices, group docker.
# Inputs (stdin, key=value):
#   source  distribution or docker-ce
set -euo pipefail
here=${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}
# shellcheck source=../lib.sh
. "${here}../lib.sh"
# shellcheck source=layers.sh
. "${here}layers.sh"
source=""
read_inputs source
daemon_json=/etc/docker/daemon.json
record=/var/lib/racksmith/docker.packages
packages="" recorded=""
names=(docker.io docker-cli docker-ce docker-ce-cli containerd containerd.io runc)

system=$(
  . /etc/os-release
  printf '%s %s' "$ID" "$VERSION_ID"
)

json_begin
while read -r status package version; do
  [[ $status != installed ]] || json_str "$package" "$version"
done < <(dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' -- "${names[@]}" 2>/dev/null)
json_end packages

json_begin
if [[ -f $record ]]; then
  while read -r package version; do json_str "$package" "$version"; done <"$record"
fi
json_end recorded

mapfile -t held < <(dpkg --get-selections "${names[@]}" 2>/dev/null | while read -r package state; do
  [[ $state != hold ]] || printf '%s\n' "${package%%:*}"
done)

main=docker.io
[[ $source != docker-ce ]] || main=docker-ce
candidate=""
if [[ $packages != *"\"$main\""* ]]; then
  policy=$(apt-cache policy -- "$main" 2>/dev/null) || policy=""
  [[ ! $policy =~ Candidate:\ ([^[:space:]]+) || ${BASH_REMATCH[1]} == "(none)" ]] || candidate=${BASH_REMATCH[1]}
fi

active=no enabled=no engine="" live="" cgroup="" logging="" root=""
while IFS= read -r line; do
  case $line in
    ActiveState=active) active=yes ;;
    UnitFileState=enabled) enabled=yes ;;
  esac
done < <(systemctl show -p ActiveState -p UnitFileState docker.service 2>/dev/null)
if [[ $active == yes ]]; then
  info=$(docker info --format '{{.ServerVersion}}|{{.LiveRestoreEnabled}}|{{.CgroupDriver}}|{{.LoggingDriver}}|{{.DockerRootDir}}' 2>/dev/null) || info=""
  IFS='|' read -r engine live cgroup logging root <<<"$info" || true
fi

in_doubt=0 watched=yes
if [[ -n $root ]]; then
  mapfile -t doubted < <(layers_in_doubt "$root")
  in_doubt=${#doubted[@]}
  layers_watched "$root" || watched=no
fi

text="" password=no
[[ ! -f $daemon_json ]] || text=$(<"$daemon_json")
# A proxy's password would end up in the state: say that it is there, not what it is.
if [[ $text =~ ://[^/\"]*:[^/\"]*@ ]]; then
  password=yes text=""
fi

loaded=""
if [[ -r /sys/module/nvidia/version ]]; then
  loaded=$(</sys/module/nvidia/version)
elif command -v nvidia-smi >/dev/null; then
  loaded=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1) || loaded=""
fi
[[ $loaded =~ ^[0-9.]+$ ]] || loaded=""
in_cdi=""
[[ ! -f /etc/cdi/nvidia.yaml || ! -f /var/lib/racksmith/cdi.driver ]] || in_cdi=$(</var/lib/racksmith/cdi.driver)

members=$(getent group docker) || members=""
IFS=, read -r -a group <<<"${members##*:}"

json_begin
json_str system "$system"
json_raw packages "$packages"
json_list held "${held[@]}"
json_raw recorded "$recorded"
json_str candidate "$candidate"
json_bool active "$active"
json_bool enabled "$enabled"
json_str engineVersion "$engine"
json_str daemonJson "$text"
json_bool daemonJsonHasPassword "$password"
json_bool restartDue "$([[ -e /var/lib/racksmith/docker.restart-due ]] && printf yes)"
json_bool liveRestore "$live"
json_str cgroupDriver "$cgroup"
json_str loggingDriver "$logging"
json_str rootDir "$root"
json_num layersInDoubt "$in_doubt"
json_bool layersWatched "$watched"
json_list group "${group[@]}"
json_str driverLoaded "$loaded"
json_str driverInCdi "$in_cdi"
json_end "$@"
