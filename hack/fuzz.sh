#!/usr/bin/env bash
# Copyright 2026 The Deckyard Authors.
# SPDX-License-Identifier: Apache-2.0

# Runs each fuzz target in turn, with two workers. FUZZTIME says for how long, as
# the go command wants it. What is found is kept below testdata/fuzz of the
# package, where it is a test from then on.
#
# Usage: hack/fuzz.sh [FOLDER...]
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CGO_ENABLED=0 GOFLAGS='-trimpath -buildvcs=false'
if (($# == 0)); then
  set -- cmd config controllers internal test
fi

# targets prints folder and name of each target.
targets() {
  grep --recursive --include='*_test.go' '^func Fuzz' "$@" |
    sed -n 's#^\(.*\)/[^/]*:func \(Fuzz[^(]*\)(.*#\1 \2#p' | sort
}

while read -r folder name; do
  echo "== go test -fuzz ${name} ./${folder}"
  go test -run '^$' -fuzz "^${name}\$" -fuzztime "${FUZZTIME:-30s}" -fuzzminimizetime 5s -parallel 2 "./${folder}"
done < <(targets "$@")
