//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package chaos

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/deckyard/deckyard/internal/model"
)

// drawAccident draws something that somebody does to the engine by hand.
func (w *world) drawAccident(draw *rand.Rand) step {
	accidents := []func(*rand.Rand) step{
		w.drawContainerAccident, w.drawContainerAccident, w.drawContainerAccident, w.drawDisconnection, w.drawConnection,
		w.drawNetworkRemoval, w.drawGuest, w.drawRename, w.drawFirewallAccident, w.drawSysctlAccident,
	}
	return pick(draw, accidents...)(draw)
}

func nameOf(parts ...string) string {
	return model.ProjectName(namespace, topologyName) + "_" + strings.Join(parts, "_")
}

func drawContainer(draw *rand.Rand) string {
	return pick(draw, nameOf("gw"), nameOf("web"), nameOf("pc"), nameOf("gw", "ssh"), nameOf("web", "http"), nameOf("pc", "redis"))
}

func (w *world) drawContainerAccident(draw *rand.Rand) step {
	container := drawContainer(draw)
	command := pick(draw, []string{"rm", "--force"}, []string{"kill"}, []string{"stop", "--time", "0"}, []string{"pause"}, []string{"restart", "--time", "0"})
	return step{strings.Join(append([]string{"docker"}, append(command, container)...), " "), func() { w.docker(append(command, container)...) }}
}

func (w *world) drawDisconnection(draw *rand.Rand) step {
	base, lan := nameOf(pick(draw, "gw", "web", "pc")), nameOf(pick(draw, "dmz", "office", "lab"))
	return step{"docker network disconnect " + lan + " " + base, func() { w.docker("network", "disconnect", "--force", lan, base) }}
}

func (w *world) drawConnection(draw *rand.Rand) step {
	base, network := nameOf(pick(draw, "gw", "web", "pc")), pick(draw, nameOf("dmz"), nameOf("office"), nameOf("lab"), "strangers")
	return step{"docker network connect " + network + " " + base, func() { w.docker("network", "connect", network, base) }}
}

// drawNetworkRemoval removes a network under those who are on it.
func (w *world) drawNetworkRemoval(draw *rand.Rand) step {
	network := nameOf(pick(draw, "office", "lab", "dmz"))
	return step{"docker network rm " + network, func() {
		for _, decky := range []string{"gw", "web", "pc", "extra"} {
			_, _ = w.own.Docker(w.t.Context(), "network", "disconnect", "--force", network, nameOf(decky))
		}
		w.docker("network", "rm", network)
	}}
}

// drawGuest puts a foreign container on a network of ours.
func (w *world) drawGuest(draw *rand.Rand) step {
	network, name := nameOf(pick(draw, "office", "lab", "dmz")), fmt.Sprintf("guest%d", draw.IntN(1000))
	return step{"a guest on " + network, func() { w.guest(name, "--network", network) }}
}

func (w *world) drawRename(draw *rand.Rand) step {
	container, name := drawContainer(draw), fmt.Sprintf("renamed%d", draw.IntN(1000))
	return step{"docker rename " + container, func() { w.docker("rename", container, name) }}
}

func (w *world) drawFirewallAccident(*rand.Rand) step {
	return step{"the filter rules are deleted", func() { w.within("nft", "delete", "table", "inet", "deckyard-"+w.instance) }}
}

// drawSysctlAccident sets what nothing tells of, so that a pass is asked for when
// all is over: one by itself may be minutes away.
func (w *world) drawSysctlAccident(draw *rand.Rand) step {
	decky, value := pick(draw, "gw", "web", "pc"), pick(draw, "0", "1")
	base := nameOf(decky)
	return step{base + ": ip_forward is set to " + value, func() {
		pid, err := w.own.Docker(w.t.Context(), "inspect", "--format", "{{.State.Pid}}", base)
		if _, bad := strconv.Atoi(pid); err != nil || bad != nil || pid == "0" {
			return
		}
		w.within("nsenter", "--net=/proc/"+pid+"/ns/net", "sysctl", "--quiet", "net.ipv4.ip_forward="+value)
		w.relieve = append(w.relieve, func() { w.requestPass(decky) })
	}}
}

// within runs a program in the engine's network namespace; it may fail.
func (w *world) within(program string, arguments ...string) {
	if output, err := w.own.Command(w.t.Context(), program, arguments...).CombinedOutput(); err != nil {
		w.t.Logf("  in vain: %s %s: %v: %s", program, strings.Join(arguments, " "), err, output)
	}
}

// drawTheft draws something that is taken from the operator, behind its back,
// until the end of the round.
func (w *world) drawTheft(draw *rand.Rand) step {
	return pick(draw, w.stealPort, w.stealAddress, w.stealBlocks)(draw)
}

// stealPort has the port of the gateway listened on by another process.
func (w *world) stealPort(*rand.Rand) step {
	return step{"the gateway's port is taken", func() {
		w.operator.hold()
		w.docker("rm", "--force", nameOf("gw"))
		listener, err := w.tryListenWithin("0.0.0.0:" + strconv.Itoa(hostPort))
		if err == nil {
			w.relieve = append(w.relieve, func() { _ = listener.Close() })
		}
		w.operator.release()
	}}
}

// stealAddress gives the address of a decky to a foreign container.
func (w *world) stealAddress(draw *rand.Rand) step {
	name, lan := "pc", pick(draw, "office", "lab")
	return step{"the address of " + name + " on " + lan + " is taken", func() {
		w.operator.hold()
		defer w.operator.release()
		format := fmt.Sprintf(`{{with index .NetworkSettings.Networks %q}}{{.IPAddress}}{{end}}`, nameOf(lan))
		address, err := w.own.Docker(w.t.Context(), "inspect", "--format", format, nameOf(name))
		if err != nil || address == "" {
			return
		}
		w.docker("rm", "--force", nameOf(name))
		w.guest("thief", "--network", nameOf(lan), "--ip", address)
	}}
}

// stealBlocks leaves no block of the pool free, while a LAN wants one.
func (w *world) stealBlocks(*rand.Rand) step {
	return step{"lab is deleted and declared again, and its block taken", func() {
		w.remove(w.want.lans["lab"].DeepCopy())
		w.operator.hold()
		defer w.operator.release()
		for _, decky := range []string{"gw", "web", "pc", "extra"} {
			_, _ = w.own.Docker(w.t.Context(), "network", "disconnect", "--force", nameOf("lab"), nameOf(decky))
		}
		w.docker("network", "rm", nameOf("lab"))
		w.fill()
	}}
}
