// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// command carries out one program and returns its exit status.
type command func(*call) int

// call is one run of a command.
type call struct {
	*Session

	ctx  context.Context //nolint:containedctx // Lives for one command.
	args []string
	in   io.Reader
	out  *limited
	err  *limited
}

// commandTable lists what the machine can run, by name.
func commandTable() map[string]command {
	table := make(map[string]command)
	for _, group := range []map[string]command{
		builtinCommands(), fileCommands(), textCommands(), systemCommands(), networkCommands(),
	} {
		maps.Copy(table, group)
	}
	return table
}

// isBuiltin says whether a command is part of the shell and so no file.
func isBuiltin(name string) bool {
	_, found := builtinCommands()[name]
	return found
}

func (c *call) printf(format string, args ...any) {
	fmt.Fprintf(c.out, format, args...)
}

// complain prints a message under the command's name and returns status 1.
func (c *call) complain(format string, args ...any) int {
	fmt.Fprintf(c.err, c.args[0]+": "+format+"\n", args...)
	return 1
}

// flags splits the arguments into single-letter options and operands.
func (c *call) flags() (options string, operands []string) {
	for i, arg := range c.args[1:] {
		if arg == "--" {
			return options, append(operands, c.args[i+2:]...)
		}
		if len(arg) > 1 && arg[0] == '-' {
			options += strings.TrimLeft(arg, "-")
			continue
		}
		operands = append(operands, arg)
	}
	return options, operands
}

// input returns what the command reads: its files, or standard input. Files
// that cannot be read are complained about.
func (c *call) input(files []string) (content string, status int) {
	if len(files) == 0 || (len(files) == 1 && files[0] == "-") {
		return string(c.readInput()), 0
	}
	var all strings.Builder
	for _, name := range files {
		text, err := c.readFile(name)
		if err != nil {
			status = c.complain("%s: %v", name, err)
			continue
		}
		if all.Len()+len(text) <= maxOutput {
			all.WriteString(text)
		}
	}
	return all.String(), status
}

// readInput reads standard input up to a limit.
func (c *call) readInput() []byte {
	data, err := io.ReadAll(io.LimitReader(c.in, maxUpload))
	if err != nil {
		return data
	}
	return data
}

func lines(text string) []string {
	return slices.Collect(strings.Lines(text))
}
