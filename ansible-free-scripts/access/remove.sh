#!/usr/bin/env bash
# access/remove: takes the sudo rules and the role groups away. Accounts, their keys and the audit log stay.
# Inputs (stdin, key=value):
#   group      role groups, repeated
#   directory  folders that go back to group root, repeated
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
group=() directory=()
read_inputs group directory
rm -f /etc/sudoers.d/racksmith
for path in "${directory[@]}"; do
  if [[ -d $path && ! -L $path ]]; then chgrp root -- "$path"; fi
done
for name in "${group[@]}"; do
  line=$(getent group "$name") || continue
  [[ -z ${line##*:} ]] || warn "the accounts ${line##*:} are kept, without the role $name"
  groupdel -- "$name"
done
