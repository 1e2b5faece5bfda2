// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package builtin

import (
	"archive/tar"
	"bytes"
	"fmt"
	"time"
)

// Everything in the image is of one moment, so that its digest depends on the
// content alone.
const epoch = 1735689600 // 2025-01-01

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\nservice:x:65532:65532::/nonexistent:/usr/sbin/nologin\n"
	group  = "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\nservice:x:65532:\n"
)

// programPath is where the one program lies; the services are links to it.
const programPath = "sbin/init"

func serviceNames() []string {
	return []string{"ftpd", "httpd", "httpsd", "redis-server", "smtpd", "sshd", "telnetd"}
}

// layerArchive is the image's file system. The program may be executed but not
// read, so that nobody inside can study it.
func layerArchive(program []byte) ([]byte, error) {
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, directory := range []struct {
		name string
		mode int64
	}{{"etc/", 0o755}, {"sbin/", 0o755}, {"tmp/", 0o1777}, {"usr/", 0o755}, {"usr/sbin/", 0o755}} {
		header := newHeader(directory.name, directory.mode)
		header.Typeflag = tar.TypeDir
		if err := archive.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("add %s: %w", directory.name, err)
		}
	}
	if err := writeFile(archive, "etc/group", 0o644, []byte(group)); err != nil {
		return nil, err
	}
	if err := writeFile(archive, "etc/passwd", 0o644, []byte(passwd)); err != nil {
		return nil, err
	}
	if err := writeFile(archive, programPath, 0o711, program); err != nil {
		return nil, err
	}
	for _, name := range serviceNames() {
		header := newHeader("usr/sbin/"+name, 0o777)
		header.Typeflag = tar.TypeSymlink
		header.Linkname = "/" + programPath
		if err := archive.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("add %s: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("end layer: %w", err)
	}
	return out.Bytes(), nil
}

func newHeader(name string, mode int64) *tar.Header {
	return &tar.Header{Name: name, Mode: mode, ModTime: time.Unix(epoch, 0).UTC(), Format: tar.FormatUSTAR}
}

func writeFile(archive *tar.Writer, name string, mode int64, content []byte) error {
	header := newHeader(name, mode)
	header.Typeflag = tar.TypeReg
	header.Size = int64(len(content))
	if err := archive.WriteHeader(header); err != nil {
		return fmt.Errorf("add %s: %w", name, err)
	}
	if _, err := archive.Write(content); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
