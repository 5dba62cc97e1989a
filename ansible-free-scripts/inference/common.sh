# shellcheck shell=bash
# inference/common: what observe, apply and remove know about an inference server.
# Sourced after lib.sh. Inputs of the sourcing script that are read here:
: "${served_name:=}" "${gateway_scheme:=}" "${gateway_host:=}" "${gateway_port:=}"

: "${gateway_dir:=/etc/racksmith/gateway}" "${unit_dir:=/etc/systemd/system}"
: "${gateway_socket:=/run/racksmith-gateway/admin.sock}"
: "${gateway_cgroup:=/sys/fs/cgroup/system.slice/racksmith-gateway.service}"
# Stands while the gateway may run with other files than these.
: "${gateway_due:=$gateway_dir/reload-due}"
# How long a health check waits for its token.
: "${probe_seconds:=15}"
# Set by probe: why there was no token, and whether it is only that the engine took too long.
: "${probe_detail:=}" "${probe_timed_out:=no}"

# probe: asks for one token through the gateway. The key goes to curl by a file descriptor, never argv.
probe() {
  local key answer code body rc=0
  probe_timed_out=no
  if [[ ! -r $gateway_dir/probe.key ]]; then
    probe_detail="the gateway has no key for the health check"
    return 1
  fi
  if ! command -v curl >/dev/null; then
    probe_detail="curl is not installed"
    return 1
  fi
  key=$(<"$gateway_dir/probe.key")
  answer=$(curl --silent --show-error --insecure --noproxy '*' --max-time "$probe_seconds" --write-out '\n%{http_code}' \
    --config <(printf 'header = "Authorization: Bearer %s"\n' "$key") \
    --header 'Content-Type: application/json' \
    --data "{\"model\":\"$served_name\",\"prompt\":\"1\",\"max_tokens\":1,\"temperature\":0}" \
    "$gateway_scheme://$gateway_host:$gateway_port/v1/completions" 2>&1) || rc=$?
  if ((rc != 0)); then
    probe_detail=${answer%%$'\n'*}
    # 28: connected, and no answer in time. Anything that is down says so at once.
    ((rc != 28)) || probe_timed_out=yes
    return 1
  fi
  code=${answer##*$'\n'}
  body=${answer%$'\n'*}
  if [[ $code != 200 ]]; then
    probe_detail="HTTP $code: ${body:0:300}"
    return 1
  fi
  # The engine's own count where it gives one; else any text.
  if [[ ! $body =~ \"completion_tokens\":[[:space:]]*[1-9] && ! $body =~ \"text\":[[:space:]]*\"[^\"] ]]; then
    probe_detail="the engine answered 200 without a token: ${body:0:300}"
    return 1
  fi
  probe_detail=""
}

# engine_busy: after a probe that found no token: is it because other requests are being answered? The gateway
# ends a request whose client has gone (abortonclose), so the probe itself no longer counts.
engine_busy() {
  [[ $probe_timed_out == yes ]] || return 1
  sleep 0.5
  [[ $(gateway_sessions) != 0 ]] || return 1
  probe_detail="no token within $probe_seconds s; other requests are being answered"
}

# gateway_sessions: how many requests are being answered now; a worker from before a reload, which lives for as long
# as it answers and whose requests nobody counts, is one more.
gateway_sessions() {
  local csv line columns pids=() earlier
  mapfile -t pids < <(cat "$gateway_cgroup/cgroup.procs" 2>/dev/null)
  # The master and one worker are usual.
  earlier=$((${#pids[@]} > 2 ? ${#pids[@]} - 2 : 0))
  csv=$(curl --silent --max-time 5 --unix-socket "$gateway_socket" 'http://gateway/;csv') || csv=""
  while IFS= read -r line; do
    IFS=, read -r -a columns <<<"$line"
    if [[ ${columns[0]-} == engine && ${columns[1]-} == local ]]; then
      printf '%s' "$((columns[4] + earlier))"
      return
    fi
  done <<<"$csv"
  printf '%s' "$earlier"
}

# container_field NAME FORMAT: one field of a container; empty when there is no such container.
container_field() { docker container inspect --format "$2" -- "$1" 2>/dev/null || true; }

# port_listens PORT: is anything listening on it, on any address?
port_listens() {
  local wanted line
  printf -v wanted ':%04X' "$1"
  while read -r _ line _ state _; do
    [[ $state != 0A || $line != *"$wanted" ]] || return 0
  done < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  return 1
}

# port_holder PORT: who listens there, for a message.
port_holder() {
  local line
  line=$(ss -Hltnp "sport = :$1" 2>/dev/null | head -n 1) || line=""
  if [[ $line =~ users:\(\(\"([^\"]+)\",pid=([0-9]+) ]]; then
    printf '%s (pid %s)' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
  else
    printf 'another program'
  fi
}
