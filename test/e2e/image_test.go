//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/builtin"
)

// Scenario 54: an image that cannot be had holds back its decky alone.
// Scenario 55: the reason says so, and the decky comes up by itself once the
// image is loaded.
func TestMissingImageIsNamedAndAwaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	image := emptyRegistry(t) + "/probe:" + w.namespace
	good, waiting := decky("acme", "good", "dmz", "ssh"), decky("acme", "waiting", "dmz", "ssh")
	waiting.Spec.Services = append(waiting.Spec.Services, v1alpha1.Service{
		Name: "probe", Image: image, Command: []string{"/usr/sbin/redis-server"}, Ports: []v1alpha1.ServicePort{{ContainerPort: 6379}},
	})
	w.create(topology("acme"), dmz("acme", "dmz"), good, waiting)
	w.waitReady(good)
	message := w.waitCondition(waiting, v1alpha1.ConditionImagesPresent, "False", v1alpha1.ReasonImageMissing)
	if !strings.Contains(message, image) || !strings.Contains(message, "docker load") {
		t.Errorf("the message is: %s", message)
	}
	if base := w.containers()["waiting"]; base.ID != "" {
		t.Error("the base was created before all images were there")
	}

	before := w.containers()
	w.tagBuiltIn(image)
	w.waitReady(waiting)
	w.assertUntouched(before, "good", "good_ssh")
}

// Scenario 54: a registry that does not answer is named, and a service that is
// added later and whose image is missing leaves the running ones alone.
func TestMissingImageOfAnAddedServiceTouchesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	web := decky("acme", "web", "dmz", "ssh")
	w.create(topology("acme"), dmz("acme", "dmz"), web)
	w.waitReady(web)
	before := w.containers()
	recorded := w.record()
	edit(w, web, func(web *v1alpha1.Decky) {
		web.Spec.Services = append(web.Spec.Services,
			v1alpha1.Service{Name: "probe", Image: "localhost:1/absent:" + w.namespace}, v1alpha1.Service{Name: "redis"})
	})
	w.waitCondition(web, v1alpha1.ConditionImagesPresent, "False", v1alpha1.ReasonPullFailed)
	w.waitCondition(web, v1alpha1.ConditionReady, "False", v1alpha1.ReasonPullFailed)
	recorded.want("create web_redis", "start web_redis")
	w.assertUntouched(before, "web", "web_ssh")
}

// emptyRegistry serves an image registry that has no image, and returns where.
func emptyRegistry(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if request.URL.Path != "/v2/" {
			response.WriteHeader(http.StatusNotFound)
			_, _ = response.Write([]byte(`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`))
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// tagBuiltIn gives the built-in image another name until the test ends.
func (w *world) tagBuiltIn(image string) {
	w.t.Helper()
	w.docker("tag", builtInImage(w.t), image)
	w.t.Cleanup(func() { cleanUpDocker(w.t, "rmi", image) })
}

// builtInImage returns the reference of the built-in image, which is put on the
// engine unless a topology did so before.
func builtInImage(t *testing.T) string {
	t.Helper()
	image, err := builtin.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shared.engine.ResolveImage(t.Context(), image.Reference); err == nil {
		return image.Reference
	}
	if err := shared.engine.LoadImage(t.Context(), image.Archive()); err != nil {
		t.Fatal(err)
	}
	return image.Reference
}
