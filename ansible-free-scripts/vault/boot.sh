# shellcheck shell=bash
# vault/boot.sh: what makes the vault come up after a reboot. Sourced after lib.sh.
# nofail keeps the mount out of local-fs.target, so that the boot never waits for it.
# operator: the mount unit waits for somebody to open the volume, and not for long: the boot goes on without it.
# tpm2: systemd-cryptsetup opens it as soon as the array is there, then it is mounted.

MOUNT_POINT=/srv/racksmith/vault
MOUNT_UNIT=srv-racksmith-vault.mount
UNITS=/etc/systemd/system

mount_unit_text() {
  cat <<UNIT
# Written by racksmith.
[Unit]
Description=racksmith vault (SM4-encrypted weights)

[Mount]
What=/dev/mapper/$1
Where=$MOUNT_POINT
Type=xfs
Options=noatime,nodev,nosuid,noexec,nofail
UNIT
  [[ $2 != tpm2 ]] || printf '\n[Install]\nWantedBy=multi-user.target\n'
}

# How long a job may wait for the opened volume. Opening with a TPM takes seconds once the array is there.
device_timeout_text() {
  printf '# Written by racksmith.\n[Unit]\nJobRunningTimeoutSec=%s\n' "$([[ $1 == tpm2 ]] && printf 120s || printf 5s)"
}

device_timeout_path() {
  printf '%s/%s.d/50-racksmith.conf' "$UNITS" "$(systemd-escape --path --suffix=device "/dev/mapper/$1")"
}

# crypttab_text MAPPER POLICY LUKS_UUID WORKQUEUES: /etc/crypttab as it should be, made from what it is.
crypttab_text() {
  local line options=luks,tpm2-device=auto,headless=true,nofail
  if [[ -e /etc/crypttab ]]; then
    while IFS= read -r line || [[ -n $line ]]; do
      [[ $line == "$1"[[:space:]]* ]] || printf '%s\n' "$line"
    done </etc/crypttab
  fi
  [[ $4 == true ]] || options+=,no-read-workqueue,no-write-workqueue
  [[ $2 != tpm2 ]] || printf '%s UUID=%s none %s\n' "$1" "$3" "$options"
}

# same_text FILE TEXT: the file says this; a missing one says nothing.
same_text() {
  local had=""
  [[ ! -e $1 ]] || had=$(<"$1")
  [[ $had == "$2" ]]
}

# boot_is MAPPER POLICY LUKS_UUID WORKQUEUES: everything of the above is in place.
boot_is() {
  local wants=$UNITS/multi-user.target.wants/$MOUNT_UNIT
  same_text "$UNITS/$MOUNT_UNIT" "$(mount_unit_text "$1" "$2")" || return 1
  same_text "$(device_timeout_path "$1")" "$(device_timeout_text "$2")" || return 1
  same_text /etc/crypttab "$(crypttab_text "$@")" || return 1
  if [[ $2 == tpm2 ]]; then [[ -L $wants ]]; else [[ ! -L $wants ]]; fi
}

# boot_write MAPPER POLICY LUKS_UUID WORKQUEUES
boot_write() {
  local text
  mount_unit_text "$1" "$2" | changed_file "$UNITS/$MOUNT_UNIT" 0644 root:root || true
  device_timeout_text "$2" | changed_file "$(device_timeout_path "$1")" 0644 root:root || true
  text=$(crypttab_text "$@")
  if ! same_text /etc/crypttab "$text"; then
    printf '%s\n' "$text" | changed_file /etc/crypttab 0644 root:root || true
  fi
  systemctl daemon-reload
  if [[ $2 == tpm2 ]]; then
    systemctl --quiet enable "$MOUNT_UNIT"
  else
    rm -f -- "$UNITS/multi-user.target.wants/$MOUNT_UNIT"
  fi
}

# boot_remove MAPPER
boot_remove() {
  rm -f -- "$UNITS/multi-user.target.wants/$MOUNT_UNIT" "$UNITS/$MOUNT_UNIT" "$(device_timeout_path "$1")"
  if [[ -e /etc/crypttab ]]; then
    crypttab_text "$1" none "" false | changed_file /etc/crypttab 0644 root:root || true
  fi
  systemctl daemon-reload
}
