#!/usr/bin/env bash
# Copyright 2026 The Deckyard Authors.
# SPDX-License-Identifier: Apache-2.0

# Runs every command of README.md's shell blocks, in order, so that what it says
# stays true. "make test" is left out: whoever checks everything runs it anyway.
# It uses the default data directory, and refuses to run where that is in use.
#
# Usage: hack/readme.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ -e /var/lib/deckyard ]]; then
  echo "readme: /var/lib/deckyard exists: stop that instance with 'deckyard down --purge' first" >&2
  exit 1
fi

clean() {
  make --no-print-directory demo-clean > /dev/null
  bin/deckyard down --purge > /dev/null
}
trap clean EXIT
output=$(mktemp)

mapfile -t commands < <(awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside { sub(/ *#.*/, ""); if ($0 != "") print }' README.md)
((${#commands[@]} > 0)) || {
  echo "readme: README.md has no shell block" >&2
  exit 1
}
for command in "${commands[@]}"; do
  [[ ${command} == "make test" ]] && continue
  echo "readme: ${command}"
  bash -euo pipefail -c "${command}" > "${output}" 2>&1 || {
    cat "${output}" >&2
    echo "readme: this command of README.md fails: ${command}" >&2
    exit 1
  }
  # The sample's host ports are fixed, so only one of the two may hold them.
  [[ ${command} == "make demo" ]] && make --no-print-directory demo-clean > /dev/null
done
rm -f "${output}"
left=$(docker ps -aq --filter label=deckyard.dev/instance)$(docker network ls -q --filter label=deckyard.dev/instance)
if [[ -n ${left} ]]; then
  echo "readme: containers or networks are left on the engine: ${left}" >&2
  exit 1
fi
echo "readme: every command works"
