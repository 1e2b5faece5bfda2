// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"bufio"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/deckyard/deckyard/internal/decoy/shell"
)

// maxFiles bounds the files of one scp.
const maxFiles = 64

// scpSink says whether a command is the receiving side of an old-style scp,
// and where it writes to.
func scpSink(line string) (string, bool) {
	words := strings.Fields(line)
	if len(words) < 2 || path.Base(words[0]) != "scp" {
		return "", false
	}
	sink := false
	for _, word := range words[1:] {
		if strings.HasPrefix(word, "-") && strings.Contains(word, "t") {
			sink = true
		}
	}
	return strings.Trim(words[len(words)-1], `'"`), sink
}

// receive takes files as scp -t does: each is announced by a line, answered by
// a zero byte, sent, and answered again.
func receive(session *shell.Session, target string, channel io.ReadWriter) uint32 {
	input := bufio.NewReaderSize(channel, 4096)
	for range maxFiles {
		if _, err := channel.Write([]byte{0}); err != nil {
			return 1
		}
		header, err := input.ReadSlice('\n')
		if err != nil {
			return 0
		}
		if header[0] != 'C' {
			continue
		}
		if !receiveFile(session, target, string(header), input, channel) {
			return 1
		}
	}
	return 1
}

func receiveFile(session *shell.Session, target, header string, input *bufio.Reader, output io.Writer) bool {
	fields := strings.SplitN(strings.TrimSpace(header), " ", 3)
	if len(fields) != 3 {
		return false
	}
	size, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || size < 0 || size > maxUpload {
		return false
	}
	if info, err := session.Stat(target); err == nil && info.Mode&fs.ModeDir != 0 {
		target = path.Join(target, path.Base(fields[2]))
	}
	if _, err := output.Write([]byte{0}); err != nil {
		return false
	}
	received := newUpload(target)
	if _, err := io.CopyN(received, input, size); err != nil {
		return false
	}
	_ = received.keep(session)
	_, err = input.ReadByte()
	return err == nil
}
