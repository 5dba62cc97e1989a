#!/usr/bin/env bash
# What nvidia-smi changes on a GPU. Each: set_MODE VALUE GPU…
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=gpu.sh
. "$(dirname "${BASH_SOURCE[0]}")/gpu.sh"

set_power() {
  local watts=$1 gpu bus least most before
  shift
  if [[ ! $watts =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
    echo "Option \"-pl\" has an invalid value \"$watts\"."
    exit 2
  fi
  sim_need_root "set power limit for GPU"
  for gpu in "$@"; do
    bus=$(gpu_get "$gpu" pciBusId) least=$(gpu_get "$gpu" minPowerLimitWatts 100) most=$(gpu_get "$gpu" maxPowerLimitWatts)
    if ((${watts%.*} < least || ${watts%.*} > most)); then
      printf 'Provided power limit %.2f W is not a valid power limit which should be between %.2f W and %.2f W for GPU %s\n' \
        "$watts" "$least" "$most" "$bus"
      echo "Terminating early due to previous errors."
      exit 2
    fi
    before=$(gpu_power_limit "$gpu")
    gpu_set "$gpu" power_limit "$watts"
    printf 'Power limit for GPU %s was set to %.2f W from %.2f W.\n' "$bus" "$watts" "$before"
  done
  echo "All done."
}

# on_off VALUE: Enabled or Disabled; only 0 and 1 are known, as in the real tool.
on_off() {
  case $1 in
    1 | ENABLED) echo Enabled ;;
    0 | DISABLED) echo Disabled ;;
    *) return 1 ;;
  esac
}

bad_value() {
  echo "\"$1\" is not a valid value. Please run 'nvidia-smi -h' for help."
  exit 2
}

set_persistence() {
  local mode gpu bus
  mode=$(on_off "$1") || bad_value "$1"
  shift
  sim_need_root "set persistence mode for GPU"
  for gpu in "$@"; do
    bus=$(gpu_get "$gpu" pciBusId)
    if [[ $(gpu_persistence "$gpu") == "$mode" ]]; then
      echo "Persistence mode is already $mode for GPU $bus."
    else
      gpu_set "$gpu" persistence "$mode"
      echo "$mode persistence mode for GPU $bus."
    fi
  done
  echo "All done."
}

set_ecc() {
  local mode gpu bus changed=0
  mode=$(on_off "$1") || bad_value "$1"
  shift
  sim_need_root "set ECC configuration for GPU"
  for gpu in "$@"; do
    bus=$(gpu_get "$gpu" pciBusId)
    if ! gpu_supports "$gpu" eccSupported; then
      echo "Unable to set ECC configuration for GPU $bus: Not Supported"
      exit 3
    fi
    if [[ $(gpu_ecc "$gpu" ecc_pending) == "$mode" ]]; then
      echo "ECC support is already $mode for GPU $bus."
    else
      gpu_keep "$gpu" ecc_pending "$mode"
      echo "$mode ECC support for GPU $bus."
      changed=1
    fi
  done
  echo "All done."
  if ((changed)); then echo "Reboot required."; fi
}

set_mig() {
  local mode gpu bus
  mode=$(on_off "$1") || bad_value "$1"
  shift
  sim_need_root "set MIG mode for GPU"
  for gpu in "$@"; do
    bus=$(gpu_get "$gpu" pciBusId)
    if ! gpu_supports "$gpu" migSupported; then
      echo "Unable to set MIG mode for GPU $bus: Not Supported"
      exit 3
    fi
    gpu_keep "$gpu" mig_pending "$mode"
    gpu_set "$gpu" mig_current "$mode"
    echo "$mode MIG Mode for GPU $bus"
  done
  echo "All done."
}

set_lock_clocks() {
  local clocks=$1 least most gpu
  shift
  if [[ ! $clocks =~ ^[0-9]+(,[0-9]+)?$ ]]; then bad_value "$clocks"; fi
  least=${clocks%,*} most=${clocks#*,}
  sim_need_root "set GPU clocks for GPU"
  for gpu in "$@"; do
    gpu_set "$gpu" locked_clocks "$least,$most"
    printf 'GPU clocks set to "(gpuClkMin %s, gpuClkMax %s)" for GPU %s\n' "$least" "$most" "$(gpu_get "$gpu" pciBusId)"
  done
  echo "All done."
}

set_reset_clocks() {
  local gpu
  shift
  sim_need_root "reset GPU clocks for GPU"
  for gpu in "$@"; do
    rm -f "$sim_run/gpu/$gpu/locked_clocks"
    echo "All done."
  done
}

set_compute() {
  local mode gpu
  case $1 in
    0 | DEFAULT) mode=Default ;;
    2 | PROHIBITED) mode=Prohibited ;;
    3 | EXCLUSIVE_PROCESS) mode=Exclusive_Process ;;
    *) bad_value "$1" ;;
  esac
  shift
  sim_need_root "set compute mode for GPU"
  for gpu in "$@"; do
    gpu_set "$gpu" compute_mode "$mode"
    echo "Set compute mode to ${mode^^} for GPU $(gpu_get "$gpu" pciBusId)."
  done
  echo "All done."
}
