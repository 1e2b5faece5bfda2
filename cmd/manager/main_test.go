// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/operator"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	hostName, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	defaults := operator.Options{
		NodeName: hostName, DockerHost: docker.DefaultHost, LeaderElection: true,
		MetricsAddress: "127.0.0.1:8080", ProbeAddress: "127.0.0.1:8081",
	}
	for name, tc := range map[string]struct {
		arguments []string
		want      settings
	}{
		"none": {nil, settings{options: defaults}},
		"all": {
			[]string{
				"--kubeconfig=/etc/kubeconfig", "--node-name=node-7", "--docker-host=unix:///run/docker.sock", "--leader-elect=false",
				"--catalogue=/etc/catalogue", "--leader-election-namespace=deckyard-system", "--metrics-bind-address=0", "--health-probe-bind-address=127.0.0.1:9465",
			},
			settings{
				options: operator.Options{
					NodeName: "node-7", DockerHost: "unix:///run/docker.sock", LeaderElectionNamespace: "deckyard-system",
					MetricsAddress: "0", ProbeAddress: "127.0.0.1:9465",
				},
				kubeconfig: "/etc/kubeconfig", catalogue: "/etc/catalogue",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have, err := parse(tc.arguments, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if have != tc.want {
				t.Errorf("have %+v, want %+v", have, tc.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var output bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, &output); err != nil {
		t.Fatalf("help is an error: %v", err)
	}
	for _, flag := range []string{"-kubeconfig", "-node-name", "-docker-host", "-catalogue", "-leader-elect", "-metrics-bind-address", "-health-probe-bind-address"} {
		if !strings.Contains(output.String(), flag) {
			t.Errorf("help does not tell of %s:\n%s", flag, output.String())
		}
	}
}

// A mistake in how the program is started is told before anything is done.
func TestRefusals(t *testing.T) { //nolint:paralleltest // t.Setenv forbids it
	// In a cluster these are set.
	for _, name := range []string{"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"} {
		t.Setenv(name, "")
	}
	malformed := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(malformed, []byte("clusters: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "bad.yaml"), []byte("name: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	valid := writeKubeconfig(t, &rest.Config{Host: "https://127.0.0.1:1"})
	for name, tc := range map[string]struct {
		arguments []string
		words     []string
		is        error
	}{
		"unknown flag":               {[]string{"--nodename=x"}, []string{"-nodename", "--help"}, nil},
		"bad value":                  {[]string{"--leader-elect=often"}, []string{"leader-elect", "often", "--help"}, nil},
		"argument":                   {[]string{"start"}, []string{`unexpected argument "start"`, "--help"}, nil},
		"outside of a cluster":       {nil, []string{"--kubeconfig"}, rest.ErrNotInCluster},
		"no such kubeconfig":         {[]string{"--kubeconfig=/nonexistent", "--leader-elect=false"}, []string{"load kubeconfig", "/nonexistent"}, os.ErrNotExist},
		"malformed kubeconfig":       {[]string{"--kubeconfig=" + malformed, "--leader-elect=false"}, []string{"load kubeconfig"}, nil},
		"engine of another machine":  {[]string{"--kubeconfig=" + valid, "--leader-elect=false", "--docker-host=tcp://10.0.0.1:2375"}, []string{"tcp://10.0.0.1:2375", "unix"}, engine.ErrInvalid},
		"no such catalogue":          {[]string{"--kubeconfig=" + valid, "--leader-elect=false", "--catalogue=/nonexistent"}, []string{`"/nonexistent" does not exist`, "create it"}, nil},
		"malformed service":          {[]string{"--kubeconfig=" + valid, "--leader-elect=false", "--catalogue=" + broken}, []string{broken, "parse bad.yaml", "correct the file"}, nil},
		"election without namespace": {[]string{"--kubeconfig=" + valid}, []string{"--leader-election-namespace", "--leader-elect=false"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t.Context(), tc.arguments, io.Discard)
			if err == nil || tc.is != nil && !errors.Is(err, tc.is) {
				t.Fatalf("error %v, want %v", err, tc.is)
			}
			for _, word := range tc.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not name %q", err, word)
				}
			}
		})
	}
}

func TestKubeconfigIsRead(t *testing.T) {
	t.Parallel()
	want := &rest.Config{Host: "https://127.0.0.1:6443", BearerToken: "secret"}
	have, err := loadConfig(writeKubeconfig(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{want.Host, want.BearerToken}, []string{have.Host, have.BearerToken}); diff != "" {
		t.Errorf("(-want +have):\n%s", diff)
	}
}
