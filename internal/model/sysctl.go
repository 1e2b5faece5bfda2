// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package model

import "strings"

// IsNetworkSysctl reports whether a dotted name can be that of a kernel setting
// of a network namespace, such as net.ipv4.ip_forward: nothing else of the host
// can be reached through it.
func IsNetworkSysctl(name string) bool {
	segments := strings.Split(name, ".")
	if len(segments) < 3 || segments[0] != "net" {
		return false
	}
	for _, segment := range segments {
		if segment == "" || strings.Trim(segment, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
			return false
		}
	}
	return true
}
