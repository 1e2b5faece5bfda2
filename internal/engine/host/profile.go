// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

const (
	// bridgedFramesFile is there while the module br_netfilter is.
	bridgedFramesFile = sysctlDirectory + "net/bridge/bridge-nf-call-iptables"
	// engineProgram and proxyProgram are the names of the engine's processes: of
	// the engine itself, and of those of published ports.
	engineProgram = "dockerd"
	proxyProgram  = "docker-proxy"
	// noProxyFlag on the engine's command line is the one sign of no such processes.
	noProxyFlag = "--userland-proxy=false"
)

// HostProfile implements engine.HostProber.
func (Host) HostProfile(ctx context.Context, of model.EngineProfile) (model.HostProfile, error) {
	capabilities := readCapabilities()
	profile := model.HostProfile{
		EngineVisible: model.AnswerOf(of.PID > 0),
		EngineNetwork: sharesNetwork(of.PID),
		NetAdmin:      capabilities.has(unix.CAP_NET_ADMIN),
		SysAdmin:      capabilities.has(unix.CAP_SYS_ADMIN),
		SysPtrace:     capabilities.has(unix.CAP_SYS_PTRACE),
		Filters:       canReadFilters(ctx),
		BridgedFrames: readBridgedFrames(),
		Iptables:      iptablesVersion(ctx),
		UserChain:     hasUserChain(ctx),
		UserlandProxy: usesProxy(of.PID),
	}
	if err := ctx.Err(); err != nil {
		return model.HostProfile{}, fmt.Errorf("look at the host: %w", err)
	}
	return profile, nil
}

// Listening implements engine.HostProber.
func (Host) Listening(ctx context.Context) ([]model.Socket, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	listening, err := tcpListeners()
	if err != nil {
		return nil, fmt.Errorf("read the host's listening sockets: %w", withKind(err))
	}
	bound, err := ownUDPSockets()
	if err != nil {
		return nil, fmt.Errorf("read the host's bound sockets: %w", withKind(err))
	}
	return listeningSockets(append(listening, bound...)), nil
}

// capabilities is a set, if it is known.
type capabilities struct {
	set   uint64
	known bool
}

// readCapabilities reads the effective set of the calling thread.
func readCapabilities() capabilities {
	status, err := readThreadFile("status")
	if err != nil {
		return capabilities{}
	}
	for line := range strings.Lines(status) {
		if text, found := strings.CutPrefix(line, "CapEff:"); found {
			set, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
			return capabilities{set, err == nil}
		}
	}
	return capabilities{}
}

func (c capabilities) has(number int) model.Answer {
	if !c.known {
		return model.Unknown
	}
	return model.AnswerOf(c.set&(1<<number) != 0)
}

// sharesNetwork tells whether the engine has our network namespace. A process at
// its socket that is another program, such as a proxy, tells nothing of the engine.
func sharesNetwork(pid int) model.Answer {
	if pid <= 0 {
		return model.Unknown
	}
	directory := filepath.Join("/proc", strconv.Itoa(pid))
	isOurs := isInOwnNetwork(directory)
	if isOurs == model.No && programOf(directory) != engineProgram {
		return model.Unknown
	}
	return isOurs
}

// programOf returns the name of the program of a process's directory; empty if it
// is gone.
func programOf(directory string) string {
	name, err := os.ReadFile(filepath.Join(directory, "comm"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}

// canReadFilters tells whether the kernel answers for its filter rules.
func canReadFilters(ctx context.Context) model.Answer {
	_, err := readFilters(ctx)
	return answerOf(withKind(err))
}

// answerOf turns the result of an attempt into an answer: what failed for a reason
// that may pass says nothing.
func answerOf(err error) model.Answer {
	switch {
	case err == nil:
		return model.Yes
	case errors.Is(err, engine.ErrDenied), errors.Is(err, engine.ErrUnsupported):
		return model.No
	default:
		return model.Unknown
	}
}

// readBridgedFrames reads the setting of this network namespace.
func readBridgedFrames() model.Answer {
	value, err := os.ReadFile(bridgedFramesFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return model.No
	case err != nil:
		return model.Unknown
	}
	return model.AnswerOf(strings.TrimSpace(string(value)) != "0")
}

// iptablesVersion returns what the program says of itself, such as
// "v1.8.9 (nf_tables)"; empty if there is none.
func iptablesVersion(ctx context.Context) string {
	printed, err := iptables(ctx, "--version")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(printed, iptablesProgram))
}

// hasUserChain tells whether the engine's chain is there. Without the program, or
// the right to use it, that is not known.
func hasUserChain(ctx context.Context) model.Answer {
	_, err := iptables(ctx, "-S", userChain)
	switch {
	case err == nil:
		return model.Yes
	case errors.Is(err, errNoChain):
		return model.No
	default:
		return model.Unknown
	}
}

// usesProxy tells whether published ports have processes. One that runs in our
// network namespace proves it; that there is none proves nothing, as no port may
// be published.
func usesProxy(enginePID int) model.Answer {
	// The only error is that of a malformed pattern.
	directories, _ := filepath.Glob("/proc/[0-9]*")
	for _, directory := range directories {
		if programOf(directory) == proxyProgram && isInOwnNetwork(directory) == model.Yes {
			return model.Yes
		}
	}
	arguments, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(enginePID), "cmdline"))
	if err == nil && slices.Contains(strings.Split(string(arguments), "\x00"), noProxyFlag) {
		return model.No
	}
	return model.Unknown
}

// isInOwnNetwork tells whether the process of a directory has our network namespace.
func isInOwnNetwork(directory string) model.Answer {
	var own, other unix.Stat_t
	if unix.Stat(ownNetworkNamespace, &own) != nil || unix.Stat(filepath.Join(directory, "ns/net"), &other) != nil {
		return model.Unknown
	}
	return model.AnswerOf(own.Ino == other.Ino && own.Dev == other.Dev)
}
