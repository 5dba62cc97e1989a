#!/usr/bin/env bash
# nvidia-smi's fields: one name, one value of one GPU.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=gpu.sh
. "$(dirname "${BASH_SOURCE[0]}")/gpu.sh"

gpu_power_limit() { gpu_get "$1" power_limit "$(gpu_get "$1" powerLimitWatts 0)"; }
gpu_memory_used() { gpu_get "$1" memory_used_mib 1; }

gpu_persistence() {
  if [[ -e $sim_run/persistenced ]]; then echo Enabled; else gpu_get "$1" persistence Disabled; fi
}

gpu_supports() { [[ $(gpu_get "$1" "$2") == true ]]; }

# gpu_ecc N ecc_current|ecc_pending
gpu_ecc() {
  local value
  if ! gpu_supports "$1" eccSupported; then
    printf '[N/A]'
    return 0
  fi
  if [[ $2 == ecc_pending ]]; then value=$(gpu_kept "$1" ecc_pending); else value=$(gpu_get "$1" ecc_current); fi
  printf '%s' "${value:-$(gpu_get "$1" eccDefault Disabled)}"
}

gpu_mig() {
  if ! gpu_supports "$1" migSupported; then
    printf '[N/A]'
  elif [[ $2 == mig_pending ]]; then
    gpu_kept "$1" mig_pending Disabled
  else
    gpu_get "$1" mig_current Disabled
  fi
}

# gpu_field N NAME: prints "VALUE|UNIT"; returns 1 for a name that is no field.
gpu_field() {
  local n=$1 pci
  case $2 in
    index) printf '%s|' "$n" ;;
    count) printf '%s|' "$(sim_count)" ;;
    name | gpu_name) printf '%s|' "$(gpu_get "$n" name)" ;;
    uuid | gpu_uuid) printf '%s|' "$(gpu_get "$n" uuid)" ;;
    serial | gpu_serial) printf '%s|' "$(gpu_get "$n" serial '[N/A]')" ;;
    driver_version) printf '%s|' "$(sim_loaded)" ;;
    vbios_version) printf '%s|' "$(gpu_get "$n" vbios 95.02.3C.80.A0)" ;;
    pci.bus_id | gpu_bus_id) printf '%s|' "$(gpu_get "$n" pciBusId)" ;;
    pci.device_id)
      pci=$(gpu_get "$n" pciId "10de:0000")
      printf '0x%s%s|' "${pci#*:}" "${pci%:*}" | tr '[:lower:]' '[:upper:]' | sed 's/^0X/0x/'
      ;;
    compute_cap) printf '%s|' "$(gpu_get "$n" computeCapability)" ;;
    compute_mode) printf '%s|' "$(gpu_get "$n" compute_mode Default)" ;;
    persistence_mode) printf '%s|' "$(gpu_persistence "$n")" ;;
    display_active | display_mode) printf 'Disabled|' ;;
    pstate) printf 'P8|' ;;
    fan.speed) printf '%s|%%' "$(gpu_get "$n" fan 0)" ;;
    temperature.gpu) printf '%s|' "$(gpu_get "$n" temperature 34)" ;;
    utilization.gpu) printf '%s|%%' "$(gpu_get "$n" utilization 0)" ;;
    utilization.memory) printf '%s|%%' "$(gpu_get "$n" utilization_memory 0)" ;;
    memory.total) printf '%s|MiB' "$(gpu_get "$n" memoryMiB 0)" ;;
    memory.used) printf '%s|MiB' "$(gpu_memory_used "$n")" ;;
    memory.free) printf '%s|MiB' "$(($(gpu_get "$n" memoryMiB 0) - $(gpu_memory_used "$n")))" ;;
    power.draw | power.draw.instant | power.draw.average) printf '%s|W' "$(gpu_get "$n" power_draw 21.50)" ;;
    power.management) printf 'Enabled|' ;;
    power.limit | enforced.power.limit) printf '%.2f|W' "$(gpu_power_limit "$n")" ;;
    power.default_limit) printf '%.2f|W' "$(gpu_get "$n" powerLimitWatts 0)" ;;
    power.min_limit) printf '%.2f|W' "$(gpu_get "$n" minPowerLimitWatts 100)" ;;
    power.max_limit) printf '%.2f|W' "$(gpu_get "$n" maxPowerLimitWatts 0)" ;;
    ecc.mode.current) printf '%s|' "$(gpu_ecc "$n" ecc_current)" ;;
    ecc.mode.pending) printf '%s|' "$(gpu_ecc "$n" ecc_pending)" ;;
    ecc.errors.uncorrected.volatile.total) if gpu_supports "$n" eccSupported; then printf '0|'; else printf '[N/A]|'; fi ;;
    mig.mode.current) printf '%s|' "$(gpu_mig "$n" mig_current)" ;;
    mig.mode.pending) printf '%s|' "$(gpu_mig "$n" mig_pending)" ;;
    clocks.gr | clocks.current.graphics | clocks.sm | clocks.current.sm) printf '%s|MHz' "$(gpu_get "$n" clock 210)" ;;
    clocks.mem | clocks.current.memory) printf '405|MHz' ;;
    clocks.max.gr | clocks.max.graphics | clocks.max.sm) printf '%s|MHz' "$(gpu_get "$n" maxClockMhz 3105)" ;;
    clocks.max.mem | clocks.max.memory) printf '%s|MHz' "$(gpu_get "$n" maxMemoryClockMhz 10501)" ;;
    clocks_throttle_reasons.active | clocks_event_reasons.active) printf '0x0000000000000001|' ;;
    pcie.link.gen.current | pcie.link.gen.max) printf '4|' ;;
    pcie.link.width.current | pcie.link.width.max) printf '16|' ;;
    gsp.mode.current) printf 'Enabled|' ;;
    timestamp) date '+%Y/%m/%d %H:%M:%S.000|' ;;
    *) return 1 ;;
  esac
}
