// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// hashVersion prefixes each hash. It changes with the set of hashed fields or
// their encoding, so that an upgrade does not look like a change of spec.
const hashVersion = "v1"

// HashContainer returns the spec hash of a container: equal for specs that
// Docker would create alike. It leaves out the recorded hash itself, the
// image's digest (and the reference of the built-in image, which names its
// digest), what can change on a running container (the ip_forward sysctl), the
// watched ports, network ids, filter rules and further labels.
func HashContainer(spec ContainerSpec) string {
	w := newHashWriter("container")
	w.text("name", spec.Name)
	w.identity(spec.Identity)
	w.text("builtInImage", strconv.FormatBool(spec.BuiltInImage))
	if !spec.BuiltInImage {
		w.text("image", spec.Image)
	}
	w.list("command", spec.Command)
	w.set("env", spec.Env)
	w.text("user", spec.User)
	w.text("readOnlyRoot", strconv.FormatBool(spec.ReadOnlyRoot))
	w.set("tmpfs", spec.Tmpfs)
	w.set("capabilities", spec.Capabilities)
	w.number("memory", spec.Limits.Memory)
	w.number("pids", spec.Limits.PIDs)
	w.number("nanoCPUs", spec.Limits.NanoCPUs)
	w.text("hostname", spec.Hostname)
	w.table("sysctls", spec.Sysctls, SysctlIPForward)
	w.published(spec.Published)
	w.list("dns", texts(spec.DNS))
	w.text("home.network", spec.Home.NetworkName)
	w.text("home.lan", spec.Home.LAN)
	w.text("home.address", addressText(spec.Home.Address))
	w.text("home.mac", spec.Home.MAC)
	return w.sum()
}

// HashNetwork returns the spec hash of a network, by the rules of HashContainer.
func HashNetwork(spec NetworkSpec) string {
	w := newHashWriter("network")
	w.text("name", spec.Name)
	w.identity(spec.Identity)
	w.text("driver", spec.Driver)
	w.text("subnet", prefixText(spec.Subnet))
	w.text("gateway", addressText(spec.Gateway))
	w.text("internal", strconv.FormatBool(spec.Internal))
	w.text("masquerade", strconv.FormatBool(spec.Masquerade))
	w.number("mtu", int64(spec.MTU))
	// Written only where they are set, so that the hash of a network without is
	// what it was before there were these fields.
	if spec.Bridge != "" {
		w.text("bridge", spec.Bridge)
	}
	if spec.HostAbsent {
		w.text("hostAbsent", "true")
	}
	return w.sum()
}

// HashesDiffer reports whether two hashes were made by the same version and
// differ. Hashes of different versions tell nothing about each other.
func HashesDiffer(a, b string) bool {
	return a != b && hashPrefix(a) == hashPrefix(b)
}

func hashPrefix(hash string) string {
	version, _, _ := strings.Cut(hash, ":")
	return version
}

// hashWriter feeds a hash with named values, each preceded by its length, so
// that no two sequences of values are written alike.
type hashWriter struct {
	hash hash.Hash
}

func newHashWriter(kind string) hashWriter {
	w := hashWriter{hash: sha256.New()}
	w.write(kind)
	return w
}

func (w hashWriter) sum() string {
	// 128 bits are plenty against chance, and labels are read by people.
	return hashVersion + ":" + hex.EncodeToString(w.hash.Sum(nil)[:16])
}

// write never fails: a hash.Hash accepts everything.
func (w hashWriter) write(value string) {
	_, _ = w.hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(value))))
	_, _ = w.hash.Write([]byte(value))
}

func (w hashWriter) text(name, value string) {
	w.write(name)
	w.write(value)
}

func (w hashWriter) number(name string, value int64) {
	w.write(name)
	w.write(string(binary.BigEndian.AppendUint64(nil, uint64(value)))) //nolint:gosec // the bits are hashed, not the number
}

// list writes values whose order matters.
func (w hashWriter) list(name string, values []string) {
	w.number(name, int64(len(values)))
	for _, value := range values {
		w.write(value)
	}
}

// set writes values whose order does not matter.
func (w hashWriter) set(name string, values []string) {
	w.list(name, slices.Sorted(slices.Values(values)))
}

// table writes a map but for the keys that are left out.
func (w hashWriter) table(name string, values map[string]string, leftOut ...string) {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(values)), func(key string) bool {
		return slices.Contains(leftOut, key)
	})
	w.number(name, int64(len(keys)))
	for _, key := range keys {
		w.text(key, values[key])
	}
}

func (w hashWriter) published(ports []PublishedPort) {
	w.number("published", int64(len(ports)))
	for _, port := range slices.SortedFunc(slices.Values(ports), PublishedPort.Compare) {
		w.text("hostIP", addressText(port.HostIP))
		w.number("hostPort", int64(port.HostPort))
		w.number("port", int64(port.Port.Number))
		w.text("protocol", string(port.Port.Protocol))
	}
}

func (w hashWriter) identity(identity Identity) {
	w.text("instance", identity.Owner.Instance)
	w.text("kind", string(identity.Owner.Kind))
	w.text("namespace", identity.Owner.Namespace)
	w.text("topology", identity.Owner.Topology)
	w.text("owner", identity.Owner.Name)
	w.text("uid", identity.Owner.UID)
	w.text("role", string(identity.Role))
	w.text("service", identity.Service)
}

// Compare orders published ports by host address, host port, protocol and port.
func (p PublishedPort) Compare(other PublishedPort) int {
	return cmp.Or(
		p.HostIP.Compare(other.HostIP),
		cmp.Compare(p.HostPort, other.HostPort),
		cmp.Compare(p.Port.Protocol, other.Port.Protocol),
		cmp.Compare(p.Port.Number, other.Port.Number),
	)
}

func texts(addresses []netip.Addr) []string {
	out := make([]string, len(addresses))
	for i, address := range addresses {
		out[i] = addressText(address)
	}
	return out
}

func addressText(address netip.Addr) string {
	if !address.IsValid() {
		return ""
	}
	return address.String()
}

func prefixText(prefix netip.Prefix) string {
	if !prefix.IsValid() {
		return ""
	}
	return prefix.String()
}
