// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/deckyard/deckyard/internal/model"
)

func compareNetip() cmp.Option { return cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}) }

const tcpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1 0000000000000000 100 0 0 10 0
   1: 0B00007F:A6D1 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1002 1 0000000000000000 100 0 0 10 0
   2: 0A00000A:0016 0B00000A:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 1003 1 0000000000000000 100 0 0 10 0
`

const udp6Table = `   sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
  10: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2001 2 0000000000000000 0
  11: 0000000000000000FFFF00000100007F:0045 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2002 2 0000000000000000 0
  12: 00000000000000000000000001000000:1F90 00000000000000000000000001000000:0035 01 00000000:00000000 00:00000000 00000000     0        0 2003 2 0000000000000000 0
`

func TestParseTableKeepsSocketsThatWaitForPeers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		table    string
		protocol model.Protocol
		want     []model.Socket
	}{
		"tcp": {tcpTable, model.TCP, []model.Socket{
			{Port: model.Port{Number: 22, Protocol: model.TCP}, Address: netip.IPv4Unspecified()},
			{Port: model.Port{Number: 42705, Protocol: model.TCP}, Address: netip.MustParseAddr("127.0.0.11")},
		}},
		"udp6": {udp6Table, model.UDP, []model.Socket{
			{Port: model.Port{Number: 53, Protocol: model.UDP}, Address: netip.IPv6Unspecified()},
			{Port: model.Port{Number: 69, Protocol: model.UDP}, Address: netip.MustParseAddr("127.0.0.1")},
		}},
		"empty": {"  sl  local_address\n", model.TCP, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sockets, err := parseTable(tc.table, tc.protocol)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, listeningSockets(sockets), compareNetip()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An intruder opens more sockets than are read. What is read of them counts.
func TestCutTableIsReadUpToTheLastWholeLine(t *testing.T) {
	t.Parallel()
	const line = "  11: 00000000:%04X 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 2002 2 0000000000000000 0\n"
	var table strings.Builder
	table.WriteString("   sl  local_address rem_address\n")
	for port := uint16(1); table.Len() <= maxFileSize; port++ {
		fmt.Fprintf(&table, line, port)
	}
	sockets, err := readTables(func(string) (string, error) { return table.String()[:maxFileSize], nil }, model.UDP, "net/udp")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(table.String()[:maxFileSize], "\n"); len(sockets) != lines-1 {
		t.Errorf("got %d sockets of %d whole lines", len(sockets), lines-1)
	}
}

func TestMalformedTablesAreErrors(t *testing.T) {
	t.Parallel()
	const rest = " 0A 00000000:00000000 00:00000000 00000000 0 0 "
	for name, line := range map[string]string{
		"few fields": "0: 00000000:0016",
		"address":    "0: 0000:0016 00000000:0000" + rest + "1",
		"digits":     "0: 0000000G:0016 00000000:0000" + rest + "1",
		"port":       "0: 00000000:10016 00000000:0000" + rest + "1",
		"inode":      "0: 00000000:0016 00000000:0000" + rest + "x",
	} {
		if _, err := parseTable("head\n"+line+"\n", model.TCP); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestSocketsAreSortedAndSingle(t *testing.T) {
	t.Parallel()
	any4, any6 := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	socketOf := func(protocol model.Protocol, number uint16, address netip.Addr) socket {
		return socket{Socket: model.Socket{Port: model.Port{Number: number, Protocol: protocol}, Address: address}}
	}
	got := listeningSockets([]socket{
		socketOf(model.UDP, 53, any4), socketOf(model.TCP, 80, any6), socketOf(model.TCP, 80, any4),
		socketOf(model.TCP, 22, any4), socketOf(model.TCP, 80, any4),
	})
	want := []model.Socket{
		socketOf(model.TCP, 22, any4).Socket, socketOf(model.TCP, 80, any4).Socket,
		socketOf(model.TCP, 80, any6).Socket, socketOf(model.UDP, 53, any4).Socket,
	}
	if diff := cmp.Diff(want, got, compareNetip()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRoutesLeavesOutDefaultAndDocker(t *testing.T) {
	t.Parallel()
	const table = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
docker0	000011AC	00000000	0001	0	0	0	0000FFFF	0	0	0
br-3151c7d02e83	0001D60A	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth1	000200C0	00000000	0001	0	0	9	00FFFFFF	0	0	0
tun0	0000080A	010200C0	0003	0	0	0	0000FFFF	0	0	0
tun0	0500080A	010200C0	0007	0	0	0	FFFFFFFF	0	0	0
`
	routes, err := parseRoutes(table)
	if err != nil {
		t.Fatal(err)
	}
	want := []netip.Prefix{
		netip.MustParsePrefix("10.8.0.0/16"), netip.MustParsePrefix("10.8.0.5/32"), netip.MustParsePrefix("192.0.2.0/24"),
	}
	if diff := cmp.Diff(want, routes, compareNetip()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, line := range []string{"eth0", "eth0 0 0 0 0 0 0 FFFFFFFF", "eth0 00000000 0 0 0 0 0 FFFFFFFFFF"} {
		if _, err := parseRoutes("head\n" + line + "\n"); err == nil {
			t.Errorf("%q: no error", line)
		}
	}
}
