// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/model"
)

func load(t testing.TB, extra ...fs.FS) *catalogue.Catalogue {
	t.Helper()
	c, err := catalogue.Load(t.Context(), extra...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBuiltInServices(t *testing.T) {
	t.Parallel()
	c := load(t)
	want := []string{"ftp", "http", "https", "redis", "smtp", "ssh", "telnet"}
	if have := c.ServiceNames(); !slices.Equal(have, want) {
		t.Errorf("have %v, want %v", have, want)
	}
	for _, definition := range c.Definitions() {
		if definition.Summary == "" || len(definition.Ports) == 0 {
			t.Errorf("%s has no summary or no port", definition.Name)
		}
		for _, key := range definition.Keys() {
			if definition.Settings[key].Summary == "" {
				t.Errorf("%s: config key %s has no summary", definition.Name, key)
			}
		}
	}
}

func TestBuildableArchetypes(t *testing.T) {
	t.Parallel()
	c := load(t)
	var buildable []string
	for _, archetype := range c.Archetypes() {
		if c.Buildable(archetype) {
			buildable = append(buildable, archetype.Name)
		}
	}
	if want := []string{"jump-host", "linux-server", "web-server"}; !slices.Equal(buildable, want) {
		t.Errorf("have %v, want %v", buildable, want)
	}
	if have := len(c.Archetypes()); have != 15 {
		t.Errorf("have %d archetypes, want 15", have)
	}
}

// Every OS family sets the same ten kernel settings, so that none is left to
// the host.
func TestFamiliesSetTheSameSysctls(t *testing.T) {
	t.Parallel()
	c := load(t)
	for _, name := range []v1alpha1.OSFamily{
		v1alpha1.OSFamilyLinux, v1alpha1.OSFamilyWindows, v1alpha1.OSFamilyWindowsServer,
		v1alpha1.OSFamilyBSD, v1alpha1.OSFamilyEmbedded, v1alpha1.OSFamilyCisco,
	} {
		family, mistake := c.Family(&v1alpha1.Decky{Spec: v1alpha1.DeckySpec{OSFamily: name}})
		if mistake != nil {
			t.Fatal(mistake)
		}
		if len(family.Sysctls) != 10 || family.Sysctls["net.ipv4.ip_default_ttl"] == "" {
			t.Errorf("%s sets %v", name, family.Sysctls)
		}
		if len(family.MACPrefixes) == 0 {
			t.Errorf("%s has no MAC prefixes", name)
		}
	}
}

// Nothing that an intruder sees inside may give the system away.
func TestFragmentsDoNotGiveTheSystemAway(t *testing.T) {
	t.Parallel()
	telltale := regexp.MustCompile(`(?i)deck|decoy|honey`)
	c := load(t)
	for _, name := range c.ServiceNames() {
		services, mistake := c.Services(listing(v1alpha1.Service{Name: name}))
		if mistake != nil {
			t.Fatal(mistake)
		}
		container := services[0].Container
		for _, text := range slices.Concat(container.Command, container.Env, []string{container.User}) {
			if telltale.MatchString(text) {
				t.Errorf("%s shows %q", name, text)
			}
		}
	}
}

const further = `
name: mysql
summary: A database.
ports:
  - {port: 3306, protocol: tcp}
  - {port: 3306, protocol: udp}
config:
  version: {type: string, summary: The version.}
container:
  image: registry.example/mysql-decoy:1
  command: ["/bin/mysqld", "--version", "${version:-8.0}"]
  environment:
    PRICE: "$$5"
    VERSION: ${version}
  user: "1000:1000"
  read_only: true
  cap_drop: [ALL]
  cap_add: [NET_BIND_SERVICE]
  security_opt: ["no-new-privileges:true"]
  pids_limit: 20
  mem_limit: 100m
  cpus: 0.5
  tmpfs: [/tmp]
`

func TestDirectoryAddsServices(t *testing.T) {
	t.Parallel()
	c := load(t, fstest.MapFS{"mysql.yaml": {Data: []byte(further)}, "README.md": {Data: []byte("not a service")}})
	services, mistake := c.Services(listing(v1alpha1.Service{Name: "mysql", Config: map[string]string{"version": "5.7$x"}}))
	if mistake != nil {
		t.Fatal(mistake)
	}
	have := services[0]
	if have.Custom || !slices.Equal(have.Ports, []model.Port{{Number: 3306, Protocol: model.TCP}, {Number: 3306, Protocol: model.UDP}}) {
		t.Errorf("have %+v", have)
	}
	if want := []string{"/bin/mysqld", "--version", "5.7$x"}; !slices.Equal(have.Container.Command, want) {
		t.Errorf("have command %q, want %q", have.Container.Command, want)
	}
	if want := []string{"PRICE=$5", "VERSION=5.7$x"}; !slices.Equal(have.Container.Env, want) {
		t.Errorf("have env %q, want %q", have.Container.Env, want)
	}
	if want := (model.Limits{Memory: 100 << 20, PIDs: 20, NanoCPUs: 5e8}); have.Container.Limits != want {
		t.Errorf("have limits %+v, want %+v", have.Container.Limits, want)
	}
	services, mistake = c.Services(listing(v1alpha1.Service{Name: "mysql"}))
	if mistake != nil {
		t.Fatal(mistake)
	}
	if want := "8.0"; services[0].Container.Command[2] != want {
		t.Errorf("have %q for a key that is not set, want %q", services[0].Container.Command[2], want)
	}
}

func TestBadServiceFilesAreNotLoaded(t *testing.T) {
	t.Parallel()
	change := func(old, replacement string) string {
		if !strings.Contains(further, old) {
			t.Fatalf("%q is not in the example", old)
		}
		return strings.Replace(further, old, replacement, 1)
	}
	cases := map[string]struct{ file, want string }{
		"not YAML":                  {"{", "parse bad.yaml"},
		"an unknown field":          {change("summary:", "sumary:"), "unknown field"},
		"a name that is no label":   {change("name: mysql", "name: My_SQL"), "is not a DNS label"},
		"a name that is taken":      {change("name: mysql", "name: ssh"), "in the catalogue already"},
		"port 0":                    {change("port: 3306", "port: 0"), "is not a port"},
		"a protocol unknown":        {change("protocol: tcp", "protocol: sctp"), "is not a port"},
		"a port twice":              {change("protocol: udp", "protocol: tcp"), "listed twice"},
		"a type unknown":            {change("type: string", "type: text"), "is not one of"},
		"an integer without bounds": {change("type: string", "type: integer"), "needs min and max"},
		"an enum without values":    {change("type: string", "type: enum"), "needs values"},
		"a pattern without form":    {change("type: string", "type: string, pattern: a"), "needs a form"},
		"a pattern that is none":    {change("type: string", "type: string, pattern: '(', form: a"), "compile pattern"},
		"a bad default":             {change("type: string", "type: boolean, default: maybe"), "default"},
		"a variable undeclared":     {change("VERSION: ${version}", "VERSION: ${versoin}"), "is not a config key"},
		"the seed as a key":         {change("config:", "config:\n  seed: {type: string, summary: a}"), "the catalogue itself gives this variable"},
		"a key that nothing uses":   {change("config:", "config:\n  other: {type: string, summary: a}"), "does not use"},
		"a malformed variable":      {change("VERSION: ${version}", "VERSION: \"${version\""), "Invalid template"},
		"a variable without value":  {change("VERSION: ${version}", "VERSION:"), "has no value"},
		"a field not acted upon":    {change("user:", "privileged: true\n  user:"), "privileged is not acted upon"},
		"volumes":                   {change("user:", "volumes: [/:/host]\n  user:"), "volumes is not acted upon"},
		"files read":                {change("user:", "env_file: /etc/passwd\n  user:"), "env_file is not acted upon"},
		"capabilities kept":         {change("cap_drop: [ALL]", "cap_drop: [CHOWN]"), "cap_drop must be [ALL]"},
		"a strong capability":       {change("NET_BIND_SERVICE", "SYS_ADMIN"), "SYS_ADMIN is not granted"},
		"privileges allowed":        {change("no-new-privileges:true", "no-new-privileges:false"), "security_opt must be"},
		"no seccomp":                {change("no-new-privileges:true\"", "no-new-privileges:true\", \"seccomp:unconfined\""), "security_opt must be"},
		"a writable root":           {change("read_only: true", "read_only: false"), "read_only must be true"},
		"no limit of processes":     {change("pids_limit: 20", "pids_limit: -1"), "pids_limit must be set"},
		"no limit of memory":        {change("  mem_limit: 100m\n", ""), "mem_limit must be set"},
		"a tmpfs with options":      {change("/tmp", "'/tmp:exec'"), "absolute path without options"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := catalogue.Load(t.Context(), fstest.MapFS{"bad.yaml": {Data: []byte(tc.file)}})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("have error %v, want one with %q", err, tc.want)
			}
		})
	}
}
