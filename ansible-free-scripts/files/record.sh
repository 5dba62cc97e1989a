# shellcheck shell=bash
# files/record: what a set of files created, so that only that is ever removed.
# Sourced after lib.sh. Input of the sourcing script that is read here:
: "${name:=}"
state=/var/lib/racksmith/files.d/$name

# record_of PATH: the hash written there last; empty when it is not this set's.
record_of() {
  local sum path
  [[ -f $state/created ]] || return 0
  while read -r sum path; do
    if [[ $path == "$1" ]]; then
      printf '%s' "$sum"
      return
    fi
  done <"$state/created"
}

# record_put PATH SUM: an empty SUM forgets the file.
record_put() {
  local lines="" sum path
  if [[ -f $state/created ]]; then
    while read -r sum path; do
      [[ $path == "$1" ]] || lines+="$sum $path"$'\n'
    done <"$state/created"
  fi
  [[ -z $2 ]] || lines+="$2 $1"$'\n'
  printf '%s' "$lines" | changed_file "$state/created" 0600 root || true
}

# remove_own PATH: only a file this set created and nobody edited since.
remove_own() {
  local sum known
  known=$(record_of "$1")
  if [[ -z $known || ! -e $1 ]]; then
    record_put "$1" ""
    return 0
  fi
  if [[ -L $1 || ! -f $1 ]]; then
    warn "$1 is kept: it is not the file that racksmith wrote"
  else
    sum=$(sha256sum <"$1")
    if [[ ${sum%% *} == "$known" ]]; then
      step "removing $1"
      rm -f -- "$1"
    else
      warn "$1 is kept: it was edited since racksmith wrote it"
    fi
  fi
  record_put "$1" ""
}
