// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

func systemCommands() map[string]command {
	silent := func(*call) int { return 0 }
	fails := func(*call) int { return 1 }
	table := map[string]command{
		"true": silent, "false": fails, "clear": clearScreen, "reset": clearScreen, "sync": silent, "mount": mount, "umount": silent, "killall": kill, "pkill": kill,
		"kill": kill, "test": test, "[": test, "sleep": sleep, "env": environment, "printenv": environment,
		"whoami": whoAmI, "id": identity, "groups": groups, "uname": kernelName, "arch": arch, "hostname": hostname,
		"date": date, "uptime": uptime, "w": who, "who": who, "last": last, "ps": processes, "top": processes, "pstree": processes,
		"free": memoryUse, "df": diskFree, "lscpu": lscpu, "nproc": nproc, "lsmod": silent, "dmesg": silent, "lspci": silent,
		"sudo": sudo, "su": runSu, "passwd": passwd, "chpasswd": passwd, "useradd": useradd, "adduser": useradd, "usermod": useradd,
		"crontab": crontab, "service": service, "systemctl": service, "apt": apt, "apt-get": apt, "dpkg": apt,
		"which": which, "whereis": which, "nohup": runArguments, "nice": runArguments, "time": runArguments, "timeout": runTimeout,
		"setsid": runArguments, "busybox": busybox, "chattr": silent, "history": showHistory, "tty": tty, "stty": silent,
		"python3": interpreter, "python": interpreter, "perl": interpreter, "gcc": compiler, "cc": compiler, "reboot": reboot, "shutdown": reboot, "halt": reboot, "poweroff": reboot,
		"iptables": silent, "ufw": silent, "locale": silent, "getconf": nproc, "lsb_release": release, "hostnamectl": release,
	}
	for _, name := range []string{"sh", "bash", "ash", "dash", "zsh"} {
		table[name] = shellProgram
	}
	return table
}

func clearScreen(c *call) int {
	c.printf("\x1b[H\x1b[2J\x1b[3J")
	return 0
}

func whoAmI(c *call) int {
	c.printf("%s\n", c.user.name)
	return 0
}

func identity(c *call) int {
	options, operands := c.flags()
	name, id := c.user.name, c.user.id
	if len(operands) > 0 {
		found := c.machine.account(operands[0])
		if found.name == "" && operands[0] != c.user.name {
			return c.complain("'%s': no such user", operands[0])
		}
		if found.name != "" {
			name, id = found.name, found.id
		}
	}
	switch {
	case strings.Contains(options, "u") && strings.Contains(options, "n"):
		c.printf("%s\n", name)
	case strings.ContainsAny(options, "ug"):
		c.printf("%d\n", id)
	default:
		c.printf("uid=%d(%s) gid=%d(%s) groups=%d(%s)\n", id, name, id, name, id, name)
	}
	return 0
}

func groups(c *call) int {
	c.printf("%s\n", c.user.name)
	return 0
}

func kernelName(c *call) int {
	options, _ := c.flags()
	parts := []struct{ letter, text string }{
		{"s", "Linux"}, {"n", c.machine.hostname}, {"r", kernelRelease}, {"v", kernelVersion}, {"m", "x86_64"}, {"o", "GNU/Linux"},
	}
	if options == "" {
		options = "s"
	}
	var shown []string
	for _, part := range parts {
		if strings.Contains(options, part.letter) || strings.Contains(options, "a") {
			shown = append(shown, part.text)
		}
	}
	c.printf("%s\n", strings.Join(shown, " "))
	return 0
}

func arch(c *call) int {
	c.printf("x86_64\n")
	return 0
}

func tty(c *call) int {
	c.printf("/dev/pts/0\n")
	return 0
}

func hostname(c *call) int {
	options, operands := c.flags()
	switch {
	case strings.ContainsAny(options, "Ii"):
		c.printf("%s\n", c.machine.address)
	case len(operands) > 0 && c.user.id != 0:
		return c.complain("you must be root to change the host name")
	case len(operands) == 0:
		c.printf("%s\n", c.machine.hostname)
	}
	return 0
}

func date(c *call) int {
	if len(c.args) > 1 && c.args[1] == "+%s" {
		c.printf("%d\n", time.Now().Unix())
		return 0
	}
	c.printf("%s\n", time.Now().UTC().Format("Mon Jan _2 15:04:05 MST 2006"))
	return 0
}

