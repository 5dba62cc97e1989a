# shellcheck shell=bash
# vault/tpm2.sh: the key slot that the machine's TPM opens. Sourced after lib.sh.

# tpm2_packages NAME
tpm2_packages() {
  local version
  [[ -e /dev/tpmrm0 ]] || fail "vault $1: unlock is tpm2 and this machine has no TPM (no /dev/tpmrm0); switch it on in the firmware or set vault.unlock: operator"
  command -v systemd-cryptenroll >/dev/null || apt_install systemd-cryptsetup
  tpm2_libraries
  version=$(systemd-cryptenroll --version)
  [[ $version =~ ^systemd\ ([0-9]+) ]] || fail "systemd-cryptenroll --version says nothing usable"
  # Older ones take the key from the environment only, where other processes of root see it.
  ((BASH_REMATCH[1] >= 252)) || fail "vault $1: unlock tpm2 needs systemd 252 or newer, this host has ${BASH_REMATCH[1]}; set vault.unlock: operator"
}

# What systemd loads at run time to talk to a TPM. Releases give these packages other suffixes (…0t64).
tpm2_libraries() {
  local prefix names packages=()
  for prefix in libtss2-esys libtss2-mu libtss2-rc libtss2-tcti-device; do
    names=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$prefix*" 2>/dev/null | sed -n 's/^installed //p' || true)
    [[ -n $names ]] || in_apt_by_prefix "$prefix" || apt_update in_apt_by_prefix "$prefix" || true
    names=${names:-$(apt-cache pkgnames "$prefix" | sort)}
    [[ -n $names ]] || fail "no repository offers a package $prefix*, which opening the vault by TPM needs"
    packages+=("${names%%$'\n'*}")
  done
  apt_install "${packages[@]}"
}

in_apt_by_prefix() {
  [[ -n $(apt-cache pkgnames "$1" 2>/dev/null) ]]
}

# tpm2_opens NAME MAPPER: by the unit that also opens it at boot.
tpm2_opens() {
  tpm2_packages "$1"
  step "asking the TPM to open the vault"
  systemctl start "systemd-cryptsetup@$(systemd-escape -- "$2").service"
}

# tpm2_enroll NAME DEVICE PCRS: the operator's key is on stdin. The new slot is made before older ones of its kind go.
tpm2_enroll() {
  tpm2_packages "$1"
  step "giving the TPM a key slot"
  systemd-cryptenroll --tpm2-device=auto --tpm2-pcrs="$3" --wipe-slot=tpm2 --unlock-key-file=/dev/stdin -- "$2" >/dev/null ||
    fail "vault $1: the TPM took no key (PCRs ${3:-none}). The operator's key still opens the vault"
}

# tpm2_forget DEVICE
tpm2_forget() {
  command -v systemd-cryptenroll >/dev/null || apt_install systemd-cryptsetup
  step "taking the TPM's key slot away"
  systemd-cryptenroll --wipe-slot=tpm2 -- "$1" >/dev/null
}
