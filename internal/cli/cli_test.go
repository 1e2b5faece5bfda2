// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/deckyard/deckyard/internal/catalogue"
	"github.com/deckyard/deckyard/internal/cli"
	"github.com/deckyard/deckyard/internal/controlplane"
	"github.com/deckyard/deckyard/internal/preflight"
)

// here runs a command that starts nothing in this process.
func here(t *testing.T, change func(*cli.Dependencies), arguments ...string) result {
	t.Helper()
	var out, errors bytes.Buffer
	deps := dependencies(&out, &errors)
	if change != nil {
		change(&deps)
	}
	code := cli.Main(t.Context(), arguments, deps)
	return result{code: code, out: out.String(), errors: errors.String()}
}

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		arguments []string
		want      []string
	}{
		"UnknownCommand":   {[]string{"upp"}, []string{`unknown command "upp" for "deckyard"`, "Run 'deckyard --help' for usage."}},
		"UnknownFlag":      {[]string{"up", "--portt", "1"}, []string{"unknown flag: --portt", "Run 'deckyard up --help' for usage."}},
		"Argument":         {[]string{"down", "now"}, []string{`unknown command "now" for "deckyard down"`, "Run 'deckyard down --help' for usage."}},
		"ListenWithNoPort": {[]string{"up", "--listen", "127.0.0.1"}, []string{`--listen "127.0.0.1" is not an address with a port, such as 127.0.0.1:6445`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := here(t, nil, test.arguments...)
			assertCode(t, got, 1)
			assertContains(t, got.errors, test.want...)
			if got.out != "" {
				t.Errorf("out: got %q, want nothing", got.out)
			}
		})
	}
}

func TestUpRefuses(t *testing.T) {
	t.Parallel()
	taken := listen(t)
	services := t.TempDir()
	writeFile(t, filepath.Join(services, "bad.yaml"), "name: Mail Server")
	badService := []string{
		`catalogue directory "` + services + `"`, `bad.yaml: name "Mail Server" is not a DNS label`,
		"correct the file, or take it out of the directory",
	}
	tests := map[string]struct {
		reason    string
		path      func(t *testing.T) string
		arguments []string
		preflight error
		refusal   string
		want      []string
	}{
		"PortTaken": {
			reason:    "another process has the port",
			arguments: []string{"--listen", taken},
			want:      []string{"listen on " + taken + ": the port is taken by another process", "choose another with --listen"},
		},
		"ForeignAddress": {
			reason:    "the address is not one of this machine",
			arguments: []string{"--listen", "192.0.2.1:6445"},
			want:      []string{"Warning: --listen 192.0.2.1:6445 is not a loopback address", "listen on 192.0.2.1:6445", "choose an address of this machine with --listen"},
		},
		"RemoteDocker": {
			reason:    "the engine's namespaces are out of reach",
			arguments: []string{"--docker-host", "tcp://192.0.2.1:2375"},
			want:      []string{`docker host "tcp://192.0.2.1:2375" is not a local socket: use --docker-host unix:///PATH`},
		},
		"RelativeSocket": {
			reason:    "a detached process has another working directory",
			arguments: []string{"--docker-host", "unix://docker.sock"},
			want:      []string{"is not a local socket"},
		},
		"Preflight": {
			reason:    "the engine cannot be used, and the preflight says why",
			preflight: errors.New("the Docker Engine is not running: start it"),
			want:      []string{"Error: the Docker Engine is not running: start it"},
		},
		"Unsuitable": {
			reason:  "the engine answers, and cannot carry a topology",
			refusal: "the engine is rootless: use one that runs as root",
			want:    []string{"Error: the Docker Engine cannot be used: the engine is rootless: use one that runs as root"},
		},
		"UnsuitableDetached": {
			reason:    "it is said here, not in the log of a process that ended",
			arguments: []string{"--detach"},
			refusal:   "the engine is rootless: use one that runs as root",
			want:      []string{"Error: the Docker Engine cannot be used: the engine is rootless"},
		},
		"BadService": {
			reason:    "a file of the catalogue directory does not define a service",
			arguments: []string{"--catalogue", services},
			want:      badService,
		},
		"BadServiceDetached": {
			reason:    "it is said here, not in the log of a process that ended",
			arguments: []string{"--detach", "--catalogue", services},
			want:      badService,
		},
		"NoCatalogue": {
			reason:    "there is no such directory",
			arguments: []string{"--catalogue", filepath.Join(services, "more")},
			want:      []string{`catalogue directory "` + filepath.Join(services, "more") + `" does not exist: create it, or name another`},
		},
		"NewerData": {
			reason: "a later version wrote the data",
			path:   newerDataDirectory,
			want:   []string{"has version 99 and this program knows versions up to 1", "or another --data-dir"},
		},
		"DataBelowAFile": {
			reason: "the directory cannot be written",
			path: func(t *testing.T) string {
				file := filepath.Join(t.TempDir(), "file")
				writeFile(t, file, "")
				return filepath.Join(file, "data")
			},
			want: []string{"data directory", "choose a directory that you can write to with --data-dir"},
		},
		"ForeignData": {
			reason: "the directory is somebody else's",
			path: func(t *testing.T) string {
				path := t.TempDir()
				writeFile(t, filepath.Join(path, "thesis.txt"), "")
				return path
			},
			want: []string{"is not empty and holds nothing of deckyard"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := dataDirectory(t)
			if test.path != nil {
				path = test.path(t)
			}
			got := here(t, func(deps *cli.Dependencies) {
				deps.Preflight = func(context.Context, string) (preflight.Report, error) {
					return preflight.Report{Suitable: test.refusal == "", Refusal: test.refusal}, test.preflight
				}
			}, append([]string{"up", "--data-dir", path}, test.arguments...)...)
			assertCode(t, got, 1)
			assertContains(t, got.errors, test.want...)
		})
	}
}

