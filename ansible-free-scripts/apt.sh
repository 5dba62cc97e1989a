# shellcheck shell=bash
# apt.sh: the package half of lib.sh, which sources it at the first apt_install.

# apt_install PKG[=VERSION]...: installs what is not there yet, in the exact version where one is given.
# Waits for other package managers, ends what an interrupted one left, and looks at the disk space first.
apt_install() {
  local spec missing=() options=(-y -q --no-install-recommends -o DPkg::Lock::Timeout=600
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold)
  for spec in "$@"; do
    _apt_present "$spec" || missing+=("$spec")
    [[ $spec != *=* ]] || options+=(--allow-change-held-packages --allow-downgrades)
  done
  ((${#missing[@]} > 0)) || return 0
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a APT_LISTCHANGES_FRONTEND=none
  _apt_recover
  _apt_check_space "${missing[@]}"
  step "installing ${missing[*]}"
  apt-get install "${options[@]}" -- "${missing[@]}" </dev/null || fail "apt-get install ${missing[*]} failed"
}

_apt_present() {
  local name=${1%%=*} version="" status=""
  [[ $1 != *=* ]] || version=${1#*=}
  status=$(dpkg-query -W -f '${db:Status-Status} ${Version}' -- "$name" 2>/dev/null) || return 1
  [[ $status == "installed "* && (-z $version || $status == "installed $version") ]]
}

# A power cut inside dpkg leaves a journal or half-configured packages, and apt then refuses to work.
_apt_recover() {
  local journal=(/var/lib/dpkg/updates/*)
  if [[ -e ${journal[0]} ]] || grep -qE '^Status: .* (half-installed|half-configured|unpacked|triggers-)' /var/lib/dpkg/status; then
    step "finishing an interrupted package installation"
    dpkg --force-confdef --force-confold --configure -a </dev/null || true
    apt-get -f install -y -q -o DPkg::Lock::Timeout=600 </dev/null || fail "an interrupted package installation cannot be finished: see dpkg --audit"
  fi
}

# What apt says it will need, against what is free where packages land. 200 MiB stay free.
_apt_check_space() {
  local plan download=0 unpacked=0 free_usr free_cache
  if ! plan=$(_apt_plan "$@"); then
    step "reading the package lists"
    apt-get update -q -o DPkg::Lock::Timeout=600 </dev/null >&2 || fail "apt-get update failed: is a package repository reachable?"
    plan=$(_apt_plan "$@") || fail "no repository offers $*: $plan"
  fi
  [[ $plan =~ Need\ to\ get\ ([0-9.,]+)\ ?([kMG]?B) ]] && download=$(_apt_kib "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  [[ $plan =~ ([0-9.,]+)\ ?([kMG]?B)\ of\ additional ]] && unpacked=$(_apt_kib "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  [[ $plan =~ Download\ size:\ ([0-9.,]+)\ ?([kMG]?B) ]] && download=$(_apt_kib "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  [[ $plan =~ Space\ needed:\ ([0-9.,]+)\ ?([kMG]?B) ]] && unpacked=$(_apt_kib "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}")
  free_usr=$(_free_kib /usr)
  free_cache=$(_free_kib /var/cache/apt/archives)
  ((free_usr > unpacked + 204800)) || fail "/usr has $((free_usr / 1024)) MiB free; installing $* takes $((unpacked / 1024)) MiB and 200 MiB must stay free. Nothing was changed."
  ((free_cache > download + 204800)) || fail "/var/cache/apt/archives has $((free_cache / 1024)) MiB free; $* takes $((download / 1024)) MiB to download and 200 MiB must stay free. Nothing was changed."
}

# --assume-no makes apt print its plan, touch nothing and exit 1; 100 means that it has no plan.
_apt_plan() {
  local rc=0
  apt-get install --assume-no -q --no-install-recommends --allow-change-held-packages --allow-downgrades -- "$@" </dev/null 2>&1 || rc=$?
  ((rc < 100))
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
