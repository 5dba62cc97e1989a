#!/usr/bin/env bash
# files/remove: removes what this set created and nobody edited; says what it keeps.
# Inputs (stdin, key=value):
#   name  of this set of files
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../lib.sh"
name=""
read_inputs name
[[ $name =~ ^[a-z][a-z0-9-]*$ ]] || fail "name: found '$name', wanted lower-case letters, digits and -"
. "$here/record.sh"
[[ -f $state/created ]] || exit 0
paths=()
while read -r _ path; do paths+=("$path"); done <"$state/created"
for path in "${paths[@]}"; do remove_own "$path"; done
rm -rf -- "$state"
