#!/usr/bin/env bash
# What the simulated NVIDIA tools share. SIMULATED: there is no GPU behind any of this.
# State, one small file a value:
#   /run/racksmith-sim/loaded        version of the "kernel module" of this boot; absent: none
#   /run/racksmith-sim/gpu/N/KEY     what the description and this boot say of GPU N
#   /var/lib/racksmith-sim/gpu/N/KEY what outlives a reboot (ECC and MIG modes)
#   /usr/share/racksmith-sim/*.version  what packages installed
# RACKSMITH_SIM_ROOT prefixes every path, so that tests run without a node.
set -euo pipefail

sim_root=${RACKSMITH_SIM_ROOT:-}
sim_run=$sim_root/run/racksmith-sim
sim_state=$sim_root/var/lib/racksmith-sim
sim_share=$sim_root/usr/share/racksmith-sim

# First line of a file, or nothing.
sim_value() {
  local line=""
  if [[ -r $1 ]]; then IFS= read -r line <"$1" || true; fi
  printf '%s' "$line"
}

sim_installed() { sim_value "$sim_share/$1.version"; }

# The real module's own answer where there is a module, else what the boot unit recorded.
sim_loaded() {
  local version
  version=$(sim_value "$sim_root/sys/module/nvidia/version")
  if [[ -z $version ]]; then version=$(sim_value "$sim_run/loaded"); fi
  printf '%s' "$version"
}

# 580.173.02 → 580.173, as NVML prints its own version.
sim_nvml() { cut -d. -f1,2 <<<"$1"; }

sim_count() {
  local dirs=("$sim_run"/gpu/*/)
  if [[ -d ${dirs[0]} ]]; then printf '%s' "${#dirs[@]}"; else printf 0; fi
}

# gpu_get N KEY [DEFAULT]
gpu_get() {
  local value
  value=$(sim_value "$sim_run/gpu/$1/$2")
  printf '%s' "${value:-${3:-}}"
}

# gpu_set N KEY VALUE: for this boot.
gpu_set() { printf '%s\n' "$3" >"$sim_run/gpu/$1/$2"; }

# gpu_keep N KEY VALUE: across reboots.
gpu_keep() {
  mkdir -p "$sim_state/gpu/$1"
  printf '%s\n' "$3" >"$sim_state/gpu/$1/$2"
}

gpu_kept() {
  local value
  value=$(sim_value "$sim_state/gpu/$1/$2")
  printf '%s' "${value:-${3:-}}"
}

sim_need_root() {
  if ((EUID != 0)); then
    printf 'Unable to %s: Insufficient Permissions\n' "$1"
    exit 4
  fi
}
