#!/usr/bin/env bash
# layers.sh ROOT: keeps /var/lib/racksmith/docker.layers, the image layers of the engine in ROOT that are safely on
# the disk. Docker registers a layer before its files are there: after a power cut it may hold empty files, and every
# later pull takes it for complete. So racksmith-docker-layers.service runs this before Docker at boot and after each
# new layer; observe.sh and apply.sh source it.
layers_record=/var/lib/racksmith/docker.layers
layers_at_boot=/var/lib/racksmith/docker.layers-at-boot
layers_command=/var/lib/racksmith/docker-layers.sh
layers_units=/etc/systemd/system/racksmith-docker-layers

layers_now() {
  local layer
  for layer in "$1"/image/overlay2/layerdb/sha256/*/; do
    layer=${layer%/}
    if [[ -d $layer ]]; then printf '%s\n' "${layer##*/}"; fi
  done | LC_ALL=C sort
}

layers_recorded() {
  if [[ -f $layers_record ]]; then cat -- "$layers_record"; fi
}

# layers_at_boot: those that this boot found, where that was noted. The first line of the file tells the boot.
layers_at_boot() {
  local boot
  if [[ -f $layers_at_boot ]]; then
    { read -r boot && [[ $boot == "$(</proc/sys/kernel/random/boot_id)" ]] && cat; } <"$layers_at_boot" || true
  fi
}

# layers_note_boot: stdin is what this boot found.
layers_note_boot() {
  local new=$layers_at_boot.$BASHPID
  cat /proc/sys/kernel/random/boot_id - >"$new"
  mv -f "$new" "$layers_at_boot"
}

# layers_in_doubt ROOT: there when the machine booted, and not known to be on the disk before.
layers_in_doubt() {
  LC_ALL=C comm -12 <(layers_now "$1") <(layers_at_boot) | LC_ALL=C comm -23 - <(layers_recorded)
}

# layers_settle ROOT: brings the layers of this boot to the disk and adds them to the record.
layers_settle() {
  local sound new=$layers_record.$BASHPID
  sound=$(LC_ALL=C comm -23 <(layers_now "$1") <(layers_in_doubt "$1"))
  sync -f "$1"
  if [[ -f $layers_record && "$sound" == "$(<"$layers_record")" ]]; then return 0; fi
  printf '%s\n' "$sound" >"$new"
  sync "$new"
  mv -f "$new" "$layers_record"
  sync "${layers_record%/*}"
}

# layers_unit service|path ROOT: the text of that unit.
layers_unit() {
  if [[ $1 == path ]]; then
    cat <<TEXT
[Unit]
Description=racksmith: new image layers
TriggerLimitIntervalSec=0

[Path]
PathChanged=$2/image/overlay2/layerdb/sha256

[Install]
WantedBy=multi-user.target
TEXT
  else
    cat <<TEXT
[Unit]
Description=racksmith: image layers that are safely on the disk
Before=docker.service
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/bin/bash $layers_command $2

[Install]
WantedBy=multi-user.target
TEXT
  fi
}

# layers_watched ROOT: whether the units and what they run are as they should be, and on.
layers_watched() {
  local kind here=${BASH_SOURCE[0]}
  # Somewhere that a unit cannot name, Docker goes without.
  [[ $1 =~ ^[A-Za-z0-9_./-]+$ ]] || return 0
  cmp -s -- "$here" "$layers_command" || return 1
  for kind in service path; do
    [[ -f $layers_units.$kind && "$(<"$layers_units.$kind")" == "$(layers_unit "$kind" "$1")" ]] || return 1
  done
  systemctl is-active -q racksmith-docker-layers.path && systemctl is-enabled -q racksmith-docker-layers.service
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  # The first time after a boot Docker has not started yet.
  read -r boot 2>/dev/null <"$layers_at_boot" || boot=""
  [[ $boot == "$(</proc/sys/kernel/random/boot_id)" ]] || layers_now "$1" | layers_note_boot
  layers_settle "$1"
fi
