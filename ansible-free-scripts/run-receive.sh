# shellcheck shell=bash
# run-receive.sh: `run receive`. Sourced by run, which gives state, act_timeout_seconds and the checks of words.
: "${state:?}" "${act_timeout_seconds:?}"
incoming=${RACKSMITH_INCOMING:-/var/lib/racksmith/incoming}
stall_seconds=30

receive() {
  local key=$1 offset=$2 size=0 rc=0 file=$incoming/$1 writer
  check_word KEY "$key"
  [[ $offset =~ ^[0-9]{1,15}$ ]] || usage "OFFSET is a number of bytes"
  [[ -d $incoming ]] || mkdir -p "$incoming"
  exec 7>>"$file"
  writer=$state/receive-$key
  [[ -d $state ]] || mkdir -p "$state"
  take_over "$file" "$writer"
  size=$(stat -c %s "$file")
  if [[ $size != "$offset" ]]; then
    printf '::size %s\n' "$size"
    exit 68
  fi
  # Apart, so that a newer transfer can end it while it waits for bytes that will not come.
  cat <&0 >&7 &
  receiver=$!
  trap 'kill "$receiver" 2>/dev/null || true' EXIT
  printf '%s\n' "$receiver" >"$writer"
  wait "$receiver" || rc=$?
  trap - EXIT
  rm -f "$writer"
  ((rc != 143)) || fail "$file: a newer transfer of it took over, as none of this one's bytes had come for $stall_seconds s"
  ((rc == 0)) || fail "$file: cannot write it (is the disk full?); what has arrived stays for the next try"
  sync "$file"
  printf '::size %s\n' "$(stat -c %s "$file")"
}

# take_over FILE WRITER_FILE: waits for the transfer that has FILE locked (fd 7) while the file grows. One whose
# sender went without a word would keep it until TCP gives up, in two hours: that one is ended.
take_over() {
  local file=$1 before pid="" left=$act_timeout_seconds
  flock -n 7 && return 0
  while ((left > 0)); do
    step "waiting for another transfer of the same file"
    before=$(stat -c %s "$file")
    flock -w "$stall_seconds" 7 && return 0
    [[ $(stat -c %s "$file") == "$before" ]] || {
      left=$((left - stall_seconds))
      continue
    }
    if [[ -s $2 ]]; then read -r pid <"$2" || true; fi
    # By now the number may be somebody else's: only what writes this very file is ended.
    if [[ $pid =~ ^[0-9]+$ && /proc/$pid/fd/1 -ef $file ]]; then kill "$pid" || true; fi
    # It may have been at its last step, the sync.
    flock -w 300 7 && return 0
    break
  done
  fail "$file: another transfer has it and does not end; see who: fuser -v $file"
}
