# shellcheck shell=bash
# vault/tpm2.sh: the key slot that the machine's TPM opens. Sourced by vault/apply, whose variables it uses.

tpm2_packages() {
  [[ -e /dev/tpmrm0 ]] || fail "vault $name: unlock is tpm2 and this machine has no TPM (no /dev/tpmrm0); switch it on in the firmware or set vault.unlock: operator"
  command -v systemd-cryptenroll >/dev/null || apt_install systemd-cryptsetup
  apt_install tpm2-tools
  local version
  version=$(systemd-cryptenroll --version)
  [[ $version =~ ^systemd\ ([0-9]+) ]] || fail "systemd-cryptenroll --version says nothing usable"
  # Older ones take the key from the environment only, where other processes of root see it.
  ((BASH_REMATCH[1] >= 252)) || fail "vault $name: unlock tpm2 needs systemd 252 or newer, this host has ${BASH_REMATCH[1]}; set vault.unlock: operator"
}

# A start that fails (other firmware, other Secure Boot state) is no error: the operator's key still opens it.
tpm2_opens() {
  tpm2_packages
  boot_write "$mapper" tpm2 "${LUKS[uuid]}" "$workqueues"
  step "asking the TPM to open the vault"
  systemctl start "systemd-cryptsetup@$(systemd-escape -- "$mapper").service"
}

tpm2_enroll() {
  local had=""
  [[ -z ${LUKS[tpm2_token]} ]] || had=$(tpm2_pcrs "$real" "${LUKS[tpm2_token]}")
  [[ -z ${LUKS[tpm2_token]} || -n $tpm2_failed || ${had//,/+} != "$tpm2_pcrs" ]] || return 0
  tpm2_packages
  step "giving the TPM a key slot"
  # The new slot is made before the old ones of the same kind go; the operator's slot stays.
  systemd-cryptenroll --tpm2-device=auto --tpm2-pcrs="$tpm2_pcrs" --wipe-slot=tpm2 --unlock-key-file=<(printf '%s' "$key") -- "$real" >/dev/null ||
    fail "vault $name: the TPM took no key (PCRs ${tpm2_pcrs:-none}). The operator's key still opens the vault"
}

tpm2_forget() {
  [[ -n ${LUKS[tpm2_token]} ]] || return 0
  command -v systemd-cryptenroll >/dev/null || apt_install systemd-cryptsetup
  step "taking the TPM's key slot away"
  systemd-cryptenroll --wipe-slot=tpm2 -- "$real" >/dev/null
}
