// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Command program is what the containers of the contract suite run: it ends with
// a given code, or opens sockets and stays until it is told to stop.
//
//	program exit 3
//	program listen tcp:80 udp:53
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	if len(args) == 2 && args[0] == "exit" {
		code, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		os.Exit(code)
	}
	if len(args) > 0 {
		for _, socket := range args[1:] {
			if err := open(socket); err != nil {
				return err
			}
		}
	}
	<-stop
	return nil
}

// open opens one socket, such as tcp:80. It is never read from.
func open(socket string) error {
	protocol, port, _ := strings.Cut(socket, ":")
	if protocol == "udp" {
		_, err := net.ListenPacket("udp4", ":"+port)
		return err
	}
	_, err := net.Listen("tcp4", ":"+port)
	return err
}
