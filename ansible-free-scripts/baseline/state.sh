# shellcheck shell=bash
# state.sh: what observe.sh and apply.sh of baseline both ask the system.

FIREWALL_BOOT=/etc/racksmith/firewall-boot.nft
FIREWALL_SUM=/var/lib/racksmith/firewall.sha256
FILES_DUE=/var/lib/racksmith/baseline.due

# files_due: paths of the files that an act wrote or took away before it ended early, one a line: they may not be in force.
files_due() { [[ ! -e $FILES_DUE ]] || cat -- "$FILES_DUE"; }

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

# login_port ADDRESS:PORT: the port, but for an address of loopback's: sshd forwards from those (ssh -X, ssh -R), and
# loopback is open anyway.
login_port() {
  case $1 in
    127.* | '[::1]'* | '[::ffff:127.'*) ;;
    *:*[0-9]) printf '%s\n' "${1##*:}" ;;
  esac
}

# ssh_ports: every port that a person may be logging in by, one a line.
ssh_ports() {
  local line at
  while read -r _ _ _ at line; do
    if [[ $line == *\"sshd* ]]; then login_port "$at"; fi
  done < <(ss -H -l -t -n -p 2>/dev/null)
  while read -r _ _ at line; do
    if [[ $line == *\"sshd* ]]; then login_port "$at"; fi
  done < <(ss -H -t -n -p state established 2>/dev/null)
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

# firewall_sum: sums of what is in force, without counters, and of the files that it is loaded from.
firewall_sum() {
  local live files
  live=$(nft -s list table inet racksmith 2>/dev/null | sha256sum)
  files=$(firewall_files 2>/dev/null | sha256sum)
  printf '%s %s\n' "${live%% *}" "${files%% *}"
}

# firewall_files: the boot file and the ruleset that it includes.
firewall_files() {
  local line
  while IFS= read -r line; do
    printf '%s\n' "$line"
    if [[ $line =~ ^include\ \"(.+)\"$ ]]; then cat -- "${BASH_REMATCH[1]}" || true; fi
  done <"$FIREWALL_BOOT" || true
}

# firewall_state: loaded, changed (in force are not the rules of the files, or no longer those that were loaded), absent.
firewall_state() {
  local recorded="" boot="" wanted
  if ! command -v nft >/dev/null || ! nft -s list table inet racksmith >/dev/null 2>&1; then
    printf absent
    return
  fi
  { IFS= read -r recorded <"$FIREWALL_SUM" || true; } 2>/dev/null
  if [[ $(firewall_sum) != "$recorded" ]]; then
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
