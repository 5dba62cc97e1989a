# shellcheck shell=bash
# vault/luks.sh: what a LUKS header says and what the kernel really runs. Sourced after lib.sh.

# luks_header DEVICE: fills LUKS[uuid label subsystem cipher sector keybits tokens]. Returns 1 without a LUKS header.
# Without cryptsetup (a freshly installed system), or where that cannot read the header, only uuid and label are known:
# LUKS[dumped] is empty then.
declare -A LUKS=()
luks_header() {
  local line text
  LUKS=([uuid]="" [label]="" [subsystem]="" [cipher]="" [sector]="" [keybits]="" [tpm2_token]="" [workqueues]=true [dumped]="")
  text=$(blkid -p -s TYPE -s UUID -s LABEL -o export -- "$1" 2>/dev/null) || return 1
  [[ $text == *TYPE=crypto_LUKS* ]] || return 1
  while IFS= read -r line; do
    case $line in
      UUID=*) LUKS[uuid]=${line#UUID=} ;;
      LABEL=*) LUKS[label]=${line#LABEL=} ;;
    esac
  done <<<"$text"
  command -v cryptsetup >/dev/null || return 0
  text=$(cryptsetup luksDump -- "$1" 2>/dev/null) || return 0
  LUKS[dumped]=yes
  while IFS= read -r line; do
    case $line in
      Subsystem:*) [[ $line =~ ^Subsystem:[[:space:]]+([a-z-]+)$ ]] && LUKS[subsystem]=${BASH_REMATCH[1]} ;;
      Flags:*no-read-workqueue*) LUKS[workqueues]=false ;;
      *[[:space:]]cipher:*) LUKS[cipher]=${line##*[[:space:]]} ;;
      *[[:space:]]sector:*) [[ $line =~ sector:[[:space:]]+([0-9]+) ]] && LUKS[sector]=${BASH_REMATCH[1]} ;;
      *[[:space:]]Key:*) [[ $line =~ Key:[[:space:]]+([0-9]+) ]] && LUKS[keybits]=${BASH_REMATCH[1]} ;;
      *:\ systemd-tpm2) [[ $line =~ ([0-9]+):\ systemd-tpm2$ ]] && LUKS[tpm2_token]=${BASH_REMATCH[1]} ;;
    esac
  done <<<"$text"
  return 0
}

# tpm2_pcrs DEVICE TOKEN: the PCRs a TPM token is bound to, "7,11".
tpm2_pcrs() {
  local json
  json=$(cryptsetup token export --token-id "$2" -- "$1") || return 1
  [[ $json =~ \"tpm2-pcrs\":[[:space:]]*\[([0-9,[:space:]]*)\] ]] || return 1
  json=${BASH_REMATCH[1]}
  printf '%s' "${json//[[:space:]]/}"
}

# active_volume NAME: fills ACTIVE[cipher device keybits sector workqueues] from the kernel. Returns 1 when closed.
declare -A ACTIVE=()
active_volume() {
  local line text
  ACTIVE=([cipher]="" [device]="" [keybits]="" [sector]=512 [workqueues]=true)
  [[ -e /dev/mapper/$1 ]] && command -v cryptsetup >/dev/null || return 1
  text=$(cryptsetup status -- "$1" 2>/dev/null) || return 1
  while IFS= read -r line; do
    case $line in
      *\ cipher:*) ACTIVE[cipher]=${line##*[[:space:]]} ;;
      *\ device:*) ACTIVE[device]=${line##*[[:space:]]} ;;
      *\ keysize:*) [[ $line =~ ([0-9]+) ]] && ACTIVE[keybits]=${BASH_REMATCH[1]} ;;
      *sector?size:*) [[ $line =~ ([0-9]+) ]] && ACTIVE[sector]=${BASH_REMATCH[1]} ;;
      *\ flags:*no_read_workqueue*) ACTIVE[workqueues]=false ;;
    esac
  done <<<"$text"
}

# header_json DEVICE VAR: what luks_header found.
header_json() {
  local pcrs="" bound=false
  if [[ -n ${LUKS[tpm2_token]} ]]; then
    pcrs=$(tpm2_pcrs "$1" "${LUKS[tpm2_token]}")
    bound=true
  fi
  json_begin
  json_str uuid "${LUKS[uuid]}"
  json_str label "${LUKS[label]}"
  json_bool ready "$([[ ${LUKS[subsystem]} == racksmith-ready ]] && echo true)"
  json_str cipher "${LUKS[cipher]}"
  json_num sectorSizeBytes "${LUKS[sector]}"
  json_num keyBits "${LUKS[keybits]}"
  if [[ $bound == true ]]; then json_raw tpm2Pcrs "[$pcrs]"; else json_raw tpm2Pcrs null; fi
  json_end "$2"
}

# open_json DEVICE VAR: what active_volume found.
open_json() {
  json_begin
  json_str cipher "${ACTIVE[cipher]}"
  json_bool onDevice "$([[ $(readlink -f -- "${ACTIVE[device]}") == "$1" ]] && echo true)"
  json_num keyBits "${ACTIVE[keybits]}"
  json_num sectorSizeBytes "${ACTIVE[sector]}"
  json_bool workqueues "${ACTIVE[workqueues]}"
  json_end "$2"
}

# assert_active NAME DEVICE: the mapping encrypts with SM4-XTS onto that very device, by the kernel's own table.
assert_active() {
  local table major_minor field
  table=$(dmsetup table --target crypt -- "$1") || fail "/dev/mapper/$1: the kernel has no crypt mapping of this name"
  read -ra field <<<"$table"
  major_minor=$(lsblk -dno MAJ:MIN -- "$2")
  major_minor=${major_minor// /}
  [[ ${field[3]-} == sm4-xts-plain64 ]] || fail "/dev/mapper/$1: active cipher is ${field[3]-none}, wanted sm4-xts-plain64"
  [[ ${field[6]-} == "$major_minor" ]] || fail "/dev/mapper/$1: lies on device ${field[6]-none}, wanted $2 ($major_minor)"
}

# journal NAME: the UUID of a volume whose making was begun and not yet seen to end.
VAULT_STATE=/var/lib/racksmith/vault
journal() {
  local uuid=""
  [[ -e $VAULT_STATE/$1.formatting ]] && read -r uuid <"$VAULT_STATE/$1.formatting"
  printf '%s' "$uuid"
}