func (c *call) upFor() string {
	up := time.Since(c.machine.booted)
	return fmt.Sprintf("%d days, %2d:%02d", int(up.Hours())/24, int(up.Hours())%24, int(up.Minutes())%60)
}

func uptime(c *call) int {
	c.printf(" %s up %s,  1 user,  load average: 0.08, 0.03, 0.01\n", time.Now().UTC().Format("15:04:05"), c.upFor())
	return 0
}

func (c *call) from() string {
	host, _, err := net.SplitHostPort(c.source)
	if err != nil {
		return c.source
	}
	return host
}

func who(c *call) int {
	if c.args[0] == "who" {
		c.printf("%-8s pts/0        %s (%s)\n", c.user.name, c.loggedIn.UTC().Format("2006-01-02 15:04"), c.from())
		return 0
	}
	uptime(c)
	c.printf("USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT\n%-8s pts/0    %-16s %s    1.00s  0.01s  0.00s w\n",
		c.user.name, c.from(), c.loggedIn.UTC().Format("15:04"))
	return 0
}

func last(c *call) int {
	c.printf("%-8s pts/0        %-16s %s   still logged in\nreboot   system boot  %-16s %s   still running\n\nwtmp begins %s\n",
		c.user.name, c.from(), c.loggedIn.UTC().Format("Mon Jan _2 15:04"), kernelRelease,
		c.machine.booted.UTC().Format("Mon Jan _2 15:04"), c.machine.booted.UTC().Format("Mon Jan _2 15:04:05 2006"))
	return 0
}

