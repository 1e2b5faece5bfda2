// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Command echo returns what it gets on the ports given as its arguments, such as
// 9999/udp or 7/tcp. Tests run it as a custom service.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"strings"
)

func main() {
	failed := make(chan error)
	for _, argument := range os.Args[1:] {
		number, protocol, _ := strings.Cut(argument, "/")
		serve := echoStreams
		if protocol == "udp" {
			serve = echoDatagrams
		}
		go func() { failed <- serve(":" + number) }()
	}
	log.Fatal(<-failed)
}

func echoDatagrams(address string) error {
	socket, err := net.ListenPacket("udp4", address)
	if err != nil {
		return err
	}
	datagram := make([]byte, 1500)
	for {
		n, from, err := socket.ReadFrom(datagram)
		if err != nil {
			return err
		}
		if _, err := socket.WriteTo(datagram[:n], from); err != nil {
			log.Print(err)
		}
	}
}

func echoStreams(address string) error {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = conn.Close() }()
			_, _ = io.Copy(conn, conn)
		}()
	}
}
