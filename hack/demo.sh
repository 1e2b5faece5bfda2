#!/usr/bin/env bash
# Copyright 2026 The Deckyard Authors.
# SPDX-License-Identifier: Apache-2.0

# Starts the sample network on this machine and leaves it running, or removes it.
# The demo has a data directory and a port of its own, so that it disturbs no
# other instance.
#
# Usage: hack/demo.sh start | clean
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
sample=config/samples/acme
listen=127.0.0.1:6446
wait_seconds=180
if ((EUID == 0)); then
  data=/var/lib/deckyard-demo
else
  data=${XDG_STATE_HOME:-${HOME}/.local/state}/deckyard-demo
fi
export KUBECONFIG=${data}/kubeconfig

say() { printf '%s\n' "$*"; }
die() {
  printf 'demo: %s\n' "$*" >&2
  exit 1
}
deckyard() { bin/deckyard --data-dir "${data}" "$@"; }
kubectl() { deckyard kubectl "$@"; }
engine_answers() { docker version > /dev/null 2>&1; }

# Every command that follows needs a Docker Engine on the usual socket.
check_engine() {
  unset DOCKER_HOST
  engine_answers && return
  if [[ -S /var/run/docker.sock && ! -w /var/run/docker.sock ]]; then
    die "the Docker Engine does not let you in: run 'sudo make demo', since the operator works in the network namespaces of containers"
  fi
  if ((EUID != 0)) || ! command -v apt-get > /dev/null; then
    die "no Docker Engine answers: install one (https://docs.docker.com/engine/install/), start it with 'sudo systemctl start docker', and run 'sudo make demo'"
  fi
  if ! command -v dockerd > /dev/null; then
    say "Installing the Docker Engine"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables > /dev/null
  fi
  say "Starting the Docker Engine"
  if [[ -d /run/systemd/system ]]; then
    systemctl start docker
  else
    service docker start > /dev/null
  fi
  for _ in {1..60}; do
    engine_answers && return
    sleep 0.5
  done
  die "the Docker Engine does not start: see 'journalctl -u docker' or /var/log/docker.log"
}

check_go() {
  command -v go > /dev/null || die "Go is missing: install 1.26 or newer from https://go.dev/dl and put it on the PATH"
}

start_control_plane() {
  if [[ -e ${KUBECONFIG} ]] && kubectl get --raw /readyz > /dev/null 2>&1; then
    say "The control plane runs already"
    return
  fi
  say "Starting the control plane and the operator"
  deckyard up --detach --listen "${listen}"
}

port_is_free() { ! (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# apply_sample replaces host ports that somebody else holds.
apply_sample() {
  local files=${sample} port free
  if ! kubectl get topology acme > /dev/null 2>&1; then
    files=$(mktemp -d)
    # shellcheck disable=SC2064 # the path of now
    trap "rm -rf '${files}'" EXIT
    cp "${sample}"/*.yaml "${files}"
    for port in 2222 8080 8443; do
      free=${port}
      until port_is_free "${free}"; do free=$((free + 1)); done
      sed -i "s/hostPort: ${port}$/hostPort: ${free}/" "${files}/dmz.yaml"
    done
  fi
  kubectl apply -f "${files}" > /dev/null
}

condition() {
  kubectl get topology acme -o "jsonpath={.status.conditions[?(@.type==\"Ready\")].$1}"
}

wait_until_ready() {
  local before='' now deadline=$((SECONDS + wait_seconds))
  until [[ $(condition status) == True ]]; do
    now=$(kubectl get topology acme -o 'jsonpath=LANs {.status.lans.summary}, deckies {.status.deckies.summary}')
    if [[ ${now} != "${before}" && ${now} == */*/* ]]; then
      say "  ${now}"
      before=${now}
    fi
    if ((SECONDS >= deadline)); then
      kubectl get deckyard >&2
      die "not ready after ${wait_seconds} s: $(condition reason): $(condition message)"
    fi
    sleep 0.3
  done
}

host_port() {
  kubectl get decky gw01 -o "jsonpath={.spec.publish.ports[?(@.containerPort==$1)].hostPort}"
}

show() {
  say ""
  kubectl get topologies,lans
  say ""
  kubectl get deckies -o wide
  cat << TEXT

Be the intruder (any password gets you nowhere, root:root gets you in):
  curl -i http://127.0.0.1:$(host_port 80)/wp-login.php
  curl -ik https://127.0.0.1:$(host_port 443)/
  ssh -p $(host_port 22) root@127.0.0.1

Be the defender:
  export KUBECONFIG=${KUBECONFIG}
  docker logs default_acme_gw01_ssh          # what was tried, one JSON line each
  bin/deckyard kubectl get deckyard -w       # in another terminal, while you …
  docker rm -f default_acme_cache01_redis    # … break something
  bin/deckyard kubectl patch decky wiki01 --type=merge -p '{"spec":{"attachments":[{"lan":"servers"}]}}'
  bin/deckyard kubectl describe decky wiki01

Remove all of it:
  make demo-clean
TEXT
}

start() {
  check_engine
  check_go
  say "Building (the first time takes some minutes)"
  make --no-print-directory build > /dev/null
  start_control_plane
  say "Applying ${sample}"
  local begin=${SECONDS}
  apply_sample
  wait_until_ready
  say "Ready after $((SECONDS - begin)) s"
  show
}

clean() {
  if [[ ! -x bin/deckyard ]]; then
    [[ -d ${data} ]] || return 0
    check_go
    make --no-print-directory build > /dev/null
  fi
  deckyard down --purge
}

case ${1:-} in
  start) start ;;
  clean) clean ;;
  *) die "usage: hack/demo.sh start | clean" ;;
esac