func processes(c *call) int {
	options, _ := c.flags()
	all := strings.Contains(strings.Join(c.args[1:], ""), "a") || strings.ContainsAny(options, "eA") || c.args[0] != "ps"
	if !all {
		c.printf("    PID TTY          TIME CMD\n   4127 pts/0    00:00:00 bash\n   4203 pts/0    00:00:00 ps\n")
		return 0
	}
	boot := c.machine.booted.UTC().Format("Jan02")
	c.printf("USER         PID %%CPU %%MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n")
	for _, p := range []struct {
		user string
		pid  int
		what string
	}{
		{"root", 1, "/sbin/init"},
		{"root", 2, "[kthreadd]"},
		{"root", 3, "[rcu_gp]"},
		{"root", 11, "[ksoftirqd/0]"},
		{"root", 198, "[jbd2/sda1-8]"},
		{"root", 241, "/lib/systemd/systemd-journald"},
		{"root", 262, "/lib/systemd/systemd-udevd"},
		{"root", 396, "/usr/sbin/cron -f"},
		{"message+", 397, "/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only"},
		{"root", 412, "/lib/systemd/systemd-logind"},
		{"root", 455, "/sbin/agetty -o -p -- \\u --noclear - linux"},
		{"root", 498, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"},
		{"root", 4121, "sshd: " + c.user.name + "@pts/0"},
	} {
		c.printf("%-8s %7d  0.0  0.2 %6d %5d ?        Ss   %s   0:0%d %s\n", p.user, p.pid, 10_000+p.pid*13, 3_000+p.pid*5, boot, p.pid%9, p.what)
	}
	c.printf("%-8s    4127  0.0  0.1   7968  4716 pts/0    Ss   %s   0:00 -bash\n", c.user.name, c.loggedIn.UTC().Format("15:04"))
	return 0
}

func kill(c *call) int {
	if len(c.args) < 2 {
		return c.complain("usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]")
	}
	return 0
}

func memoryUse(c *call) int {
	options, _ := c.flags()
	total, used, free, shared, cache, available, swap := 4018380, 1018396, 612044, 1120, 2387940, 2890112, 999420
	if strings.ContainsAny(options, "mh") {
		for _, value := range []*int{&total, &used, &free, &shared, &cache, &available, &swap} {
			*value /= 1024
		}
	}
	c.printf("               total        used        free      shared  buff/cache   available\n")
	c.printf("Mem:     %11d %11d %11d %11d %11d %11d\nSwap:    %11d %11d %11d\n", total, used, free, shared, cache, available, swap, 0, swap)
	return 0
}

func diskFree(c *call) int {
	options, _ := c.flags()
	if strings.Contains(options, "h") {
		c.printf("Filesystem      Size  Used Avail Use%% Mounted on\nudev            1.9G     0  1.9G   0%% /dev\ntmpfs           393M  592K  392M   1%% /run\n/dev/sda1        39G  3.1G   34G   9%% /\ntmpfs           2.0G     0  2.0G   0%% /dev/shm\n")
		return 0
	}
	c.printf("Filesystem     1K-blocks    Used Available Use%% Mounted on\nudev             1987076       0   1987076   0%% /dev\ntmpfs             401840     592    401248   1%% /run\n/dev/sda1       40453376 3190912  35175908   9%% /\ntmpfs            2009188       0   2009188   0%% /dev/shm\n")
	return 0
}

func mount(c *call) int {
	for line := range strings.Lines(mountTable) {
		fields := strings.Fields(line)
		c.printf("%s on %s type %s (%s)\n", fields[0], fields[1], fields[2], fields[3])
	}
	return 0
}

func lscpu(c *call) int {
	c.printf(`Architecture:            x86_64
  CPU op-mode(s):        32-bit, 64-bit
  Address sizes:         45 bits physical, 48 bits virtual
  Byte Order:            Little Endian
CPU(s):                  2
  On-line CPU(s) list:   0,1
Vendor ID:               GenuineIntel
  Model name:            Intel(R) Xeon(R) Gold 6138 CPU @ 2.00GHz
    CPU family:          6
    Model:               85
    Thread(s) per core:  1
    Core(s) per socket:  2
    Socket(s):           1
    Stepping:            4
    BogoMIPS:            3990.62
Virtualization features:
  Hypervisor vendor:     VMware
  Virtualization type:   full
`)
	return 0
}

func nproc(c *call) int {
	c.printf("%d\n", cpuCount)
	return 0
}

func release(c *call) int {
	if c.args[0] == "hostnamectl" {
		c.printf(" Static hostname: %s\n       Icon name: computer-vm\n         Chassis: vm\nOperating System: %s\n          Kernel: Linux %s\n    Architecture: x86-64\n", c.machine.hostname, prettyName, kernelRelease)
		return 0
	}
	c.printf("Distributor ID:\tDebian\nDescription:\t%s\nRelease:\t12\nCodename:\tbookworm\n", prettyName)
	return 0
}

func test(c *call) int {
	args := c.args[1:]
	if c.args[0] == "[" && len(args) > 0 && args[len(args)-1] == "]" {
		args = args[:len(args)-1]
	}
	if len(args) > 0 && args[0] == "!" {
		return 1 - c.condition(args[1:])
	}
	return c.condition(args)
}

func (c *call) condition(args []string) int {
	holds := false
	switch len(args) {
	case 1:
		holds = args[0] != ""
	case 2:
		holds = c.unary(args[0], args[1])
	case 3:
		holds = binary(args[0], args[1], args[2])
	}
	if holds {
		return 0
	}
	return 1
}

func (c *call) unary(operator, operand string) bool {
	switch operator {
	case "-z":
		return operand == ""
	case "-n":
		return operand != ""
	}
	found, err := c.tree.lookup(c.tree.resolve(c.dir, operand, followAll))
	if err != nil {
		return false
	}
	switch operator {
	case "-d":
		return found.isDir()
	case "-f":
		return found.mode.IsRegular()
	case "-x":
		return found.mode&0o111 != 0
	case "-s":
		return found.length() > 0
	}
	return true
}

func binary(left, operator, right string) bool {
	switch operator {
	case "=", "==":
		return left == right
	case "!=":
		return left != right
	}
	a, errA := strconv.Atoi(left)
	b, errB := strconv.Atoi(right)
	if errA != nil || errB != nil {
		return false
	}
	switch operator {
	case "-eq":
		return a == b
	case "-ne":
		return a != b
	case "-gt":
		return a > b
	case "-ge":
		return a >= b
	case "-lt":
		return a < b
	case "-le":
		return a <= b
	}
	return false
}

// secret reads a password from the terminal, if there is one.
func (c *call) secret(prompt string) (string, bool) {
	terminal, interactive := c.in.(*Terminal)
	if !interactive {
		return "", false
	}
	password, err := terminal.ReadPassword(prompt)
	return password, err == nil
}

func sudo(c *call) int {
	rest := c.args[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		if rest[0] == "-u" && len(rest) > 1 {
			rest = rest[1:]
		}
		rest = rest[1:]
	}
	if c.user.id != 0 {
		if password, asked := c.secret("[sudo] password for " + c.user.name + ": "); asked {
			c.record.Record("login", evidence.Text("username", c.user.name), evidence.Text("password", password), evidence.Text("method", "sudo"))
		}
		fmt.Fprintf(c.err, "%s is not in the sudoers file.\n", c.user.name)
		return 1
	}
	return c.runArgs(rest)
}

func runSu(c *call) int {
	_, operands := c.flags()
	name := "root"
	if len(operands) > 0 {
		name = operands[0]
	}
	if c.user.id == 0 {
		return 0
	}
	if password, asked := c.secret("Password: "); asked {
		c.record.Record("login", evidence.Text("username", name), evidence.Text("password", password), evidence.Text("method", "su"))
	}
	return c.complain("Authentication failure")
}

func passwd(c *call) int {
	if password, asked := c.secret("New password: "); asked {
		again, _ := c.secret("Retype new password: ")
		c.record.Record("password", evidence.Text("username", c.user.name), evidence.Text("password", password))
		if again != password {
			fmt.Fprint(c.err, "Sorry, passwords do not match.\npasswd: Authentication token manipulation error\n")
			return 10
		}
	} else if _, interactive := c.in.(*Terminal); !interactive {
		given, err := io.ReadAll(io.LimitReader(c.in, 1024))
		if err == nil {
			c.record.Record("password", evidence.Text("username", c.user.name), evidence.Text("password", string(given)))
		}
	}
	fmt.Fprint(c.err, "passwd: password updated successfully\n")
	return 0
}

func useradd(c *call) int {
	if c.user.id != 0 {
		return c.complain("Permission denied.")
	}
	return 0
}

func crontab(c *call) int {
	options, operands := c.flags()
	if strings.Contains(options, "l") {
		fmt.Fprintf(c.err, "no crontab for %s\n", c.user.name)
		return 1
	}
	if strings.Contains(options, "r") || strings.Contains(options, "e") {
		return 0
	}
	content, status := c.input(operands)
	c.record.Record("crontab", evidence.Text("content", content))
	return status
}

func service(c *call) int {
	if c.user.id != 0 {
		fmt.Fprint(c.err, "Failed to connect to bus: Permission denied\n")
		return 1
	}
	if len(c.args) > 2 && (c.args[1] == "status" || c.args[2] == "status") {
		fmt.Fprintf(c.err, "Unit %s.service could not be found.\n", strings.TrimSuffix(c.args[len(c.args)-1], ".service"))
		return 4
	}
	return 0
}

func apt(c *call) int {
	if c.user.id != 0 {
		fmt.Fprint(c.err, "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?\n")
		return 100
	}
	c.printf("Reading package lists... Done\nBuilding dependency tree... Done\nReading state information... Done\n")
	if _, operands := c.flags(); len(operands) > 1 && operands[0] == "install" {
		fmt.Fprintf(c.err, "E: Unable to locate package %s\n", operands[1])
		return 100
	}
	return 0
}

func runTimeout(c *call) int {
	if len(c.args) < 3 {
		return c.complain("missing operand")
	}
	return c.runArgs(c.args[2:])
}

func busybox(c *call) int {
	if len(c.args) == 1 {
		c.printf("BusyBox v1.35.0 (Debian 1:1.35.0-4+b5) multi-call binary.\nBusyBox is copyrighted by many authors between 1998-2015.\n")
		return 0
	}
	if _, known := c.machine.commands[c.args[1]]; !known {
		fmt.Fprintf(c.err, "%s: applet not found\n", c.args[1])
		return 127
	}
	return c.runArgs(c.args[1:])
}

// interpreter and compiler record what they are given and fail.
func interpreter(c *call) int {
	if len(c.args) > 1 && strings.HasPrefix(strings.TrimLeft(c.args[1], "-"), "V") {
		c.printf("Python 3.11.2\n")
		return 0
	}
	script := strings.Join(c.args[1:], " ")
	if _, interactive := c.in.(*Terminal); !interactive && len(c.args) == 1 {
		script = string(c.readInput())
	}
	c.record.Record("script", evidence.Text("program", c.args[0]), evidence.Text("content", script))
	fmt.Fprint(c.err, "Segmentation fault\n")
	return 139
}

func compiler(c *call) int {
	fmt.Fprintf(c.err, "-bash: %s: command not found\n", c.args[0])
	return 127
}

func reboot(c *call) int {
	if c.user.id != 0 {
		fmt.Fprint(c.err, "Failed to set wall message, ignoring: Interactive authentication required.\n")
		return 1
	}
	c.exited = true
	return 0
}
