# shellcheck shell=bash
# state.sh: what observe.sh and apply.sh of driver both ask the system.

PIN_FILE=/etc/apt/preferences.d/racksmith-driver
SOURCE_FILE=/etc/apt/sources.list.d/racksmith-driver.sources
KEY_FILE=/etc/apt/keyrings/racksmith-driver.asc
SETTINGS_UNIT=/etc/systemd/system/racksmith-gpu.service

# racksmith_files: FACT=PATH of every file that the driver noun writes.
racksmith_files() {
  printf '%s\n' "pinFile=$PIN_FILE" "sourceFile=$SOURCE_FILE" "keyFile=$KEY_FILE" "settingsUnit=$SETTINGS_UNIT"
}

# The virtual rack keeps here what its simulated kernel has loaded.
SIMULATED=/run/racksmith-sim

# stack_packages: ABBREVIATION|NAME|VERSION of everything that belongs to the driver, the container toolkit included.
stack_packages() {
  dpkg-query -W -f "\${db:Status-Abbrev}|\${Package}|\${Version}\n" 'nvidia-*' 'libnvidia-*' 'libcuda1' 'libcuda1-*' \
    'firmware-nvidia-*' 'cuda-toolkit-[0-9]*-[0-9]*' 'libcudnn[0-9]*' 'datacenter-gpu-manager*' 2>/dev/null |
    sort -u || true
}

# loaded_version: the version of the module that runs, or nothing.
loaded_version() {
  local version=""
  first_line version "${root-}/sys/module/nvidia/version"
  [[ -n $version ]] || first_line version "${root-}$SIMULATED/loaded"
  printf '%s' "$version"
}

# loaded_kind: open, proprietary, or nothing where no module runs.
loaded_kind() {
  local line
  first_line line "${root-}/proc/driver/nvidia/version"
  case $line in
    *"Open Kernel Module"*) printf open ;;
    NVRM*) printf proprietary ;;
  esac
}

# unit_states UNIT...: fills UNIT_STATE: active, inactive, failed …; absent where there is no such unit.
declare -A UNIT_STATE=()
unit_states() {
  local line load=not-found active=unknown units=("$@") at=0
  # One block a unit, in their order, with a blank line between.
  while IFS= read -r line; do
    case $line in
      LoadState=*) load=${line#*=} ;;
      ActiveState=*) active=${line#*=} ;;
      "")
        UNIT_STATE[${units[at]}]=$active
        [[ $load != not-found ]] || UNIT_STATE[${units[at]}]=absent
        load=not-found active=unknown at=$((at + 1))
        ;;
    esac
  done < <(systemctl show -p LoadState -p ActiveState "${units[@]}" 2>/dev/null && printf '\n')
  for line in "${units[@]:at}"; do UNIT_STATE[$line]=absent; done
}

# unit_state UNIT: prints its state.
unit_state() {
  unit_states "$1"
  printf '%s' "${UNIT_STATE[$1]}"
}
