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

# Paths of the files that this run wrote or took away, between newlines.
changed=$'\n'
was_changed() { [[ $changed == *$'\n'$1$'\n'* ]]; }

write_files() {
  local at path
  for at in "${!file_path[@]}"; do
    path=${file_path[at]}
    if [[ ${file_present[at]} == true ]]; then
      if printf '%s' "${file_text[at]}" | changed_file "$path" 644 root; then
        step "wrote $path"
        changed+=$path$'\n'
      fi
    elif [[ -e $path ]]; then
      rm -f -- "$path"
      step "removed $path"
      changed+=$path$'\n'
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
