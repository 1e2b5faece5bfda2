// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ipv4Directory shows the IPv4 settings of the reading thread's network namespace.
const ipv4Directory = sysctlDirectory + "net/ipv4/"

// forwarding is how a directory of IPv4 settings says that packets are forwarded. The
// kernel asks the interface that a packet comes in by. A write of ip_forward that
// changes it sets all interfaces, and what the next one begins with; each can be set
// otherwise afterwards.
type forwarding struct{ directory string }

// namespaceForwarding is that of the calling thread's namespace.
func namespaceForwarding() forwarding { return forwarding{ipv4Directory} }

func (f forwarding) general() string { return filepath.Join(f.directory, "ip_forward") }

func (f forwarding) of(name string) string {
	return filepath.Join(f.directory, "conf", name, "forwarding")
}

// read returns the value of ip_forward, followed by the interfaces that differ from
// it, "default" being the next one: "0 (eth1: 1)". The error is fs.ErrNotExist if the
// kernel does not have IPv4.
func (f forwarding) read() (string, error) {
	general, err := readSetting(f.general())
	if err != nil {
		return "", err
	}
	var exceptions []string
	err = f.each(func(name, value string) error {
		if value != general {
			exceptions = append(exceptions, name+": "+value)
		}
		return nil
	})
	if err != nil || len(exceptions) == 0 {
		return general, err
	}
	return fmt.Sprintf("%s (%s)", general, strings.Join(exceptions, ", ")), nil
}

// write sets ip_forward and all interfaces.
func (f forwarding) write(value string) error {
	if err := writeFile(f.general(), value); err != nil {
		return err
	}
	general, err := readSetting(f.general())
	if err != nil {
		return err
	}
	return f.each(func(name, seen string) error {
		if seen == general {
			return nil
		}
		return unlessGone(writeFile(f.of(name), value))
	})
}

// each calls a function with every interface, by name, and its value. One that goes
// meanwhile is left out.
func (f forwarding) each(call func(name, value string) error) error {
	entries, err := os.ReadDir(filepath.Join(f.directory, "conf"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == "all" {
			// It is ip_forward under another name.
			continue
		}
		value, err := readSetting(f.of(entry.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		}
		if err := call(entry.Name(), value); err != nil {
			return err
		}
	}
	return nil
}

func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
