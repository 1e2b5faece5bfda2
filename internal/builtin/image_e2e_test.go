// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package builtin_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	"golang.org/x/crypto/ssh"

	"github.com/deckyard/deckyard/internal/builtin"
)

const (
	patience = 30 * time.Second
	// idleMemory is what an idle service may hold, in KiB.
	idleMemory = 12 << 10
	hostname   = "srv-data-07"
)

// services are the programs of the image, each with its ports.
func services() map[string][]int {
	return map[string][]int{
		"sshd": {22}, "telnetd": {23}, "httpd": {80}, "httpsd": {443}, "ftpd": {21}, "smtpd": {25, 587}, "redis-server": {6379},
	}
}

// hardened is how the operator runs every container of a decky.
func hardened() []string {
	return []string{
		"--cap-drop=ALL", "--security-opt=no-new-privileges:true", "--read-only", "--pids-limit=64", "--memory=64m", "--user=65532:65532",
	}
}

// decky is a base and all services in its network namespace.
type decky struct {
	t       *testing.T
	image   *builtin.Image
	name    string
	address string
}

func docker(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "docker", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
	return strings.TrimSpace(string(output))
}

// tidy runs a docker command when the test ends, whatever comes of it.
func tidy(t *testing.T, arguments ...string) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		_ = exec.CommandContext(ctx, "docker", arguments...).Run()
	})
}

// load puts the image on the engine. It stays only if it was there before.
func load(t *testing.T) *builtin.Image {
	t.Helper()
	image, err := builtin.Load()
	if err != nil {
		t.Fatal(err)
	}
	if exec.CommandContext(t.Context(), "docker", "image", "inspect", image.Reference).Run() != nil {
		tidy(t, "image", "rm", image.Reference)
	}
	command := exec.CommandContext(t.Context(), "docker", "load")
	command.Stdin = image.Archive()
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("docker load: %v: %s", err, output)
	}
	return image
}

// start brings up a decky with these services.
func start(t *testing.T, names ...string) *decky {
	t.Helper()
	d := &decky{t: t, image: load(t), name: "builtin-e2e-" + strings.ToLower(rand.Text()[:8])}
	docker(t, "network", "create", d.name)
	tidy(t, "network", "rm", d.name)
	base := []string{"--hostname=" + hostname, "--network=" + d.name, "--sysctl=net.ipv4.ip_unprivileged_port_start=0"}
	d.run("base", base, "/sbin/init")
	d.address = docker(t, "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", d.container("base"))
	for _, name := range names {
		d.run(name, []string{"--network=container:" + d.container("base")}, "/usr/sbin/"+name)
	}
	wait := gomega.NewWithT(t)
	for _, name := range names {
		for _, port := range services()[name] {
			wait.Eventually(func() error {
				conn, err := d.tryDial(port)
				if err != nil {
					return err
				}
				return conn.Close()
			}).WithTimeout(patience).WithPolling(20 * time.Millisecond).Should(gomega.Succeed())
		}
	}
	return d
}

func (d *decky) container(name string) string { return d.name + "-" + name }

func (d *decky) at(port int) string { return net.JoinHostPort(d.address, strconv.Itoa(port)) }

func (d *decky) run(name string, options []string, command string) {
	d.t.Helper()
	arguments := slices.Concat([]string{"run", "--detach", "--name=" + d.container(name)}, hardened(), options, []string{d.image.Reference, command})
	docker(d.t, arguments...)
	tidy(d.t, "rm", "--force", "--volumes", d.container(name))
}

// process returns the id of a container's first process on the host.
func (d *decky) process(name string) string {
	d.t.Helper()
	return docker(d.t, "inspect", "--format", "{{.State.Pid}}", d.container(name))
}

// resident returns the resident memory of a container's process in KiB.
func (d *decky) resident(name string) int {
	d.t.Helper()
	status, err := os.ReadFile("/proc/" + d.process(name) + "/status")
	if err != nil {
		d.t.Fatal(err)
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		d.t.Fatalf("no VmRSS in %s", status)
	}
	size, err := strconv.Atoi(string(found[1]))
	if err != nil {
		d.t.Fatal(err)
	}
	return size
}

