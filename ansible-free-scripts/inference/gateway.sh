# shellcheck shell=bash
# inference/gateway: haproxy in front of the engine. Sourced after common.sh. Inputs of the sourcing script that are read here:
: "${name:=}" "${gateway_port:=}" "${gateway_config:=}" "${gateway_keys:=}" "${gateway_unit_file:=}" "${tls_pem:=}"
: "${gateway_dir:=}" "${gateway_due:=}" "${unit_dir:=}" "${gateway_socket:=}"

# haproxy from the distribution, its own service masked before it could ever start.
gateway_packages() {
  local before=no
  if [[ $(readlink "$unit_dir/haproxy.service") == /dev/null ]]; then before=yes; fi
  if [[ $before == no ]]; then
    if [[ -e $unit_dir/haproxy.service ]]; then
      fail "$unit_dir/haproxy.service is a unit of this site's own: racksmith will not mask it. Remove it, or serve from another host."
    fi
    if systemctl is-active --quiet haproxy.service; then
      step "the distribution's haproxy.service is stopped: the gateway runs as racksmith-gateway"
      systemctl disable --now haproxy.service
    fi
    systemctl mask haproxy.service
  fi
  apt_install haproxy curl
}

# gateway_file PATH MODE TEXT: one of the files that the gateway reads. That it has to, is written down before.
gateway_file() {
  printf '%s' "$3" | cmp -s - "$1" || mark_due "$gateway_due"
  printf '%s' "$3" | changed_file "$1" "$2" root || true
}

# Files first, all checked by haproxy itself before the running configuration is replaced.
gateway_files() {
  install -d -m 0700 -o root -g root "$gateway_dir"
  printf '%s\n' "$name" | changed_file "$gateway_dir/owner" 0644 root || true
  [[ -z $tls_pem || -r $tls_pem ]] || fail "gateway.tlsPemPath: $tls_pem is not on this node; put a PEM file with certificate and key there"
  gateway_probe_key
  gateway_file "$gateway_dir/keys.map" 0600 "$gateway_keys"
  gateway_check
  gateway_file "$gateway_dir/haproxy.cfg" 0600 "$gateway_config"
  gateway_file "$unit_dir/racksmith-gateway.service" 0644 "$gateway_unit_file"
}

# The health check's own key never leaves the node, and the gateway takes it from the node only.
gateway_probe_key() {
  local key sum
  if [[ ! -s $gateway_dir/probe.key ]]; then
    key=$(od -An -N32 -tx1 /dev/urandom)
    printf '%s' "${key//[$' \n']/}" | changed_file "$gateway_dir/probe.key" 0600 root || true
  fi
  chmod 0600 "$gateway_dir/probe.key"
  chown root:root "$gateway_dir/probe.key"
  sum=$(sha256sum <"$gateway_dir/probe.key")
  gateway_file "$gateway_dir/probe.map" 0600 "${sum%% *} racksmith-probe"$'\n'
}

gateway_check() {
  local candidate=$gateway_dir/haproxy.cfg.candidate said
  printf '%s' "$gateway_config" >"$candidate"
  if ! said=$(haproxy -c -q -f "$candidate" 2>&1); then
    rm -f "$candidate"
    fail "haproxy refuses the gateway's configuration, the running one stays: $said"
  fi
  rm -f "$candidate"
}

gateway_start() {
  [[ ! -e $gateway_due ]] || systemctl daemon-reload
  systemctl enable --quiet racksmith-gateway.service
  if ! systemctl is-active --quiet racksmith-gateway.service; then
    if port_listens "$gateway_port"; then
      fail "gateway.port: $gateway_port is held by $(port_holder "$gateway_port"); stop that service or choose another port"
    fi
    step "starting the gateway on port $gateway_port"
    systemctl start racksmith-gateway.service || gateway_failed
  elif [[ -e $gateway_due ]]; then
    step "reloading the gateway; open connections go on"
    systemctl reload racksmith-gateway.service || gateway_failed
  fi
  rm -f -- "$gateway_due"
}

gateway_failed() {
  journalctl --no-pager --quiet -n 15 -o cat -u racksmith-gateway.service >&2 || true
  fail "the gateway does not start; its last lines are above"
}

# gateway_server drain|ready: whether new requests reach the engine. Root only: the socket is 0600.
gateway_server() {
  [[ -S $gateway_socket ]] || return 0
  curl --silent --max-time 5 --output /dev/null --unix-socket "$gateway_socket" \
    --data "s=local&action=$1&b=engine" http://gateway/ || warn "the gateway did not take the order to $1 the engine"
}

# gateway_drain SECONDS: no new requests, then waits for the running ones.
gateway_drain() {
  local deadline=$((SECONDS + $1)) left
  gateway_server drain
  left=$(gateway_sessions)
  [[ $left == 0 ]] || step "waiting up to $1 s for $left running answers"
  while [[ $left != 0 ]] && ((SECONDS < deadline)); do
    sleep 1
    left=$(gateway_sessions)
  done
  [[ $left == 0 ]] || warn "$left answers were still running after $1 s (drainSeconds) and are cut off"
}
