//go:build e2e

// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"net/netip"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/deckyard/deckyard/api/v1alpha1"
)

const (
	lanCount   = 5
	deckyCount = 30
)

// sample is a network of 5 LANs and 30 deckies with 2 services each: 90
// containers. Four deckies link the inner LANs to the DMZ.
type sample struct {
	topology *v1alpha1.Topology
	lans     []*v1alpha1.LAN
	deckies  []*v1alpha1.Decky
}

// newSample builds a sample whose subnets are 10.BLOCK.0.0/24 and up. Every
// address is pinned, so that both sides of a comparison create the same.
func newSample(namespace string, block int) sample {
	s := sample{topology: &v1alpha1.Topology{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "bench"}}}
	for i := range lanCount {
		s.lans = append(s.lans, &v1alpha1.LAN{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: lanName(i)},
			Spec:       v1alpha1.LANSpec{TopologyRef: v1alpha1.TopologyReference{Name: "bench"}, DMZ: i == 0, Subnet: subnetOf(block, i).String()},
		})
	}
	for i := range deckyCount {
		decky := &v1alpha1.Decky{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("srv-%02d", i)},
			Spec: v1alpha1.DeckySpec{
				TopologyRef: v1alpha1.TopologyReference{Name: "bench"},
				Home:        v1alpha1.Attachment{LAN: lanName(i % lanCount), Address: hostOf(block, i%lanCount, i+10).String()},
				Services:    []v1alpha1.Service{{Name: "http"}, {Name: "ftp"}},
			},
		}
		if i > 0 && i < lanCount {
			decky.Spec.Attachments = []v1alpha1.Attachment{{LAN: lanName(0), Address: hostOf(block, 0, i+100).String()}}
		}
		s.deckies = append(s.deckies, decky)
	}
	return s
}

func lanName(i int) string { return fmt.Sprintf("lan-%d", i) }

func subnetOf(block, lan int) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(block), byte(lan), 0}), 24)
}

func hostOf(block, lan, host int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(block), byte(lan), byte(host)})
}
