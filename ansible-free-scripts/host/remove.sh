#!/usr/bin/env bash
# host/remove: nothing to remove: this noun changed nothing.
# Inputs (stdin, key=value): none.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
read_inputs LC_ALL
step "the host stays as it is"