// healthy fails the test unless the container has run without interruption.
func (d *decky) healthy(name string) {
	d.t.Helper()
	state := docker(d.t, "inspect", "--format", "{{.State.Running}} {{.State.OOMKilled}} {{.RestartCount}}", d.container(name))
	if state != "true false 0" {
		d.t.Errorf("%s: running, out of memory, restarts: %s\n%s", name, state, docker(d.t, "logs", "--tail=20", d.container(name)))
	}
}

// recorded waits until a service has left a line with all these parts.
func (d *decky) recorded(name string, parts ...string) {
	d.t.Helper()
	gomega.NewWithT(d.t).Eventually(func() bool {
		for line := range strings.Lines(docker(d.t, "logs", d.container(name))) {
			if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
				return true
			}
		}
		return false
	}).WithTimeout(patience).WithPolling(50*time.Millisecond).Should(gomega.BeTrue(), "%s left no line with %q", name, parts)
}

// tryDial connects to a port that may not answer.
func (d *decky) tryDial(port int) (net.Conn, error) {
	dialer := net.Dialer{Timeout: time.Second}
	return dialer.DialContext(d.t.Context(), "tcp", d.at(port))
}

// dial connects to a port with a deadline.
func (d *decky) dial(port int) net.Conn {
	d.t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(d.t.Context(), "tcp", d.at(port))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		d.t.Fatal(err)
	}
	return conn
}

func (d *decky) ssh() *ssh.Client {
	d.t.Helper()
	client, err := d.logIn()
	if err != nil {
		d.t.Fatal(err)
	}
	return client
}

func (d *decky) logIn() (*ssh.Client, error) {
	d.t.Helper()
	conn, channels, requests, err := ssh.NewClientConn(d.dial(22), hostname, &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.Password("root")},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	client := ssh.NewClient(conn, channels, requests)
	d.t.Cleanup(func() { _ = client.Close() })
	return client, nil
}

