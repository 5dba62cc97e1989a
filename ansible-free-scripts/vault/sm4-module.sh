#!/usr/bin/env bash
# vault/sm4-module: gives a kernel the SM4 block cipher.
# Ubuntu ships the modules; Debian switches them off, so they are built from the
# distribution's own kernel source against its own headers.
#
# Usage:
#   sm4-module.sh check KVER          exit 0 when kernel KVER has SM4
#   sm4-module.sh build KVER OUTDIR   writes *.ko to OUTDIR; needs linux-source-X.Y, linux-headers-KVER, gcc, make, xz
#   sm4-module.sh ensure KVER         check, else a package, else build and install; keeps kernel updates covered
#   sm4-module.sh hook KVER           called by /etc/kernel/postinst.d: ensure, once dpkg is free
#   sm4-module.sh load                loads the fastest module this CPU takes and has it loaded at boot
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work=""
trap '[[ -z "$work" ]] || rm -rf -- "$work"' EXIT

die() {
  printf 'sm4-module: %s\n' "$*" >&2
  exit 1
}

# The version goes into paths and package names.
checked_kver() {
  [[ "${1:-}" =~ ^[0-9]+\.[0-9][A-Za-z0-9.+~_-]*$ ]] || die "'${1:-}' is no kernel version (wanted the form of uname -r)"
}

has_sm4() {
  modprobe --set-version "$1" --dry-run --quiet crypto-sm4
}

# 6.12.57+deb13-amd64 -> 6.12
source_series() {
  [[ "$1" =~ ^([0-9]+\.[0-9]+) ]]
  printf '%s\n' "${BASH_REMATCH[1]}"
}

kbuild_file() {
  printf 'obj-m += sm4.o sm4_generic.o\n'
  [[ -e "$1/sm4-aesni-avx-asm_64.S" ]] || return 0
  printf 'obj-m += sm4-aesni-avx-x86_64.o sm4-aesni-avx2-x86_64.o\n'
  printf 'sm4-aesni-avx-x86_64-y := sm4-aesni-avx-asm_64.o sm4_aesni_avx_glue.o\n'
  printf 'sm4-aesni-avx2-x86_64-y := sm4-aesni-avx2-asm_64.o sm4_aesni_avx2_glue.o\n'
}

