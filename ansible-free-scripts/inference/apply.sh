#!/usr/bin/env bash
# inference/apply: the engine container, its unit, and the gateway in front of it.
# Inputs (stdin, key=value):
#   name, served_name, gateway_scheme, gateway_host, gateway_port, weights_path   as for observe
#   model_path             model inside weights_path; empty is the directory itself
#   vault_mount            mount point that holds the weights
#   spec                   SHA-256 naming the container; its label racksmith.spec
#   image                  REPOSITORY@sha256:…
#   docker_arg, engine_arg argv of docker create before and after the image, repeated
#   unit_file, gateway_unit_file, gateway_config   contents of the files on the node
#   gateway_keys           lines `sha256-of-key name`
#   tls_pem                PEM file on the node, or empty
#   drain_seconds, start_timeout_seconds           bounds
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
. "$here/../lib.sh"
. "$here/common.sh"
. "$here/gateway.sh"
. "$here/swap.sh"
name="" served_name="" gateway_scheme="" gateway_host="" gateway_port="" weights_path=""
model_path="" vault_mount="" spec="" image="" docker_arg=() engine_arg=()
unit_file="" gateway_unit_file="" gateway_config="" gateway_keys="" tls_pem=""
drain_seconds="" start_timeout_seconds=""
read_inputs name served_name gateway_scheme gateway_host gateway_port weights_path \
  model_path vault_mount spec image docker_arg engine_arg \
  unit_file gateway_unit_file gateway_config gateway_keys tls_pem drain_seconds start_timeout_seconds
unit=racksmith-inference-$name

check_docker() {
  command -v docker >/dev/null || fail "Docker is not installed; the docker noun brings it"
  docker version >/dev/null 2>&1 || fail "the Docker daemon does not answer: systemctl status docker"
}

check_weights() {
  local model=$weights_path${model_path:+/$model_path}
  if ! mountpoint -q -- "$vault_mount"; then fail "$vault_mount is not mounted: open the vault first (racksmith unlock)"; fi
  if [[ ! -e $model ]]; then fail "the weights are not there: $model does not exist; the weights noun brings them"; fi
  if [[ -d $model && -z $(find "$model/" -mindepth 1 -maxdepth 1 -print -quit) ]]; then fail "the weights are not there: $model is empty"; fi
}

pull_image() {
  local said
  if docker image inspect -- "$image" >/dev/null 2>&1; then return 0; fi
  step "pulling $image"
  if said=$(docker pull --quiet -- "$image" 2>&1); then return 0; fi
  case $said in
    *"server gave HTTP response to HTTPS client"*) said+="; the registry speaks plain HTTP: add it to docker.insecureRegistries if that is meant" ;;
    *"manifest unknown"* | *"not found"*) said+="; the registry has no such digest" ;;
    *"no such host"* | *"connection refused"* | *"i/o timeout"*) said+="; this node does not reach the registry" ;;
    *"unauthorized"* | *"denied"*) said+="; the registry wants a login: docker login on this node as root" ;;
    *"no space left"*) said+="; the disk of /var/lib/docker is full" ;;
  esac
  fail "image $image cannot be pulled: $said"
}

# However this ends, the engine that is there gets requests again.
trap 'gateway_server ready' EXIT
check_docker
check_weights
pull_image
gateway_packages
gateway_files
gateway_start
if printf '%s' "$unit_file" | changed_file "$unit_dir/$unit.service" 0644 root; then systemctl daemon-reload; fi
swap_recover
serve
systemctl reenable --quiet "$unit.service"