// answers checks that a service still does what it is there for.
func (d *decky) answers(name string) {
	d.t.Helper()
	greeting := func(port int, request, want string) {
		d.t.Helper()
		conn := d.dial(port)
		if _, err := io.WriteString(conn, request); err != nil {
			d.t.Fatal(err)
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
			d.t.Errorf("%s says %q, %v, want %q", name, got, err, want)
		}
	}
	switch name {
	case "sshd":
		greeting(22, "", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")
	case "telnetd":
		greeting(23, "", "\xff\xfd\x18\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03Debian GNU/Linux 12\r\n"+hostname+" login: ")
	case "httpd":
		greeting(80, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n")
	case "httpsd":
		greeting(443, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n")
	case "ftpd":
		greeting(21, "", "220 (vsFTPd 3.0.3)\r\n")
	case "smtpd":
		greeting(25, "", "220 "+hostname+" ESMTP Postfix (Debian/GNU)\r\n")
		greeting(587, "", "220 "+hostname+" ESMTP Postfix (Debian/GNU)\r\n")
	case "redis-server":
		greeting(6379, "PING\r\n", "+PONG\r\n")
	}
}

func allServices() []string {
	var names []string
	for name := range services() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestEngineKnowsTheImageByItsID(t *testing.T) {
	image := load(t)
	if id := docker(t, "image", "inspect", "--format", "{{.Id}}", image.Reference); id != image.ConfigDigest && id != image.ManifestDigest {
		t.Errorf("the engine's ID is %s, want %s or %s", id, image.ConfigDigest, image.ManifestDigest)
	}
}

func TestServicesServeTheirClientsInHardenedContainers(t *testing.T) {
	d := start(t, allServices()...)
	for _, name := range allServices() {
		d.answers(name)
	}
	t.Run("ssh", func(t *testing.T) {
		own := d.within(t)
		session, err := own.ssh().NewSession()
		if err != nil {
			t.Fatal(err)
		}
		output, err := session.Output("id -un; hostname")
		if err != nil || string(output) != "root\n"+hostname+"\n" {
			t.Errorf("got %q, %v", output, err)
		}
		own.recorded("sshd", `"event":"login"`, `"username":"root"`, `"password":"root"`, `"accepted":true`)
		own.recorded("sshd", `"event":"command"`, `"command":"id -un; hostname"`)
	})
	t.Run("http", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.at(80)+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Server") != "Apache/2.4.62 (Debian)" {
			t.Errorf("got %d from %q", answer.StatusCode, answer.Header.Get("Server"))
		}
		d.within(t).recorded("httpd", `"event":"request"`, `"method":"GET"`, `"path":"/"`)
	})
	t.Run("smtp", func(t *testing.T) {
		own := d.within(t)
		client, err := smtp.NewClient(own.dial(25), hostname)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(client.Mail("eve@example.com"), client.Rcpt("root@"+hostname), client.Quit()); err != nil {
			t.Error(err)
		}
		own.recorded("smtpd", `"event":"command"`, `"command":"RCPT TO:<root@`+hostname+`>"`)
	})
	for name, command := range clientPrograms(t, d) {
		// A machine has those of the clients that it has; what every machine can
		// do is tested above.
		if _, err := exec.LookPath(command.program); err != nil {
			t.Logf("no %s on this machine", command.program)
			continue
		}
		t.Run(name, func(t *testing.T) {
			command.check(t)
			d.within(t).recorded(command.service, command.recorded...)
		})
	}
	for _, name := range append(allServices(), "base") {
		d.healthy(name)
	}
}

// within reports to a subtest.
func (d *decky) within(t *testing.T) *decky {
	t.Helper()
	other := *d
	other.t = t
	return &other
}

// clientProgram is a client that people use, and what comes of it.
type clientProgram struct {
	program     string
	arguments   []string
	environment []string
	want        string
	service     string
	recorded    []string
}

func (c clientProgram) check(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, c.program, c.arguments...)
	command.Env = append(os.Environ(), c.environment...)
	var output, problems bytes.Buffer
	command.Stdout, command.Stderr = &output, &problems
	if err := command.Run(); err != nil || !strings.Contains(output.String(), c.want) {
		t.Errorf("%s %v: %v, got %q, want %q: %s", c.program, c.arguments, err, output.String(), c.want, problems.String())
	}
}

func clientPrograms(t *testing.T, d *decky) map[string]clientProgram {
	t.Helper()
	folder := t.TempDir()
	file := filepath.Join(folder, "bot.sh")
	askpass := filepath.Join(folder, "askpass")
	for name, content := range map[string]string{file: "echo hi\n", askpass: "#!/bin/sh\necho admin\n"} {
		if err := os.WriteFile(name, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	ask := []string{"SSH_ASKPASS=" + askpass, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0"}
	trust := []string{"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"}
	return map[string]clientProgram{
		"OpenSSH": {
			"ssh", append(slices.Clone(trust), "admin@"+d.address, "uname -n && ls /"), ask, hostname + "\nbin\nboot\ndev\netc\n", "sshd",
			[]string{`"event":"command"`, `"username":"admin"`, `"command":"uname -n && ls /"`},
		},
		"OpenSSH scp": {
			"scp", append(slices.Clone(trust), file, "admin@"+d.address+":/tmp/"), ask, "", "sshd",
			[]string{`"event":"upload"`, `"path":"/tmp/bot.sh"`, `"size":8`, `"content":"echo hi\n"`},
		},
		"OpenSSH scp, old protocol": {
			"scp", append([]string{"-O"}, append(slices.Clone(trust), file, "admin@"+d.address+":/tmp/old.sh")...), ask, "", "sshd",
			[]string{`"event":"upload"`, `"path":"/tmp/old.sh"`, `"size":8`},
		},
		"curl": {
			"curl",
			[]string{"-sS", "http://" + d.address + "/"},
			nil, "Apache2 Debian Default Page", "httpd",
			[]string{`"event":"request"`, `"userAgent":"curl/`},
		},
		"curl, TLS": {
			"curl",
			[]string{"-sSkI", "https://" + d.address + "/secret"},
			nil, "404", "httpsd",
			[]string{`"event":"request"`, `"method":"HEAD"`, `"path":"/secret"`},
		},
		"curl, FTP listing": {
			"curl",
			[]string{"-sS", "ftp://" + d.address + "/pub/"},
			nil, "README", "ftpd",
			[]string{`"event":"login"`, `"username":"anonymous"`},
		},
		"curl, FTP upload": {
			"curl",
			[]string{"-sS", "-T", file, "ftp://bob:pw@" + d.address + "/upload/"},
			nil, "", "ftpd",
			[]string{`"event":"upload"`, `"path":"/upload/bot.sh"`, `"size":8`},
		},
		"curl, mail": {
			"curl",
			[]string{"-sS", "smtp://" + d.address + "/x", "--mail-from", "a@example.com", "--mail-rcpt", "root@" + hostname, "-T", file},
			nil, "", "smtpd",
			[]string{`"event":"mail"`, `"sender":"a@example.com"`, `"recipients":"root@` + hostname + `"`},
		},
		"redis-cli": {
			"redis-cli",
			[]string{"-h", d.address, "CONFIG", "GET", "dir"},
			nil, "/var/lib/redis", "redis-server",
			[]string{`"event":"command"`, `"command":"CONFIG"`, `"arguments":"GET dir"`},
		},
	}
}

func TestIdleServicesAreSmall(t *testing.T) {
	d := start(t, allServices()...)
	wait := gomega.NewWithT(t)
	for _, name := range append(allServices(), "base") {
		wait.Eventually(func() int { return d.resident(name) }).WithTimeout(patience).WithPolling(time.Second).
			Should(gomega.BeNumerically("<", idleMemory), "resident KiB of %s", name)
		t.Logf("%s: %d KiB resident", name, d.resident(name))
	}
}

// Scenario 69, as far as the containers go.
func TestContainersDoNotSayWhatTheyAre(t *testing.T) {
	d := start(t, allServices()...)
	telling := regexp.MustCompile(`(?i)deck|decoy|honey`)
	for _, name := range append(allServices(), "base") {
		process := d.process(name)
		for _, file := range []string{"comm", "cmdline", "environ"} {
			content, err := os.ReadFile(filepath.Join("/proc", process, file))
			if err != nil {
				t.Fatal(err)
			}
			if found := telling.Find(content); found != nil {
				t.Errorf("%s of %s says %q", file, name, found)
			}
		}
	}
	// The program cannot be read by the user it runs as.
	command := exec.CommandContext(t.Context(), "docker", "cp", d.container("base")+":/sbin/init", "-")
	archive, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	headers, _ := entries(t, bytes.NewReader(archive))
	if mode := headers["init"].Mode & 0o777; mode != 0o711 {
		t.Errorf("/sbin/init has mode %o", mode)
	}
}

// Scenario 42.
func TestBaseSurvivesSignalsAndCrashingHelpers(t *testing.T) {
	d := start(t)
	for signal := 1; signal < 32; signal++ {
		switch signal {
		case 2, 9, 15, 19, 20, 21, 22:
			// INT and TERM end it, KILL cannot be caught, and the rest stops it.
			continue
		}
		docker(t, "kill", "--signal="+strconv.Itoa(signal), d.container("base"))
	}
	for range 3 {
		output, err := exec.CommandContext(t.Context(), "docker", "exec", "--env=APP=nonsense", d.container("base"), "/usr/sbin/httpd").CombinedOutput()
		if err == nil || !strings.Contains(string(output), "httpd: configure: APP must be one of none, wordpress") {
			t.Errorf("a bad setting gives %q, %v", output, err)
		}
	}
	d.healthy("base")
	began := time.Now()
	docker(t, "stop", "--time=20", d.container("base"))
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the base took %s to end", took)
	}
	if code := docker(t, "inspect", "--format", "{{.State.ExitCode}}", d.container("base")); code != "0" {
		t.Errorf("the base ended with %s", code)
	}
}

func TestServicesEndQuicklyAndCleanly(t *testing.T) {
	d := start(t, allServices()...)
	for _, name := range allServices() {
		conn := d.dial(services()[name][0])
		began := time.Now()
		docker(t, "stop", "--time=20", d.container(name))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %s to end", name, took)
		}
		if code := docker(t, "inspect", "--format", "{{.State.ExitCode}}", d.container(name)); code != "0" {
			t.Errorf("%s ended with %s", name, code)
		}
		_ = conn.Close()
	}
}

func TestServicesSurviveFloodsAndGarbage(t *testing.T) {
	d := start(t, allServices()...)
	garbage := make([]byte, 256<<10)
	if _, err := rand.Read(garbage); err != nil {
		t.Fatal(err)
	}
	for _, name := range allServices() {
		port := services()[name][0]
		for _, content := range [][]byte{garbage, bytes.Repeat([]byte("A"), 1<<20), bytes.Repeat([]byte("\r\n"), 1<<16), bytes.Repeat([]byte{0xff}, 1<<16)} {
			conn := d.dial(port)
			_, _ = conn.Write(content)
			_ = conn.Close()
		}
		var open []net.Conn
		for range 300 {
			conn, err := d.tryDial(port)
			if err != nil {
				continue
			}
			open = append(open, conn)
		}
		for _, conn := range open {
			_ = conn.Close()
		}
		gomega.NewWithT(t).Eventually(func() error {
			conn, err := d.tryDial(port)
			if err != nil {
				return err
			}
			defer func() { _ = conn.Close() }()
			if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
				return err
			}
			if _, err := io.WriteString(conn, "GET / HTTP/1.0\r\n\r\n"); err != nil {
				return err
			}
			_, err = conn.Read(make([]byte, 1))
			return err
		}).WithTimeout(patience).WithPolling(100 * time.Millisecond).Should(gomega.Succeed())
		d.answers(name)
		d.healthy(name)
		t.Logf("%s: %d KiB resident after the flood", name, d.resident(name))
	}
	d.healthy("base")
	d.wellFormed()
}

// wellFormed checks that all evidence is JSON, one object a line.
func (d *decky) wellFormed() {
	d.t.Helper()
	for _, name := range allServices() {
		output, err := exec.CommandContext(d.t.Context(), "docker", "logs", d.container(name)).Output()
		if err != nil {
			d.t.Fatal(err)
		}
		scanner := bufio.NewScanner(bytes.NewReader(output))
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			if !json.Valid(scanner.Bytes()) {
				d.t.Errorf("%s wrote %q", name, scanner.Text())
			}
		}
		if err := scanner.Err(); err != nil {
			d.t.Fatal(err)
		}
	}
}

// A library buffers what is sent to a channel that nobody reads; the guard on
// memory must come before the container's limit.
func TestSSHSurvivesChannelsFilledByManyClients(t *testing.T) {
	d := start(t, "sshd")
	piece := make([]byte, 32<<10)
	for range 20 {
		client, err := d.logIn()
		if err != nil {
			// Turned away, as it should be at some point.
			break
		}
		for range 2 {
			session, err := client.NewSession()
			if err != nil {
				break
			}
			input, err := session.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if session.Start("sleep 25") != nil {
				break
			}
			for range 64 {
				if err := writeWithin(input, piece); err != nil {
					break
				}
			}
		}
	}
	d.healthy("sshd")
	t.Logf("sshd: %d KiB resident with channels full", d.resident("sshd"))
}

var errFull = errors.New("the window is full")

// writeWithin gives up on a write that the other side does not take.
func writeWithin(to io.Writer, data []byte) error {
	done := make(chan error, 1)
	go func() {
		_, err := to.Write(data)
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		return nil
	case <-time.After(200 * time.Millisecond):
		return errFull
	}
}
