#!/usr/bin/env bash
# host/apply: nothing to do: this noun looks at the machine and refuses what a tier does not allow.
# Inputs (stdin, key=value): none.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
read_inputs LC_ALL
step "the host is only looked at"
