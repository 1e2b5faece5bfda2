// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package fake_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/engine/fake"
	"github.com/deckyard/deckyard/internal/model"
)

const image = "decoy:1"

// lan is a network that tests create.
func lan(name string) model.NetworkSpec {
	return model.NetworkSpec{
		Name: name, Driver: "bridge", Internal: true,
		Subnet: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1"),
	}
}

// decky is a running base web01 on the network lan, with a running service
// web01_ssh, on an engine that has forgotten their creation.
type decky struct {
	e                  *fake.Engine
	network, base, ssh string
}

func newDecky(t *testing.T, options ...fake.Option) decky {
	t.Helper()
	e := fake.New(append(options, fake.WithImages(image))...)
	d := decky{e: e}
	var err error
	if d.network, err = e.CreateNetwork(t.Context(), lan("lan")); err != nil {
		t.Fatal(err)
	}
	d.base, err = e.CreateContainer(t.Context(), model.ContainerSpec{
		Name: "web01", Image: image,
		Home: model.EndpointSpec{NetworkName: "lan", NetworkID: d.network, Address: netip.MustParseAddr("10.0.0.10")},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	d.ssh, err = e.CreateContainer(t.Context(), model.ContainerSpec{
		Name: "web01_ssh", Image: image, Ports: []model.Port{{Number: 22, Protocol: model.TCP}},
	}, d.base)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{d.base, d.ssh} {
		if err := e.StartContainer(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	e.ForgetWrites()
	return d
}

func (d decky) inspect(t *testing.T, id string) model.Container {
	t.Helper()
	container, err := d.e.Container(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return container
}

// listening returns how many sockets the base's namespace has.
func (d decky) listening(t *testing.T) int {
	t.Helper()
	namespace, err := d.e.Namespace(t.Context(), d.inspect(t, d.base), nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(namespace.Listening)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	cause := errors.New("out of luck")
	for name, tc := range map[string]struct {
		fault fake.Fault
		// want are the errors of three removals of different networks, and left is
		// how many of these networks are left.
		want []error
		left int
	}{
		"the next":        {fake.Fault{Err: cause}, []error{cause, nil, nil}, 1},
		"the second":      {fake.Fault{Nth: 2, Err: cause}, []error{nil, cause, nil}, 1},
		"unavailable":     {fake.Fault{}, []error{engine.ErrUnavailable, nil, nil}, 1},
		"the answer lost": {fake.Fault{AnswerLost: true}, []error{engine.ErrUnavailable, nil, nil}, 0},
		"of another call": {fake.Fault{Nth: 4, Err: cause}, []error{nil, nil, nil}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := fake.New()
			var ids []string
			for _, name := range []string{"a", "b", "c"} {
				ids = append(ids, e.ByHand(t).AddNetwork(lan(name)))
			}
			tc.fault.Operation = fake.OpRemoveNetwork
			e.Fail(tc.fault)
			for i, id := range ids {
				if err := e.RemoveNetwork(t.Context(), id); !errors.Is(err, tc.want[i]) {
					t.Errorf("removal %d: %v, want %v", i+1, err, tc.want[i])
				}
			}
			networks, err := e.Networks(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if left := len(networks) - 3; left != tc.left {
				t.Errorf("%d networks are left, want %d", left, tc.left)
			}
			if want := []string{"remove network a", "remove network b", "remove network c"}; !cmp.Equal(e.Writes(), want) {
				t.Errorf("writes %q", e.Writes())
			}
		})
	}
}

func TestReadsAndOutsidersAreNoWrites(t *testing.T) {
	t.Parallel()
	d := newDecky(t)
	hand := d.e.ByHand(t)
	hand.AddNetwork(model.NetworkSpec{Name: "theirs"})
	hand.AddContainer(model.ContainerSpec{Name: "their_web", Home: model.EndpointSpec{NetworkName: "theirs"}})
	hand.Stop("web01")
	hand.Start("web01")
	d.inspect(t, d.base)
	if _, err := d.e.Containers(t.Context()); err != nil {
		t.Error(err)
	}
	if writes := d.e.Writes(); len(writes) > 0 {
		t.Errorf("writes %q", writes)
	}
	if calls := d.e.Calls(fake.OpContainers); calls != 1 {
		t.Errorf("%d lists", calls)
	}
	_ = d.e.Connect(t.Context(), d.base, model.EndpointSpec{NetworkName: "lan", NetworkID: d.network})
	_ = d.e.Disconnect(t.Context(), d.base, d.network)
	if want := []string{"connect web01 to lan", "disconnect web01 from lan"}; !cmp.Equal(d.e.Writes(), want) {
		t.Errorf("writes %q, want %q", d.e.Writes(), want)
	}
}

func TestEngineThatIsDownAnswersNothing(t *testing.T) {
	t.Parallel()
	d := newDecky(t)
	err := d.e.Subscribe(t.Context(), time.Time{}, func() { d.e.SetDown(true) }, func(engine.Event) {})
	if !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("stream: %v", err)
	}
	if _, err := d.e.Containers(t.Context()); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("list: %v", err)
	}
	if err := d.e.StopContainer(t.Context(), d.base, 0); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("stop: %v", err)
	}
	d.e.SetDown(false)
	if !d.inspect(t, d.base).IsRunning() {
		t.Error("a container has stopped")
	}
}

func TestInterceptorSeesCallsAndCanFailThem(t *testing.T) {
	t.Parallel()
	d := newDecky(t)
	var seen []string
	d.e.Intercept(func(ctx context.Context, operation fake.Operation, target string) error {
		seen = append(seen, string(operation)+" "+target)
		if operation == fake.OpStopContainer {
			return engine.ErrDenied
		}
		return ctx.Err()
	})
	if err := d.e.StopContainer(t.Context(), d.base, 0); !errors.Is(err, engine.ErrDenied) {
		t.Errorf("error %v", err)
	}
	d.inspect(t, d.base)
	if want := []string{"stop container web01", "inspect container web01"}; !cmp.Equal(seen, want) {
		t.Errorf("seen %q", seen)
	}
}

func TestEventsComeInOrderAndCanBeLost(t *testing.T) {
	t.Parallel()
	d := newDecky(t)
	hand := d.e.ByHand(t)
	var told []engine.Event
	err := d.e.Subscribe(t.Context(), time.Time{}, func() {
		hand.Stop("web01_ssh")
		d.e.DropEvents(true)
		hand.Start("web01_ssh")
		d.e.DropEvents(false)
		hand.Disconnect("web01", "lan")
		hand.Connect("web01", "lan", netip.MustParseAddr("10.0.0.11"))
		d.e.BreakStreams()
	}, func(event engine.Event) { told = append(told, event) })
	if !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	want := []engine.Event{
		{Type: engine.ObjectContainer, ID: d.ssh},
		{Type: engine.ObjectNetwork, ID: d.network, ContainerID: d.base},
		{Type: engine.ObjectNetwork, ID: d.network, ContainerID: d.base},
	}
	for i := range told {
		if i > 0 && !told[i].Time.After(told[i-1].Time) {
			t.Errorf("event %d is not later than the one before", i)
		}
		told[i].Time = time.Time{}
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Scenario 39: the fake loses services as the engine does.
func TestBaseThatStartsAgainLosesItsServices(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]func(fake.Hand){
		"crash":         func(hand fake.Hand) { hand.Crash("web01", 1) },
		"restart":       func(hand fake.Hand) { hand.Restart("web01") },
		"kill, start":   func(hand fake.Hand) { hand.Kill("web01"); hand.Start("web01") },
		"engine, start": func(hand fake.Hand) { hand.RestartEngine(); hand.Stop("web01"); hand.Start("web01") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDecky(t)
			if got := d.listening(t); got != 1 {
				t.Fatalf("%d sockets before", got)
			}
			restart(d.e.ByHand(t))
			base, ssh := d.inspect(t, d.base), d.inspect(t, d.ssh)
			if !base.IsRunning() || !base.StartedAt.After(ssh.StartedAt) {
				t.Errorf("base %s since %v, service since %v", base.State, base.StartedAt, ssh.StartedAt)
			}
			if got := d.listening(t); got != 0 {
				t.Errorf("%d sockets in the new namespace", got)
			}
			if err := d.e.RestartContainer(t.Context(), d.ssh, 0); err != nil {
				t.Fatal(err)
			}
			if got := d.listening(t); got != 1 {
				t.Errorf("%d sockets after the service's restart", got)
			}
		})
	}
}

func TestKillEndsAndCrashRestarts(t *testing.T) {
	t.Parallel()
	d := newDecky(t)
	hand := d.e.ByHand(t)
	hand.Kill("web01_ssh")
	if killed := d.inspect(t, d.ssh); killed.State != model.StateExited || killed.ExitCode != 137 || killed.RestartCount != 0 {
		t.Errorf("killed: %s, code %d, %d restarts", killed.State, killed.ExitCode, killed.RestartCount)
	}
	hand.Start("web01_ssh")
	hand.Crash("web01_ssh", 2)
	if crashed := d.inspect(t, d.ssh); !crashed.IsRunning() || crashed.ExitCode != 2 || crashed.RestartCount != 1 {
		t.Errorf("crashed: %s, code %d, %d restarts", crashed.State, crashed.ExitCode, crashed.RestartCount)
	}
}

func TestEngineRestartStartsServicesBeforeBases(t *testing.T) {
	t.Parallel()
	d := newDecky(t)
	d.e.ByHand(t).RestartEngine()
	if base, ssh := d.inspect(t, d.base), d.inspect(t, d.ssh); !base.IsRunning() || ssh.IsRunning() {
		t.Errorf("base %s, service %s", base.State, ssh.State)
	}
}

func TestOutsidersChangesAreSeen(t *testing.T) {
	t.Parallel()
	d := newDecky(t)
	hand := d.e.ByHand(t)
	hand.SetListening("web01_ssh")
	if got := d.listening(t); got != 0 {
		t.Errorf("%d sockets", got)
	}
	hand.SetSysctl("web01", "net.ipv4.ip_forward", "0")
	namespace, err := d.e.Namespace(t.Context(), d.inspect(t, d.base), []string{"net.ipv4.ip_forward", "net.ipv4.ip_default_ttl"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"net.ipv4.ip_forward": "0", "net.ipv4.ip_default_ttl": "64"}
	if diff := cmp.Diff(want, namespace.Sysctls); diff != "" {
		t.Errorf("sysctls (-want +got):\n%s", diff)
	}
	hand.Pause("web01")
	if state := d.inspect(t, d.base).State; state != model.StatePaused {
		t.Errorf("state %s", state)
	}
	hand.RemoveNetwork("lan")
	if endpoints := d.inspect(t, d.base).Endpoints; len(endpoints) != 0 {
		t.Errorf("endpoints %+v", endpoints)
	}
	hand.Remove("web01")
	if _, err := d.e.Container(t.Context(), d.base); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

func TestProgramThatEndsIsRestarting(t *testing.T) {
	t.Parallel()
	d := newDecky(t, fake.WithPrograms(func(spec model.ContainerSpec) fake.Process {
		return fake.Process{Exits: spec.Name == "web01_ssh", ExitCode: 3, Ports: spec.Ports}
	}))
	ssh := d.inspect(t, d.ssh)
	if ssh.State != model.StateRestarting || ssh.ExitCode != 3 || ssh.RestartCount != 1 || ssh.PID != 0 {
		t.Errorf("service %+v", ssh)
	}
}

func TestImagesArePulledFromTheRegistryAlone(t *testing.T) {
	t.Parallel()
	e := fake.New()
	if err := e.PullImage(t.Context(), "nginx"); err == nil || errors.Is(err, engine.ErrNotFound) {
		t.Errorf("registry out of reach: %v", err)
	}
	e.SetRegistry("nginx:latest")
	if err := e.PullImage(t.Context(), "redis"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("missing image: %v", err)
	}
	if err := e.PullImage(t.Context(), "nginx"); err != nil {
		t.Error(err)
	}
	before, err := e.ResolveImage(t.Context(), "nginx:latest")
	if err != nil {
		t.Fatal(err)
	}
	e.SetImage("nginx", "sha256:other")
	if after, err := e.ResolveImage(t.Context(), "nginx"); err != nil || after == before {
		t.Errorf("digest %q, error %v", after, err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	d := newDecky(t)
	ctx, cancel := context.WithCancel(t.Context())
	var readers, writers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			_ = d.e.Subscribe(ctx, time.Time{}, func() {}, func(engine.Event) { _, _ = d.e.Containers(ctx) })
		})
		writers.Go(func() {
			for range 50 {
				_ = d.e.RestartContainer(ctx, d.ssh, 0)
				_, _ = d.e.Networks(ctx)
				d.e.ByHand(t).Restart("web01")
				_ = d.e.Writes()
			}
		})
	}
	writers.Wait()
	cancel()
	readers.Wait()
	if !d.inspect(t, d.base).IsRunning() {
		t.Error("the base does not run")
	}
}
