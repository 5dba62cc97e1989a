# shellcheck shell=bash
# state.sh: what observe.sh and apply.sh of baseline both ask the system.

FIREWALL_BOOT=/etc/racksmith/firewall-boot.nft
FIREWALL_SUM=/var/lib/racksmith/firewall.sha256

# sysctl_path KEY: its file, without ever leaving /proc/sys. Dots separate; in an interface's name they cannot be told.
sysctl_path() {
  [[ $1 =~ ^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$ ]] || return 1
  printf '/proc/sys/%s' "${1//.//}"
}

sysctl_read() {
  local path
  path=$(sysctl_path "$1") && cat -- "$path" 2>/dev/null
}

thp_mode() {
  local line=""
  { read -r line </sys/kernel/mm/transparent_hugepage/enabled || true; } 2>/dev/null
  if [[ $line =~ \[([a-z]+)\] ]]; then printf '%s' "${BASH_REMATCH[1]}"; else printf absent; fi
}

active_swaps() {
  local device
  while read -r device _; do
    [[ $device != /* ]] || printf '%s\n' "$device"
  done </proc/swaps
}

manager_memlock() {
  systemctl show -p DefaultLimitMEMLOCK --value 2>/dev/null || true
}

# time_service: the name of the running time service, or nothing.
time_service() {
  local units=(chrony.service chronyd.service ntpsec.service ntp.service openntpd.service systemd-timesyncd.service) states at=0 state
  states=$(systemctl is-active "${units[@]}" 2>/dev/null) || true
  while IFS= read -r state; do
    if [[ $state == active ]]; then
      printf '%s' "${units[at]}"
      return
    fi
    at=$((at + 1))
  done <<<"$states"
}

# ssh_ports: every port that a person may be logging in by, one a line.
ssh_ports() {
  local line
  while IFS= read -r line; do
    if [[ $line =~ :([0-9]+)\ .*\"sshd ]]; then printf '%s\n' "${BASH_REMATCH[1]}"; fi
  done < <(ss -H -l -t -n -p 2>/dev/null)
  while read -r _ _ line _; do
    if [[ $line =~ :([0-9]+)$ ]]; then printf '%s\n' "${BASH_REMATCH[1]}"; fi
  done < <(ss -H -t -n -p state established 2>/dev/null | grep '"sshd' || true)
  # Ubuntu's sshd is started by a socket unit, and then systemd is the listener.
  while IFS= read -r line; do
    if [[ $line =~ ([0-9]+)\ \(Stream\) ]]; then printf '%s\n' "${BASH_REMATCH[1]}"; fi
  done < <(systemctl show -p Listen --value ssh.socket sshd.socket 2>/dev/null || true)
  if command -v sshd >/dev/null; then
    while read -r line at; do
      if [[ $line == port ]]; then printf '%s\n' "$at"; fi
    done < <(sshd -T 2>/dev/null || true)
  fi
}

# firewall_sum: what is in force, without counters.
firewall_sum() {
  nft -s list table inet racksmith 2>/dev/null | sha256sum
}

firewall_state() {
  local recorded="" now boot="" wanted
  if ! command -v nft >/dev/null || ! nft -s list table inet racksmith >/dev/null 2>&1; then
    printf absent
    return
  fi
  { read -r recorded _ <"$FIREWALL_SUM" || true; } 2>/dev/null
  now=$(firewall_sum)
  if [[ ${now%% *} != "$recorded" ]]; then
    printf changed
    return
  fi
  { read -r boot <"$FIREWALL_BOOT" || true; } 2>/dev/null
  while IFS= read -r wanted; do
    if [[ " ${boot//,/ } " != *" $wanted "* ]]; then
      printf changed
      return
    fi
  done < <(ssh_ports)
  printf loaded
}
