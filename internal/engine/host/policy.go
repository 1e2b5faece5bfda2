// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/internal/model"
)

// The base chains of our tables. All rules drop, so their order does not matter
// and a drop is final, whatever other tables accept.
const (
	chainInput   = "input"
	chainForward = "forward"
)

const (
	// registerOne takes what a rule compares; all rules have room enough in it.
	registerOne = 1

	// ipv4SourceOffset and ipv4DestinationOffset are those of the addresses in an
	// IPv4 header.
	ipv4SourceOffset      = 12
	ipv4DestinationOffset = 16

	// connectionIsDNATed is IPS_DST_NAT of linux/netfilter/nf_conntrack_common.h: the
	// connection goes to a published port.
	connectionIsDNATed = 1 << 5

	stateReply = expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED
	stateKnown = stateReply | expr.CtStateBitNEW
)

// linkLocal returns the addresses at which clouds tell a machine its credentials.
func linkLocal() netip.Prefix { return netip.MustParsePrefix("169.254.0.0/16") }

// chainRule is one rule of a base chain: what it matches is dropped.
type chainRule struct {
	chain string
	match []expr.Any
}

// expressions returns the whole rule.
func (r chainRule) expressions() []expr.Any {
	return append(slices.Clone(r.match), &expr.Verdict{Kind: expr.VerdictDrop})
}

// compile returns the rules that a policy needs at a bridge, for IPv4 and IPv6.
//
// What related packets may be is narrowed to errors of ICMP: the kernel also
// relates connections that a helper, such as that of FTP, expects because of what
// a decoy said.
func compile(bridge string, policy model.FilterPolicy) []chainRule {
	from := []expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: registerOne}, interfaceIs(expr.CmpOpEq, bridge)}
	rules := []chainRule{
		// An address of the host, on whatever interface, answers nobody on the
		// bridge; the host's own connections to it have their replies.
		{chainInput, join(from, stateIsNoneOf(stateReply))},
		{chainInput, join(from, relatedIsNoError())},
	}
	// Frames that stay on the bridge leave by the interface that they came from.
	out := join(from, []expr.Any{&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: registerOne}, interfaceIs(expr.CmpOpNeq, bridge)})
	in := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: registerOne}, interfaceIs(expr.CmpOpEq, bridge),
		&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: registerOne}, interfaceIs(expr.CmpOpNeq, bridge),
	}
	if !policy.Published {
		return append(rules, chainRule{chainForward, in}, chainRule{chainForward, out})
	}
	rules = append(rules,
		chainRule{chainForward, join(in, stateIsNoneOf(stateReply), isNotDNATed())},
		chainRule{chainForward, join(in, relatedIsNoError())},
		chainRule{chainForward, join(out, isIPv6())},
		chainRule{chainForward, join(out, relatedIsNoError())},
	)
	if !policy.Egress.IsValid() {
		return append(rules, chainRule{chainForward, join(out, stateIsNoneOf(stateReply))})
	}
	return append(rules,
		chainRule{chainForward, join(out, stateIsNoneOf(stateKnown))},
		chainRule{chainForward, join(out, addressIn(ipv4SourceOffset, policy.Egress, expr.CmpOpNeq))},
		chainRule{chainForward, join(out, addressIn(ipv4DestinationOffset, linkLocal(), expr.CmpOpEq))},
		// A published port of the host is an address of the host, behind which may
		// be any LAN.
		chainRule{chainForward, join(out, stateIsAnyOf(expr.CtStateBitNEW), isDNATed())},
	)
}

// decompile returns the policy whose rules these are exactly.
func decompile(bridge string, rules []chainRule) (model.FilterPolicy, bool) {
	have, ok := encode(rules)
	if !ok {
		return model.FilterPolicy{}, false
	}
	for _, candidate := range []model.FilterPolicy{{}, {Published: true}, {Published: true, Egress: egressOf(rules)}} {
		if want, _ := encode(compile(bridge, candidate)); slices.Equal(want, have) {
			return candidate, true
		}
	}
	return model.FilterPolicy{}, false
}

