// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine/docker"
	"github.com/deckyard/deckyard/internal/model"
	"github.com/deckyard/deckyard/internal/status"
)

// change reconfigures a service of one decky after the other, each once the one
// before is ready.
func (m *measurement) change(ctx context.Context) error {
	watch, err := m.kube.Watch(ctx, &v1alpha1.DeckyList{}, client.InNamespace(namespaceName))
	if err != nil {
		return fmt.Errorf("watch deckies: %w", err)
	}
	defer watch.Stop()
	before, err := m.read(ctx)
	if err != nil {
		return err
	}
	profile := m.profile(ctx, "changes")
	var took []time.Duration
	for i := range m.changes {
		// Spread over all, and each but once.
		name := m.world.deckies[i*len(m.world.deckies)/m.changes].Name
		begun := time.Now()
		generation, err := m.reconfigure(ctx, name, i)
		if err != nil {
			return err
		}
		for event := range watch.ResultChan() {
			decky, ok := event.Object.(*v1alpha1.Decky)
			if ok && decky.Name == name && decky.Generation == generation && status.IsReady(decky.Status.Conditions, generation) {
				break
			}
		}
		took = append(took, time.Since(begun))
	}
	after, err := m.settle(ctx)
	if err != nil {
		return err
	}
	m.reportChanges(took, after.since(before))
	return profile()
}

// reconfigure changes the banner of the SSH server of a decky, and returns the
// generation that this makes.
func (m *measurement) reconfigure(ctx context.Context, name string, number int) (int64, error) {
	decky := &v1alpha1.Decky{}
	decky.Namespace, decky.Name = namespaceName, name
	patch := fmt.Sprintf(`[{"op":"add","path":"/spec/services/0/config","value":{"banner":"OpenSSH_%d.0"}}]`, number)
	if err := m.kube.Patch(ctx, decky, client.RawPatch(types.JSONPatchType, []byte(patch))); err != nil {
		return 0, fmt.Errorf("change %s: %w", name, err)
	}
	return decky.Generation, nil
}

// compareEngine measures the calls of such a change with nothing but a client.
func (m *measurement) compareEngine(ctx context.Context) error {
	engine, err := docker.New("unix://" + m.dockerSocket())
	if err != nil {
		return err
	}
	defer func() { _ = engine.Close() }()
	images, err := engine.Images(ctx)
	if err != nil {
		return err
	}
	spec := model.ContainerSpec{Name: "bare", Image: images[0], Home: model.EndpointSpec{NetworkName: "bridge"}}
	var took []time.Duration
	id, err := engine.CreateContainer(ctx, spec, "")
	if err != nil {
		return err
	}
	for range m.changes {
		begun := time.Now()
		if err := engine.RemoveContainer(ctx, id); err != nil {
			return err
		}
		if id, err = engine.CreateContainer(ctx, spec, ""); err != nil {
			return err
		}
		if err := engine.StartContainer(ctx, id); err != nil {
			return err
		}
		took = append(took, time.Since(begun))
	}
	m.reportLatency("the same calls with a bare client", took)
	return nil
}

// percentile returns the smallest value that is not below the given share of all.
func percentile(values []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

// fetchProfile writes a profile of the operator to a file.
func (m *measurement) fetchProfile(ctx context.Context, name, path string) error {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", m.metricsSocket())
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://operator/debug/pprof/"+name, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for a profile: %w", err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("ask for a profile: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	defer func() { _ = file.Close() }()
	if _, err := io.Copy(file, response.Body); err != nil {
		return fmt.Errorf("write a profile: %w", err)
	}
	return nil
}
