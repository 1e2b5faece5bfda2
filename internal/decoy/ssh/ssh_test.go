// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ssh_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
)

func clientConfig(user string, passwords ...string) *ssh.ClientConfig {
	next := 0
	ask := func() (string, error) {
		if next == len(passwords) {
			return "", errors.New("no more passwords")
		}
		next++
		return passwords[next-1], nil
	}
	return &ssh.ClientConfig{
		User:            user,
		Auth:            []ssh.AuthMethod{ssh.RetryableAuthMethod(ssh.PasswordCallback(ask), len(passwords))},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		Timeout:         20 * time.Second,
	}
}

func connect(t *testing.T, service *decoytest.Service, config *ssh.ClientConfig) (*ssh.Client, error) {
	t.Helper()
	conn, channels, requests, err := ssh.NewClientConn(service.Dial(t), "srv-01", config)
	if err != nil {
		return nil, err
	}
	client := ssh.NewClient(conn, channels, requests)
	t.Cleanup(func() { _ = client.Close() })
	return client, nil
}

func logIn(t *testing.T, service *decoytest.Service) *ssh.Client {
	t.Helper()
	client, err := connect(t, service, clientConfig("root", "root"))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func newSession(t *testing.T, client *ssh.Client) *ssh.Session {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func TestGreetingIsTheBanner(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "sshd", map[string]string{"BANNER": "OpenSSH_8.9p1 Ubuntu-3ubuntu0.10"})
	want := "SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.10\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(service.Dial(t), got); err != nil || string(got) != want {
		t.Errorf("got %q, %v", got, err)
	}
}

// A client that comes back knows the machine again.
func TestHostKeysAreThoseOfTheSeed(t *testing.T) {
	t.Parallel()
	hostKeys := func(seed string) map[string]string {
		service := decoytest.Start(t, "sshd", map[string]string{"SEED": seed})
		keys := map[string]string{}
		for _, algorithm := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256} {
			config := clientConfig("root", "root")
			config.HostKeyAlgorithms = []string{algorithm}
			config.HostKeyCallback = func(_ string, _ net.Addr, key ssh.PublicKey) error {
				keys[algorithm] = ssh.FingerprintSHA256(key)
				return nil
			}
			if _, err := connect(t, service, config); err != nil {
				t.Fatal(err)
			}
		}
		return keys
	}
	one, other := strings.Repeat("1f", 32), strings.Repeat("2e", 32)
	before, after := hostKeys(one), hostKeys(one)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("after a restart (-before +after):\n%s", diff)
	}
	for algorithm, key := range hostKeys(other) {
		if before[algorithm] == key {
			t.Errorf("two machines have the %s key %s", algorithm, key)
		}
	}
}

func TestLoginFollowsUsersAndAcceptAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config    map[string]string
		user      string
		passwords []string
		want      bool
	}{
		"a default user":                 {nil, "admin", []string{"admin"}, true},
		"a wrong password":               {nil, "root", []string{"toor"}, false},
		"a configured user":              {map[string]string{"USERS": "eve:pw"}, "eve", []string{"pw"}, true},
		"a default user who is replaced": {map[string]string{"USERS": "eve:pw"}, "root", []string{"root"}, false},
		"any password after failures":    {map[string]string{"ACCEPT_AFTER": "1"}, "oracle", []string{"a", "b"}, true},
		"not before":                     {map[string]string{"ACCEPT_AFTER": "2"}, "oracle", []string{"a", "b"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := decoytest.Start(t, "sshd", test.config)
			_, err := connect(t, service, clientConfig(test.user, test.passwords...))
			if (err == nil) != test.want {
				t.Errorf("logged in is %v: %v", err == nil, err)
			}
			last := test.passwords[len(test.passwords)-1]
			service.Find(t, "login", decoytest.Record{"username": test.user, "password": last, "accepted": test.want})
		})
	}
}

func TestExecRunsACommand(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "sshd", nil)
	client := logIn(t, service)
	output, err := newSession(t, client).CombinedOutput("id -un; hostname; exit 7")
	var status *ssh.ExitError
	if string(output) != "root\nsrv-01\n" || !errors.As(err, &status) || status.ExitStatus() != 7 {
		t.Errorf("got %q, %v", output, err)
	}
	service.Find(t, "command", decoytest.Record{"username": "root", "command": "id -un; hostname; exit 7"})
}

