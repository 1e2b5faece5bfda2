#!/usr/bin/env bash
# Copyright 2026 The Deckyard Authors.
# SPDX-License-Identifier: Apache-2.0

# Runs the tests in phases, each of which sees a package once:
#   race         packages that do not link the control plane, under the race detector
#   integration  packages that link it: an instrumented Kubernetes takes too long to compile
#   property     properties of plans and of applying them, on 10,000 generated cases each;
#                CHECKS=n for others, SEED=n to repeat those of a failure, which names its seed
#   e2e          packages with tests on the Docker Engine, one after the other
#   chaos        ROUNDS=200 drawn rounds of accidents and faults, on an engine of their own, and the
#                death of the operator at every action of a plan; SEED=n: only the rounds from that
#                seed on. Of both, e2e runs some
#
# Usage: hack/test.sh PHASE...
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CGO_ENABLED=0 GOFLAGS='-trimpath -buildvcs=false'
control_plane=k8s.io/kubernetes/pkg/controlplane/apiserver
rules=k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel

# packages prints the packages with tests, and for each the word "linked" if its
# test program contains the control plane, or its interpreter of admission rules.
packages() {
  go list -test -f '{{$word := "apart"}}{{range .Deps}}{{if eq . "'"${control_plane}"'" "'"${rules}"'"}}{{$word = "linked"}}{{end}}{{end}}{{.ImportPath}} {{$word}}' ./... |
    sed -n 's/^\([^ ]*\)\.test \(.*\)$/\1 \2/p'
}

# e2e_packages prints the folders that hold a test with the build tag e2e.
e2e_packages() {
  grep --recursive --files-with-matches --include='*_test.go' '^//go:build .*e2e' cmd controllers internal test |
    xargs --no-run-if-empty dirname | sort --unique | sed 's#^#./#'
}

run() {
  echo "== go test $*"
  go test "$@"
}

for phase in "$@"; do
  case ${phase} in
    race)
      mapfile -t selected < <(packages | awk '$2 == "apart" { print $1 }')
      if command -v "$(go env CC)" > /dev/null; then
        CGO_ENABLED=1 run -race -timeout 15m "${selected[@]}"
      else
        echo "test: no C compiler, which the race detector needs: testing without it" >&2
        run -timeout 15m "${selected[@]}"
      fi
      ;;
    integration)
      mapfile -t selected < <(packages | awk '$2 == "linked" { print $1 }')
      run -timeout 15m "${selected[@]}"
      ;;
    property)
      # Without the race detector, which the first phase has for fewer cases; and
      # cases are short, so that memory is cheaper than its collector.
      GOGC=800 run -timeout 15m -run 'Sound|Converge' ./internal/plan ./internal/apply \
        -rapid.checks "${CHECKS:-10000}" -rapid.seed "${SEED:-0}"
      ;;
    e2e)
      mapfile -t selected < <(e2e_packages)
      run -tags e2e -p 1 -count 1 -timeout 30m "${selected[@]}"
      ;;
    chaos)
      run -tags e2e -count 1 -timeout 3h -v ${SEED:+-run=Wanted} ./test/chaos \
        -rounds "${ROUNDS:-200}" -seed "${SEED:-0}" -every
      ;;
    *)
      echo "test: unknown phase \"${phase}\": use race, integration, property, e2e or chaos" >&2
      exit 2
      ;;
  esac
done
