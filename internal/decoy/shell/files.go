// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// binaries are the programs that ls and which show in /usr/bin besides those
// the shell knows.
const binaries = `apt-cache apt-key aptitude bashbug bzip2 catchsegv chage chattr chfn chsh column comm cpio csplit
dircolors dpkg-deb dpkg-query expand factor fincore flock fmt gawk gpasswd gpg gzip install ionice join journalctl
lesspipe link lsattr lsblk lsof make mawk mkfifo mknod mktemp more nano newgrp nsenter od openssl paste patch
pathchk perl3.36 pinky prlimit ptx readlink realpath rev rsync scp screen sed sftp shred shuf split ssh ssh-add
ssh-agent ssh-keygen stdbuf strace stty sync tac tee timeout tmux tset unlink unxz vi vim vim.basic watch xxd xz
yes zcat zgrep zless`

// baseFiles builds the machine's file system. Sessions share it and do not
// change it.
func baseFiles(m *Machine) map[string]*node {
	b := builder{
		nodes:     make(map[string]*node),
		installed: m.booted.AddDate(0, -5, -11),
		recent:    m.booted.Add(61 * time.Second),
	}
	b.directories()
	b.etc(m)
	b.proc(m)
	b.homes(m)
	b.programs(m)
	b.logs(m)
	return b.nodes
}

type builder struct {
	nodes             map[string]*node
	installed, recent time.Time
}

func (b *builder) add(full string, mode fs.FileMode, owner, content string) *node {
	b.parents(full)
	added := &node{mode: mode, owner: owner, modified: b.installed, content: content}
	b.nodes[full] = added
	return added
}

func (b *builder) dir(full string, mode fs.FileMode, owner string) {
	b.add(full, fs.ModeDir|mode, owner, "").size = 4096
}

func (b *builder) link(full, target string) {
	b.add(full, fs.ModeSymlink|0o777, "root", "").target = target
}

func (b *builder) parents(full string) {
	for dir := path.Dir(full); ; dir = path.Dir(dir) {
		if b.nodes[dir] == nil {
			b.nodes[dir] = &node{mode: fs.ModeDir | 0o755, owner: "root", modified: b.installed, size: 4096}
		}
		if dir == "/" {
			return
		}
	}
}

func (b *builder) directories() {
	for name := range strings.FieldsSeq(`/boot /dev /dev/pts /etc/apt /etc/cron.d /etc/cron.daily /etc/default
		/etc/init.d /etc/network /etc/ssh /etc/ssl /etc/systemd /home /lost+found /media /mnt /opt /proc /run
		/srv /sys /usr/bin /usr/lib /usr/lib64 /usr/local/bin /usr/local/sbin /usr/sbin /usr/share /usr/src
		/var/backups /var/cache /var/lib /var/local /var/log /var/mail /var/opt /var/spool /var/www/html`) {
		b.dir(name, 0o755, "root")
	}
	for _, name := range []string{"/tmp", "/var/tmp", "/dev/shm", "/run/lock"} {
		b.dir(name, fs.ModeSticky|0o777, "root")
	}
	b.dir("/root", 0o700, "root")
	for from, to := range map[string]string{
		"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib64",
		"/var/run": "/run", "/var/lock": "/run/lock",
		"/vmlinuz": "boot/vmlinuz-" + kernelRelease, "/initrd.img": "boot/initrd.img-" + kernelRelease,
	} {
		b.link(from, to)
	}
	b.add("/boot/vmlinuz-"+kernelRelease, 0o644, "root", "").size = 8_210_368
	b.add("/boot/initrd.img-"+kernelRelease, 0o644, "root", "").size = 38_190_201
	for _, device := range []string{"null", "zero", "random", "urandom", "tty"} {
		b.add("/dev/"+device, fs.ModeDevice|fs.ModeCharDevice|0o666, "root", "")
	}
	b.add("/dev/sda", fs.ModeDevice|0o660, "root", "")
	b.add("/dev/sda1", fs.ModeDevice|0o660, "root", "")
}