func TestShellWithATerminal(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "sshd", nil)
	session := newSession(t, logIn(t, service))
	var screen bytes.Buffer
	session.Stdout = &screen
	session.Stdin = strings.NewReader("echo mark\x7fk\rfoo\x03ls -d /etc /tmp\rexit\r")
	if err := session.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	_ = session.Wait()
	for _, want := range []string{"Linux srv-01 ", "\r\nroot@srv-01:~# ", "mark\r\n", "^C", "/etc  /tmp\r\n"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("no %q on the screen %q", want, screen.String())
		}
	}
	service.Find(t, "command", decoytest.Record{"command": "echo mark", "keys": "echo mark\x7fk\r"})
}

func TestShellWithoutATerminalRunsAScript(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "sshd", nil)
	session := newSession(t, logIn(t, service))
	var output bytes.Buffer
	session.Stdout = &output
	session.Stdin = strings.NewReader("whoami\ncat > /tmp/x\n")
	if err := session.Shell(); err != nil {
		t.Fatal(err)
	}
	if err := session.Wait(); err != nil || output.String() != "root\n" {
		t.Errorf("got %q, %v", output.String(), err)
	}
}

func TestScpUploadIsKept(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "sshd", nil)
	session := newSession(t, logIn(t, service))
	session.Stdin = strings.NewReader("C0755 6 bot.sh\necho x\x00")
	if err := session.Run("scp -t /tmp"); err != nil {
		t.Fatal(err)
	}
	service.Find(t, "upload", decoytest.Record{
		"path": "/tmp/bot.sh", "size": 6, "content": "echo x", "stored": true,
		"sha256": "e00572c93ae9f44ac0e4274487289c630b985802c5b55039826290a17ca23d1c",
	})
}

func TestForwardingIsRecordedAndRefused(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "sshd", nil)
	client := logIn(t, service)
	if conn, err := client.DialContext(t.Context(), "tcp", "198.51.100.7:80"); err == nil {
		_ = conn.Close()
		t.Error("a connection was forwarded")
	}
	service.Find(t, "forward", decoytest.Record{"channel": "direct-tcpip", "targetHost": "198.51.100.7", "targetPort": 80})
	if listener, err := client.Listen("tcp", "0.0.0.0:8080"); err == nil {
		_ = listener.Close()
		t.Error("a port was forwarded")
	}
}

func TestChannelsAreFew(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "sshd", nil)
	client := logIn(t, service)
	opened := 0
	for range 20 {
		if _, err := client.NewSession(); err == nil {
			opened++
		}
	}
	if opened > 4 {
		t.Errorf("%d channels are open", opened)
	}
}

func TestGarbageLeavesTheServiceStanding(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "sshd", nil)
	for _, garbage := range []string{
		"GET / HTTP/1.0\r\n\r\n", strings.Repeat("\x00\xff", 50_000), "SSH-2.0-x\r\n" + strings.Repeat("\xff", 50_000), "SSH-1.5-old\r\n",
		"SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x14aaaaaaaaaa",
	} {
		conn := service.Dial(t)
		_, _ = io.WriteString(conn, garbage)
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
		_, _ = io.Copy(io.Discard, conn)
	}
	if output, err := newSession(t, logIn(t, service)).Output("whoami"); err != nil || string(output) != "root\n" {
		t.Errorf("got %q, %v", output, err)
	}
}

// subsystem is a raw sftp conversation.
type subsystem struct {
	t      *testing.T
	to     io.Writer
	from   io.Reader
	nextID uint32
}

func openSFTP(t *testing.T, client *ssh.Client) *subsystem {
	t.Helper()
	session := newSession(t, client)
	to, err := session.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	from, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		t.Fatal(err)
	}
	return &subsystem{t: t, to: to, from: from}
}

