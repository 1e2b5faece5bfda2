#!/usr/bin/env bash
# Copyright 2026 The Deckyard Authors.
# SPDX-License-Identifier: Apache-2.0

# Regenerates all that is generated and fails if that changes the working copy,
# which has to be clean before.
#
# Usage: hack/verify.sh
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# changed prints what differs from the commit, if anything does.
changed() {
  git status --porcelain
}

if [[ -n $(changed) ]]; then
  echo "verify: commit or remove these first:" >&2
  changed >&2
  exit 1
fi

make --no-print-directory generate manifests docs fmt
bin/tools/golangci-lint config verify
make --no-print-directory bin/tools/kustomize
for overlay in default samples; do
  bin/tools/kustomize build "config/${overlay}" > /dev/null
done
for module in . hack/tools hack/compose; do
  if ! go -C "${module}" mod tidy -diff; then
    echo "verify: run 'go mod tidy' in ${module}" >&2
    exit 1
  fi
done

if [[ -n $(changed) ]]; then
  echo "verify: these files are not what 'make generate manifests docs fmt' makes of them:" >&2
  changed >&2
  git diff | head -n 200 >&2
  exit 1
fi
echo "verify: all generated files are up to date"
