// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/shell"
)

// Packet types and status codes of version 3, draft-ietf-secsh-filexfer-02.
const (
	sftpInit     = 1
	sftpVersion  = 2
	sftpOpen     = 3
	sftpClose    = 4
	sftpRead     = 5
	sftpWrite    = 6
	sftpLstat    = 7
	sftpFstat    = 8
	sftpSetstat  = 9
	sftpFsetstat = 10
	sftpOpendir  = 11
	sftpReaddir  = 12
	sftpRemove   = 13
	sftpMkdir    = 14
	sftpRmdir    = 15
	sftpRealpath = 16
	sftpStat     = 17
	sftpRename   = 18
	sftpReadlink = 19
	sftpStatus   = 101
	sftpHandle   = 102
	sftpData     = 103
	sftpName     = 104
	sftpAttrs    = 105

	statusOK          = 0
	statusEOF         = 1
	statusNoSuchFile  = 2
	statusDenied      = 3
	statusFailure     = 4
	statusBadMessage  = 5
	statusUnsupported = 8

	openForWriting = 0x02
)

const (
	maxPacket  = 64 << 10
	maxHandles = 4
	maxRead    = 32 << 10
	// maxNames bounds the names in one answer to a directory listing.
	maxNames = 50
	// maxRequests bounds one session.
	maxRequests = 100_000
)

// sftpSession serves the sftp subsystem on one channel. It is our own rather than
// pkg/sftp, which serves requests in goroutines whose panics nobody can catch,
// and lets a client open any number of handles.
type sftpSession struct {
	session *shell.Session
	record  *evidence.Session
	channel io.ReadWriter
	handles map[string]*sftpFile
	next    int
}

// sftpFile is what a handle stands for: a file to read, one to write, or a
// directory.
type sftpFile struct {
	name    string
	content string
	upload  *upload
	entries []shell.FileInfo
	isDir   bool
}

func (w *worker) sftp(ctx context.Context) uint32 {
	w.client.evidence.Record("subsystem", evidence.Text("name", "sftp"))
	s := &sftpSession{
		session: w.newSession(), record: w.client.evidence, channel: w.channel, handles: make(map[string]*sftpFile),
	}
	defer s.closeAll()
	for range maxRequests {
		if ctx.Err() != nil {
			break
		}
		packet, err := s.receive()
		if err != nil {
			break
		}
		if s.send(s.answer(packet)) != nil {
			return 1
		}
	}
	return 0
}

// closeAll keeps uploads that broke off.
func (s *sftpSession) closeAll() {
	for _, file := range s.handles {
		if file.upload != nil {
			_ = file.upload.keep(s.session)
		}
	}
}

