// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ipam

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net"
	"slices"
	"strings"
)

// fallbackPrefix is the vendor that virtual machines of any kind have.
const fallbackPrefix = "00:50:56"

// maxMACTries bounds the search for a MAC that is not taken: a LAN has at most
// 65,534 hosts and a vendor prefix 16 million addresses, so that many misses in
// a row do not happen.
const maxMACTries = 64

// MAC returns a unicast MAC address in lower case with colons. All interfaces
// of one machine have the same vendor, chosen among prefixes, as those of a
// real machine do; the rest is chosen by machine and network together. The
// same arguments give the same address, and one that is taken is avoided.
//
// Prefixes are vendor prefixes such as "00:0e:8c"; those that are not, or not
// unicast, are passed over.
func MAC(prefixes []string, machine, network string, taken func(mac string) bool) string {
	prefix := vendorPrefix(prefixes, machine)
	var mac string
	for try := range byte(maxMACTries) {
		sum := sha256.Sum256([]byte(machine + "\x00" + network + "\x00" + string(rune(try))))
		mac = prefix + ":" + pairs(sum[:3])
		if !taken(mac) {
			return mac
		}
	}
	return mac
}

func vendorPrefix(prefixes []string, machine string) string {
	usable := make([]string, 0, len(prefixes))
	for _, prefix := range prefixes {
		if IsVendorPrefix(prefix) {
			usable = append(usable, strings.ToLower(prefix))
		}
	}
	if len(usable) == 0 {
		return fallbackPrefix
	}
	slices.Sort(usable)
	sum := sha256.Sum256([]byte(machine))
	return usable[binary.BigEndian.Uint64(sum[:8])%uint64(len(usable))]
}

// IsVendorPrefix reports whether prefix is three hexadecimal pairs separated by
// colons, unicast and assigned to a vendor, not locally administered.
func IsVendorPrefix(prefix string) bool {
	address, err := net.ParseMAC(prefix + ":00:00:00")
	return err == nil && len(address) == 6 && address[0]&0b11 == 0
}

func pairs(bytes []byte) string {
	texts := make([]string, len(bytes))
	for i := range bytes {
		texts[i] = hex.EncodeToString(bytes[i : i+1])
	}
	return strings.Join(texts, ":")
}
