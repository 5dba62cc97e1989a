#!/usr/bin/env bash
# toy/apply: writes the toy file, slowly if told so, and notes each run.
# Inputs (stdin, key=value):
#   name     the toy's name
#   text     what it shall hold
#   slow     tenths of a second to take
#   broken   `fail` ends with an error that repeats `password`; `lie` does nothing; `reboot` asks for one
#   password a secret; `misfit` is refused
set -euo pipefail
# shellcheck source=../../../ansible-free-scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
name="" text="" slow=0 broken="" password=""
read_inputs name text slow broken password
mkdir -p "$TOY"
printf 'begin %s\n' "$name" >>"$TOY/.acts"
for ((i = 0; i < slow; i++)); do
  step "tenth $i of $slow"
  sleep 0.1
done
[[ $password != misfit ]] || fail "the password does not fit"
case $broken in
  fail) fail "the toy is broken: $password" ;;
  lie) exit 0 ;;
  reboot) needs_reboot "the toy wants it" ;;
esac
printf '%s' "$text" | changed_file "$TOY/$name" 600 "$(id -un):$(id -gn)" || true
printf 'end %s\n' "$name" >>"$TOY/.acts"
