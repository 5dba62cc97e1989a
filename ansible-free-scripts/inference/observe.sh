#!/usr/bin/env bash
# inference/observe: the engine container, its units, the gateway, and whether one token comes back.
# Inputs (stdin, key=value):
#   name            of the inference server
#   served_name     what clients call the model
#   weights_path    directory or link that the container should have mounted
#   gateway_scheme  http or https
#   gateway_host    address that the health check asks
#   gateway_port    public port
set -euo pipefail
here=${BASH_SOURCE[0]%"${BASH_SOURCE[0]##*/}"}
# shellcheck source=../lib.sh
. "${here}../lib.sh"
# shellcheck source=common.sh
. "${here}common.sh"
name="" served_name="" weights_path="" gateway_scheme="" gateway_host="" gateway_port=""
read_inputs name served_name weights_path gateway_scheme gateway_host gateway_port
unit=racksmith-inference-$name

docker_version=""
container="missing" image="" args="[]" spec="" weights_version="" mounted="" swap=no
if command -v docker >/dev/null; then
  docker_version=$(docker version --format '{{.Server.Version}}' 2>/dev/null) || docker_version=""
  # One docker command for all three: each takes its time to start.
  fields=$(docker container inspect --format '{{.Name}}
{{.State.Status}}
{{.Config.Image}}
{{json .Config.Cmd}}
{{index .Config.Labels "racksmith.spec"}}
{{index .Config.Labels "racksmith.weights"}}
{{range .Mounts}}{{if eq .Destination "/weights"}}{{.Source}}{{end}}{{end}}' \
    -- "$unit" "$unit-previous" "$unit-next" 2>/dev/null) || true
  while IFS= read -r line; do
    case $line in
      "/$unit")
        { IFS= read -r container && IFS= read -r image && IFS= read -r args &&
          IFS= read -r spec && IFS= read -r weights_version && IFS= read -r mounted; } || true
        ;;
      "/$unit-previous" | "/$unit-next") swap=yes ;;
    esac
  done <<<"$fields"
fi
[[ $args == "["* ]] || args="[]"

# The engine's unit, then the gateway's: their blocks come in that order, with a blank line between.
active=(no no) enabled=(no no) at=0
while IFS= read -r line; do
  case $line in
    ActiveState=active | ActiveState=reloading) active[at]=yes ;;
    UnitFileState=enabled) enabled[at]=yes ;;
    "") at=1 ;;
  esac
done < <(systemctl show -p ActiveState -p UnitFileState "$unit.service" racksmith-gateway.service 2>/dev/null)
gateway_active=${active[1]}

declare -A sha256=()
while read -r sum path; do sha256[$path]=$sum; done < <(sha256sum -- "$unit_dir"/{"$unit",racksmith-gateway}.service \
  "$gateway_dir"/{haproxy.cfg,keys.map} 2>/dev/null)
holder=""
if [[ $gateway_active == no ]] && port_listens "$gateway_port"; then holder=$(port_holder "$gateway_port"); fi

# The same mode and owner for each file that holds keys, or what is wrong with one.
mapfile -t modes < <(stat -c '%a %U:%G' "$gateway_dir"/{keys.map,probe.map,probe.key} 2>/dev/null)
keys_mode=${modes[0]-missing}
((${#modes[@]} == 3)) || keys_mode=missing
for mode in "${modes[@]}"; do [[ $mode == "600 root:root" ]] || keys_mode=$mode; done
owner=""
[[ ! -f $gateway_dir/owner ]] || owner=$(<"$gateway_dir/owner")

healthy=no busy=no
if [[ $container != missing && $gateway_active == yes ]]; then
  if probe; then healthy=yes; elif engine_busy; then busy=yes; fi
else
  probe_detail="the container is $container, the gateway is $([[ $gateway_active == yes ]] && printf 'up' || printf 'down')"
fi

json_begin
json_str dockerVersion "$docker_version"
json_str container "$container"
json_str image "$image"
json_raw engineArgs "$args"
json_str spec "$spec"
json_str weightsVersion "$weights_version"
json_str weightsMounted "$mounted"
json_str weightsWanted "$([[ ! -d $weights_path ]] || readlink -f -- "$weights_path")"
json_bool swapUnfinished "$swap"
json_str unitSha256 "${sha256["$unit_dir/$unit.service"]-}"
json_bool unitEnabled "${enabled[0]}"
json_bool unitActive "${active[0]}"
json_str gatewayConfigSha256 "${sha256["$gateway_dir/haproxy.cfg"]-}"
json_str gatewayKeysSha256 "${sha256["$gateway_dir/keys.map"]-}"
json_str gatewayKeysMode "$keys_mode"
json_str gatewayUnitSha256 "${sha256["$unit_dir/racksmith-gateway.service"]-}"
json_bool gatewayEnabled "${enabled[1]}"
json_bool gatewayActive "$gateway_active"
json_bool gatewayReloadDue "$([[ -e $gateway_due ]] && printf yes)"
json_str gatewayOwner "$owner"
json_bool distributionHaproxyMasked "$([[ $(readlink "$unit_dir/haproxy.service") == /dev/null ]] && printf yes)"
json_str portHolder "$holder"
json_bool healthy "$healthy"
json_bool busy "$busy"
json_str healthDetail "$probe_detail"
json_end "$@"
