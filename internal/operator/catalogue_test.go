// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/builtin"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/model"
)

// further is a service file: on the built-in image, unless it names another.
const further = `
name: gopher
summary: Menus and files.
ports:
  - {port: 70, protocol: tcp}
config:
  greeting: {type: string, summary: The first line., default: ready}
container:
  command: ["/usr/sbin/gopherd"]
  environment:
    GREETING: ${greeting}
  user: "65532:65532"
  read_only: true
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
  pids_limit: 20
  mem_limit: 32m
`

// A directory adds services without a rebuild: deckies use them like the
// built-in ones, and so does what is rendered. Without it they are unknown, and
// what runs stays.
func TestDirectoryAddsServices(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "gopher.yaml"), []byte(further), 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := catalogue.LoadDirectory(t.Context(), directory)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(options *Options) { options.Catalogue = known })
	web := decky("acme", "web", "dmz", func(decky *v1alpha1.Decky) {
		decky.Spec.Services = append(decky.Spec.Services, v1alpha1.Service{Name: "gopher", Config: map[string]string{"greeting": "hello"}})
	})
	w.create(w.topology("acme", "10.90.0.0/16"), lan("acme", "dmz", dmz), web)
	w.waitFor(v1alpha1.ReasonSucceeded, web)

	image, err := builtin.Load()
	if err != nil {
		t.Fatal(err)
	}
	containers, err := w.engine.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	service := model.ServiceName(w.namespace, "acme", "web", "gopher")
	if !slices.ContainsFunc(containers, func(container model.Container) bool {
		return container.Name == service && container.Image == image.Reference
	}) {
		t.Errorf("the service does not run from %s: %+v", image.Reference, containers)
	}

	file, omitted, err := RenderCompose(t.Context(), shared, known, w.namespace, "acme")
	if err != nil || len(omitted) > 0 || !strings.Contains(string(file), "GREETING: hello") {
		t.Errorf("rendered, without %v, error %v:\n%s", omitted, err, file)
	}
	_, omitted, err = RenderCompose(t.Context(), shared, nil, w.namespace, "acme")
	if err != nil || len(omitted) != 1 || !strings.Contains(omitted[0], "gopher") {
		t.Errorf("without the directory these are left out: %v, error %v", omitted, err)
	}

	w.change = nil
	w.stop()
	w.start()
	w.waitFor(v1alpha1.ReasonUnknownService, web)
	after, err := w.engine.Containers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(containers, after, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("on the engine (-before +without the directory):\n%s", diff)
	}
}