func (s *sftpSession) receive() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(s.channel, head[:]); err != nil {
		return nil, fmt.Errorf("read packet length: %w", err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 5 || size > maxPacket {
		return nil, fmt.Errorf("packet of %d bytes", size)
	}
	packet := make([]byte, size)
	if _, err := io.ReadFull(s.channel, packet); err != nil {
		return nil, fmt.Errorf("read packet: %w", err)
	}
	return packet, nil
}

func (s *sftpSession) send(packet []byte) error {
	framed := binary.BigEndian.AppendUint32(make([]byte, 0, len(packet)+4), uint32(len(packet))) //nolint:gosec // G115: packets are small.
	_, err := s.channel.Write(append(framed, packet...))
	return err
}

// answer carries out one request.
func (s *sftpSession) answer(packet []byte) []byte {
	if packet[0] == sftpInit {
		return binary.BigEndian.AppendUint32([]byte{sftpVersion}, 3)
	}
	request := sftpRequest{kind: packet[0], id: binary.BigEndian.Uint32(packet[1:]), rest: packet[5:]}
	switch request.kind {
	case sftpOpen, sftpOpendir, sftpClose, sftpRead, sftpWrite, sftpReaddir, sftpFstat, sftpFsetstat:
		return s.answerHandle(request)
	default:
		return s.answerPath(request)
	}
}

// sftpRequest is a request whose fields are taken off its front.
type sftpRequest struct {
	kind   byte
	id     uint32
	rest   []byte
	broken bool
}

func (r *sftpRequest) number() uint32 {
	if len(r.rest) < 4 {
		r.broken = true
		return 0
	}
	value := binary.BigEndian.Uint32(r.rest)
	r.rest = r.rest[4:]
	return value
}

func (r *sftpRequest) long() uint64 {
	high := r.number()
	return uint64(high)<<32 | uint64(r.number())
}

func (r *sftpRequest) text() string {
	size := r.number()
	if r.broken || uint64(size) > uint64(len(r.rest)) {
		r.broken = true
		return ""
	}
	value := string(r.rest[:size])
	r.rest = r.rest[size:]
	return value
}

func (s *sftpSession) answerPath(request sftpRequest) []byte {
	name := request.text()
	if request.broken {
		return request.status(statusBadMessage)
	}
	switch request.kind {
	case sftpRealpath:
		return request.names([]shell.FileInfo{{Name: s.session.Resolve(name)}})
	case sftpStat:
		return request.attributes(s.session.Stat(name))
	case sftpLstat:
		return request.attributes(s.session.Lstat(name))
	case sftpReadlink:
		info, err := s.session.Lstat(name)
		if err != nil {
			return request.failure(err)
		}
		return request.names([]shell.FileInfo{{Name: info.Target}})
	case sftpSetstat:
		return request.status(statusOK)
	case sftpRemove, sftpRmdir, sftpMkdir, sftpRename:
		return s.change(request, name)
	}
	return request.status(statusUnsupported)
}

func (s *sftpSession) change(request sftpRequest, name string) []byte {
	var err error
	target := ""
	switch request.kind {
	case sftpMkdir:
		err = s.session.Mkdir(name)
	case sftpRename:
		target = request.text()
		err = s.session.Rename(name, target)
	default:
		err = s.session.Remove(name)
	}
	s.record.Record("file", evidence.Text("operation", operation(request.kind)), evidence.Text("path", name), evidence.Text("target", target))
	return request.failure(err)
}

func operation(kind byte) string {
	switch kind {
	case sftpMkdir:
		return "mkdir"
	case sftpRename:
		return "rename"
	}
	return "remove"
}

func (s *sftpSession) answerHandle(request sftpRequest) []byte {
	name := request.text()
	if request.broken {
		return request.status(statusBadMessage)
	}
	switch request.kind {
	case sftpOpen:
		return s.open(request, name)
	case sftpOpendir:
		entries, err := s.session.ReadDir(name)
		if err != nil {
			return request.failure(err)
		}
		return s.handle(request, &sftpFile{name: name, entries: entries, isDir: true})
	}
	file, known := s.handles[name]
	if !known {
		return request.status(statusFailure)
	}
	switch request.kind {
	case sftpClose:
		delete(s.handles, name)
		if file.upload != nil {
			return request.failure(file.upload.keep(s.session))
		}
		return request.status(statusOK)
	case sftpRead:
		return file.read(&request)
	case sftpWrite:
		return file.write(&request)
	case sftpReaddir:
		return file.readDir(request)
	case sftpFstat:
		return request.attributes(s.session.Stat(file.name))
	}
	return request.status(statusOK)
}

func (s *sftpSession) open(request sftpRequest, name string) []byte {
	flags := request.number()
	if flags&openForWriting != 0 {
		if err := s.session.MayWrite(name); err != nil {
			return request.failure(err)
		}
		return s.handle(request, &sftpFile{name: name, upload: newUpload(name)})
	}
	content, err := s.session.ReadFile(name)
	if err != nil {
		return request.failure(err)
	}
	s.record.Record("download", evidence.Text("path", s.session.Resolve(name)))
	return s.handle(request, &sftpFile{name: name, content: content})
}

func (s *sftpSession) handle(request sftpRequest, file *sftpFile) []byte {
	if len(s.handles) >= maxHandles {
		return request.status(statusFailure)
	}
	s.next++
	name := strconv.Itoa(s.next)
	s.handles[name] = file
	return request.reply(sftpHandle, ssh.Marshal(struct{ Handle string }{name}))
}

func (f *sftpFile) read(request *sftpRequest) []byte {
	offset, size := request.long(), request.number()
	if f.isDir || f.upload != nil || request.broken {
		return request.status(statusFailure)
	}
	if offset >= uint64(len(f.content)) {
		return request.status(statusEOF)
	}
	rest := f.content[offset:]
	return request.reply(sftpData, ssh.Marshal(struct{ Data string }{rest[:min(len(rest), int(min(size, maxRead)))]}))
}

// write takes what comes in order; pieces that jump are counted as they come.
func (f *sftpFile) write(request *sftpRequest) []byte {
	_, data := request.long(), request.text()
	if f.upload == nil || request.broken || f.upload.size+int64(len(data)) > maxUpload {
		return request.status(statusFailure)
	}
	_, _ = f.upload.Write([]byte(data))
	return request.status(statusOK)
}

func (f *sftpFile) readDir(request sftpRequest) []byte {
	if !f.isDir || len(f.entries) == 0 {
		return request.status(statusEOF)
	}
	count := min(maxNames, len(f.entries))
	shown := f.entries[:count]
	f.entries = f.entries[count:]
	return request.names(shown)
}

func (r *sftpRequest) reply(kind byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind}, r.id), body...)
}

