// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/internal/engine"
	enginefake "github.com/deckyard/deckyard/internal/engine/fake"
)

// pull lets the puller fetch what was asked for, until one attempt has ended.
func (l *lab) pull() {
	l.t.Helper()
	ctx, cancel := context.WithCancel(l.t.Context())
	ended := make(chan struct{}, 1)
	l.puller.OnFinished(func(string) {
		select {
		case ended <- struct{}{}:
		default:
		}
	})
	var running sync.WaitGroup
	running.Go(func() {
		if err := l.puller.Start(ctx); err != nil {
			l.t.Error(err)
		}
	})
	<-ended
	cancel()
	running.Wait()
}

// The built-in image is put on the engine when it is first needed, once.
func TestBuiltInImageIsLoadedOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	topo, dmzLAN, office, web, files := acme()
	l.create(topo, dmzLAN, office, web, files)
	l.wantReady()
	if calls := l.engine.Calls(enginefake.OpLoadImage); calls != 1 {
		t.Errorf("loaded %d times", calls)
	}
}

// Scenarios 54 and 55: nothing of a new decky is created before all its images
// are there; the reason says why one is not; it comes up once it is.
func TestNewDeckyWaitsForItsImages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		registry func(*enginefake.Engine)
		reason   string
		words    []string
	}{
		"not in the registry":      {func(e *enginefake.Engine) { e.SetRegistry() }, "False ImageMissing", []string{"acme/erp:1", "docker load"}},
		"registry does not answer": {func(*enginefake.Engine) {}, "False PullFailed", []string{"acme/erp:1", "does not answer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			tc.registry(l.engine)
			web, other := decky("web", "dmz", services("ssh"), custom("erp", "acme/erp:1", 8000)), decky("other", "dmz", services("ssh"))
			l.create(topology("acme"), lan("dmz", dmz), web, other)
			l.converge()
			l.wantConditions(web, v1alpha1.ConditionReady, "False Pulling", v1alpha1.ConditionImagesPresent, "False Pulling",
				v1alpha1.ConditionReconciling, "True DependencyNotReady")
			l.pull()
			l.converge()
			l.wantConditions(web, v1alpha1.ConditionReady, tc.reason, v1alpha1.ConditionImagesPresent, tc.reason,
				v1alpha1.ConditionStalled, "absent")
			l.wantMessage(web, v1alpha1.ConditionReady, tc.words...)
			l.wantConditions(other, v1alpha1.ConditionReady, "True Succeeded")
			if !l.observer.isBlocked("Decky web") {
				t.Error("nobody would wake the decky when the image is loaded")
			}
			pulls := l.engine.Calls(enginefake.OpPullImage)
			l.converge()
			if calls := l.engine.Calls(enginefake.OpPullImage); calls != pulls {
				t.Errorf("the registry is asked again and again: %d times", calls)
			}
			want := []string{
				"container lab_acme_other running lab_acme_dmz=172.16.0.2", "container lab_acme_other_ssh running", "network lab_acme_dmz 172.16.0.0/24",
			}
			if diff := cmp.Diff(want, l.docker()); diff != "" {
				t.Errorf("on the engine (-want +have):\n%s", diff)
			}
			l.engine.SetImage("acme/erp:1", "sha256:erp")
			l.wantReady()
		})
	}
}

// An image that is in a registry is fetched, in the background.
func TestImageIsPulled(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.engine.SetRegistry("acme/erp:1")
	l.create(topology("acme"), lan("dmz", dmz), decky("web", "dmz", custom("erp", "acme/erp:1", 8000)))
	l.converge()
	l.pull()
	l.wantReady()
}

// Scenario 55: a service that is added with an image that is missing leaves the
// others alone, and they are repaired meanwhile.
func TestAddedServiceWaitsForItsImage(t *testing.T) {
	t.Parallel()
	l := newAcme(t)
	web := at(decky("web", "dmz"))
	before := l.ids()
	edit(l, web, func(o *v1alpha1.Decky) {
		custom("erp", "acme/erp:1", 8000)(o)
		services("redis")(o)
	})
	l.hand.Kill("lab_acme_web_ssh")
	l.converge()
	l.pull()
	l.converge()
	l.wantUntouched(before, "lab_acme_web_ssh")
	l.wantConditions(web, v1alpha1.ConditionReady, "False PullFailed", v1alpha1.ConditionImagesPresent, "False PullFailed",
		v1alpha1.ConditionReconciling, "True DependencyNotReady", v1alpha1.ConditionStalled, "absent")
	if web.Status.ServicesSummary != "3/4" {
		t.Errorf("services %s %+v", web.Status.ServicesSummary, web.Status.Services)
	}
	l.engine.SetImage("acme/erp:1", "sha256:erp")
	l.wantReady()
}

// Scenario 54: a changed image that is missing gives up nothing that runs.
func TestChangedImageThatIsMissing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*v1alpha1.Decky){
		"of the base":  func(o *v1alpha1.Decky) { o.Spec.Image = "acme/base:1" },
		"of a service": func(o *v1alpha1.Decky) { o.Spec.Services[1].Image = "acme/erp:2" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, enginefake.WithImages("acme/erp:1"))
			web := decky("web", "dmz", services("ssh"), custom("erp", "acme/erp:1", 8000))
			web.Spec.UpdateStrategy = v1alpha1.UpdateRecreate
			l.create(topology("acme"), lan("dmz", dmz), web)
			l.wantReady()
			before := l.ids()
			edit(l, web, change)
			l.converge()
			l.pull()
			l.converge()
			l.wantUntouched(before)
			l.wantConditions(web, v1alpha1.ConditionReady, "False PullFailed", v1alpha1.ConditionReconciling, "True DependencyNotReady")
			l.engine.SetImage("acme/base:1", "sha256:base")
			l.engine.SetImage("acme/erp:2", "sha256:erp")
			l.wantReady()
		})
	}
}

// The engine that cannot load the built-in image is asked again.
func TestBuiltInImageThatIsRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	web := decky("web", "dmz", services("ssh"))
	l.create(topology("acme"), lan("dmz", dmz), web)
	l.engine.Fail(enginefake.Fault{Operation: enginefake.OpLoadImage, Err: engine.ErrInvalid})
	failed := false
	for range 4 {
		failed = failed || l.round() != nil
	}
	if !failed {
		t.Error("the refusal is not retried with back-off")
	}
	l.wantReady()
}
