// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

func builtinCommands() map[string]command {
	silent := func(*call) int { return 0 }
	return map[string]command{
		":": silent, "set": silent, "alias": silent, "unalias": silent, "ulimit": silent, "trap": silent,
		"shopt": silent, "jobs": silent, "wait": silent, "hash": silent, "bind": silent, "disown": silent, "umask": silent,
		"cd": changeDir, "exit": exit, "logout": exit, "history": showHistory, "export": export, "unset": unset,
		"type": typeOf, "command": runCommand, "exec": runArguments, "builtin": runArguments,
		"eval": evaluate, "source": evaluate, ".": evaluate, "read": silent,
	}
}

func changeDir(c *call) int {
	_, operands := c.flags()
	target := c.user.home
	if len(operands) > 0 {
		target = operands[0]
	} else if len(c.args) > 1 && c.args[1] == "-" {
		target = c.vars["OLDPWD"]
	}
	full := c.tree.resolve(c.dir, target, followAll)
	found, err := c.tree.lookup(full)
	switch {
	case err != nil:
	case !found.isDir():
		err = errNotDir
	case !c.mayRead(full, found):
		err = errDenied
	}
	if err != nil {
		fmt.Fprintf(c.err, "-bash: cd: %s: %v\n", target, err)
		return 1
	}
	c.setVariable("OLDPWD", c.dir)
	c.dir = full
	return 0
}

func exit(c *call) int {
	c.exited = true
	if len(c.args) > 1 {
		if status, err := strconv.Atoi(c.args[1]); err == nil {
			return status & 0xff
		}
	}
	return c.status
}

func showHistory(c *call) int {
	if len(c.args) > 1 && strings.HasPrefix(c.args[1], "-c") {
		c.history = nil
		return 0
	}
	for i, line := range c.history {
		c.printf("%5d  %s\n", i+1, line)
	}
	return 0
}

func export(c *call) int {
	for _, arg := range c.args[1:] {
		if name, value, found := strings.Cut(arg, "="); found && variableName(name) {
			c.setVariable(name, value)
		}
	}
	return 0
}

func unset(c *call) int {
	for _, name := range c.args[1:] {
		delete(c.vars, name)
	}
	return 0
}

func environment(c *call) int {
	if len(c.args) > 1 && !strings.HasPrefix(c.args[1], "-") {
		return runArguments(c)
	}
	for _, name := range slices.Sorted(maps.Keys(c.vars)) {
		c.printf("%s=%s\n", name, c.variable(name))
	}
	return 0
}

func typeOf(c *call) int {
	status := 0
	for _, name := range c.args[1:] {
		switch {
		case isBuiltin(name):
			c.printf("%s is a shell builtin\n", name)
		case c.programPath(name) != "":
			c.printf("%s is %s\n", name, c.programPath(name))
		default:
			fmt.Fprintf(c.err, "-bash: type: %s: not found\n", name)
			status = 1
		}
	}
	return status
}

// programPath returns where a program lies, or "".
func (s *Session) programPath(name string) string {
	for _, dir := range []string{"/usr/local/bin/", "/usr/bin/", "/usr/sbin/"} {
		if !strings.Contains(name, "/") && s.tree.at(dir+name) != nil {
			return dir + name
		}
	}
	return ""
}

func which(c *call) int {
	status := 0
	for _, name := range c.args[1:] {
		where := c.programPath(name)
		if where == "" {
			status = 1
			continue
		}
		c.printf("%s\n", where)
	}
	return status
}

func runCommand(c *call) int {
	if len(c.args) > 2 && strings.HasPrefix(c.args[1], "-") {
		where := c.programPath(c.args[2])
		if isBuiltin(c.args[2]) {
			where = c.args[2]
		}
		if where == "" {
			return 1
		}
		c.printf("%s\n", where)
		return 0
	}
	return runArguments(c)
}

// runArguments runs the command that follows, as nohup, sudo or env do.
func runArguments(c *call) int {
	rest := c.args[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		rest = rest[1:]
	}
	return c.runArgs(rest)
}

func (c *call) runArgs(args []string) int {
	c.started++
	if len(args) == 0 || c.started > maxCommands || c.depth >= maxDepth {
		return 0
	}
	c.depth++
	c.command(c.ctx, args, c.in, c.out, c.err)
	c.depth--
	return c.status
}

func evaluate(c *call) int {
	if c.args[0] == "eval" {
		c.run(c.ctx, strings.Join(c.args[1:], " "), c.in, c.out, c.err)
		return c.status
	}
	return c.runScript(c.args[1:])
}

// shellProgram is sh, bash and their like: -c, a script, or standard input.
func shellProgram(c *call) int {
	rest := c.args[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		if strings.Contains(rest[0], "c") && len(rest) > 1 {
			c.run(c.ctx, rest[1], c.in, c.out, c.err)
			return c.leaveSubshell()
		}
		rest = rest[1:]
	}
	if len(rest) > 0 {
		return c.runScript(rest)
	}
	if _, interactive := c.in.(*Terminal); interactive {
		return 0
	}
	c.run(c.ctx, string(c.readInput()), strings.NewReader(""), c.out, c.err)
	return c.leaveSubshell()
}

func (c *call) runScript(args []string) int {
	if len(args) == 0 {
		return c.complain("filename argument required")
	}
	script, err := c.readFile(args[0])
	if err != nil {
		return c.complain("%s: %v", args[0], err)
	}
	c.run(c.ctx, script, c.in, c.out, c.err)
	return c.leaveSubshell()
}

// leaveSubshell keeps an exit inside a sub-shell from ending the login.
func (c *call) leaveSubshell() int {
	c.exited = false
	return c.status
}

func sleep(c *call) int {
	const longest = 30 * time.Second
	if len(c.args) < 2 {
		return c.complain("missing operand")
	}
	seconds, err := strconv.ParseFloat(strings.TrimSuffix(c.args[1], "s"), 64)
	if err != nil || seconds < 0 {
		return c.complain("invalid time interval '%s'", c.args[1])
	}
	wait := longest
	if seconds < longest.Seconds() {
		wait = time.Duration(seconds * float64(time.Second))
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
	return 0
}
