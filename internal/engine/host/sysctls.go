// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// sysctlDirectory shows the settings of the reading thread's network namespace.
const sysctlDirectory = "/proc/sys/"

// validateSysctl refuses names of what is not a network namespace's.
func validateSysctl(name string) error {
	if !model.IsNetworkSysctl(name) {
		return fmt.Errorf("sysctl %q is not of a network namespace: %w", name, engine.ErrInvalid)
	}
	return nil
}

// sysctlPath returns the file of a valid sysctl.
func sysctlPath(name string) string {
	return sysctlDirectory + strings.ReplaceAll(name, ".", "/")
}

// readSysctls returns the values of valid sysctls in the calling thread's
// namespace, without those that the kernel does not have.
func readSysctls(names []string) (map[string]string, error) {
	values := make(map[string]string, len(names))
	for _, name := range names {
		value, err := readSysctl(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("read sysctl %q: %w", name, err)
		default:
			values[name] = value
		}
	}
	return values, nil
}

func readSysctl(name string) (string, error) {
	if name == model.SysctlIPForward {
		return namespaceForwarding().read()
	}
	return readSetting(sysctlPath(name))
}

// readSetting returns what a file under sysctlDirectory holds.
func readSetting(path string) (string, error) {
	contents, err := os.ReadFile(path)
	// Values of several numbers are separated by tabs.
	return strings.Join(strings.Fields(string(contents)), " "), err
}

// writeSysctl sets a valid sysctl in the calling thread's namespace.
func writeSysctl(name, value string) error {
	err := writeSetting(name, value)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ERANGE) {
		return fmt.Errorf("%w: %w", engine.ErrInvalid, err)
	}
	return err
}

func writeSetting(name, value string) error {
	if name == model.SysctlIPForward {
		return namespaceForwarding().write(value)
	}
	return writeFile(sysctlPath(name), value)
}

// writeFile writes to an existing file in one go.
func writeFile(path, value string) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(value)
	return errors.Join(err, file.Close())
}
