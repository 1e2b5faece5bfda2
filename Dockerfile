# Copyright 2026 The Deckyard Authors.
# SPDX-License-Identifier: Apache-2.0

# The manager, and nothing else: a static program that needs no file of a
# distribution and no registry to build from. Run "make build" first, then
# "docker build .", or both by "make image".
FROM scratch
COPY bin/manager /manager
# Root, since the Docker socket and the network namespaces of containers ask for
# it; the pod drops every capability that is not needed.
USER 0:0
ENTRYPOINT ["/manager"]
