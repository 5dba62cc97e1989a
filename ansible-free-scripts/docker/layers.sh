#!/usr/bin/env bash
# layers.sh ROOT: keeps /var/lib/racksmith/docker.layers, the image layers of the engine in ROOT that are safely on
# the disk. Docker registers a layer before its files are there: after a power cut it may hold empty files, and every
# later pull takes it for complete. racksmith-docker-layers.service runs this; observe.sh and apply.sh source it.
layers_record=/var/lib/racksmith/docker.layers
layers_at_boot=/var/lib/racksmith/docker.layers-at-boot
layers_command=/var/lib/racksmith/docker-layers.sh
layers_unit=/etc/systemd/system/racksmith-docker-layers.service
# Between looks. What is pulled in the last seconds before a power cut is in doubt after it.
layers_every_seconds=5

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

# layers_boot ROOT: the first look after a boot notes what was there.
layers_boot() {
  local boot=""
  [[ ! -f $layers_at_boot ]] || read -r boot <"$layers_at_boot" || true
  [[ $boot == "$(</proc/sys/kernel/random/boot_id)" ]] || layers_now "$1" | layers_note_boot
  layers_settle "$1"
}

# layers_unit_text ROOT. It starts before Docker, so at a shutdown it stops after it, with a last look.
layers_unit_text() {
  cat <<TEXT
[Unit]
Description=racksmith: brings new image layers to the disk
Before=docker.service

[Service]
ExecStart=/bin/bash $layers_command $1
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
TEXT
}

# layers_watched ROOT: whether the unit and what it runs are as they should be, and on.
layers_watched() {
  # Somewhere that a unit cannot name, Docker goes without.
  [[ $1 =~ ^[A-Za-z0-9_./-]+$ ]] || return 0
  cmp -s -- "${BASH_SOURCE[0]}" "$layers_command" || return 1
  [[ -f $layers_unit && "$(<"$layers_unit")" == "$(layers_unit_text "$1")" ]] || return 1
  systemctl is-active -q "${layers_unit##*/}" && systemctl is-enabled -q "${layers_unit##*/}"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -euo pipefail
  layers_boot "$1"
  trap 'layers_settle "$1"; exit 0' TERM
  known=""
  while :; do
    found=("$1"/image/overlay2/layerdb/sha256/*/)
    [[ "${found[*]}" == "$known" ]] || layers_settle "$1"
    known=${found[*]}
    sleep "$layers_every_seconds" &
    wait "$!"
  done
fi