// ask sends a request and returns the type and body of the answer.
func (s *subsystem) ask(kind byte, fields ...any) (byte, []byte) {
	s.t.Helper()
	s.nextID++
	body := binary.BigEndian.AppendUint32([]byte{kind}, s.nextID)
	for _, field := range fields {
		switch value := field.(type) {
		case string:
			body = append(binary.BigEndian.AppendUint32(body, uint32(len(value))), value...)
		case uint32:
			body = binary.BigEndian.AppendUint32(body, value)
		case uint64:
			body = binary.BigEndian.AppendUint64(body, value)
		}
	}
	if _, err := s.to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
		s.t.Fatal(err)
	}
	var head [4]byte
	if _, err := io.ReadFull(s.from, head[:]); err != nil {
		s.t.Fatal(err)
	}
	answer := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(s.from, answer); err != nil {
		s.t.Fatal(err)
	}
	return answer[0], answer[5:]
}

// status returns the code of a status answer.
func (s *subsystem) status(kind byte, fields ...any) uint32 {
	s.t.Helper()
	answer, body := s.ask(kind, fields...)
	if answer != 101 {
		s.t.Fatalf("answer %d to request %d is no status", answer, kind)
	}
	return binary.BigEndian.Uint32(body)
}

func TestSFTPKeepsUploadsAndShowsFiles(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "sshd", nil)
	s := openSFTP(t, logIn(t, service))
	const empty = uint32(0)
	if kind, _ := s.ask(1); kind != 2 {
		t.Fatalf("answer %d to init", kind)
	}
	kind, body := s.ask(3, "/tmp/bot", uint32(0x1a), empty)
	if kind != 102 {
		t.Fatalf("answer %d to open: %q", kind, body)
	}
	handle := string(body[4:])
	for _, code := range []uint32{s.status(6, handle, uint64(0), "hello "), s.status(6, handle, uint64(6), "world"), s.status(4, handle)} {
		if code != 0 {
			t.Errorf("status %d", code)
		}
	}
	service.Find(t, "upload", decoytest.Record{"path": "/tmp/bot", "size": 11, "content": "hello world", "stored": true})

	_, body = s.ask(3, "/tmp/bot", uint32(1), empty)
	handle = string(body[4:])
	if kind, body = s.ask(5, handle, uint64(6), uint32(100)); kind != 103 || string(body[4:]) != "world" {
		t.Errorf("read gives %d %q", kind, body)
	}
	if code := s.status(5, handle, uint64(1<<63), uint32(100)); code != 1 {
		t.Errorf("reading behind the end gives status %d", code)
	}
	_, body = s.ask(11, "/etc")
	if kind, body = s.ask(12, string(body[4:])); kind != 104 || !strings.Contains(string(body), "passwd") {
		t.Errorf("listing gives %d %q", kind, body)
	}
	if _, body = s.ask(16, "."); !strings.Contains(string(body), "/root") {
		t.Errorf("realpath gives %q", body)
	}
	for request, want := range map[string]uint32{"/nope": 2, "/tmp/bot": 0} {
		if code := s.status(13, request); code != want {
			t.Errorf("remove %s gives status %d", request, code)
		}
	}
}

func TestSFTPBoundsHandlesAndPackets(t *testing.T) {
	t.Parallel()
	service := decoytest.Start(t, "sshd", nil)
	s := openSFTP(t, logIn(t, service))
	refused := false
	for range 10 {
		if kind, _ := s.ask(11, "/etc"); kind == 101 {
			refused = true
		}
	}
	if !refused {
		t.Error("any number of handles can be open")
	}
	for _, request := range [][]any{{uint32(1 << 31)}, {}, {"x"}} {
		for kind := byte(3); kind < 25; kind++ {
			s.ask(kind, request...)
		}
	}
	if _, err := s.to.Write([]byte{0xff, 0xff, 0xff, 0xff}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, s.from); err != nil {
		t.Errorf("an endless packet gives %v", err)
	}
}

func TestBadSettingsAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ name, value string }{
		"banner with a line break": {"BANNER", "x\r\ny"},
		"user without password":    {"USERS", "root"},
		"negative count":           {"ACCEPT_AFTER", "-1"},
		"seed that is too short":   {"SEED", "1f"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := decoytest.Refused(t, "sshd", map[string]string{test.name: test.value})
			if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("configure: %s must be ", test.name)) {
				t.Errorf("error is %v", err)
			}
		})
	}
}