func (r *sftpRequest) status(code uint32) []byte {
	words := map[uint32]string{
		statusOK: "Success", statusEOF: "End of file", statusNoSuchFile: "No such file", statusDenied: "Permission denied",
		statusBadMessage: "Bad message", statusUnsupported: "Operation unsupported",
	}[code]
	if words == "" {
		words = "Failure"
	}
	return r.reply(sftpStatus, ssh.Marshal(struct {
		Code            uint32
		Words, Language string
	}{code, words, ""}))
}

// failure is the status for an error, or for none.
func (r *sftpRequest) failure(err error) []byte {
	switch {
	case err == nil:
		return r.status(statusOK)
	case errors.Is(err, fs.ErrNotExist):
		return r.status(statusNoSuchFile)
	case errors.Is(err, fs.ErrPermission):
		return r.status(statusDenied)
	}
	return r.status(statusFailure)
}

func (r *sftpRequest) attributes(info shell.FileInfo, err error) []byte {
	if err != nil {
		return r.failure(err)
	}
	return r.reply(sftpAttrs, attributes(info))
}

func (r *sftpRequest) names(infos []shell.FileInfo) []byte {
	body := binary.BigEndian.AppendUint32(nil, uint32(len(infos))) //nolint:gosec // G115: at most maxNames.
	for _, info := range infos {
		body = append(body, ssh.Marshal(struct{ Name, Long string }{info.Name, longName(info)})...)
		body = append(body, attributes(info)...)
	}
	return r.reply(sftpName, body)
}

// attributes encodes size, owner, permissions and times.
func attributes(info shell.FileInfo) []byte {
	const all = 0x01 | 0x02 | 0x04 | 0x08
	when := uint32(max(info.Modified.Unix(), 0)) //nolint:gosec // G115: good until 2106.
	return ssh.Marshal(struct {
		Flags       uint32
		Size        uint64
		UID, GID    uint32
		Permissions uint32
		Access      uint32
		Modified    uint32
	}{all, uint64(info.Size), uint32(info.OwnerID), uint32(info.OwnerID), unixMode(info.Mode), when, when}) //nolint:gosec // G115: none is negative.
}

func unixMode(mode fs.FileMode) uint32 {
	const directory, link, regular, sticky = 0o040000, 0o120000, 0o100000, 0o1000
	bits := uint32(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= sticky
	}
	switch {
	case mode.IsDir():
		return bits | directory
	case mode&fs.ModeSymlink != 0:
		return bits | link
	}
	return bits | regular
}

func longName(info shell.FileInfo) string {
	if info.Owner == "" {
		return info.Name
	}
	kind := shell.ModeString(info.Mode)
	return fmt.Sprintf("%s %4d %-8s %-8s %8d %s %s", kind, 1, info.Owner, info.Owner, info.Size, info.Modified.Format(time.Stamp)[:12], path.Base(info.Name))
}
