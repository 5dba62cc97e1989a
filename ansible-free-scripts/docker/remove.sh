#!/usr/bin/env bash
# docker/remove: forgets Docker. The engine, its images, containers and configuration stay, unheld:
# other things on the node may use them.
# Inputs (stdin, key=value):
#   hold  packages that were kept from upgrades, repeated
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
hold=()
read_inputs hold
for name in "${hold[@]}"; do
  if dpkg-query -W -f '${db:Status-Status}\n' -- "$name" 2>/dev/null | grep -qx installed; then
    apt-mark unhold -- "$name" >/dev/null
  fi
done
rm -f /var/lib/racksmith/docker.packages /var/lib/racksmith/docker.restart-due
warn "Docker, its images and containers are kept; apt purge removes them"
