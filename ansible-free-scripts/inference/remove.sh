#!/usr/bin/env bash
# inference/remove: takes the container, the units, the gateway and its keys away. Weights and images stay.
# Inputs (stdin, key=value):
#   name           of the inference server
#   drain_seconds  longest wait for running answers
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../lib.sh"
. "$here/common.sh"
. "$here/gateway.sh"
name="" drain_seconds=1
read_inputs name drain_seconds
[[ -n $name ]] || fail "name is missing"
unit=racksmith-inference-$name

remove_unit() {
  if [[ -e $unit_dir/$1.service ]]; then
    systemctl disable --quiet --now "$1.service"
    rm -f "$unit_dir/$1.service"
    systemctl daemon-reload
    systemctl reset-failed "$1.service" 2>/dev/null || true
  fi
}

owner=""
[[ ! -f $gateway_dir/owner ]] || owner=$(<"$gateway_dir/owner")
if [[ $owner == "$name" && -S $gateway_socket ]] && command -v curl >/dev/null; then gateway_drain "$drain_seconds"; fi
step "removing $unit"
remove_unit "$unit"
if command -v docker >/dev/null; then
  for container in "$unit" "$unit-next" "$unit-previous"; do
    if docker container inspect -- "$container" >/dev/null 2>&1; then docker rm --force -- "$container" >/dev/null; fi
  done
fi
if [[ $owner == "$name" ]]; then
  remove_unit racksmith-gateway
  rm -rf -- "$gateway_dir"
  if [[ $(readlink "$unit_dir/haproxy.service") == /dev/null ]]; then
    systemctl unmask haproxy.service
    systemctl disable --quiet haproxy.service 2>/dev/null || true
  fi
fi
