# shellcheck shell=bash
# apt.sh: the package half of lib.sh, which sources it at the first apt_install or apt_update.

_apt_options=(-y -q -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0
  -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)

# apt_install PKG[=VERSION]...: installs what is not there yet, in the exact version where one is given.
# Waits for other package managers, ends what an interrupted one left, and looks at the disk space first.
apt_install() {
  local spec missing=() options=("${_apt_options[@]}" --no-install-recommends)
  for spec in "$@"; do
    _apt_present "$spec" || missing+=("$spec")
    [[ $spec != *=* ]] || options+=(--allow-change-held-packages --allow-downgrades)
  done
  ((${#missing[@]} > 0)) || return 0
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a APT_LISTCHANGES_FRONTEND=none
  _apt_recover
  _apt_check_space "${missing[@]}"
  step "installing ${missing[*]}"
  _apt_run install "${options[@]}" -- "${missing[@]}" || fail "apt-get install ${missing[*]} $_apt_why"
}

# apt_update OFFERED…: reads the package lists until the command OFFERED… succeeds; its status is theirs.
# A power cut leaves lists empty or cut short, and apt takes those for current as long as InRelease has not changed,
# or cannot read them at all: where every repository answered and yet something is missing, they are fetched anew.
_apt_unreached=""
apt_update() {
  local read=no
  step "reading the package lists"
  if _apt_fetch_lists; then read=yes; fi
  if [[ $read == yes ]] && "$@" >/dev/null 2>&1; then return 0; fi
  if [[ -z $_apt_unreached ]]; then
    step "reading the package lists anew, from nothing"
    find /var/lib/apt/lists -maxdepth 1 -type f ! -name lock -delete
    if _apt_fetch_lists; then read=yes; fi
  fi
  [[ $read == yes ]] || fail "apt-get update failed: is a package repository reachable? What apt says is above"
  "$@" >/dev/null 2>&1
}

_apt_fetch_lists() {
  local rc=0
  _apt_run update -q || rc=$?
  _apt_unreached=$_apt_unfetched
  sync -f /var/lib/apt/lists
  return "$rc"
}

# _apt_run ARGS…: apt-get, its output shown. _apt_unfetched is what it could not fetch; on failure _apt_why says
# whether the network or the packages were at fault. apt waits for dpkg's lock (DPkg::Lock::Timeout) but not for those
# of the lists and the archives, which a server's daily update holds for minutes after a boot.
_apt_unfetched=""
_apt_why=""
_apt_run() {
  local said rc until=$((SECONDS + 600))
  said=$(mktemp)
  while :; do
    rc=0
    apt-get "$@" </dev/null 2>&1 | tee "$said" || rc=$?
    if ((rc == 0 || SECONDS >= until)) || ! grep -q '^E: Could not get lock ' "$said"; then break; fi
    step "waiting for another package manager"
    sleep 5
  done
  _apt_unfetched=$(_apt_failed_fetches <"$said")
  rm -f -- "$said"
  _apt_why="failed: what apt says is above"
  [[ -z $_apt_unfetched ]] || _apt_why="failed: the package repository cannot be reached or lacks a file: $_apt_unfetched. What was installed stays as it was"
  return "$rc"
}

# What apt could not fetch, from its output on stdin, in one line: both its errors and its warnings say so.
_apt_failed_fetches() {
  local line found=""
  while IFS= read -r line; do
    [[ $line =~ ^[EW]:\ Failed\ to\ fetch\ ([^ ]+)\ *(.*)$ ]] || continue
    found+="${found:+; }${BASH_REMATCH[1]} (${BASH_REMATCH[2]})"
  done
  printf '%s' "${found:0:600}"
}

_apt_present() {
  local name=${1%%=*} version="" status=""
  [[ $1 != *=* ]] || version=${1#*=}
  status=$(dpkg-query -W -f '${db:Status-Status} ${Version}' -- "$name" 2>/dev/null) || return 1
  [[ $status == "installed "* && (-z $version || $status == "installed $version") ]]
}

# A power cut inside dpkg leaves a journal or half-configured packages, and apt then refuses to work.
# Holds are ignored: the way out may lead over a held package, and each noun holds its own again.
_apt_recover() {
  local journal=(/var/lib/dpkg/updates/*)
  if [[ -e ${journal[0]} ]] || grep -qE '^Status: .* (half-installed|half-configured|unpacked|triggers-)' /var/lib/dpkg/status; then
    step "finishing an interrupted package installation"
    dpkg --force-confdef --force-confold --configure -a </dev/null || true
    _apt_run install -f "${_apt_options[@]}" --ignore-hold --allow-change-held-packages --allow-downgrades ||
      fail "an interrupted package installation cannot be finished ($_apt_why): see dpkg --audit"
  fi
}

# What apt says it will need, against what is free where packages land. 200 MiB stay free.
_apt_check_space() {
  local plan download=0 unpacked=0 free_usr free_cache
  _apt_plan "$@" >/dev/null || apt_update _apt_plan "$@" || true
  plan=$(_apt_plan "$@") ||
    fail "${_apt_unreached:+"not reached: $_apt_unreached; "}no repository ${_apt_unreached:+"that answered "}offers $*: $(tail -c 600 <<<"$plan")"
  [[ $plan =~ Need\ to\ get\ ([0-9.,]+)\ ?([kMG]?B) ]] && download=$(_apt_kib "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  [[ $plan =~ ([0-9.,]+)\ ?([kMG]?B)\ of\ additional ]] && unpacked=$(_apt_kib "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  [[ $plan =~ Download\ size:\ ([0-9.,]+)\ ?([kMG]?B) ]] && download=$(_apt_kib "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  [[ $plan =~ Space\ needed:\ ([0-9.,]+)\ ?([kMG]?B) ]] && unpacked=$(_apt_kib "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  free_usr=$(_free_kib /usr)
  free_cache=$(_free_kib /var/cache/apt/archives)
  ((free_usr > unpacked + 204800)) || fail "/usr has $((free_usr / 1024)) MiB free; installing $* takes $((unpacked / 1024)) MiB and 200 MiB must stay free. Nothing was changed."
  ((free_cache > download + 204800)) || fail "/var/cache/apt/archives has $((free_cache / 1024)) MiB free; $* takes $((download / 1024)) MiB to download and 200 MiB must stay free. Nothing was changed."
}

# --print-uris makes apt say what it needs and touch nothing. (--assume-no answers a question, and apt asks none
# when only the named packages are needed; --simulate does not say the sizes.)
_apt_plan() {
  apt-get install --print-uris -y -q --no-install-recommends --allow-change-held-packages --allow-downgrades -- "$@" </dev/null 2>&1
}

_apt_kib() {
  local whole=${1%%.*}
  whole=${whole//,/}
  case $2 in
    GB) printf '%s' $(((whole + 1) * 1048576)) ;;
    MB) printf '%s' $(((whole + 1) * 1024)) ;;
    kB) printf '%s' $((whole + 1)) ;;
    *) printf '1' ;;
  esac
}

_free_kib() {
  local line
  line=$(df -Pk -- "$1" | tail -n 1)
  [[ $line =~ ^.*\ ([0-9]+)\ +[0-9-]+%?\  ]]
  printf '%s' "${BASH_REMATCH[1]}"
}
