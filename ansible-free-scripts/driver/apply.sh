#!/usr/bin/env bash
# driver/apply: installs exactly the wanted versions, holds them, loads the module and sets the cards.
# Inputs (stdin, key=value):
#   driver               driver version that the loaded module must have
#   modules              open or proprietary: the kind of module that must run
#   package              NAME=VERSION to install and hold, repeated
#   stale                name of an installed package of another driver, to be removed, repeated
#   pin, source, key     texts of the apt pin, the apt source and its public key; empty: no such file
#   unit_text            text of racksmith-gpu.service
#   setting              what nvidia-smi is told now, as it stands after the command's name, repeated
#   reset_setting        the same, where it takes effect with the next reset of the card, repeated
#   service, service_off units that have to run and that must not, repeated
#   simulated            true on the virtual rack: no kernel headers, no real module
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../host/hardware.sh"
. "$(dirname "${BASH_SOURCE[0]}")/state.sh"
. "$(dirname "${BASH_SOURCE[0]}")/module.sh"
package=() stale=() pin="" source="" key=""
read_inputs driver modules package stale pin source key unit_text setting reset_setting service service_off simulated
[[ -n $driver ]] || fail "driver: no version given"

# file_is PATH TEXT: 0 where it changed.
file_is() {
  if [[ -n $2 ]]; then
    printf '%s' "$2" | changed_file "$1" 644 root
  elif [[ -e $1 ]]; then
    rm -f -- "$1"
  else
    return 1
  fi
}

repository() {
  local refresh=no
  if file_is "$KEY_FILE" "$key"; then refresh=yes; fi
  if file_is "$SOURCE_FILE" "$source"; then refresh=yes; fi
  file_is "$PIN_FILE" "$pin" || true
  # What is not offered then is named, with what is, before anything is touched: see stage.
  if [[ $refresh == yes ]] || ! offered; then apt_update offered || true; fi
}

missing_packages() {
  local spec found
  for spec in ${package[@]+"${package[@]}"}; do
    found=$(dpkg-query -W -f "\${db:Status-Status} \${Version}" -- "${spec%%=*}" 2>/dev/null) || found=""
    [[ $found == "installed ${spec#*=}" ]] || printf '%s\n' "$spec"
  done
}

# offered: whether apt knows every package in the wanted version.
offered() {
  local spec
  for spec in ${wanted[@]+"${wanted[@]}"}; do
    [[ $(apt-cache madison -- "${spec%%=*}" 2>/dev/null) == *" ${spec#*=} "* ]] || return 1
  done
}

# Held packages would not even follow as dependencies. Whatever happens next, they are held again.
release() {
  mapfile -t released < <(stack_packages | sed -n 's/^hi[^|]*|\([^|]*\)|.*/\1/p')
  ((${#released[@]} > 0)) || return 0
  trap 'apt-mark hold -- "${released[@]}" >/dev/null 2>&1 || true' EXIT
  apt-mark unhold -- "${released[@]}" >/dev/null
}

# A power cut in the middle leaves some packages new and some old; with the holds gone and the pin in place apt
# finds its way forward from there.
mend() {
  ! apt-get check -q >/dev/null 2>&1 || return 0
  step "finishing an interrupted change of the driver"
  dpkg --force-confdef --force-confold --configure -a </dev/null || true
  DEBIAN_FRONTEND=noninteractive apt-get install -f -y -q --allow-downgrades -o DPkg::Lock::Timeout=600 </dev/null ||
    fail "packages are broken and apt cannot mend them: see dpkg --audit and apt-get check"
}

# Everything is on the disk before the first running thing is touched.
stage() {
  local spec versions
  for spec in "${wanted[@]}"; do
    versions=$(apt-cache madison -- "${spec%%=*}" 2>/dev/null | while IFS='|' read -r _ version _; do printf '%s' "$version"; done)
    [[ " $versions " == *" ${spec#*=} "* ]] ||
      fail "no repository of this host offers $spec; ${spec%%=*} is offered in: ${versions:-no version}. Set driver.repository to one that has it, or driver.packageRevision to the revision it has"
  done
  step "downloading ${wanted[*]}"
  apt-get install -y -q -d --no-install-recommends --allow-downgrades --allow-change-held-packages \
    -o DPkg::Lock::Timeout=600 -- "${wanted[@]}" </dev/null || fail "the packages cannot be downloaded together"
}

hold() {
  local abbreviation name version names=() spec
  for spec in ${package[@]+"${package[@]}"}; do names+=("${spec%%=*}"); done
  # Whatever else came along in the driver's version moves only with it.
  while IFS='|' read -r abbreviation name version; do
    if [[ $abbreviation == ii* && $version == "$driver"-* ]]; then names+=("$name"); fi
  done < <(stack_packages)
  ((${#names[@]} == 0)) || apt-mark hold -- "${names[@]}" >/dev/null
}

mapfile -t wanted < <(missing_packages)
repository
if ((${#wanted[@]} > 0)); then
  release
  mend
  [[ $simulated == true ]] || kernel_headers
  stage
  apt_install "${wanted[@]}"
  trap - EXIT
fi
if ((${#stale[@]} > 0)); then
  step "removing ${stale[*]}"
  apt-get remove -y -q --allow-change-held-packages -o DPkg::Lock::Timeout=600 -- "${stale[@]}" </dev/null
fi
hold
load_module
settings
