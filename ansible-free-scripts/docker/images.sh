# shellcheck shell=bash
# images.sh: after a power cut, images whose layers were being written. Sourced by apply.sh.
: "${layers_command:?}" "${layers_unit:?}"

# check_images ROOT: Docker holds a checksum of every file of a layer, and compares it when it saves an image.
# What fails is removed, with racksmith's own containers of it, and pulled again.
check_images() {
  local root=$1 id doubted said chains=() again=()
  doubted=$(layers_in_doubt "$root")
  [[ -n $doubted ]] || return 0
  step "checking images: $(wc -l <<<"$doubted") layers were being written when the machine went down"
  while IFS= read -r id; do
    [[ -n $(_among "$doubted" "$(_image_chains "$id")") ]] || continue
    if said=$(docker image save "$id" 2>&1 >/dev/null); then continue; fi
    [[ $said != *"no space left"* ]] ||
      fail "image $id cannot be checked, as the disk of $root is full: free room for a copy of it, or remove it (docker image rm -f $id)"
    step "image $id is damaged: $said"
    mapfile -t -O "${#again[@]}" again < <(docker image inspect -f '{{range .RepoDigests}}{{println .}}{{end}}' "$id" | sed '/^$/d')
    _remove_image "$id"
  done < <(docker image ls -aq --no-trunc | sort -u)
  mapfile -t chains < <(docker image ls -aq --no-trunc | sort -u | while IFS= read -r id; do _image_chains "$id"; done | LC_ALL=C sort -u)
  _remove_orphans "$root" "$(LC_ALL=C comm -23 <(_among "$doubted" "$(layers_now "$root")") <(printf '%s\n' "${chains[@]}"))"
  for id in ${again[@]+"${again[@]}"}; do
    step "pulling $id again"
    docker pull -q "$id" >/dev/null || warn "$id cannot be pulled here; what needs it pulls it"
  done
}

# _among LINES OTHERS: the lines that are in both.
_among() {
  LC_ALL=C comm -12 <(LC_ALL=C sort -u <<<"$1") <(LC_ALL=C sort -u <<<"$2") | sed '/^$/d'
}

# The layers of an image as Docker names them: each by the hash of all below it and its own.
_image_chains() {
  local diff chain="" sum
  while IFS= read -r diff; do
    [[ -n $diff ]] || continue
    if [[ -n $chain ]]; then
      sum=$(printf '%s %s' "sha256:$chain" "$diff" | sha256sum)
      chain=${sum%% *}
    else
      chain=${diff#sha256:}
    fi
    printf '%s\n' "$chain"
  done < <(docker image inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1")
}

_remove_image() {
  local container name
  while IFS= read -r container; do
    name=$(docker container inspect -f '{{.Name}}' "$container")
    [[ $name == /racksmith-* ]] ||
      fail "a power cut damaged image $1, and container ${name#/} is made from it: remove that (docker rm -f ${name#/}), pull its image again when this is through, and make it anew"
    step "removing container ${name#/}, made from the damaged image"
    docker rm -f "$container" >/dev/null
  done < <(docker ps -aq --no-trunc --filter "ancestor=$1")
  docker image rm -f "$1" >/dev/null
}

# Layers that no image has: a pull was cut off between two of them. Docker itself never drops or checks those.
_remove_orphans() {
  local root=$1 chain layer cache link
  [[ -n $2 ]] || return 0
  step "removing $(wc -l <<<"$2") layers of a pull that was cut off"
  systemctl stop docker.socket docker.service
  while IFS= read -r chain; do
    layer=$root/image/overlay2/layerdb/sha256/$chain
    cache="" link=""
    if [[ -f $layer/cache-id ]]; then cache=$(<"$layer/cache-id"); fi
    if [[ $cache =~ ^[0-9a-f]{64}$ ]]; then
      if [[ -f $root/overlay2/$cache/link ]]; then link=$(<"$root/overlay2/$cache/link"); fi
      if [[ $link =~ ^[A-Z0-9]+$ ]]; then rm -f -- "$root/overlay2/l/$link"; fi
      rm -rf -- "${root:?}/overlay2/$cache"
    fi
    rm -rf -- "$layer"
  done <<<"$2"
  systemctl start docker.service
}

# watch_layers ROOT: from here on layers are brought to the disk as they come.
watch_layers() {
  local here=${BASH_SOURCE[0]%/*}
  # Checked just now, or nobody noted what this boot found: then it counts as sound.
  layers_note_boot </dev/null
  layers_settle "$1"
  ! layers_watched "$1" || return 0
  changed_file "$layers_command" 0644 root <"$here/layers.sh" || true
  layers_unit_text "$1" | changed_file "$layers_unit" 0644 root || true
  systemctl daemon-reload
  systemctl enable -q "${layers_unit##*/}"
  systemctl restart "${layers_unit##*/}"
}
