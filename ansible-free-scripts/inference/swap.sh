# shellcheck shell=bash
# inference/swap: one container for another, so that a candidate that fails gives way to the old one again.
# Names: UNIT serves; UNIT-next is created and not started; UNIT-previous is what served before.
# Sourced after common.sh and gateway.sh. Inputs of the sourcing script that are read here:
: "${unit:=}" "${spec:=}" "${image:=}" "${weights_path:=}" "${drain_seconds:=}" "${start_timeout_seconds:=}"
: "${probe_detail:=}"
declare -a docker_arg engine_arg

# The wanted container is left running when it answers, is busy or is still loading. Another one is swapped for it.
serve() {
  if has_container "$unit" && same_container; then
    ! serves_already || return 0
    swap_start
  else
    swap_create
    swap_to_next
    swap_start
  fi
  swap_wait "$start_timeout_seconds" || swap_back
  swap_done
}

same_container() {
  [[ $(container_field "$unit" '{{index .Config.Labels "racksmith.spec"}}') == "$spec" &&
  $(container_field "$unit" '{{range .Mounts}}{{if eq .Destination "/weights"}}{{.Source}}{{end}}{{end}}') == $(readlink -f -- "$weights_path") ]]
}

# serves_already: it runs and a token came, or it is busy with other requests, which a restart would cut off. One
# that loads has what is left of startTimeoutSeconds, and any other a minute. 1: it is to be (re)started.
serves_already() {
  if ! systemctl is-active --quiet "$unit.service"; then
    step "starting the engine"
    return 1
  fi
  # An act that was killed may have left it drained.
  gateway_server ready
  if swap_wait "$(seconds_to_wait)" busy; then
    swap_done
    return 0
  fi
  gateway_drain "$drain_seconds"
  step "restarting the engine: $probe_detail"
  return 1
}

# seconds_to_wait: until the container that runs has had its start_timeout_seconds; 60 at least.
seconds_to_wait() {
  local started left=0
  started=$(container_field "$unit" '{{.State.StartedAt}}')
  if started=$(date -d "$started" +%s 2>/dev/null); then left=$((started + start_timeout_seconds - EPOCHSECONDS)); fi
  ((left <= start_timeout_seconds)) || left=$start_timeout_seconds
  ((left >= 60)) || left=60
  printf '%s' "$left"
}

has_container() { docker container inspect -- "$1" >/dev/null 2>&1; }

# A swap that a power cut or a kill ended: back to one container, the proven one unless the new one is wanted.
swap_recover() {
  if has_container "$unit-next"; then docker rm --force -- "$unit-next" >/dev/null; fi
  has_container "$unit-previous" || return 0
  if has_container "$unit"; then
    if same_container; then
      step "an earlier replacement was interrupted; going on with it"
      return 0
    fi
    step "an earlier replacement was interrupted; going back to the container before it"
    systemctl stop "$unit.service" || true
    docker rm --force -- "$unit" >/dev/null
  fi
  docker rename "$unit-previous" "$unit"
}

# Creating shows what Docker refuses (devices, options, image) while the old container still serves.
swap_create() {
  local source said
  source=$(readlink -f -- "$weights_path")
  step "creating the container"
  if ! said=$(docker create --name "$unit-next" --mount "type=bind,source=$source,target=/weights,readonly" \
    "${docker_arg[@]}" -- "$image" "${engine_arg[@]}" 2>&1); then
    docker rm --force -- "$unit-next" >/dev/null 2>&1 || true
    fail "Docker refuses the container: $said$(swap_hint "$said")"
  fi
}

swap_hint() {
  case $1 in
    *CDI* | *"could not select device"*) printf '%s' "; see that /etc/cdi/nvidia.yaml is there (docker noun) and names these devices: nvidia-ctk cdi list" ;;
  esac
}

swap_to_next() {
  if has_container "$unit"; then
    gateway_drain "$drain_seconds"
    step "stopping the old container"
    systemctl stop "$unit.service" || true
    docker stop -t "$drain_seconds" -- "$unit" >/dev/null
    docker rename "$unit" "$unit-previous"
  fi
  docker rename "$unit-next" "$unit"
}

# swap_wait SECONDS [busy]: until one token came through the gateway, or the engine is busy with other requests where
# that is enough. Fails early when the engine keeps dying.
swap_wait() {
  local deadline=$((SECONDS + $1)) restarts first shown=""
  first=$(systemctl show --property NRestarts --value "$unit.service")
  while ((SECONDS < deadline)); do
    if probe; then
      step "a token came"
      return 0
    fi
    if [[ ${2-} == busy ]] && engine_busy; then
      warn "the engine is left as it is: $probe_detail"
      return 0
    fi
    if [[ $probe_detail != "$shown" ]]; then
      shown=$probe_detail
      step "waiting for a token: ${shown:0:160}"
    fi
    restarts=$(systemctl show --property NRestarts --value "$unit.service")
    if ((restarts - first >= 3)); then
      probe_detail="the engine ended $((restarts - first)) times"
      return 1
    fi
    sleep 2
  done
  probe_detail="no token after $1 s (startTimeoutSeconds): $probe_detail"
  return 1
}

swap_start() {
  systemctl enable --quiet "$unit.service"
  systemctl reset-failed "$unit.service" 2>/dev/null || true
  systemctl restart "$unit.service" || fail "$unit.service does not start: $(systemctl status --no-pager --lines 5 "$unit.service" 2>&1 | tail -n 5)"
  gateway_server ready
}

# The candidate goes, the old container comes back, and the error carries the candidate's last words.
swap_back() {
  local why=$probe_detail log after
  log=$(docker logs --tail 20 -- "$unit" 2>&1) || log="(no log)"
  if ! has_container "$unit-previous"; then
    printf '%s\n' "$log" >&2
    fail "the engine did not become healthy: $why. Its last lines are above; the container is left for inspection (docker logs $unit)."
  fi
  step "the new container failed; going back to the old one"
  systemctl stop "$unit.service" || true
  docker rm --force -- "$unit" >/dev/null
  docker rename "$unit-previous" "$unit"
  swap_start
  if swap_wait "$start_timeout_seconds"; then after="the old container serves again"; else after="the old container was started again but does not answer: $probe_detail"; fi
  printf '%s\n' "$log" >&2
  fail "the new container did not become healthy: $why. Its last lines are above; $after."
}

swap_done() {
  if has_container "$unit-previous"; then docker rm --force -- "$unit-previous" >/dev/null; fi
}
