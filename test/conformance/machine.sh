#!/usr/bin/env bash
# conformance/machine: a Docker host inside namespaces of its own (mounts, processes). The caller's /run and what
# runs there (its Docker, its sshd) are out of reach. Started by machine.ts as the first process of the namespace.
# Arguments: the folder with sshd_config and registry.json, the programs dockerd, sshd and docker-registry.
set -euo pipefail
folder=$1 dockerd=$2 sshd=$3 registry=$4
mount -t tmpfs -o mode=755 tmpfs /run
# A server's root is shared, which bind mounts with propagation need; that of a fresh namespace is private.
mount --make-rshared /
mkdir /run/sshd
"$registry" serve "$folder/registry.json" >"$folder/registry.log" 2>&1 &
"$sshd" -D -e -f "$folder/sshd_config" >"$folder/sshd.log" 2>&1 &
"$dockerd" --data-root "$folder/data" --exec-root /run/docker-exec --pidfile /run/docker.pid \
  -H unix:///run/docker.sock -H "unix://$folder/docker.sock" \
  --iptables=false --ip6tables=false --bridge=none --storage-driver=vfs >"$folder/dockerd.log" 2>&1 &
# Orphans (the shims of containers) are reaped here; the end of any of the three is the end of all.
wait -n
