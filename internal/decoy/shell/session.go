// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

const (
	// MaxLine is the longest command line, in bytes.
	MaxLine = 4096

	maxOutput    = 128 << 10 // of one command
	maxWord      = 16 << 10  // after expansion
	maxArguments = 256
	maxCommands  = 200 // started by one line
	maxDepth     = 6   // of command substitution and sub-shells
	maxVariables = 64
	maxVariable  = 1024
	maxUpload    = 1 << 20 // read from a command's standard input
)

// Session is one login on a machine. It is not safe for concurrent use.
type Session struct {
	machine  *Machine
	record   Recorder
	source   string
	user     account
	tree     *tree
	dir      string
	vars     map[string]string
	history  []string
	status   int
	exited   bool
	started  int
	depth    int
	loggedIn time.Time
}

// NewSession logs user in from source ("ip:port").
func (m *Machine) NewSession(user, source string, record Recorder) *Session {
	s := &Session{
		machine:  m,
		record:   record,
		source:   source,
		user:     m.account(user),
		tree:     newTree(m.base),
		loggedIn: time.Now(),
	}
	if s.user.name == "" {
		s.user.name = path.Base(s.user.home)
		_ = s.tree.put(s.user.home, s.node(fs.ModeDir|0o700, ""))
	}
	s.dir = s.user.home
	s.vars = map[string]string{
		"HOME": s.user.home, "USER": s.user.name, "LOGNAME": s.user.name, "SHELL": "/bin/bash",
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "xterm-256color",
		"LANG": "en_US.UTF-8", "PWD": s.dir, "HOSTNAME": m.hostname,
	}
	return s
}

// Prompt returns what the shell shows before it reads a line.
func (s *Session) Prompt() string {
	dir := s.dir
	if rest, home := strings.CutPrefix(dir, s.user.home); home && (rest == "" || rest[0] == '/') {
		dir = "~" + rest
	}
	sign := "$"
	if s.user.id == 0 {
		sign = "#"
	}
	return s.user.name + "@" + s.machine.hostname + ":" + dir + sign + " "
}

// Greeting returns what a login shell shows first.
func (s *Session) Greeting() string {
	return "Linux " + s.machine.hostname + " " + kernelRelease + " " + kernelVersion + " x86_64\n" + motd
}

// Exited says whether the session has ended by its own command.
func (s *Session) Exited() bool {
	return s.exited
}

// Run carries out one line and returns its exit status. It writes to output
// what the line prints, with bare line feeds. Standard input is read only if a
// command wants it.
func (s *Session) Run(ctx context.Context, line string, input io.Reader, output io.Writer) int {
	s.started = 0
	if len(line) > MaxLine {
		line = line[:MaxLine]
	}
	s.remember(line)
	_, onTerminal := output.(*Terminal)
	out := &limited{limit: maxOutput, terminal: onTerminal}
	s.run(ctx, line, input, out, out)
	_, _ = output.Write(out.Bytes())
	return s.status
}

// remember keeps the line for the history command.
func (s *Session) remember(line string) {
	const kept = 50
	if strings.TrimSpace(line) == "" {
		return
	}
	s.history = append(s.history, line)
	if len(s.history) > kept {
		s.history = s.history[1:]
	}
}

func (s *Session) run(ctx context.Context, line string, input io.Reader, out, errOut *limited) {
	if s.depth >= maxDepth {
		s.fail(errOut, "maximum nesting level exceeded")
		return
	}
	s.depth++
	defer func() { s.depth-- }()
	steps, problem := parse(line)
	if problem != "" {
		s.fail(errOut, problem)
		s.status = 2
		return
	}
	for _, next := range steps {
		if s.exited || ctx.Err() != nil {
			return
		}
		if (next.operator == "&&" && s.status != 0) || (next.operator == "||" && s.status == 0) {
			continue
		}
		s.pipeline(ctx, next.stages, input, out, errOut)
	}
}

func (s *Session) pipeline(ctx context.Context, stages []stage, input io.Reader, out, errOut *limited) {
	for i, current := range stages {
		target := out
		if i < len(stages)-1 {
			target = &limited{limit: maxOutput}
		}
		s.stage(ctx, current, input, target, errOut)
		input = bytes.NewReader(target.Bytes())
	}
}

