// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/shell"
)

// channel is one end of a conversation whose other end is an input.
type channel struct {
	io.Reader
	io.Writer
}

// onMachine returns a session on a fresh machine, and its evidence.
func onMachine(t *testing.T, user string) (*shell.Session, *evidence.Session) {
	t.Helper()
	log := evidence.NewLog(io.Discard)
	t.Cleanup(func() { _ = log.Close(t.Context()) })
	source := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
	record := log.Session("ssh", source, source)
	return shell.NewMachine("srv-01", "10.1.2.3", []string{"admin"}).NewSession(user, source.String(), record), record
}

// packet returns a request of the SFTP protocol.
func packet(kind byte, fields any) []byte {
	body := append([]byte{kind, 0, 0, 0, 7}, ssh.Marshal(fields)...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}

// Whatever packets a client of the SFTP subsystem sends, each is answered, by
// one that is no larger than packets may be.
func FuzzSFTP(f *testing.F) {
	type path struct{ Name string }
	type open struct {
		Name  string
		Flags uint32
	}
	type part struct {
		Handle string
		Offset uint64
		Rest   uint32
	}
	f.Add(bytes.Join([][]byte{
		packet(sftpOpendir, path{"/etc"}), packet(sftpReaddir, path{"1"}), packet(sftpReaddir, path{"1"}), packet(sftpClose, path{"1"}),
		packet(sftpOpen, open{"/etc/passwd", 1}), packet(sftpRead, part{"2", 3, 1 << 31}), packet(sftpFstat, path{"2"}),
	}, nil))
	f.Add(bytes.Join([][]byte{
		packet(sftpOpen, open{"/tmp/x", 2}), packet(sftpWrite, part{"1", 1 << 63, 0}), packet(sftpRead, part{"1", 0, 1}), packet(sftpClose, path{"1"}),
		packet(sftpRename, struct{ From, To string }{"/tmp/x", "/tmp/../y"}), packet(sftpRemove, path{""}), packet(sftpMkdir, path{"\x00"}),
	}, nil))
	f.Add(bytes.Join([][]byte{
		packet(sftpInit, path{""}), packet(sftpRealpath, path{"../.."}), packet(sftpReadlink, path{"/bin"}), packet(sftpStat, path{"/"}),
		packet(sftpSetstat, path{"/x"}), packet(200, path{"x"}), packet(sftpLstat, path{"/bin"}),
	}, nil))
	f.Fuzz(func(t *testing.T, input []byte) {
		session, record := onMachine(t, "root")
		s := &sftpSession{session: session, record: record, channel: channel{bytes.NewReader(input), io.Discard}, handles: map[string]*sftpFile{}}
		defer s.closeAll()
		for {
			request, err := s.receive()
			if err != nil {
				return
			}
			if answer := s.answer(request); len(answer) < 5 || len(answer) > maxPacket || len(s.handles) > maxHandles {
				t.Fatalf("request %q has an answer of %d bytes, and there are %d handles", request, len(answer), len(s.handles))
			}
		}
	})
}

// Whatever a client sends to "scp -t", it ends.
func FuzzSCP(f *testing.F) {
	f.Add("scp -t /tmp", []byte("C0644 3 a\nabc\x00C0644 0 ../../b\n\x00"))
	f.Add("/usr/bin/scp -qrt '/root/x'", []byte("T1 0 1 0\nD0755 0 d\nC0644 9223372036854775807 c\nabc"))
	f.Add("scp -f /etc/passwd", []byte("C -1 x\n"))
	f.Fuzz(func(t *testing.T, command string, input []byte) {
		target, isSink := scpSink(command)
		if !isSink {
			return
		}
		session, _ := onMachine(t, "admin")
		receive(session, target, channel{bytes.NewReader(input), io.Discard})
	})
}
