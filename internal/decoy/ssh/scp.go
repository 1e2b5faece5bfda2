// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"bufio"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/deckyard/deckyard/internal/decoy/shell"
)

const (
	// maxKept bounds what is kept of one uploaded file; the rest is read
	// and forgotten.
	maxKept = 1 << 20
	// maxFiles bounds the files of one upload.
	maxFiles = 64
)

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
		if !receiveFile(session, target, string(header), input) {
			return 1
		}
	}
	return 1
}

func receiveFile(session *shell.Session, target, header string, input *bufio.Reader) bool {
	fields := strings.SplitN(strings.TrimSpace(header), " ", 3)
	if len(fields) != 3 {
		return false
	}
	size, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil || size < 0 {
		return false
	}
	content, err := io.ReadAll(io.LimitReader(input, min(size, maxKept)))
	if err != nil {
		return false
	}
	if rest := size - int64(len(content)); rest > 0 {
		if _, err := io.CopyN(io.Discard, input, rest); err != nil {
			return false
		}
	}
	session.Upload(path.Join(target, path.Base(fields[2])), content)
	_, err = input.ReadByte()
	return err == nil
}