func (b *builder) etc(m *Machine) {
	passwd, shadow, group := accountFiles(m)
	files := map[string]string{
		"/etc/passwd":   passwd,
		"/etc/group":    group,
		"/etc/hostname": m.hostname + "\n",
		"/etc/hosts":    fmt.Sprintf("127.0.0.1\tlocalhost\n127.0.1.1\t%s\n", m.hostname),
		"/etc/issue":    "Debian GNU/Linux 12 \\n \\l\n\n",
		"/etc/issue.net": `Debian GNU/Linux 12
`,
		"/etc/debian_version": "12.11\n",
		"/etc/os-release": `PRETTY_NAME="` + prettyName + `"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
`,
		"/etc/resolv.conf": "nameserver 127.0.0.1\n",
		"/etc/fstab": `# <file system> <mount point>   <type>  <options>       <dump>  <pass>
UUID=6b1c9d0e-5f0a-4c8b-9b57-2f7f3a4e8d11 /               ext4    errors=remount-ro 0       1
/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0
`,
		"/etc/crontab": `SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
17 *	* * *	root	cd / && run-parts --report /etc/cron.hourly
25 6	* * *	root	test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
`,
		"/etc/ssh/sshd_config": `Include /etc/ssh/sshd_config.d/*.conf
PermitRootLogin yes
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem	sftp	/usr/lib/openssh/sftp-server
`,
		"/etc/apt/sources.list": `deb cdrom:[Debian GNU/Linux 12.11.0 _Bookworm_ - Official amd64 NETINST]/ bookworm main
`,
		"/etc/network/interfaces": `source /etc/network/interfaces.d/*

auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
`,
		"/etc/shells":  "/bin/sh\n/bin/bash\n/usr/bin/bash\n/bin/dash\n/usr/bin/dash\n",
		"/etc/profile": "# /etc/profile: system-wide .profile file for the Bourne shell (sh(1))\n",
		"/etc/motd":    motd,
		"/etc/sudoers": "",
	}
	for name, content := range files {
		b.add(name, 0o644, "root", content)
	}
	b.add("/etc/shadow", 0o640, "root", shadow)
	b.add("/etc/sudoers", 0o440, "root", "Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n")
	b.add("/var/www/html/index.html", 0o644, "root", "<!DOCTYPE html>\n<html><body><h1>It works!</h1></body></html>\n")
}

const motd = `
The programs included with the Debian GNU/Linux system are free software;
the exact distribution terms for each program are described in the
individual files in /usr/share/doc/*/copyright.

Debian GNU/Linux comes with ABSOLUTELY NO WARRANTY, to the extent
permitted by applicable law.
`

func accountFiles(m *Machine) (passwd, shadow, group string) {
	const system = `daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
games:x:5:60:games:/usr/games:/usr/sbin/nologin
man:x:6:12:man:/var/cache/man:/usr/sbin/nologin
lp:x:7:7:lp:/var/spool/lpd:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
systemd-network:x:998:998:systemd Network Management:/:/usr/sbin/nologin
messagebus:x:100:107::/nonexistent:/usr/sbin/nologin
sshd:x:101:65534::/run/sshd:/usr/sbin/nologin
`
	passwd = "root:x:0:0:root:/root:/bin/bash\n" + system
	group = "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nmail:x:8:\nsudo:x:27:\nwww-data:x:33:\nnogroup:x:65534:\n"
	for i, user := range m.users {
		if i > 0 {
			passwd += fmt.Sprintf("%s:x:%d:%d:,,,:%s:/bin/bash\n", user.name, user.id, user.id, user.home)
			group += fmt.Sprintf("%s:x:%d:\n", user.name, user.id)
		}
		shadow += user.name + ":$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7:20123:0:99999:7:::\n"
	}
	for line := range strings.Lines(system) {
		name, _, _ := strings.Cut(line, ":")
		shadow += name + ":*:20123:0:99999:7:::\n"
	}
	return passwd, shadow, group
}

func (b *builder) proc(m *Machine) {
	var cpus strings.Builder
	for i := range cpuCount {
		fmt.Fprintf(&cpus, cpuInfo, i, i, i, i)
	}
	for name, content := range map[string]string{
		"/proc/cpuinfo": cpus.String(),
		"/proc/meminfo": "MemTotal:        4018380 kB\nMemFree:          612044 kB\nMemAvailable:    2890112 kB\n" +
			"Buffers:          143008 kB\nCached:          2209356 kB\nSwapCached:            0 kB\n" +
			"Active:          1390244 kB\nInactive:        1466012 kB\nSwapTotal:        999420 kB\nSwapFree:         999420 kB\n",
		"/proc/version":     "Linux version " + kernelRelease + " (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) " + kernelVersion + "\n",
		"/proc/cmdline":     "BOOT_IMAGE=/boot/vmlinuz-" + kernelRelease + " root=UUID=6b1c9d0e-5f0a-4c8b-9b57-2f7f3a4e8d11 ro quiet\n",
		"/proc/loadavg":     "0.08 0.03 0.01 1/118 4127\n",
		"/proc/filesystems": "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\n\text3\n\text2\n\text4\n",
		"/proc/mounts":      mountTable,
		"/proc/self/status": "Name:\tbash\nState:\tS (sleeping)\nTracerPid:\t0\n",
		"/proc/1/comm":      "systemd\n",
		"/proc/1/cgroup":    "0::/init.scope\n",
		"/proc/self/cgroup": "0::/user.slice/user-0.slice/session-4.scope\n",
		"/proc/net/dev":     "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo: 1083260    9420    0    0    0     0          0         0  1083260    9420    0    0    0     0       0          0\n  eth0: 98216530  201442    0    0    0     0          0         0 17733281   99812    0    0    0     0       0          0\n",
	} {
		b.add(name, 0o444, "root", content).modified = b.recent
	}
	b.add("/proc/sys/kernel/hostname", 0o644, "root", m.hostname+"\n")
}

