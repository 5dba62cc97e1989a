#!/usr/bin/env bash
# weights/remove: leaves the versions on the vault, or deletes them.
# Inputs (stdin, key=value):
#   on_delete  keep or wipe
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
# shellcheck source=store.sh
. "$(dirname "${BASH_SOURCE[0]}")/store.sh"
on_delete=""
read_inputs on_delete

if ! vault_open || [[ ! -d $STORE ]]; then
  warn "the vault is closed or holds no weights: nothing was removed"
  exit 0
fi
mapfile -t ids < <(find "$STORE/versions" -mindepth 1 -maxdepth 1 -type d ! -name '.*' -printf '%f\n' | sort)
if [[ $on_delete != wipe ]]; then
  warn "kept: weights ${ids[*]:-(none)} in $STORE"
  exit 0
fi
for id in "${ids[@]}"; do
  ! in_use "$id" || fail "version $id: a container reads it; stop it first. Nothing was removed"
done
step "deleting weights ${ids[*]:-(none)}"
rm -rf -- "${STORE:?}"
rm -f -- "$INCOMING"/weights-* "$INCOMING"/manifest-*