func (s *Session) stage(ctx context.Context, current stage, input io.Reader, out, errOut *limited) {
	s.started++
	if s.started > maxCommands {
		s.fail(errOut, "fork: retry: Resource temporarily unavailable")
		s.status = 254
		return
	}
	args := s.expandAll(ctx, current.words)
	if len(current.redirects) == 0 {
		s.command(ctx, args, input, out, errOut)
		return
	}
	files := s.redirect(ctx, current.redirects, &input, &out, &errOut)
	if files == nil {
		s.status = 1
		return
	}
	s.command(ctx, args, input, out, errOut)
	for _, file := range files {
		s.writeRedirected(file, errOut)
	}
}

// redirected is the file that an output goes to.
type redirected struct {
	name   string
	append bool
	data   *limited
}

// redirect replaces the streams as the redirections say. It returns nil after
// printing why one is impossible.
func (s *Session) redirect(ctx context.Context, redirects []redirect, input *io.Reader, out, errOut **limited) []redirected {
	terminal := *errOut
	files := []redirected{}
	for _, r := range redirects {
		switch r.operator {
		case "2>&1":
			*errOut = *out
			continue
		case ">&2", "1>&2":
			*out = *errOut
			continue
		}
		name := strings.Join(s.expand(ctx, r.word), " ")
		if r.operator == "<" {
			content, err := s.readFile(name)
			if err != nil {
				s.fail(terminal, name+": "+err.Error())
				return nil
			}
			*input = strings.NewReader(content)
			continue
		}
		if err := s.mayWrite(name); err != nil {
			s.fail(terminal, name+": "+err.Error())
			return nil
		}
		file := redirected{name: name, append: strings.HasSuffix(r.operator, ">>"), data: &limited{limit: maxOutput}}
		files = append(files, file)
		if r.operator[0] != '2' {
			*out = file.data
		}
		if r.operator[0] == '2' || r.operator[0] == '&' {
			*errOut = file.data
		}
	}
	return files
}

func (s *Session) writeRedirected(file redirected, errOut *limited) {
	content := file.data.String()
	if file.append {
		if before, err := s.readFile(file.name); err == nil {
			content = before + content
		}
	}
	if err := s.writeFile(file.name, content, 0o644); err != nil {
		s.fail(errOut, file.name+": "+err.Error())
		s.status = 1
	}
}

// command runs one expanded command.
func (s *Session) command(ctx context.Context, args []string, input io.Reader, out, errOut *limited) {
	args = s.assign(args)
	if len(args) == 0 {
		s.status = 0
		return
	}
	name := args[0]
	if strings.Contains(name, "/") {
		name = s.programAt(name, errOut)
		if name == "" {
			return
		}
	}
	run, known := s.machine.commands[name]
	if !known {
		fmt.Fprintf(errOut, "-bash: %s: command not found\n", args[0])
		s.status = 127
		return
	}
	s.status = run(&call{Session: s, ctx: ctx, args: args, in: input, out: out, err: errOut})
}

// programAt returns the name of the command that a path leads to, or "" after
// printing why there is none.
func (s *Session) programAt(name string, errOut *limited) string {
	full := s.tree.resolve(s.dir, name, followAll)
	found, err := s.tree.lookup(full)
	switch {
	case err != nil:
		s.fail(errOut, name+": "+err.Error())
		s.status = 127
	case found.isDir():
		s.fail(errOut, name+": "+errIsDir.Error())
		s.status = 126
	case found.mode&0o111 == 0:
		s.fail(errOut, name+": "+errDenied.Error())
		s.status = 126
	case strings.HasPrefix(full, "/usr/"):
		if base := path.Base(full); base != "dash" {
			return base
		}
		return "sh"
	default:
		// Something the intruder put here and made executable.
		s.record.Record("execute", evidence.Text("path", full))
		s.fail(errOut, name+": cannot execute binary file: Exec format error")
		s.status = 126
	}
	return ""
}

