# shellcheck shell=bash
# settings.sh: brings one setting each into force, where it is not yet. The inputs are those of apply.sh.

sysctl_key=() sysctl_value=()
time_sync=true memlock=system thp=system swap=system blacklist_nouveau=false firewall=false
firewall_path="" ssh_port=22

apply_sysctl() {
  local at path found
  for at in ${sysctl_key[@]+"${!sysctl_key[@]}"}; do
    if ! path=$(sysctl_path "${sysctl_key[at]}") || [[ ! -w $path ]]; then
      fail "sysctl ${sysctl_key[at]}: this kernel has no such setting"
    fi
    found=$(<"$path")
    [[ ${found//$'\t'/ } != "${sysctl_value[at]}" ]] || continue
    step "setting ${sysctl_key[at]} to ${sysctl_value[at]}"
    printf '%s\n' "${sysctl_value[at]}" 2>/dev/null >"$path" || fail "sysctl ${sysctl_key[at]}: the kernel refuses ${sysctl_value[at]}; found $found"
  done
}

# systemd reads its defaults again on a reload; services get them at their next start.
apply_memlock() {
  if was_changed /etc/systemd/system.conf.d/90-racksmith.conf || { [[ $memlock == unlimited ]] && [[ $(manager_memlock) != infinity ]]; }; then
    systemctl daemon-reload
  fi
}

apply_thp() {
  [[ $thp != system && $(thp_mode) != "$thp" ]] || return 0
  step "transparent huge pages: $thp"
  printf '%s\n' "$thp" >/sys/kernel/mm/transparent_hugepage/enabled
}

apply_swap() {
  local device unit
  [[ $swap != system ]] || return 0
  if [[ -f /etc/fstab ]] && grep -qE '^[^#[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+swap([[:space:]]|$)' /etc/fstab; then
    step "taking swap out of /etc/fstab"
    sed -E 's/^([^#[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+swap([[:space:]].*)?)$/# racksmith: \1/' /etc/fstab | changed_file /etc/fstab 644 root || true
  fi
  while IFS= read -r device; do
    [[ $device != /dev/zram* || $swap == off ]] || continue
    step "switching swap on $device off"
    swapoff -- "$device" || fail "swapoff $device failed: too little memory is free to take back what is swapped out"
    unit=$(systemd-escape --path --suffix=swap "$device")
    systemctl mask -- "$unit" >/dev/null 2>&1 || true
  done < <(active_swaps)
  if [[ $swap == zram ]]; then
    apt_install zram-tools
    if was_changed /etc/default/zramswap || ! grep -q '^/dev/zram' /proc/swaps; then
      systemctl enable -q zramswap.service
      systemctl restart zramswap.service
    fi
  fi
}

apply_nouveau() {
  if was_changed /etc/modprobe.d/racksmith-nouveau.conf && command -v update-initramfs >/dev/null; then
    step "writing the blacklist into the initramfs"
    update-initramfs -u || fail "the initramfs cannot be rebuilt with nouveau's blacklist, see above; is /boot full (df -h /boot)? Once there is room, run this again"
  fi
  [[ $blacklist_nouveau == true && -d /sys/module/nouveau ]] || return 0
  step "unloading nouveau"
  modprobe -r nouveau 2>/dev/null || needs_reboot "nouveau holds the GPU and cannot be unloaded"
}

apply_time() {
  [[ $time_sync == true ]] || return 0
  if [[ -z $(time_service) ]]; then
    [[ -e /usr/lib/systemd/system/systemd-timesyncd.service || -e /lib/systemd/system/systemd-timesyncd.service ]] || apt_install systemd-timesyncd
    step "starting systemd-timesyncd"
    systemctl enable -q systemd-timesyncd.service
    systemctl restart systemd-timesyncd.service
  elif was_changed /etc/systemd/timesyncd.conf.d/90-racksmith.conf; then
    systemctl try-restart systemd-timesyncd.service
  fi
}

apply_journal() {
  ! was_changed /etc/systemd/journald.conf.d/90-racksmith.conf || systemctl try-restart systemd-journald.service
}

FIREWALL_UNIT=/etc/systemd/system/racksmith-firewall.service

firewall_unit() {
  printf '%s\n' '[Unit]' 'Description=racksmith: firewall' 'DefaultDependencies=no' 'After=local-fs.target' \
    'Before=network-pre.target shutdown.target' 'Wants=network-pre.target' 'Conflicts=shutdown.target' '' \
    '[Service]' 'Type=oneshot' 'RemainAfterExit=yes' "ExecStart=/usr/sbin/nft -f $FIREWALL_BOOT" '' \
    '[Install]' 'WantedBy=sysinit.target'
}

apply_firewall() {
  local ports
  if [[ $firewall != true ]]; then
    firewall_off
    return
  fi
  apt_install nftables
  # What is asked for and every port that sshd has now: whoever set another one must not be locked out.
  ports=$({
    printf '%s\n' "$ssh_port"
    ssh_ports
  } | sort -nu | paste -sd, -)
  printf 'define ssh_ports = { %s }\ninclude "%s"\n' "${ports//,/, }" "$firewall_path" | changed_file "$FIREWALL_BOOT" 644 root || true
  nft -c -f "$FIREWALL_BOOT" || fail "the firewall's rules do not load; what is in force stays"
  firewall_unit | changed_file "$FIREWALL_UNIT" 644 root && systemctl daemon-reload
  systemctl enable -q racksmith-firewall.service
  if [[ $(firewall_state) != loaded ]]; then
    step "loading the firewall; SSH stays open on $ports"
    nft -f "$FIREWALL_BOOT"
    firewall_sum | changed_file "$FIREWALL_SUM" 644 root || true
  fi
}

firewall_off() {
  if [[ -e $FIREWALL_UNIT ]]; then
    systemctl disable -q racksmith-firewall.service 2>/dev/null || true
    rm -f "$FIREWALL_UNIT" "$FIREWALL_BOOT" "$FIREWALL_SUM"
    systemctl daemon-reload
  fi
  if command -v nft >/dev/null && nft list table inet racksmith >/dev/null 2>&1; then
    step "taking the firewall away"
    nft delete table inet racksmith
  fi
}
