// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

// FileInfo describes a file for protocols that transfer files.
type FileInfo struct {
	Name     string
	Mode     fs.FileMode
	Size     int64
	Modified time.Time
	Owner    string
	OwnerID  int
	Target   string // of a symbolic link
}

// Resolve returns the absolute path of a name, without following its last
// element.
func (s *Session) Resolve(name string) string {
	return s.tree.resolve(s.dir, name, followParents)
}

// Stat describes what a name leads to.
func (s *Session) Stat(name string) (FileInfo, error) {
	return s.info(s.tree.resolve(s.dir, name, followAll))
}

// Lstat is Stat that describes a symbolic link itself.
func (s *Session) Lstat(name string) (FileInfo, error) {
	return s.info(s.Resolve(name))
}

func (s *Session) info(full string) (FileInfo, error) {
	found, err := s.tree.lookup(full)
	if err != nil {
		return FileInfo{}, translated(err)
	}
	return FileInfo{
		Name: path.Base(full), Mode: found.mode, Size: found.length(), Modified: found.modified,
		Owner: found.owner, OwnerID: s.machine.account(found.owner).id, Target: found.target,
	}, nil
}

// ReadDir describes what is in a directory, by name.
func (s *Session) ReadDir(name string) ([]FileInfo, error) {
	full := s.tree.resolve(s.dir, name, followAll)
	found, err := s.tree.lookup(full)
	switch {
	case err != nil:
		return nil, translated(err)
	case !found.isDir():
		return nil, translated(errNotDir)
	case !s.mayRead(full, found):
		return nil, fs.ErrPermission
	}
	var infos []FileInfo
	for _, inside := range s.tree.list(full) {
		if info, err := s.info(path.Join(full, inside)); err == nil {
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// ReadFile returns what is in a file.
func (s *Session) ReadFile(name string) (string, error) {
	content, err := s.readFile(name)
	return content, translated(err)
}

// MayWrite returns nil if a file can be written, and fs.ErrPermission or
// fs.ErrNotExist if not.
func (s *Session) MayWrite(name string) error {
	return translated(s.mayWrite(name))
}

// Mkdir makes a directory.
func (s *Session) Mkdir(name string) error {
	full := s.Resolve(name)
	if err := s.mayChange(path.Dir(full)); err != nil {
		return translated(err)
	}
	if s.tree.at(full) != nil {
		return fs.ErrExist
	}
	return translated(s.tree.put(full, s.node(fs.ModeDir|0o755, "")))
}

// Remove removes a file or an empty directory.
func (s *Session) Remove(name string) error {
	full := s.Resolve(name)
	found, err := s.tree.lookup(full)
	switch {
	case err != nil:
		return translated(err)
	case found.isDir() && len(s.tree.list(full)) > 0:
		return translated(errNotEmpty)
	}
	if err := s.mayChange(path.Dir(full)); err != nil {
		return translated(err)
	}
	return translated(s.tree.remove(full))
}

// Rename moves a file.
func (s *Session) Rename(from, to string) error {
	source, target := s.Resolve(from), s.Resolve(to)
	found, err := s.tree.lookup(source)
	if err != nil {
		return translated(err)
	}
	for _, dir := range []string{path.Dir(source), path.Dir(target)} {
		if err := s.mayChange(dir); err != nil {
			return translated(err)
		}
	}
	if found.isDir() && len(s.tree.list(source)) > 0 {
		return translated(errNotEmpty)
	}
	if err := s.tree.put(target, found); err != nil {
		return translated(err)
	}
	return translated(s.tree.remove(source))
}

// Upload is content that a client sent.
type Upload struct {
	Name string
	// Content is its beginning, Size and SHA256 are those of all of it.
	Content []byte
	Size    int64
	SHA256  string
}

// Keep records an upload and puts it into the session's files if there is
// room.
func (s *Session) Keep(upload Upload) error {
	err := s.writeFile(upload.Name, string(upload.Content), 0o644)
	s.record.Record("upload",
		evidence.Text("username", s.user.name),
		evidence.Text("path", s.tree.resolve(s.dir, upload.Name, followAll)),
		evidence.Number("size", upload.Size),
		evidence.Text("sha256", upload.SHA256),
		evidence.Flag("stored", err == nil),
		evidence.Text("content", string(upload.Content)))
	return translated(err)
}

// translated turns the shell's words into errors that a protocol can map.
func translated(err error) error {
	switch {
	case errors.Is(err, errNotFound), errors.Is(err, errNotDir):
		return fs.ErrNotExist
	case errors.Is(err, errDenied), errors.Is(err, errNotAllowed):
		return fs.ErrPermission
	case errors.Is(err, errExists):
		return fs.ErrExist
	}
	return err
}
