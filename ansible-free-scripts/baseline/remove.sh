#!/usr/bin/env bash
# baseline/remove: takes racksmith's files and firewall away; settings in force stay until the next boot.
# Inputs (stdin, key=value):
#   file_path   file of the baseline, repeated
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/state.sh"
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
file_path=()
read_inputs file_path
for path in ${file_path[@]+"${file_path[@]}"}; do
  [[ $path == *racksmith* || $path == /etc/default/zramswap ]] || fail "$path is not a file of racksmith's"
  if [[ -e $path ]]; then
    rm -f -- "$path"
    step "removed $path"
  fi
done
rm -f -- "$FILES_DUE"
firewall_off
systemctl daemon-reload
step "kept: swap stays off until /etc/fstab is edited back (lines marked '# racksmith:'), kernel settings until the next boot"
