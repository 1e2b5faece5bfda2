// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Command echo returns every datagram that it gets on the UDP port given as its
// argument. Tests run it as a custom service.
package main

import (
	"log"
	"net"
	"os"
)

func main() {
	socket, err := net.ListenPacket("udp4", ":"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	datagram := make([]byte, 1500)
	for {
		n, from, err := socket.ReadFrom(datagram)
		if err != nil {
			log.Fatal(err)
		}
		if _, err := socket.WriteTo(datagram[:n], from); err != nil {
			log.Print(err)
		}
	}
}
