#!/usr/bin/env bash
# toy/remove: removes the toy file; missing is done.
# Inputs (stdin, key=value):
#   name   the toy's name
set -euo pipefail
# shellcheck source=../../../ansible-free-scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
name=""
read_inputs name
rm -f "$TOY/$name"
printf 'removed %s\n' "$name" >>"$TOY/.acts"
