// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package generate

import "fmt"

const (
	dmzName     = "dmz"
	gatewayName = "gw01"
)

// lanWords are parts of an organisation, which LANs are named after.
func lanWords() []string {
	return []string{
		"accounting", "archive", "backoffice", "branch", "building-a", "building-b", "design", "engineering", "facilities", "finance",
		"helpdesk", "hr", "lab", "legal", "logistics", "marketing", "office", "plant", "procurement", "qa",
		"reception", "research", "sales", "servers", "staff", "storage", "studio", "support", "training", "warehouse",
	}
}

// hostWords are what administrators name machines after.
func hostWords() []string {
	return []string{
		"amber", "aspen", "atlas", "birch", "boreas", "cedar", "cobalt", "comet", "coral", "delta",
		"elm", "ember", "falcon", "flint", "garnet", "harbor", "heron", "indigo", "iris", "jade",
		"juniper", "kestrel", "larch", "lotus", "maple", "mercury", "nova", "onyx", "orion", "osprey",
		"pine", "quartz", "raven", "rowan", "saturn", "sierra", "slate", "spruce", "titan", "willow",
	}
}

// hostStyle is how machines of a distribution are named.
type hostStyle int

const (
	// wordNumber is word-01.
	wordNumber hostStyle = iota
	// serverWordNumber is srv-word-01.
	serverWordNumber
	// localDomain is word01, and word01.localdomain in full.
	localDomain
)

// hostStyles are those of the distributions; machines of others, and such as have
// none, are named in the first style. A distribution decides no more than this as
// long as all decoys look like Debian from within: another's banner would be a lie
// that the shell behind it gives away.
func hostStyles() map[string]hostStyle {
	return map[string]hostStyle{
		"debian": serverWordNumber, "ubuntu20": serverWordNumber, "ubuntu22": serverWordNumber,
		"rocky9": localDomain, "fedora": localDomain,
	}
}

// namer gives names, each once.
type namer struct{ given map[string]int }

// lan returns the word itself, and with a number from the second time on.
func (n namer) lan(word string) string {
	n.given[word]++
	if n.given[word] == 1 {
		return word
	}
	return fmt.Sprintf("%s-%d", word, n.given[word])
}

// host returns the name of a machine's object, and its host name if that is another.
func (n namer) host(style hostStyle, word string) (name, hostname string) {
	var prefix string
	switch style {
	case wordNumber:
		prefix = word + "-"
	case serverWordNumber:
		prefix = "srv-" + word + "-"
	case localDomain:
		prefix = word
	}
	n.given[prefix]++
	name = fmt.Sprintf("%s%02d", prefix, n.given[prefix])
	if style == localDomain {
		hostname = name + ".localdomain"
	}
	return name, hostname
}
