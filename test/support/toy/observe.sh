#!/usr/bin/env bash
# toy/observe: what the toy file holds.
# Inputs (stdin, key=value):
#   name   the toy's name
set -euo pipefail
# shellcheck source=../../../ansible-free-scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
name=""
read_inputs name
file=$TOY/$name
text=""
json_begin
if [[ -f $file ]]; then
  IFS= read -r -d '' text <"$file" || true
  json_bool present yes
  json_str text "$text"
else
  json_bool present no
  json_str text ""
fi
json_end
