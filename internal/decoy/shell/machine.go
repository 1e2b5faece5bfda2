// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"net"
	"strings"
	"sync"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

const (
	kernelRelease = "6.1.0-37-amd64"
	kernelVersion = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)"
	prettyName    = "Debian GNU/Linux 12 (bookworm)"
)

// Recorder takes what a session does. *evidence.Session is one.
type Recorder interface {
	Record(event string, fields ...evidence.Field)
}

// Machine is the host that all sessions of a service log in to. It does not
// change and is safe for concurrent use.
type Machine struct {
	hostname string
	address  string
	users    []account
	booted   time.Time
	base     map[string]*node
	commands map[string]command
}

type account struct {
	name string
	id   int
	home string
}

// NewMachine describes a host with this name, this IPv4 address (empty if not
// known) and these login names besides root.
func NewMachine(hostname, address string, users []string) *Machine {
	if hostname == "" {
		hostname = "localhost"
	}
	m := &Machine{
		hostname: hostname,
		address:  address,
		users:    []account{{name: "root", id: 0, home: "/root"}},
		// A server that has been up for a while, by its own account.
		booted:   time.Now().Add(-(23*24 + 7) * time.Hour),
		commands: commandTable(),
	}
	for _, user := range users {
		m.addUser(user)
	}
	m.base = baseFiles(m)
	return m
}

// Machines are the machines behind the addresses of a service. They differ in their
// address only, which a client may see. They are safe for concurrent use.
type Machines struct {
	hostname string
	users    []string

	mu sync.Mutex
	at map[string]*Machine
}

// NewMachines describes hosts with this name and these login names besides root.
func NewMachines(hostname string, users []string) *Machines {
	return &Machines{hostname: hostname, users: users, at: make(map[string]*Machine)}
}

// At returns the machine as seen at a local address, the same each time.
func (m *Machines) At(local net.Addr) *Machine {
	address := evidence.Host(local)
	m.mu.Lock()
	defer m.mu.Unlock()
	found, known := m.at[address]
	if !known {
		found = NewMachine(m.hostname, address, m.users)
		m.at[address] = found
	}
	return found
}

func (m *Machine) addUser(name string) {
	if !plainName(name) || m.account(name).name == name {
		return
	}
	m.users = append(m.users, account{name: name, id: 999 + len(m.users), home: "/home/" + name})
}

// account returns the account of this name, or one that looks like it for
// names the machine does not list.
func (m *Machine) account(name string) account {
	for _, known := range m.users {
		if known.name == name {
			return known
		}
	}
	if !plainName(name) {
		name = "user"
	}
	return account{id: 1000 + len(m.users), home: "/home/" + name}
}

// plainName says whether a name can stand in a path or a line of passwd.
func plainName(name string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-"
	return name != "" && len(name) <= 32 && strings.Trim(name, allowed) == ""
}
