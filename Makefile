# Copyright 2026 The Deckyard Authors.
# SPDX-License-Identifier: Apache-2.0

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
IMAGE ?= deckyard/manager:$(VERSION)
# Static programs; a working copy without version control builds as well. Linters
# and tests use the same flags, so that Kubernetes is compiled once.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false
LDFLAGS := -s -w -X main.version=$(VERSION)

# What "make bench" measures, how often, and where it leaves the figures.
CASE ?= .
ROUNDS ?= 5
RESULTS ?= docs/performance

TOOLS := bin/tools
COMPOSE := $(TOOLS)/compose
CONTROLLER_GEN := $(TOOLS)/controller-gen
GOLANGCI_LINT := $(TOOLS)/golangci-lint
GOVULNCHECK := $(TOOLS)/govulncheck
KUSTOMIZE := $(TOOLS)/kustomize

##@ Use

.PHONY: help
help: ## Show this help
	@awk 'BEGIN { FS = ":.*## "; printf "Usage: make TARGET\n" } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Build all, start it on this machine, apply config/samples/acme and wait until Ready
	@hack/demo.sh start

.PHONY: demo-clean
demo-clean: ## Remove all that "make demo" made
	@hack/demo.sh clean

.PHONY: run
run: build ## Build, then run the control plane and the operator in the foreground
	bin/deckyard up

##@ Build

.PHONY: build
build: decoy ## Build bin/deckyard, bin/manager and bin/decoy
	go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/deckyard ./cmd/manager

.PHONY: decoy
decoy: ## Build bin/decoy, the program inside the decoys, and embed it
	hack/build-decoy.sh bin/decoy

.PHONY: image
image: build ## Build the manager's container image, IMAGE=name:tag
	docker build --tag '$(IMAGE)' .

.PHONY: dist
dist: manifests $(KUSTOMIZE) ## Write dist/install.yaml: all that a cluster needs
	mkdir -p dist
	$(KUSTOMIZE) build config/default > dist/install.yaml

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin dist internal/builtin/payload/decoy.gz

##@ Check

.PHONY: test
test: decoy $(COMPOSE) ## Run every test: units, integration, and end to end on the Docker Engine
	hack/test.sh race integration property e2e

.PHONY: test-race
test-race: decoy ## Run the tests without a Docker Engine, under the race detector
	hack/test.sh race integration

.PHONY: property
property: ## Check the properties of plans on CHECKS=10000 generated cases; SEED=n repeats a failure
	hack/test.sh property

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME=30s, in turn; FOLDERS="internal/plan" for some
	hack/fuzz.sh $(FOLDERS)

.PHONY: e2e
e2e: decoy $(COMPOSE) ## Run the tests that need a Docker Engine
	hack/test.sh e2e

.PHONY: chaos
chaos: decoy ## Break operator and engine in ROUNDS=200 drawn rounds; SEED=n ROUNDS=1 repeats one
	hack/test.sh chaos

.PHONY: bench
bench: build $(COMPOSE) ## Measure what docs/performance.md reports; CASE=Live/attach for one, ROUNDS=5, RESULTS= to write nothing
	BENCH_RESULTS='$(abspath $(RESULTS))' go test -tags e2e -run '^$$' -bench '$(CASE)' -benchtime $(ROUNDS)x -timeout 3h ./test/bench
	$(if $(RESULTS),go run ./hack/perfdocs)

.PHONY: scale
scale: decoy ## Measure 100, 1,000 and 5,000 deckies on a simulated engine; takes some minutes
	go build -o bin/scale ./test/scale
	bin/scale -deckies 100 -lans 10
	bin/scale -deckies 1000 -lans 100
	bin/scale -deckies 5000 -lans 500

.PHONY: readme
readme: build ## Run every command of README.md
	hack/readme.sh

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run the linters, import rules included
	$(GOLANGCI_LINT) run

.PHONY: vulncheck
vulncheck: $(GOVULNCHECK) ## Look for known vulnerabilities in what is linked
	$(GOVULNCHECK) -tags e2e ./...

.PHONY: verify
verify: ## Regenerate everything and fail if a committed file changes
	hack/verify.sh

##@ Generate

.PHONY: generate
generate: $(CONTROLLER_GEN) ## Generate the deep copies
	$(CONTROLLER_GEN) object:headerFile=hack/boilerplate.go.txt paths=./api/...

.PHONY: manifests
manifests: $(CONTROLLER_GEN) ## Generate the definitions and the operator's role
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager,fileName=manager_role.yaml paths=./controllers/... output:rbac:dir=config/rbac

.PHONY: docs
docs: manifests ## Generate the tables of docs/spec, docs/scenarios.md and docs/performance.md
	go run ./hack/specdocs
	go run ./hack/scenariodocs
	go run ./hack/perfdocs

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the Go code
	$(GOLANGCI_LINT) fmt

.PHONY: tools
tools: $(CONTROLLER_GEN) $(GOLANGCI_LINT) $(GOVULNCHECK) $(KUSTOMIZE) ## Build the pinned tools into bin/tools

# The version of a tool is that of hack/tools/go.mod.
$(CONTROLLER_GEN): package := sigs.k8s.io/controller-tools/cmd/controller-gen
$(GOLANGCI_LINT): package := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(GOVULNCHECK): package := golang.org/x/vuln/cmd/govulncheck
$(KUSTOMIZE): package := sigs.k8s.io/kustomize/kustomize/v5
$(CONTROLLER_GEN) $(GOLANGCI_LINT) $(GOVULNCHECK) $(KUSTOMIZE): hack/tools/go.mod hack/tools/go.sum
	@mkdir -p $(TOOLS)
	go -C hack/tools build -o '$(CURDIR)/$@' $(package)
	@touch $@

# Docker Compose is a module of its own: its dependencies are those of no linter.
$(COMPOSE): hack/compose/go.mod hack/compose/go.sum
	@mkdir -p $(TOOLS)
	go -C hack/compose build -o '$(CURDIR)/$@' github.com/docker/compose/v5/cmd
	@touch $@
