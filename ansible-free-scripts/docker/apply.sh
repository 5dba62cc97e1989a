#!/usr/bin/env bash
# docker/apply: Docker in its pinned version, held, configured; GPU devices by CDI; users of its socket.
# Inputs (stdin, key=value):
#   package      PACKAGE or PACKAGE=VERSION, repeated; the first is the engine
#   hold         packages to keep from upgrades, repeated
#   daemon_json  content of /etc/docker/daemon.json
#   gpu          true: keep /etc/cdi/nvidia.yaml fresh
#   user         login names for group docker, repeated
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../lib.sh"
# shellcheck source=layers.sh
. "$here/layers.sh"
# shellcheck source=images.sh
. "$here/images.sh"
package=() hold=() daemon_json="" gpu="" user=()
read_inputs package hold daemon_json gpu user
record=/var/lib/racksmith/docker.packages
config=/etc/docker/daemon.json
cdi=/etc/cdi/nvidia.yaml
cdi_driver=/var/lib/racksmith/cdi.driver
restart_due=/var/lib/racksmith/docker.restart-due

install_packages() {
  ((${#package[@]} > 0)) || fail "no package is known for this system"
  apt_install "${package[@]}"
  local spec name version lines=""
  for spec in "${package[@]}"; do
    name=${spec%%=*}
    case $name in
      docker*)
        version=$(dpkg-query -W -f '${Version}' -- "$name")
        lines+="$name $version"$'\n'
        ;;
    esac
  done
  printf '%s' "$lines" | changed_file "$record" 0644 root || true
  for name in "${hold[@]}"; do
    if dpkg-query -W -f '${db:Status-Status}\n' -- "$name" 2>/dev/null | grep -qx installed; then
      apt-mark hold -- "$name" >/dev/null
    fi
  done
}

# The engine itself says whether it would take the file, before the old one is replaced.
configure() {
  local candidate said
  candidate=$(mktemp /tmp/racksmith-daemon.XXXXXX.json)
  printf '%s' "$daemon_json" >"$candidate"
  if ! said=$(dockerd --validate --config-file "$candidate" 2>&1); then
    # Docker before 23 does not know --validate.
    if [[ $said != *"unknown flag"* ]]; then
      rm -f "$candidate"
      fail "dockerd refuses the new daemon.json, the old one stays: $said"
    fi
  fi
  rm -f "$candidate"
  printf '%s' "$daemon_json" | cmp -s - "$config" || mark_due "$restart_due"
  printf '%s' "$daemon_json" | changed_file "$config" 0644 root || true
}

# live-restore keeps containers over a restart, but not over a change of the cgroup driver.
restart() {
  step "restarting Docker: its configuration changed"
  if ! systemctl restart docker.service; then
    journalctl --no-pager --quiet -n 15 -o cat -u docker.service >&2 || true
    fail "Docker does not start; its last lines are above"
  fi
  rm -f -- "$restart_due"
}

# Whether the engine does what its file says, of that which it tells.
running_matches() {
  local live cgroup logging root
  IFS='|' read -r live cgroup logging root <<<"$(docker info --format '{{.LiveRestoreEnabled}}|{{.CgroupDriver}}|{{.LoggingDriver}}|{{.DockerRootDir}}' 2>/dev/null)" || true
  [[ $live == true && $daemon_json == *"native.cgroupdriver=$cgroup\""* && $logging == "$(setting log-driver json-file)" && $root == "$(setting data-root "$root")" ]]
}

# setting KEY DEFAULT: a text at the top of daemon_json, which the provider writes with two blanks before each such key.
setting() {
  if [[ $daemon_json =~ (^|$'\n')"  \"$1\": "\"([^\"\\]*)\" ]]; then printf '%s' "${BASH_REMATCH[2]}"; else printf '%s' "$2"; fi
}

loaded_driver() {
  if [[ -r /sys/module/nvidia/version ]]; then
    cat /sys/module/nvidia/version
  else
    nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1
  fi
}

refresh_cdi() {
  local driver spec
  command -v nvidia-ctk >/dev/null || fail "nvidia-ctk is not installed; the driver noun brings the container toolkit"
  driver=$(loaded_driver) || driver=""
  [[ $driver =~ ^[0-9.]+$ ]] || fail "no NVIDIA driver is loaded (found: ${driver:-nothing}); the driver noun loads it"
  # What an act before this one left.
  rm -f -- "$cdi.new" "$cdi.new.yaml"
  if [[ -f $cdi && -f $cdi_driver && $(<"$cdi_driver") == "$driver" ]]; then return 0; fi
  step "describing the GPUs for containers (CDI, driver $driver)"
  # Not by --output: it appends .yaml to a name that ends otherwise, and every *.yaml here is read.
  spec=$(nvidia-ctk cdi generate --format yaml) || fail "nvidia-ctk cdi generate failed, see above; $cdi stays as it was"
  [[ $spec == *"kind: "* ]] || fail "nvidia-ctk cdi generate described nothing; $cdi stays as it was"
  printf '%s\n' "$spec" | changed_file "$cdi" 0644 root || true
  printf '%s' "$driver" | changed_file "$cdi_driver" 0644 root || true
}

grant_socket() {
  local name
  for name in "${user[@]}"; do
    id -- "$name" >/dev/null 2>&1 || fail "users: there is no user $name on this node; create it, or let the access noun do so"
    usermod -aG docker -- "$name"
  done
}

install_packages
configure
systemctl enable --quiet docker.service
if ! systemctl is-active --quiet docker.service; then
  step "starting Docker"
  restart
elif [[ -e $restart_due ]] || ! running_matches; then
  restart
fi
if [[ $gpu == true ]]; then
  install -d -m 0755 /etc/cdi
  refresh_cdi
fi
grant_socket
root=$(docker info --format '{{.DockerRootDir}}')
check_images "$root"
watch_layers "$root"
