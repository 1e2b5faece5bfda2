#!/usr/bin/env bash
# Copyright 2026 The Deckyard Authors.
# SPDX-License-Identifier: Apache-2.0

# Builds the program that runs inside decoys and puts it, compressed, where
# internal/builtin embeds it from. The same sources and toolchain give the same
# bytes, and so the same image. Files that would not change are left alone.
#
# Usage: hack/build-decoy.sh [OUTPUT]   (default bin/decoy)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=${1:-bin/decoy}
payload=internal/builtin/payload/decoy.gz
most=$((15 * 1024 * 1024))

mkdir -p "$(dirname "${output}")"
GOFLAGS='' GOEXPERIMENT='' GOAMD64=v1 GOOS=linux CGO_ENABLED=0 \
  go build -p 2 -trimpath -buildvcs=false -ldflags '-s -w -buildid=' -o "${output}.new" ./cmd/decoy

size=$(stat -c %s "${output}.new")
if ((size > most)); then
  echo "build-decoy: ${output}.new has ${size} bytes, more than ${most}" >&2
  exit 1
fi

if [[ -f ${output} && -f ${payload} && ${payload} -nt ${output} ]] && cmp -s "${output}" "${output}.new"; then
  rm "${output}.new"
  exit 0
fi
mv "${output}.new" "${output}"
gzip -9 -n -c "${output}" > "${payload}.new"
mv "${payload}.new" "${payload}"
