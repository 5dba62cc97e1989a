# shellcheck shell=bash
# run-observe.sh: `run observe`. Sourced by run, which gives lib, state and lock_host.
: "${state:?}" "${lib:?}"
observe_timeout_seconds=300

observe() {
  local work lines=() line count=0 nouns=() keys=() pid workers limit running=0 next=0 watchdog
  local -A job=()
  [[ -d $state ]] || mkdir -p "$state"
  work=$(mktemp -d "$state/observe.XXXXXX")
  observe_work=$work
  trap 'rm -rf "$observe_work"' EXIT
  cat >"$work/all"
  mapfile -t lines <"$work/all"
  for line in "${lines[@]}"; do
    if [[ $line =~ ^\[([a-z][a-z0-9_]*)\ ([A-Za-z0-9._-]{1,128})\]$ ]]; then
      nouns+=("${BASH_REMATCH[1]}")
      keys+=("${BASH_REMATCH[2]}")
      exec 4>"$work/$count.in"
      count=$((count + 1))
    elif ((count > 0)); then
      printf '%s\n' "$line" >&4
    elif [[ -n $line ]]; then
      usage "stdin must start with [NOUN KEY]"
    fi
  done
  ((count > 0)) || return 0
  exec 4>&- 9>"$state/lock"
  lock_host 9 -s
  read -r workers </sys/devices/system/cpu/online || workers=0
  limit=$((${workers##*[-,]} + 1))
  sleep "$observe_timeout_seconds" 9>&- >/dev/null 2>&1 &
  watchdog=$!
  while ((next < count || running > 0)); do
    while ((next < count && running < limit)); do
      bash "$lib/${nouns[next]}/observe.sh" <"$work/$next.in" >"$work/$next.out" 2>"$work/$next.err" 9>&- &
      job[$!]=$next
      next=$((next + 1))
      running=$((running + 1))
    done
    local rc=0
    wait -n -p pid || rc=$?
    if [[ $pid == "$watchdog" ]]; then
      # Stuck in the kernel, perhaps: said, and left behind.
      for pid in "${!job[@]}"; do
        kill -s KILL "$pid" || true
        print_section "${keys[${job[$pid]}]}" 124 "$work/${job[$pid]}"
      done
      return 0
    fi
    print_section "${keys[${job[$pid]}]}" "$rc" "$work/${job[$pid]}"
    unset "job[$pid]"
    running=$((running - 1))
  done
  kill "$watchdog"
}

# print_section KEY RC FILE_PREFIX
print_section() {
  local out="" err=()
  json_begin
  json_str key "$1"
  json_num rc "$2"
  if (($2 == 0)); then
    IFS= read -r -d '' out <"$3.out" || true
    out=${out//$'\n'/ }
    json_raw facts "${out:-null}"
  else
    mapfile -t err <"$3.err"
    (($2 != 124)) || err+=("no answer within $observe_timeout_seconds s")
    ((${#err[@]} <= 20)) || err=("${err[@]: -20}")
    local IFS=$'\n'
    json_str error "${err[*]}"
  fi
  json_end
}