func TestDownWithNothingToStop(t *testing.T) {
	t.Parallel()
	for _, arguments := range [][]string{{"down"}, {"down", "--purge"}} {
		path := dataDirectory(t)
		got := here(t, nil, append(arguments, "--data-dir", path)...)
		assertCode(t, got, 0)
		assertContains(t, got.out, "Nothing runs in "+path+", and there is no data.")
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v made the data directory: %v", arguments, err)
		}
	}
}

func TestDownOfAStoppedInstanceKeepsItsData(t *testing.T) {
	t.Parallel()
	path := dataDirectory(t)
	directory, err := controlplane.OpenDataDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := directory.Close(); err != nil {
		t.Fatal(err)
	}
	got := here(t, nil, "down", "--data-dir", path)
	assertCode(t, got, 0)
	assertContains(t, got.out, "Nothing runs in "+path+". Its data stays; 'deckyard down --purge' removes it")
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestDefaultDataDirectory(t *testing.T) {
	t.Parallel()
	got := here(t, nil, "up", "--help")
	assertCode(t, got, 0)
	want := "/var/lib/deckyard"
	if os.Geteuid() != 0 {
		want = "/deckyard"
	}
	assertContains(t, got.out, want, "--listen", "127.0.0.1:6445", "--docker-host", "--detach", "--catalogue directory")
}

func TestVersion(t *testing.T) {
	t.Parallel()
	got := here(t, nil, "version")
	assertCode(t, got, 0)
	assertContains(t, got.out, "deckyard    v1.2.3\n", "kubernetes ", "etcd ", "go ")
}

func TestRenderRefusesABadCatalogue(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "beacon.yaml")
	writeFile(t, file, "name: beacon")
	got := here(t, nil, "render", "acme", "--data-dir", dataDirectory(t), "--catalogue", file)
	assertCode(t, got, 1)
	assertContains(t, got.errors, `catalogue "`+file+`" is not a directory: name the directory that holds the service files`)
}

// A copy of a kubeconfig is not renewed; the server's answer would not say so.
func TestExpiredKubeconfigIsNamed(t *testing.T) {
	t.Parallel()
	kubeconfig := expiredKubeconfig(t)
	render := func(deps *cli.Dependencies) {
		deps.Render = func(context.Context, *rest.Config, *catalogue.Catalogue, string, string) ([]byte, []string, error) {
			return nil, nil, errors.New("no connection")
		}
	}
	for _, got := range []result{
		run(t, "kubectl", "get", "nodes", "--kubeconfig", kubeconfig),
		here(t, render, "render", "acme", "--kubeconfig", kubeconfig),
	} {
		assertCode(t, got, 1)
		assertContains(t, got.errors, `Warning: kubeconfig "`+kubeconfig+`": the certificate of "deckyard-admin" expired on `,
			"copy the kubeconfig in the data directory again")
	}
}

// expiredKubeconfig is of a control plane that was last started two years ago.
func expiredKubeconfig(t *testing.T) string {
	t.Helper()
	directory, err := controlplane.OpenDataDirectory(dataDirectory(t))
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close() //nolint:errcheck // a test's
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // a test's
	options, err := controlplane.Options{
		DataDirectory: directory,
		Listener:      listener,
		Clock:         clocktesting.NewFakeClock(time.Now().AddDate(-2, 0, 0)),
	}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := options.New(); err != nil {
		t.Fatal(err)
	}
	return directory.Kubeconfig()
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newerDataDirectory(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	for name, content := range map[string]string{"deckyard.lock": "", "version": "99\n"} {
		writeFile(t, filepath.Join(path, name), content)
	}
	return path
}

// listen takes a port until the test ends.
func listen(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return strings.TrimSpace(listener.Addr().String())
}
