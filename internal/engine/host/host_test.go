// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

func listenTCP(t *testing.T, network, address string) uint16 {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return netip.MustParseAddrPort(listener.Addr().String()).Port()
}

func bindUDP(t *testing.T) uint16 {
	t.Helper()
	var config net.ListenConfig
	connection, err := config.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return netip.MustParseAddrPort(connection.LocalAddr().String()).Port()
}

func TestListenersAreFoundByDiagnosisAndInTheTable(t *testing.T) {
	t.Parallel()
	port := listenTCP(t, "tcp4", "127.0.0.1:0")
	want := model.Socket{Port: model.Port{Number: port, Protocol: model.TCP}, Address: netip.MustParseAddr("127.0.0.1")}
	var inodes []uint64
	for name, read := range map[string]func() ([]socket, error){
		"diagnosis": tcpListeners, "table": ownTCPTable,
	} {
		sockets, err := read()
		if err != nil {
			t.Fatal(err)
		}
		index := slices.IndexFunc(sockets, func(found socket) bool { return found.Socket == want })
		if index < 0 {
			t.Fatalf("%s: %v lacks %v", name, sockets, want)
		}
		inodes = append(inodes, sockets[index].inode)
	}
	if inodes[0] != inodes[1] || inodes[0] == 0 {
		t.Errorf("inodes %v differ", inodes)
	}
}

// Whoever is in a decky decides how many sockets there are.
func TestDiagnosisStopsWhenItHasEnough(t *testing.T) {
	t.Parallel()
	// More than the kernel tells at once.
	const many, enough = 700, 10
	for range many {
		listenTCP(t, "tcp4", "127.0.0.1:0")
	}
	all, err := diagnoseFamily(unix.AF_INET, maxListeners)
	if err != nil || len(all) < many {
		t.Fatalf("all: got %d, %v", len(all), err)
	}
	some, err := diagnoseFamily(unix.AF_INET, enough)
	if err != nil || len(some) < enough || len(some) >= many {
		t.Errorf("some: got %d, %v", len(some), err)
	}
}

func TestPortHolderNamesTheProcess(t *testing.T) {
	t.Parallel()
	loopback, everywhere := netip.MustParseAddr("127.0.0.1"), netip.IPv4Unspecified()
	tcp, udp := listenTCP(t, "tcp4", "127.0.0.1:0"), bindUDP(t)
	ourselves := fmt.Sprintf("(pid %d)", os.Getpid())
	for name, tc := range map[string]struct {
		hostIP   netip.Addr
		port     uint16
		protocol model.Protocol
		want     string
	}{
		"same address":      {loopback, tcp, model.TCP, ourselves},
		"all addresses":     {everywhere, tcp, model.TCP, ourselves},
		"another address":   {netip.MustParseAddr("127.0.0.2"), tcp, model.TCP, ""},
		"another protocol":  {loopback, tcp, model.UDP, ""},
		"udp":               {loopback, udp, model.UDP, ourselves},
		"nobody holds it":   {loopback, 1, model.TCP, ""},
		"udp, not as a tcp": {loopback, udp, model.TCP, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			holder, err := New().PortHolder(t.Context(), model.PublishedPort{
				HostIP: tc.hostIP, HostPort: tc.port, Port: model.Port{Number: 80, Protocol: tc.protocol},
			})
			if err != nil || !strings.Contains(holder, tc.want) || (tc.want == "") != (holder == "") {
				t.Errorf("holder %q, error %v, want %q", holder, err, tc.want)
			}
		})
	}
}

func TestRoutesOfThisHostAreRead(t *testing.T) {
	t.Parallel()
	routes, err := New().Routes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range routes {
		if route.Bits() == 0 || route != route.Masked() {
			t.Errorf("route %v", route)
		}
	}
}

// A process number is used again; the container's id in its control group proves
// whose it is.
func TestProcessThatIsNotTheContainersIsRefused(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("ab", fullIDLength/2)
	for name, container := range map[string]model.Container{
		"another's process": {ID: id, PID: os.Getpid()},
		"no process":        {ID: id},
		"init":              {ID: id, PID: 1},
		"ended":             {ID: id, PID: 1 << 22},
		"no id":             {PID: os.Getpid()},
		"short id":          {ID: "docker", PID: os.Getpid()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := New().Namespace(t.Context(), container, nil); !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("read: %v", err)
			}
			if err := New().SetSysctl(t.Context(), container, "net.ipv4.ip_forward", "0"); !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("set: %v", err)
			}
			route := model.Route{Destination: netip.MustParsePrefix("10.0.9.0/24"), Via: netip.MustParseAddr("10.0.2.7")}
			if err := errors.Join(New().SetRoute(t.Context(), container, route), New().RemoveRoute(t.Context(), container, route)); !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("route: %v", err)
			}
		})
	}
}

func TestErrorsOfTheSystemHaveTheirKind(t *testing.T) {
	t.Parallel()
	for cause, want := range map[error]error{
		unix.ENOENT: engine.ErrNotFound, unix.ESRCH: engine.ErrNotFound,
		unix.EPERM: engine.ErrDenied, unix.EACCES: engine.ErrDenied,
		engine.ErrInvalid: engine.ErrInvalid,
	} {
		if err := withKind(fmt.Errorf("wrapped: %w", cause)); !errors.Is(err, want) || !errors.Is(err, cause) {
			t.Errorf("%v became %v", cause, err)
		}
	}
	for _, kind := range []error{engine.ErrNotFound, engine.ErrDenied, engine.ErrInvalid} {
		if errors.Is(withKind(unix.EIO), kind) {
			t.Errorf("an input error is %v", kind)
		}
	}
}

func TestMalformedAnswersOfTheDiagnosisAreErrors(t *testing.T) {
	t.Parallel()
	message := func(messageType uint16, body ...byte) []byte {
		header := make([]byte, syscall.SizeofNlMsghdr)
		header[0], header[4] = byte(len(header)+len(body)), byte(messageType)
		return slices.Concat(header, body)
	}
	for name, received := range map[string][]byte{
		"short socket": message(sockDiagByFamily, 1, 2, 3, 4),
		"short error":  message(unix.NLMSG_ERROR),
		"error":        message(unix.NLMSG_ERROR, 0xfe, 0xff, 0xff, 0xff),
		"wrong length": {200, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		if _, _, err := parseAnswers(received); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, _, err := parseAnswers(message(unix.NLMSG_ERROR, 0xfe, 0xff, 0xff, 0xff)); !errors.Is(err, unix.ENOENT) {
		t.Errorf("the kernel's error became %v", err)
	}
	if _, done, err := parseAnswers(message(unix.NLMSG_DONE, 0, 0, 0, 0)); !done || err != nil {
		t.Errorf("done %t, error %v", done, err)
	}
}
