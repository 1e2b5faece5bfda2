//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/cli"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/operator"
	"github.com/deckyard/deckyard/internal/preflight"
	"github.com/deckyard/deckyard/test/privateengine"
)

// runPreflight runs "deckyard preflight" and returns its exit code, what it shows
// as JSON, and its errors.
func runPreflight(t *testing.T, arguments ...string) (int, preflight.Report, string) {
	t.Helper()
	var out, problems bytes.Buffer
	code := cli.Main(t.Context(), append([]string{"preflight", "-o", "json"}, arguments...), cli.Dependencies{
		Streams: cli.Streams{In: strings.NewReader(""), Out: &out, Err: &problems}, Getenv: os.Getenv, Preflight: operator.Preflight,
	})
	var report preflight.Report
	if out.Len() > 0 {
		if err := json.Unmarshal(out.Bytes(), &report); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
	}
	return code, report, problems.String()
}

// dockerInfo is what "docker info" says of the engine.
type dockerInfo struct {
	ServerVersion, Name, OSType, CgroupVersion string
	LiveRestoreEnabled, IPv4Forwarding         bool
	SecurityOptions                            []string
}

// The facts that a preflight shows are those of docker's own command line and of /proc.
func TestPreflightShowsTheEngine(t *testing.T) {
	w := newWorld(t)
	code, report, problems := runPreflight(t)
	if code != 0 || !report.Suitable {
		t.Fatalf("exit code %d, %+v, %s", code, report, problems)
	}
	var want dockerInfo
	if err := json.Unmarshal([]byte(w.docker("info", "--format", "{{json .}}")), &want); err != nil {
		t.Fatal(err)
	}
	have := dockerInfo{
		ServerVersion: report.Engine.Version, Name: report.Engine.Name, OSType: report.Engine.OS, CgroupVersion: report.Engine.CgroupVersion,
		LiveRestoreEnabled: report.Engine.LiveRestore, IPv4Forwarding: report.Engine.IPv4Forwarding,
	}
	rootless := slices.Contains(want.SecurityOptions, "name=rootless")
	want.SecurityOptions = nil
	if have.ServerVersion != want.ServerVersion || have.Name != want.Name || have.OSType != want.OSType || have.CgroupVersion != want.CgroupVersion ||
		have.LiveRestoreEnabled != want.LiveRestoreEnabled || have.IPv4Forwarding != want.IPv4Forwarding || report.Engine.Rootless != rootless {
		t.Errorf("engine %+v, docker info says %+v", report.Engine, want)
	}
	if api := strings.TrimSpace(w.docker("version", "--format", "{{.Client.APIVersion}}")); report.Engine.APIVersion != api {
		t.Errorf("API %s, docker negotiates %s", report.Engine.APIVersion, api)
	}
	if want := bridgedFrames(t); report.Host.BridgeNFCallIptables != want {
		t.Errorf("bridge-nf-call-iptables %s, /proc says %s", report.Host.BridgeNFCallIptables, want)
	}
	if want := model.AnswerOf(exec.CommandContext(t.Context(), "iptables", "-w", "5", "-S", "DOCKER-USER").Run() == nil); report.Host.DockerUserChain != want {
		t.Errorf("DOCKER-USER %s, iptables says %s", report.Host.DockerUserChain, want)
	}
	for what, answer := range map[string]model.Answer{
		"engine visible": report.Host.EngineVisible, "engine's network": report.Host.EngineNetwork, "nf_tables": report.Host.NFTables,
		"NET_ADMIN": report.Host.NetAdmin, "SYS_ADMIN": report.Host.SysAdmin, "SYS_PTRACE": report.Host.SysPtrace,
	} {
		if answer != model.Yes {
			t.Errorf("%s: %s", what, answer)
		}
	}
}

// bridgedFrames reads the setting by itself.
func bridgedFrames(t *testing.T) model.Answer {
	t.Helper()
	value, err := os.ReadFile("/proc/sys/net/bridge/bridge-nf-call-iptables")
	if errors.Is(err, fs.ErrNotExist) {
		return model.No
	}
	if err != nil {
		t.Fatal(err)
	}
	return model.AnswerOf(strings.TrimSpace(string(value)) == "1")
}

// A listener of the test, a network, and the published port of a decky with its
// process are shown; the topology says which engine carries it.
func TestPreflightShowsWhatIsTaken(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := netip.MustParseAddrPort(listener.Addr().String()).Port()
	web := decky("acme", "web", "dmz", "ssh")
	web.Spec.Publish = &v1alpha1.Publish{HostIP: "127.0.0.1", Ports: []v1alpha1.PublishedPort{{ContainerPort: 22, HostPort: 24022}}}
	topo, outer := topology("acme"), dmz("acme", "dmz")
	w.create(topo, outer, web)
	w.waitReady(topo, outer)

	code, report, problems := runPreflight(t)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, problems)
	}
	for _, number := range []uint16{port, 24022} {
		if !slices.ContainsFunc(report.HostPorts, func(taken preflight.Port) bool {
			return taken.Protocol == model.TCP && taken.Port == number && slices.Contains(taken.Addresses, "127.0.0.1")
		}) {
			t.Errorf("port %d is not among %+v", number, report.HostPorts)
		}
	}
	if want := (preflight.Subnet{Subnet: outer.Status.Subnet, Network: outer.Status.NetworkName}); !slices.Contains(report.Subnets, want) {
		t.Errorf("%+v lacks %+v", report.Subnets, want)
	}
	if exec.CommandContext(t.Context(), "pgrep", "-x", "docker-proxy").Run() == nil && report.Host.UserlandProxy != model.Yes {
		t.Errorf("userland proxy %s while one runs", report.Host.UserlandProxy)
	}
	said := w.waitCondition(topo, v1alpha1.ConditionEngineSuitable, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
	if want := "Docker Engine " + report.Engine.Version + ", API " + report.Engine.APIVersion; !strings.HasPrefix(said, want) {
		t.Errorf("the topology says %q, want %q", said, want)
	}
}

// An engine whose bridges are out of the firewall's reach is refused, and the error
// says what to do; so is one that does not run.
func TestPreflightRefuses(t *testing.T) {
	elsewhere := privateengine.Start(t)
	code, report, problems := runPreflight(t, "--docker-host", elsewhere.Host())
	if code != 1 || report.Suitable || report.Host.EngineNetwork != model.No || report.Host.EngineVisible != model.Yes {
		t.Errorf("exit code %d, %+v", code, report)
	}
	if !strings.Contains(problems, "another network namespace") || !strings.Contains(problems, "run this program in the engine's network namespace") {
		t.Errorf("errors: %s", problems)
	}
	if code, _, problems = runPreflight(t, "--docker-host", docker.DefaultHost+".none"); code != 1 || !strings.Contains(problems, "start it with") {
		t.Errorf("without an engine: exit code %d, %s", code, problems)
	}
}
