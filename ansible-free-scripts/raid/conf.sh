# shellcheck shell=bash
# raid/conf.sh: mdadm.conf, the webhook's file, and the initramfs, which carries a copy of the former. Sourced after array.sh.

WEBHOOK_FILE=/etc/racksmith/raid-webhook
NOTIFY=/usr/lib/racksmith/current/raid/notify.sh
# Stands while the initramfs may carry an older mdadm.conf than /etc does.
INITRAMFS_DUE=$RAID_STATE/initramfs-due

# Stands above the address that is racksmith's. mdadm takes the first address and ignores others, so one that somebody
# else has set stays below it and holds again once ours is gone.
MAIL_MARK="# racksmith: the address of raid.monitorMail"

# wanted_conf NAME UUID MAIL WEBHOOK: mdadm.conf as it should be, made from what it is. UUID empty drops the array.
wanted_conf() {
  local text="" line above=""
  [[ -z $3 ]] || printf '%s\nMAILADDR %s\n' "$MAIL_MARK" "$3"
  if [[ -s $MDADM_CONF ]]; then
    text=$(<"$MDADM_CONF") || return 1
    while IFS= read -r line; do
      if [[ $above == "$MAIL_MARK" && $line == "MAILADDR "* ]]; then
        above=""
        continue
      fi
      above=$line
      case $line in
        "$MAIL_MARK" | "ARRAY /dev/md/$1 "* | "PROGRAM $NOTIFY" | "MAILADDR $3") continue ;;
      esac
      printf '%s\n' "$line"
    done <<<"$text"
  fi
  [[ -z $2 ]] || printf 'ARRAY /dev/md/%s metadata=1.2 name=racksmith:%s UUID=%s\n' "$1" "$1" "$2"
  [[ -z $4 ]] || printf 'PROGRAM %s\n' "$NOTIFY"
}

# install_conf NAME UUID MAIL WEBHOOK: puts mdadm.conf in place. 0 when it changed, 1 when not. That the initramfs is
# due is written down before: the rebuilding takes long and needs room in /boot, so it may well not come to its end.
install_conf() {
  local fresh
  fresh=$(wanted_conf "$@") || fail "$MDADM_CONF: cannot be read. Nothing was changed"
  [[ -n $fresh || -e $MDADM_CONF ]] || return 1
  [[ -e $MDADM_CONF && $fresh == "$(<"$MDADM_CONF")" ]] || mark_due "$INITRAMFS_DUE"
  printf '%s\n' "$fresh" | changed_file "$MDADM_CONF" 0644 root:root
}

rebuild_initramfs() {
  [[ -e $INITRAMFS_DUE ]] || return 0
  if command -v update-initramfs >/dev/null; then
    step "mdadm.conf has changed: rebuilding the initramfs"
    update-initramfs -u >/dev/null || fail "the initramfs cannot be rebuilt with the new mdadm.conf, see above; is /boot full (df -h /boot)? The array is as wanted; once there is room, run this again"
  fi
  rm -f -- "$INITRAMFS_DUE"
}

# webhook_is SHA256: the webhook's URL on this host has this hash and can be called; empty: there is none.
webhook_is() {
  local line=""
  [[ ! -e $WEBHOOK_FILE ]] || line=$(sha256sum -- "$WEBHOOK_FILE")
  [[ ${line%% *} == "$1" ]] || return 1
  [[ -z $1 ]] || command -v curl >/dev/null
}
