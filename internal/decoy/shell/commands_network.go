// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

func networkCommands() map[string]command {
	return map[string]command{
		"ip": ip, "ifconfig": ifconfig, "netstat": sockets, "ss": sockets, "route": routes, "arp": func(*call) int { return 0 },
		"ping": ping, "wget": wget, "curl": curl, "tftp": transfer, "ftpget": transfer, "ftp": transfer, "scp": transfer,
		"ssh": connect, "telnet": connect, "nc": connect, "ncat": connect, "nmap": connect, "socat": connect,
		"nslookup": resolveName, "dig": resolveName, "host": resolveName, "traceroute": ping,
	}
}

func (c *call) address() string {
	if c.machine.address == "" {
		return "127.0.1.1"
	}
	return c.machine.address
}

func ip(c *call) int {
	_, operands := c.flags()
	what := ""
	if len(operands) > 0 {
		what = operands[0]
	}
	switch {
	case strings.HasPrefix("address", what) && what != "":
		c.printf(`1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000
    inet %s/24 brd %s scope global eth0
       valid_lft forever preferred_lft forever
`, c.address(), broadcast(c.address()))
	case strings.HasPrefix("route", what) && what != "":
		c.printf("%s dev eth0 proto kernel scope link src %s\n", network(c.address())+"/24", c.address())
	case strings.HasPrefix("link", what) && what != "":
		c.printf("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP mode DEFAULT group default qlen 1000\n")
	case strings.HasPrefix("neighbour", what) && what != "":
	default:
		fmt.Fprint(c.err, "Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n")
		return 255
	}
	return 0
}

func lastOctet(address, replacement string) string {
	at := strings.LastIndex(address, ".")
	return address[:at+1] + replacement
}

func network(address string) string   { return lastOctet(address, "0") }
func broadcast(address string) string { return lastOctet(address, "255") }

func ifconfig(c *call) int {
	c.printf(`eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
        inet %s  netmask 255.255.255.0  broadcast %s
        RX packets 201442  bytes 98216530 (93.6 MiB)
        RX errors 0  dropped 0  overruns 0  frame 0
        TX packets 99812  bytes 17733281 (16.9 MiB)
        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0

lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536
        inet 127.0.0.1  netmask 255.0.0.0
        loop  txqueuelen 1000  (Local Loopback)
        RX packets 9420  bytes 1083260 (1.0 MiB)
        TX packets 9420  bytes 1083260 (1.0 MiB)

`, c.address(), broadcast(c.address()))
	return 0
}

func sockets(c *call) int {
	c.printf("Active Internet connections (servers and established)\nProto Recv-Q Send-Q Local Address           Foreign Address         State\ntcp        0      0 0.0.0.0:22              0.0.0.0:*               LISTEN\ntcp        0      0 %-23s %-23s ESTABLISHED\n", c.address()+":22", c.source)
	return 0
}

func routes(c *call) int {
	c.printf("Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n%-15s 0.0.0.0         255.255.255.0   U     0      0        0 eth0\n", network(c.address()))
	return 0
}

func (c *call) lastOperand() string {
	_, operands := c.flags()
	if len(operands) == 0 {
		return ""
	}
	return operands[len(operands)-1]
}

func ping(c *call) int {
	target := c.lastOperand()
	if target == "" {
		return c.complain("usage error: Destination address required")
	}
	c.record.Record("network", evidence.Text("program", c.args[0]), evidence.Text("target", target))
	return c.complain("%s: Temporary failure in name resolution", target)
}

func connect(c *call) int {
	if len(c.args) < 2 {
		return c.complain("missing host operand")
	}
	c.record.Record("network", evidence.Text("program", c.args[0]), evidence.Text("target", strings.Join(c.args[1:], " ")))
	_, operands := c.flags()
	if len(operands) == 0 {
		return 1
	}
	return c.complain("connect to host %s: Connection timed out", operands[0])
}

func resolveName(c *call) int {
	c.record.Record("network", evidence.Text("program", c.args[0]), evidence.Text("target", strings.Join(c.args[1:], " ")))
	c.printf(";; communications error to 127.0.0.1#53: connection refused\n")
	return 1
}

// recordDownload records what an intruder wanted to fetch.
func (c *call) recordDownload(target string) {
	c.record.Record("download", evidence.Text("program", c.args[0]), evidence.Text("url", target),
		evidence.Text("command", strings.Join(c.args, " ")))
}

// remote picks the argument that looks like an address of something.
func (c *call) remote() (target, host string) {
	for _, arg := range c.args[1:] {
		text := arg
		if !strings.Contains(text, "://") {
			if strings.HasPrefix(text, "-") || !strings.Contains(text, ".") {
				continue
			}
			text = "http://" + text
		}
		if parsed, err := url.Parse(text); err == nil && parsed.Host != "" {
			return text, parsed.Hostname()
		}
	}
	return "", ""
}

func wget(c *call) int {
	target, host := c.remote()
	if target == "" {
		fmt.Fprint(c.err, "wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n")
		return 1
	}
	c.recordDownload(target)
	if options, _ := c.flags(); !strings.Contains(options, "q") {
		fmt.Fprintf(c.err, "--%s--  %s\nResolving %s (%s)... failed: Temporary failure in name resolution.\nwget: unable to resolve host address '%s'\n",
			c.loggedIn.UTC().Format("2006-01-02 15:04:05"), target, host, host, host)
	}
	return 4
}

func curl(c *call) int {
	target, host := c.remote()
	if target == "" {
		fmt.Fprint(c.err, "curl: try 'curl --help' or 'curl --manual' for more information\n")
		return 2
	}
	c.recordDownload(target)
	if options, _ := c.flags(); !strings.Contains(options, "s") {
		fmt.Fprintf(c.err, "curl: (6) Could not resolve host: %s\n", host)
	}
	return 6
}

func transfer(c *call) int {
	if len(c.args) < 2 {
		return c.complain("missing operand")
	}
	c.recordDownload(strings.Join(c.args[1:], " "))
	return c.complain("%s: Connection timed out", path.Base(c.args[len(c.args)-1]))
}
