//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

// step is one thing that is done in a round, and what it is in words.
type step struct {
	text string
	do   func()
}

// pick returns one of several.
func pick[T any](draw *rand.Rand, from ...T) T { return from[draw.IntN(len(from))] }

// drawEdit draws a change of what is wanted.
func (w *world) drawEdit(draw *rand.Rand) step {
	edits := []func(*rand.Rand) step{
		w.drawAttachment, w.drawAttachment, w.drawAddress, w.drawService, w.drawService, w.drawConfig, w.drawForwarding,
		w.drawExtra, w.drawRecreation, w.drawRecreation, w.drawPublish, w.drawDeletion, w.drawDeletion,
	}
	return pick(draw, edits...)(draw)
}

// edit changes a decky, if it is wanted when the time has come.
func (w *world) edit(name, text string, change func(*v1alpha1.DeckySpec)) step {
	return step{name + ": " + text, func() {
		if decky := w.want.deckies[name]; decky != nil {
			change(&decky.Spec)
		}
	}}
}

func (w *world) drawAttachment(draw *rand.Rand) step {
	lan := pick(draw, "office", "lab")
	isOn := func(a v1alpha1.Attachment) bool { return a.LAN == lan }
	return w.edit("web", "on "+lan+" or not any more", func(spec *v1alpha1.DeckySpec) {
		if slices.ContainsFunc(spec.Attachments, isOn) {
			spec.Attachments = slices.DeleteFunc(spec.Attachments, isOn)
			return
		}
		spec.Attachments = append(spec.Attachments, v1alpha1.Attachment{LAN: lan})
	})
}

// drawAddress gives an attachment a MAC-less address of the block that its LAN has
// now, if it has one that it keeps.
func (w *world) drawAddress(draw *rand.Rand) step {
	name, lan := "gw", "office"
	host := 100 + draw.IntN(100)
	return step{fmt.Sprintf("%s: host %d of %s", name, host, lan), func() {
		have, err := w.present(w.t.Context())
		if err != nil || len(have.topologies.Items) != 1 || !have.topologies.Items[0].DeletionTimestamp.IsZero() {
			return
		}
		for _, found := range have.lans.Items {
			var first, second, third int
			if found.Status.NetworkID == "" || !found.DeletionTimestamp.IsZero() {
				continue
			}
			if _, err := fmt.Sscanf(found.Status.Subnet, "%d.%d.%d.0/24", &first, &second, &third); err == nil && found.Name == lan {
				w.want.deckies[name].Spec.Attachments[0].Address = fmt.Sprintf("%d.%d.%d.%d", first, second, third, host)
			}
		}
	}}
}

func (w *world) drawService(draw *rand.Rand) step {
	name, service := pick(draw, "gw", "web", "pc"), pick(draw, "ssh", "http", "redis", "ftp")
	isThat := func(s v1alpha1.Service) bool { return s.Name == service }
	return w.edit(name, service+" or not any more", func(spec *v1alpha1.DeckySpec) {
		switch slices.IndexFunc(spec.Services, isThat) {
		case 0:
			// The first one stays: its port may be published.
		case -1:
			spec.Services = append(spec.Services, v1alpha1.Service{Name: service})
		default:
			spec.Services = slices.DeleteFunc(spec.Services, isThat)
		}
	})
}

func (w *world) drawConfig(draw *rand.Rand) step {
	name, number := pick(draw, "gw", "web", "pc"), draw.IntN(1000)
	settings := map[string][2]string{
		"ssh": {"banner", fmt.Sprintf("OpenSSH_9.%d", number)}, "http": {"serverHeader", fmt.Sprintf("nginx/1.%d", number)},
		"redis": {"version", fmt.Sprintf("7.0.%d", number)}, "ftp": {"banner", fmt.Sprintf("(vsFTPd 3.0.%d)", number)},
	}
	return w.edit(name, fmt.Sprintf("settings of its first service, %d", number), func(spec *v1alpha1.DeckySpec) {
		setting := settings[spec.Services[0].Name]
		spec.Services[0].Config = map[string]string{setting[0]: setting[1]}
	})
}

func (w *world) drawForwarding(draw *rand.Rand) step {
	return w.edit(pick(draw, "gw", "pc"), "forwards or not any more", func(spec *v1alpha1.DeckySpec) { spec.Forwarding = !spec.Forwarding })
}

func (w *world) drawExtra(draw *rand.Rand) step {
	home := pick(draw, "dmz", "office")
	return step{"extra on " + home + " or not any more", func() {
		if w.want.deckies["extra"] != nil {
			delete(w.want.deckies, "extra")
			return
		}
		w.want.addDecky("extra", home, "ssh", "ftp")
	}}
}

// drawRecreation changes what takes a new base, with one or the other consent.
func (w *world) drawRecreation(draw *rand.Rand) step {
	name, hostname := pick(draw, "gw", "web", "pc"), fmt.Sprintf("srv-%d", draw.IntN(1000))
	strategy := pick(draw, v1alpha1.UpdateInPlace, v1alpha1.UpdateRecreate)
	return w.edit(name, fmt.Sprintf("host name %s, %s", hostname, strategy), func(spec *v1alpha1.DeckySpec) {
		spec.Hostname, spec.UpdateStrategy = hostname, strategy
		w.want.consent[name] = true
	})
}

func (w *world) drawPublish(*rand.Rand) step {
	return w.edit("gw", "publishes or not any more", func(spec *v1alpha1.DeckySpec) {
		w.want.consent["gw"] = true
		if spec.Publish != nil {
			spec.Publish = nil
			return
		}
		spec.Publish = publishing()
	})
}

// drawDeletion deletes what is declared again as soon as it is gone.
func (w *world) drawDeletion(draw *rand.Rand) step {
	name := pick(draw, "lab", "lab", "web", "pc", topologyName)
	return step{name + " is deleted and declared again", func() {
		switch {
		case name == topologyName:
			// Its LANs may get other blocks than before, if another is free first.
			w.want.deckies["gw"].Spec.Attachments[0].Address = ""
			w.remove(w.want.topology.DeepCopy())
		case w.want.lans[name] != nil:
			w.remove(w.want.lans[name].DeepCopy())
		default:
			w.remove(w.want.deckies[name].DeepCopy())
		}
	}}
}
