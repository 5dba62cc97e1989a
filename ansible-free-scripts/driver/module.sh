# shellcheck shell=bash
# module.sh: gets the installed module running, and the cards set. The inputs are those of apply.sh.

driver="" modules="" unit_text="" simulated=false setting=() reset_setting=() service=() service_off=()

# DKMS builds for the kernel that runs only where its headers are.
kernel_headers() {
  local release
  release=$(uname -r)
  [[ -e /lib/modules/$release/build ]] || apt_install "linux-headers-$release"
}

# load_module: a reboot is asked for only where nothing milder helps.
load_module() {
  local loaded kind
  loaded=$(loaded_version)
  if [[ $loaded == "$driver" ]]; then
    kind=$(loaded_kind)
    [[ -n $kind && $kind != "$modules" ]] || return 0
    loaded+=" ($kind)"
  fi
  if [[ $simulated == true ]]; then
    needs_reboot "driver $driver ($modules) is installed, ${loaded:-none} is loaded"
    return
  fi
  if [[ -n $loaded ]] && ! unload; then
    needs_reboot "driver $driver ($modules) is installed, but $loaded is in use and cannot be unloaded"
    return
  fi
  step "loading the module"
  if modprobe nvidia 2>/dev/null && [[ $(loaded_version) == "$driver" ]]; then
    modprobe nvidia-uvm 2>/dev/null || true
    return
  fi
  [[ $(modinfo -F version nvidia 2>/dev/null) == "$driver" ]] ||
    fail "the kernel $(uname -r) has no nvidia module $driver: DKMS did not build it (see dkms status and /var/lib/dkms/nvidia/*/build/make.log)"
  needs_reboot "the module $driver does not load into the running kernel"
}

unload() {
  systemctl stop nvidia-dcgm.service nvidia-fabricmanager.service nvidia-persistenced.service 2>/dev/null || true
  modprobe -r nvidia_uvm nvidia_drm nvidia_modeset nvidia 2>/dev/null
}

settings() {
  local line words unit
  file_is "$SETTINGS_UNIT" "$unit_text" && systemctl daemon-reload
  if [[ $(loaded_version) != "$driver" ]]; then
    return 0 # The rest after the reboot: nothing can be set on a driver that does not run.
  fi
  for unit in ${service[@]+"${service[@]}"}; do
    [[ $(unit_state "$unit") != absent ]] || fail "$unit: no such unit, though its package is installed"
    systemctl enable -q "$unit" 2>/dev/null || true
    if [[ $(unit_state "$unit") != active ]]; then
      step "starting $unit"
      systemctl restart "$unit" || fail "$unit does not start: $(systemctl status --no-pager --lines=5 "$unit" 2>&1 || true)"
    fi
  done
  for unit in ${service_off[@]+"${service_off[@]}"}; do
    case $(unit_state "$unit") in
      absent) ;;
      *) systemctl disable -q --now "$unit" 2>/dev/null || true ;;
    esac
  done
  for line in ${setting[@]+"${setting[@]}"}; do
    read -ra words <<<"$line"
    step "nvidia-smi $line"
    nvidia-smi "${words[@]}" || fail "nvidia-smi $line failed"
  done
  for line in ${reset_setting[@]+"${reset_setting[@]}"}; do
    read -ra words <<<"$line"
    step "nvidia-smi $line"
    nvidia-smi "${words[@]}" || fail "nvidia-smi $line failed"
    needs_reboot "nvidia-smi $line takes effect when the card is reset"
  done
}