build() {
  local kver="$1" out="$2" headers tarball member
  headers="/lib/modules/$kver/build"
  tarball="/usr/src/linux-source-$(source_series "$kver").tar.xz"
  [[ -e "$headers/Makefile" ]] || die "$headers: not there; install linux-headers-$kver"
  [[ -e "$tarball" ]] || die "$tarball: not there; install linux-source-$(source_series "$kver")"
  work="$(mktemp -d)"
  member=("*/crypto/sm4.c" "*/crypto/sm4_generic.c")
  [[ "$(uname -m)" != x86_64 ]] || member+=("*/arch/x86/crypto/sm4*")
  tar -xJf "$tarball" -C "$work" --wildcards --no-wildcards-match-slash --transform 's,.*/,,' "${member[@]/#\*/linux-source-*}" ||
    die "$tarball: SM4 sources not found in it (looked for ${member[*]})"
  kbuild_file "$work" >"$work/Kbuild"
  make -s -C "$headers" M="$work" modules >&2 || die "the SM4 modules did not build against $headers"
  mkdir -p -- "$out"
  for member in "$work"/*.ko; do
    [[ "$(modinfo -F vermagic "$member")" == "$kver "* ]] || die "$member: built for $(modinfo -F vermagic "$member"), wanted $kver"
    strip --strip-debug "$member"
    install -m 0644 -- "$member" "$out/"
  done
}

# Complete or absent: a half-copied folder is never in the modules' search path.
install_modules() {
  local kver="$1" from="$2" parent="/lib/modules/$1/updates"
  mkdir -p "$parent"
  rm -rf -- "$parent/racksmith" "$parent/.racksmith.new"
  cp -r -- "$from" "$parent/.racksmith.new"
  sync -f "$parent"
  mv -T -- "$parent/.racksmith.new" "$parent/racksmith"
  depmod "$kver"
}

in_apt() {
  [[ -n "$(apt-cache madison "$1" 2>/dev/null)" ]]
}

sm4_in_apt() {
  in_apt "racksmith-sm4-modules-$1" || in_apt "linux-source-$2"
}

# A kernel update brings its headers along when the flavour's metapackage is installed.
headers_metapackage() {
  local flavour="${1##*-}"
  in_apt "linux-headers-$flavour" && printf 'linux-headers-%s\n' "$flavour"
  return 0
}

obtain() {
  local kver="$1" packaged meta series
  series="$(source_series "$kver")"
  # A bare server may never have read its package lists.
  sm4_in_apt "$kver" "$series" || apt_update sm4_in_apt "$kver" "$series" || true
  for packaged in "racksmith-sm4-modules-$kver" "linux-modules-extra-$kver"; do
    if in_apt "$packaged"; then
      step "SM4: installing $packaged"
      apt_install "$packaged"
      depmod "$kver"
      has_sm4 "$kver" && return 0
    fi
  done
  in_apt "linux-source-$series" || fail "kernel $kver has no SM4, and apt offers neither racksmith-sm4-modules-$kver nor linux-source-$series to build it from; add a repository that has one, or boot a kernel with CONFIG_CRYPTO_SM4"
  meta="$(headers_metapackage "$kver")"
  step "SM4: building modules for kernel $kver"
  apt_install "linux-headers-$kver" "linux-source-$series" gcc make xz-utils ${meta:+"$meta"}
  local built
  built="$(mktemp -d)"
  build "$kver" "$built"
  install_modules "$kver" "$built"
  rm -rf -- "$built"
  has_sm4 "$kver" || fail "kernel $kver: SM4 modules are installed under /lib/modules/$kver/updates/racksmith but modprobe does not find crypto-sm4"
}

ensure() {
  local kver="$1"
  # shellcheck source=../lib.sh
  . "$here/../lib.sh"
  has_sm4 "$kver" || obtain "$kver"
  changed_file /etc/kernel/postinst.d/zz-racksmith-sm4 0755 root:root <<'HOOK' || true
#!/bin/sh
# Written by racksmith: a new kernel gets its SM4 modules, or the vault would stay closed after the reboot.
set -e
script=/usr/lib/racksmith/current/vault/sm4-module.sh
[ ! -x "$script" ] || exec "$script" hook "$1"
HOOK
}

# dpkg is running right now and its lock is held, so the work is left to a unit that waits.
# One that waits already will do; and whatever is wrong here, the kernel's package must be configured all the same.
hook() {
  local unit
  [[ -d /run/systemd/system ]] || return 0
  has_sm4 "$1" && return 0
  unit="racksmith-sm4-$(systemd-escape -- "$1")"
  ! systemctl cat -- "$unit.service" >/dev/null 2>&1 || return 0
  systemd-run --quiet --no-block --collect --unit "$unit" \
    -p Restart=on-failure -p RestartSec=60 -p StartLimitIntervalSec=0 "$here/sm4-module.sh" ensure "$1" || true
}

load() {
  local module loaded=()
  # shellcheck source=../lib.sh
  . "$here/../lib.sh"
  for module in sm4_generic sm4-aesni-avx-x86_64 sm4-aesni-avx2-x86_64 xts; do
    # A CPU without AVX2 refuses the last ones; the generic one serves then.
    modprobe --quiet "$module" 2>/dev/null && loaded+=("$module")
  done
  if ! grep -q '^name *: sm4$' /proc/crypto; then
    fail "kernel $(uname -r): SM4 modules do not load ($(modprobe sm4_generic 2>&1 | tail -n 1)); with Secure Boot, unsigned modules are refused: sign them with an enrolled key or install a kernel that ships SM4"
  fi
  printf '%s\n' "${loaded[@]}" | changed_file /etc/modules-load.d/racksmith-sm4.conf 0644 root:root || true
}

case "${1:-}" in
  check) checked_kver "${2:-}" && has_sm4 "$2" ;;
  build)
    checked_kver "${2:-}"
    [[ -n "${3:-}" ]] || die "build KVER OUTDIR: OUTDIR is missing"
    build "$2" "$3"
    ;;
  ensure) checked_kver "${2:-}" && ensure "$2" ;;
  hook) checked_kver "${2:-}" && hook "$2" ;;
  load) load ;;
  *) die "usage: sm4-module.sh check|build|ensure|hook KVER [OUTDIR] | load" ;;
esac