const (
	cpuCount = 2
	cpuInfo  = `processor	: %d
vendor_id	: GenuineIntel
cpu family	: 6
model		: 85
model name	: Intel(R) Xeon(R) Gold 6138 CPU @ 2.00GHz
stepping	: 4
microcode	: 0x2007006
cpu MHz		: 1995.312
cache size	: 28160 KB
physical id	: 0
siblings	: 2
core id		: %d
cpu cores	: 2
apicid		: %d
initial apicid	: %d
fpu		: yes
fpu_exception	: yes
cpuid level	: 22
wp		: yes
flags		: fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ss ht syscall nx pdpe1gb rdtscp lm constant_tsc arch_perfmon nopl xtopology tsc_reliable nonstop_tsc cpuid aperfmperf pni pclmulqdq ssse3 fma cx16 pcid sse4_1 sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand hypervisor lahf_lm abm 3dnowprefetch avx2 bmi1 bmi2 erms avx512f
bugs		: spectre_v1 spectre_v2 spec_store_bypass
bogomips	: 3990.62
clflush size	: 64
cache_alignment	: 64
address sizes	: 45 bits physical, 48 bits virtual
power management:

`
	mountTable = `sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0
proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0
udev /dev devtmpfs rw,nosuid,relatime,size=1987076k,nr_inodes=496769,mode=755 0 0
devpts /dev/pts devpts rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=000 0 0
tmpfs /run tmpfs rw,nosuid,nodev,noexec,relatime,size=401840k,mode=755 0 0
/dev/sda1 / ext4 rw,relatime,errors=remount-ro 0 0
tmpfs /dev/shm tmpfs rw,nosuid,nodev 0 0
`
)

func (b *builder) homes(m *Machine) {
	for _, user := range m.users {
		if user.id != 0 {
			b.dir(user.home, 0o700, user.name)
		}
		b.add(user.home+"/.bashrc", 0o644, user.name, "# ~/.bashrc: executed by bash(1) for non-login shells.\n\nexport LS_OPTIONS='--color=auto'\nalias ll='ls $LS_OPTIONS -l'\n")
		b.add(user.home+"/.profile", 0o644, user.name, "# ~/.profile: executed by Bourne-compatible login shells.\n\nif [ \"$BASH\" ]; then\n  if [ -f ~/.bashrc ]; then\n    . ~/.bashrc\n  fi\nfi\n\nmesg n 2> /dev/null || true\n")
		b.add(user.home+"/.bash_history", 0o600, user.name, "apt update\napt upgrade -y\nsystemctl status ssh\ndf -h\nlast\nexit\n").modified = b.recent
	}
	b.dir("/root/.ssh", 0o700, "root")
}

func (b *builder) programs(m *Machine) {
	names := strings.Fields(binaries)
	for name := range m.commands {
		names = append(names, name)
	}
	for i, name := range names {
		if isBuiltin(name) {
			continue
		}
		// ELF header, so that cat and file show a program.
		added := b.add("/usr/bin/"+name, 0o755, "root", "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00>\x00\x01\x00\x00\x00")
		added.size = int64(14_000 + (len(name)*7919+i%7*4096)%180_000)
	}
	b.add("/usr/sbin/sshd", 0o755, "root", "\x7fELF\x02\x01\x01").size = 1_274_192
	b.link("/usr/bin/sh", "dash")
	b.add("/usr/bin/dash", 0o755, "root", "\x7fELF\x02\x01\x01").size = 125_640
}

func (b *builder) logs(m *Machine) {
	boot := b.recent.Format("Jan _2 15:04:05")
	b.add("/var/log/auth.log", 0o640, "root", fmt.Sprintf("%s %s systemd-logind[412]: New seat seat0.\n%s %s sshd[498]: Server listening on 0.0.0.0 port 22.\n", boot, m.hostname, boot, m.hostname)).modified = b.recent
	b.add("/var/log/syslog", 0o640, "root", fmt.Sprintf("%s %s kernel: [    0.000000] Linux version %s\n%s %s systemd[1]: Reached target multi-user.target - Multi-User System.\n", boot, m.hostname, kernelRelease, boot, m.hostname)).modified = b.recent
	for _, name := range []string{"dpkg.log", "alternatives.log", "wtmp", "lastlog", "btmp"} {
		b.add("/var/log/"+name, 0o644, "root", "").size = 4096 + int64(len(name))*731
	}
}