// assign takes leading NAME=value words.
func (s *Session) assign(args []string) []string {
	for len(args) > 0 {
		name, value, found := strings.Cut(args[0], "=")
		if !found || !variableName(name) {
			break
		}
		s.setVariable(name, value)
		args = args[1:]
	}
	return args
}

func (s *Session) setVariable(name, value string) {
	if _, known := s.vars[name]; !known && len(s.vars) >= maxVariables {
		return
	}
	if len(name) <= maxVariable && len(value) <= maxVariable {
		s.vars[name] = value
	}
}

func variableName(name string) bool {
	for i, char := range name {
		letter := char == '_' || (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z')
		if !letter && (i == 0 || char < '0' || char > '9') {
			return false
		}
	}
	return name != ""
}

// fail prints a message of the shell itself.
func (s *Session) fail(errOut *limited, message string) {
	fmt.Fprintf(errOut, "-bash: %s\n", message)
	s.status = 1
}

func (s *Session) readFile(name string) (string, error) {
	full := s.tree.resolve(s.dir, name, followAll)
	found, err := s.tree.lookup(full)
	if err != nil {
		return "", err
	}
	if found.isDir() {
		return "", errIsDir
	}
	if !s.mayRead(full, found) {
		return "", errDenied
	}
	if full == "/proc/uptime" {
		up := time.Since(s.machine.booted).Seconds()
		return strconv.FormatFloat(up, 'f', 2, 64) + " " + strconv.FormatFloat(up*1.96, 'f', 2, 64) + "\n", nil
	}
	return found.content, nil
}

func (s *Session) writeFile(name, content string, mode fs.FileMode) error {
	if err := s.mayWrite(name); err != nil {
		return err
	}
	full := s.tree.resolve(s.dir, name, followAll)
	if strings.HasPrefix(full, "/dev/") && !strings.HasPrefix(full, "/dev/shm/") {
		return nil
	}
	if before := s.tree.at(full); before != nil {
		mode = before.mode
	}
	return s.tree.put(full, s.node(mode, content))
}

func (s *Session) node(mode fs.FileMode, content string) *node {
	added := &node{mode: mode, owner: s.user.name, modified: time.Now(), content: content}
	if mode.IsDir() {
		added.size = 4096
	}
	return added
}

func (s *Session) mayRead(full string, found *node) bool {
	if s.user.id == 0 || found.owner == s.user.name {
		return true
	}
	for dir := path.Dir(full); dir != "/"; dir = path.Dir(dir) {
		if above := s.tree.at(dir); above != nil && above.owner != s.user.name && above.mode.Perm()&0o005 == 0 {
			return false
		}
	}
	return found.mode.Perm()&0o004 != 0
}

// mayWrite says why a file cannot be written, or nil.
func (s *Session) mayWrite(name string) error {
	full := s.tree.resolve(s.dir, name, followAll)
	if found := s.tree.at(full); found != nil {
		switch {
		case found.isDir():
			return errIsDir
		case s.user.id != 0 && found.owner != s.user.name && found.mode.Perm()&0o002 == 0:
			return errDenied
		}
		return nil
	}
	return s.mayChange(path.Dir(full))
}

// mayChange says why nothing can be created or removed in a directory, or nil.
func (s *Session) mayChange(dir string) error {
	parent, err := s.tree.lookup(dir)
	switch {
	case err != nil:
		return err
	case !parent.isDir():
		return errNotDir
	case strings.HasPrefix(dir+"/", "/proc/") || strings.HasPrefix(dir+"/", "/sys/"):
		return errDenied
	case s.user.id != 0 && parent.owner != s.user.name && parent.mode.Perm()&0o002 == 0:
		return errDenied
	}
	return nil
}

// limited is output that ends at a limit, silently.
type limited struct {
	bytes.Buffer

	limit int
	// terminal says that a person will read it.
	terminal bool
}

// Write keeps what fits and reports all of it as written.
func (l *limited) Write(data []byte) (int, error) {
	if room := l.limit - l.Len(); room < len(data) {
		_, _ = l.Buffer.Write(data[:max(room, 0)])
		return len(data), nil
	}
	return l.Buffer.Write(data)
}
