#!/usr/bin/env bash
# nvidia-smi's plain table, as R535 and later draw it, and its -q listing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=gpu.sh
. "$(dirname "${BASH_SOURCE[0]}")/gpu.sh"

smi_table() {
  local version cuda gpu
  version=$(sim_installed nvml) cuda=$(sim_value "$sim_share/cuda.version")
  date '+%a %b %e %H:%M:%S %Y'
  echo "+-----------------------------------------------------------------------------------------+"
  printf '| NVIDIA-SMI %-23sDriver Version: %-15sCUDA Version: %-9s|\n' "$version" "$(sim_loaded)" "$cuda"
  echo "| SIMULATED by racksmith: there is no GPU in this machine                                 |"
  cat <<'HEAD'
+-----------------------------------------+------------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |
|                                         |                        |               MIG M. |
|=========================================+========================+======================|
HEAD
  for gpu in "$@"; do smi_row "$gpu"; done
  cat <<'FOOT'

+-----------------------------------------------------------------------------------------+
| Processes:                                                                              |
|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |
|        ID   ID                                                               Usage      |
|=========================================================================================|
|  No running processes found                                                             |
+-----------------------------------------------------------------------------------------+
FOOT
}

smi_row() {
  local gpu=$1 persistence=Off ecc mig power memory
  if [[ $(gpu_persistence "$gpu") == Enabled ]]; then persistence=On; fi
  case $(gpu_ecc "$gpu" ecc_current) in
    Enabled) ecc=0 ;;
    Disabled) ecc=Off ;;
    *) ecc=N/A ;;
  esac
  mig=$(gpu_mig "$gpu" mig_current)
  power=$(printf '%.0fW / %4.0fW' "$(gpu_get "$gpu" power_draw 21.50)" "$(gpu_power_limit "$gpu")")
  memory=$(printf '%8sMiB / %6sMiB' "$(gpu_memory_used "$gpu")" "$(gpu_get "$gpu" memoryMiB)")
  printf '|%4s  %-30s%4s |%19s Off |%21s |\n' "$gpu" "$(gpu_get "$gpu" name | cut -c1-29)" "$persistence" \
    "$(gpu_get "$gpu" pciBusId)" "$ecc"
  printf '|%3s%% %4sC    P8%24s |%23s |%7s%% %12s |\n' "$(gpu_get "$gpu" fan 0)" \
    "$(gpu_get "$gpu" temperature 34)" "$power" "$memory" "$(gpu_get "$gpu" utilization 0)" Default
  printf '|%41s|%24s|%21s |\n' "" "" "${mig//[\[\]]/}"
  echo "+-----------------------------------------+------------------------+----------------------+"
}

row() { printf '    %-38s: %s\n' "$1" "$2"; }

# smi_listing GPU…: the parts of -q that people grep for.
smi_listing() {
  local gpu
  echo
  echo "==============NVSMI LOG (SIMULATED)=============="
  echo
  printf '%-42s: %s\n' Timestamp "$(date '+%a %b %e %H:%M:%S %Y')" "Driver Version" "$(sim_loaded)" \
    "CUDA Version" "$(sim_value "$sim_share/cuda.version")"
  echo
  printf '%-42s: %s\n' "Attached GPUs" "$(sim_count)"
  for gpu in "$@"; do
    printf 'GPU %s\n' "$(gpu_get "$gpu" pciBusId)"
    row "Product Name" "$(gpu_get "$gpu" name)"
    row "Persistence Mode" "$(gpu_persistence "$gpu")"
    row "GPU UUID" "$(gpu_get "$gpu" uuid)"
    echo "    MIG Mode"
    row "    Current" "$(gpu_mig "$gpu" mig_current)"
    row "    Pending" "$(gpu_mig "$gpu" mig_pending)"
    echo "    ECC Mode"
    row "    Current" "$(gpu_ecc "$gpu" ecc_current)"
    row "    Pending" "$(gpu_ecc "$gpu" ecc_pending)"
    echo "    FB Memory Usage"
    row "    Total" "$(gpu_get "$gpu" memoryMiB) MiB"
    row "    Used" "$(gpu_memory_used "$gpu") MiB"
    echo "    GPU Power Readings"
    row "    Current Power Limit" "$(printf '%.2f W' "$(gpu_power_limit "$gpu")")"
    row "    Default Power Limit" "$(printf '%.2f W' "$(gpu_get "$gpu" powerLimitWatts)")"
    row "    Max Power Limit" "$(printf '%.2f W' "$(gpu_get "$gpu" maxPowerLimitWatts)")"
  done
}

# smi_nvlink GPU…: one line a link; a machine without NVLink prints its GPUs only.
smi_nvlink() {
  local gpu link
  for gpu in "$@"; do
    printf 'GPU %s: %s (UUID: %s) SIMULATED\n' "$gpu" "$(gpu_get "$gpu" name)" "$(gpu_get "$gpu" uuid)"
    for ((link = 0; link < $(gpu_get "$gpu" nvLinks 0); link++)); do
      printf '\t Link %s: 26.562 GB/s\n' "$link"
    done
  done
}
