//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// Scenario 67: an operator that was away while specs changed converges once when
// it returns, and writes nothing more.
// Scenario 68: it removes what was deleted meanwhile.
// Scenario 73: when it was away while nothing changed it writes nothing.
func TestOperatorThatWasAwayConvergesOnce(t *testing.T) {
	t.Parallel()
	own := newNodeOperator(t, "node-67")
	w := own.newWorld()
	topo := own.topology("acme")
	web, files := decky("acme", "web", "dmz", "ssh"), decky("acme", "files", "dmz", "ftp")
	visitor := attachedTo(decky("acme", "visitor", "dmz", "ssh"), "office")
	w.create(topo, dmz("acme", "dmz"), lan("acme", "office"), web, files, visitor)
	w.waitReady(topo)
	before := w.containers()

	own.kill()
	edit(w, web, func(web *v1alpha1.Decky) {
		web.Spec.Services = append(web.Spec.Services, v1alpha1.Service{Name: "redis"})
		// It does not get the address that the visitor is about to leave.
		web.Spec.Attachments = []v1alpha1.Attachment{{LAN: "office"}}
	})
	edit(w, visitor, func(visitor *v1alpha1.Decky) { visitor.Spec.Attachments = nil })
	if err := w.kube.Delete(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	recorded := w.recordAt(own.Proxy)
	own.revive()
	w.waitGone(files)
	w.waitReady(web, visitor, topo)
	w.requestPasses(w.members()...)
	recorded.want("connect office", "create web_redis", "start web_redis", "disconnect office", "remove files_ftp", "remove files")
	w.assertUntouched(before, "web", "web_ssh", "visitor", "visitor_ssh")

	own.kill()
	writes := own.WriteCount()
	own.revive()
	w.requestPasses(w.members()...)
	w.waitReady(topo)
	if made := own.WritesSince(writes); len(made) > 0 {
		t.Errorf("an operator that found nothing changed made the requests %v", made)
	}
}

// Scenario 84: a node label that was removed, forged, or lost with a replacement of
// the whole object, is restored, and nothing is torn down.
func TestNodeLabelIsRestored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topo, office, web := topology("acme"), lan("acme", "office"), attachedTo(decky("acme", "web", "dmz", "ssh"), "office")
	w.create(topo, dmz("acme", "dmz"), office, web)
	w.waitReady(topo)
	before, networks, recorded := w.containers(), w.networks(), w.record()
	for _, member := range []reporter{office, web} {
		for name, change := range map[string]func(reporter){
			"removed": func(member reporter) { delete(member.GetLabels(), v1alpha1.LabelNode) },
			"forged":  func(member reporter) { member.SetLabels(map[string]string{v1alpha1.LabelNode: "elsewhere"}) },
			"replaced": func(member reporter) {
				member.SetLabels(nil)
				member.SetAnnotations(nil)
			},
		} {
			edit(w, member, change)
			w.eventually("the label that was "+name+" to be back", func() error {
				if err := w.kube.Get(t.Context(), client.ObjectKeyFromObject(member), member); err != nil {
					return err
				}
				if label := member.GetLabels()[v1alpha1.LabelNode]; label != nodeName {
					return fmt.Errorf("it is %q", label)
				}
				return nil
			})
		}
	}
	w.requestPasses(topo, office, web)
	w.waitReady(office, web, topo)
	recorded.want()
	w.assertUntouched(before, "web", "web_ssh")
	if after := w.networks(); after["office"].ID != networks["office"].ID || after["dmz"].ID != networks["dmz"].ID {
		t.Errorf("networks %v, before %v", after, networks)
	}
}

// Scenario 83: after an upgrade of the operator with a new built-in image, running
// deckies are not restarted, but for those that may be recreated.
// Not in parallel: the image is that of all tests.
func TestNewBuiltInImageRestartsNothing(t *testing.T) {
	reference := builtInImage(t)
	const older = "older:e2e"
	newer := ""
	(&world{suite: shared, t: t}).docker("tag", reference, older)
	// This comes after the end of the world, and so of its containers.
	t.Cleanup(func() {
		cleanUpDocker(t, "tag", older, reference)
		cleanUpDocker(t, "rmi", older)
		if newer != "" {
			cleanUpDocker(t, "rmi", newer)
		}
	})
	w := newWorld(t)
	topo, web, files := topology("acme"), decky("acme", "web", "dmz", "ssh"), decky("acme", "files", "dmz", "ftp")
	files.Spec.UpdateStrategy = v1alpha1.UpdateRecreate
	w.create(topo, dmz("acme", "dmz"), web, files)
	w.waitReady(topo)
	before := w.containers()

	newer = w.docker("commit", "--change", "LABEL upgraded=yes", before["web_ssh"].ID, reference)
	if err := w.restartOperator(); err != nil {
		t.Fatal(err)
	}
	w.requestPasses(topo, web, files)
	w.waitReady(web, files, topo)
	w.assertUntouched(before, "web", "web_ssh")
	after := w.containers()
	if after["files"].ID == before["files"].ID || after["files"].ImageID == before["files"].ImageID || after["files_ftp"].ImageID != after["files"].ImageID {
		t.Errorf("the decky that may be recreated runs %.19s in %.12s, and ran %.19s in %.12s",
			after["files"].ImageID, after["files"].ID, before["files"].ImageID, before["files"].ID)
	}
	w.docker("rm", "-f", after["web_ssh"].ID)
	w.eventually("a service that is created to run the new image", func() error {
		if have := w.containers()["web_ssh"]; !have.IsRunning() || have.ImageID != after["files"].ImageID {
			return fmt.Errorf("it is %s and runs %s", have.State, have.ImageID)
		}
		return nil
	})
}
