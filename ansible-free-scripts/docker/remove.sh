#!/usr/bin/env bash
# docker/remove: forgets Docker. The engine, its images, containers and configuration stay, unheld:
# other things on the node may use them.
# Inputs (stdin, key=value):
#   hold  packages that were kept from upgrades, repeated
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../lib.sh"
# shellcheck source=layers.sh
. "$here/layers.sh"
hold=()
read_inputs hold
for name in "${hold[@]}"; do
  if dpkg-query -W -f '${db:Status-Status}\n' -- "$name" 2>/dev/null | grep -qx installed; then
    apt-mark unhold -- "$name" >/dev/null
  fi
done
systemctl disable -q --now "${layers_unit##*/}" 2>/dev/null || true
rm -f -- "$layers_unit"
systemctl daemon-reload
rm -f -- "$layers_command" "$layers_record" "$layers_at_boot"
rm -f /var/lib/racksmith/docker.packages /var/lib/racksmith/docker.restart-due
warn "Docker, its images and containers are kept; apt purge removes them"
