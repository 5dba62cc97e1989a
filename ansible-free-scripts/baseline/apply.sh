#!/usr/bin/env bash
# baseline/apply: writes the files that differ and brings into force what is not.
# Inputs (stdin, key=value):
#   file_path, file_present, file_text   parallel lists: a file, true or false, its text
#   sysctl_key, sysctl_value             parallel lists: kernel settings
#   time_sync          true: a time service runs
#   memlock            unlimited or system
#   thp                madvise, never, always or system: transparent huge pages
#   swap               off, zram or system
#   blacklist_nouveau  true: nouveau must not be loaded
#   firewall           true: racksmith's table is loaded
#   firewall_path      the ruleset, one of file_path
#   ssh_port           a port that the firewall may never close
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/state.sh"
. "$(dirname "${BASH_SOURCE[0]}")/settings.sh"
file_path=() file_present=() file_text=()
read_inputs file_path file_present file_text sysctl_key sysctl_value time_sync memlock thp swap \
  blacklist_nouveau firewall firewall_path ssh_port
[[ $ssh_port =~ ^[0-9]+$ ]] || fail "ssh_port: found $ssh_port, wanted a port number"

# Paths of the files that this run, or one before it that ended early, wrote or took away, between newlines.
due=$(files_due)
changed=$'\n'${due:+$due$'\n'}
was_changed() { [[ $changed == *$'\n'$1$'\n'* ]]; }

# will_change PATH: written down before it is done.
will_change() {
  ! was_changed "$1" || return 0
  changed+=$1$'\n'
  printf '%s' "${changed#$'\n'}" | changed_file "$FILES_DUE" 0600 root || true
}

write_files() {
  local at path
  for at in "${!file_path[@]}"; do
    path=${file_path[at]}
    if [[ ${file_present[at]} == true ]]; then
      printf '%s' "${file_text[at]}" | cmp -s - "$path" || will_change "$path"
      if printf '%s' "${file_text[at]}" | changed_file "$path" 644 root; then step "wrote $path"; fi
    elif [[ -e $path ]]; then
      will_change "$path"
      rm -f -- "$path"
      step "removed $path"
    fi
  done
}

mkdir -p /etc/racksmith /var/lib/racksmith
write_files
apply_sysctl
apply_memlock
apply_thp
apply_swap
apply_nouveau
apply_time
apply_journal
apply_firewall
rm -f -- "$FILES_DUE"
