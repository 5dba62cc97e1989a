#!/usr/bin/env bash
# driver/remove: releases the holds and takes racksmith's files away; the driver itself stays unless told otherwise.
# Inputs (stdin, key=value):
#   package     NAME=VERSION that was installed, repeated
#   driver      driver version
#   on_delete   keep or remove
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../host/hardware.sh"
. "$(dirname "${BASH_SOURCE[0]}")/state.sh"
package=() driver="" on_delete=keep
read_inputs package driver on_delete

names=()
while IFS='|' read -r abbreviation name version; do
  [[ $abbreviation == ?i* ]] || continue
  for spec in ${package[@]+"${package[@]}"}; do
    if [[ $name == "${spec%%=*}" || (-n $driver && $version == "$driver"-*) ]]; then
      names+=("$name")
      break
    fi
  done
done < <(stack_packages)
if ((${#names[@]} > 0)); then apt-mark unhold -- "${names[@]}" >/dev/null; fi
systemctl disable -q --now racksmith-gpu.service 2>/dev/null || true
rm -f -- "$PIN_FILE" "$SOURCE_FILE" "$KEY_FILE" "$SETTINGS_UNIT"
systemctl daemon-reload
if [[ $on_delete != remove ]]; then
  step "kept: driver ${driver:-} and its packages, no longer held (onDelete: remove would take them away)"
elif ((${#names[@]} > 0)); then
  step "removing ${names[*]}"
  apt-get remove -y -q -o DPkg::Lock::Timeout=600 -- "${names[@]}" </dev/null || fail "the driver's packages cannot be removed"
  [[ -z $(loaded_version) ]] || needs_reboot "the removed driver is still loaded"
fi