// encode returns rules as the kernel is told them, sorted: their order means nothing.
func encode(rules []chainRule) ([]string, bool) {
	encoded := make([]string, 0, len(rules))
	for _, rule := range rules {
		var text bytes.Buffer
		fmt.Fprintf(&text, "%s:", rule.chain)
		for _, expression := range rule.match {
			data, err := expr.Marshal(byte(nftables.TableFamilyINet), expression)
			if err != nil {
				return nil, false
			}
			text.Write(data)
		}
		encoded = append(encoded, text.String())
	}
	slices.Sort(encoded)
	return encoded, true
}

// egressOf returns the subnet that a rule compares sources with.
func egressOf(rules []chainRule) netip.Prefix {
	for _, rule := range rules {
		for i, expression := range rule.match {
			payload, ok := expression.(*expr.Payload)
			if !ok || payload.Offset != ipv4SourceOffset || i+2 >= len(rule.match) {
				continue
			}
			masked, isMasked := rule.match[i+1].(*expr.Bitwise)
			compared, isCompared := rule.match[i+2].(*expr.Cmp)
			if !isMasked || !isCompared {
				continue
			}
			address, ok := netip.AddrFromSlice(compared.Data)
			bits, size := net.IPMask(masked.Mask).Size()
			if ok && address.Is4() && size == address.BitLen() {
				return netip.PrefixFrom(address, bits)
			}
		}
	}
	return netip.Prefix{}
}

func join(parts ...[]expr.Any) []expr.Any { return slices.Concat(parts...) }

func interfaceIs(operator expr.CmpOp, name string) *expr.Cmp {
	data := make([]byte, unix.IFNAMSIZ)
	copy(data, name)
	return &expr.Cmp{Op: operator, Register: registerOne, Data: data}
}

func stateIsNoneOf(bits uint32) []expr.Any {
	return connectionBits(expr.CtKeySTATE, bits, expr.CmpOpEq)
}

func stateIsAnyOf(bits uint32) []expr.Any {
	return connectionBits(expr.CtKeySTATE, bits, expr.CmpOpNeq)
}

func isDNATed() []expr.Any {
	return connectionBits(expr.CtKeySTATUS, connectionIsDNATed, expr.CmpOpNeq)
}

func isNotDNATed() []expr.Any {
	return connectionBits(expr.CtKeySTATUS, connectionIsDNATed, expr.CmpOpEq)
}

// connectionBits compares some bits of what is known of a connection with zero.
func connectionBits(key expr.CtKey, bits uint32, operator expr.CmpOp) []expr.Any {
	const size = 4
	return []expr.Any{
		&expr.Ct{Key: key, Register: registerOne},
		&expr.Bitwise{
			SourceRegister: registerOne, DestRegister: registerOne, Len: size,
			Mask: binary.NativeEndian.AppendUint32(nil, bits), Xor: make([]byte, size),
		},
		&expr.Cmp{Op: operator, Register: registerOne, Data: make([]byte, size)},
	}
}

// relatedIsNoError matches what is related to a connection and no ICMP.
func relatedIsNoError() []expr.Any {
	return append(stateIsAnyOf(expr.CtStateBitRELATED),
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: registerOne},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: registerOne, Data: []byte{unix.IPPROTO_ICMP}},
	)
}

func isIPv6() []expr.Any { return protocolIs(unix.NFPROTO_IPV6) }

func protocolIs(protocol byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: registerOne},
		&expr.Cmp{Op: expr.CmpOpEq, Register: registerOne, Data: []byte{protocol}},
	}
}

// addressIn compares an address in the header of IPv4 packets with a subnet.
func addressIn(offset uint32, subnet netip.Prefix, operator expr.CmpOp) []expr.Any {
	address := subnet.Masked().Addr().As4()
	return append(protocolIs(unix.NFPROTO_IPV4),
		&expr.Payload{DestRegister: registerOne, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(len(address))},
		&expr.Bitwise{
			SourceRegister: registerOne, DestRegister: registerOne, Len: uint32(len(address)),
			Mask: net.CIDRMask(subnet.Bits(), subnet.Addr().BitLen()), Xor: make([]byte, len(address)),
		},
		&expr.Cmp{Op: operator, Register: registerOne, Data: address[:]},
	)
}
