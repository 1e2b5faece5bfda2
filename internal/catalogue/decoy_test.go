// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue_test

import (
	"context"
	"io"
	"maps"
	"net"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/decoy"
)

// fullConfig sets every key of each service, all to the limit where there is one.
func fullConfig() map[string]map[string]string {
	users := "root:toor, admin:pass word, x:" + strings.Repeat("y", 2000)
	web := func(more ...string) map[string]string {
		config := map[string]string{
			"serverHeader": "nginx/1.25.3", "app": "jenkins", "responseCode": "404",
			"extraHeaders": "X-Powered-By: PHP/8.2, X_Y:z", "body": "<p>\n\t" + strings.Repeat("é", 2000) + "</p>",
		}
		for i := 0; i < len(more); i += 2 {
			config[more[i]] = more[i+1]
		}
		return config
	}
	return map[string]map[string]string{
		"ssh":    {"banner": "OpenSSH_8.4p1 Debian-5", "users": users, "acceptAfter": "1000"},
		"telnet": {"banner": "Ubuntu\n22.04", "users": users, "acceptAfter": "0"},
		"http":   web(),
		"https":  web("certCommonName", "www.example.org", "httpVersions", "1.1, 2"),
		"ftp":    {"banner": strings.Repeat("b", 1024)},
		"smtp":   {"banner": strings.Repeat("b", 200), "mta": "sendmail"},
		"redis":  {"version": "7.2.4", "os": "Linux 5.10 x86_64"},
	}
}

// The catalogue and the programs in the built-in image must agree on names,
// ports, variables and what those may hold.
func TestServicesFitTheBuiltInPrograms(t *testing.T) {
	t.Parallel()
	c := load(t)
	for _, definition := range c.Definitions() {
		for name, config := range map[string]map[string]string{
			"as they are": nil, "with every key": fullConfig()[definition.Name], "by the documented defaults": defaults(definition),
		} {
			t.Run(definition.Name+" "+name, func(t *testing.T) {
				t.Parallel()
				services, mistake := c.Services(listing(v1alpha1.Service{Name: definition.Name, Config: config}))
				if mistake != nil {
					t.Fatal(mistake)
				}
				if len(services[0].Container.Env) != len(config) {
					t.Errorf("have variables %q for keys %v", services[0].Container.Env, config)
				}
				runBriefly(t, services[0])
			})
		}
		if have := fullConfig()[definition.Name]; len(have) != len(definition.Settings) {
			t.Errorf("%s has keys %v; this test sets %d of them", definition.Name, definition.Keys(), len(have))
		}
	}
}

// Services that have keys get a seed, which is the decky's and the service's
// own; the others get none.
func TestServicesWithKeysGetASeed(t *testing.T) {
	t.Parallel()
	c := load(t)
	seeds := func(uid types.UID) map[string]string {
		decky := listing()
		decky.UID = uid
		for _, name := range c.ServiceNames() {
			decky.Spec.Services = append(decky.Spec.Services, v1alpha1.Service{Name: name})
		}
		services, mistake := c.Services(decky)
		if mistake != nil {
			t.Fatal(mistake)
		}
		found := map[string]string{}
		for _, service := range services {
			for _, entry := range service.Container.Env {
				if seed, given := strings.CutPrefix(entry, "SEED="); given {
					found[service.Name] = seed
					runBriefly(t, service)
				}
			}
		}
		return found
	}
	one := seeds("u-1")
	if have, want := slices.Sorted(maps.Keys(one)), []string{"https", "smtp", "ssh"}; !slices.Equal(have, want) {
		t.Errorf("have seeds for %v, want %v", have, want)
	}
	if diff := cmp.Diff(one, seeds("u-1")); diff != "" {
		t.Errorf("seeds change:\n%s", diff)
	}
	all := slices.AppendSeq(slices.Collect(maps.Values(one)), maps.Values(seeds("u-2")))
	slices.Sort(all)
	if distinct := slices.Compact(slices.Clone(all)); len(distinct) != len(all) {
		t.Errorf("have a seed twice: %v", all)
	}
	if have := seeds(""); len(have) != 0 {
		t.Errorf("have %v for a decky without UID", have)
	}
}

func defaults(definition catalogue.Definition) map[string]string {
	config := map[string]string{}
	for key, setting := range definition.Settings {
		if setting.Default != "" {
			config[key] = setting.Default
		}
	}
	return config
}

// runBriefly starts the service's program with its environment and ends it once
// it listens, which it does only if it accepts the environment. It checks that
// each variable was read and each declared port opened.
func runBriefly(t *testing.T, service catalogue.Service) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	var opened []int
	read := map[string]bool{}
	lookup := func(name string) (string, bool) {
		mu.Lock()
		defer mu.Unlock()
		read[name] = true
		for _, entry := range service.Container.Env {
			if value, found := strings.CutPrefix(entry, name+"="); found {
				return value, true
			}
		}
		return "", false
	}
	listen := func(ctx context.Context, port int) (net.Listener, error) {
		mu.Lock()
		defer mu.Unlock()
		opened = append(opened, port)
		if len(opened) == len(service.Ports) {
			cancel()
		}
		var config net.ListenConfig
		return config.Listen(context.WithoutCancel(ctx), "tcp4", "127.0.0.1:0")
	}
	err := decoy.Run(ctx, path.Base(service.Container.Command[0]), decoy.Environment{
		Lookup: lookup, Hostname: "web", Output: io.Discard, Listen: listen,
	})
	if err != nil {
		t.Error(err)
	}
	for _, entry := range service.Container.Env {
		if name, _, _ := strings.Cut(entry, "="); !read[name] {
			t.Errorf("the program does not read %s", name)
		}
	}
	for _, port := range service.Ports {
		if !slices.Contains(opened, int(port.Number)) {
			t.Errorf("the program does not listen on %d", port.Number)
		}
	}
}
