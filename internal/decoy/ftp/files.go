// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ftp

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	// maxFiles and maxTotal bound what one session may store.
	maxFiles = 100
	maxTotal = 256 << 10
)

// file is a file, or a directory if its content is nil.
type file struct {
	content  []byte
	size     int64
	modified time.Time
}

func (f *file) isDir() bool { return f.content == nil }

// files is one session's view of the server.
type files struct {
	entries map[string]*file
	bytes   int
}

func newFiles(now time.Time) *files {
	old := now.AddDate(0, -4, -9)
	f := &files{entries: make(map[string]*file)}
	for name, content := range map[string]string{
		"/pub/README":             "Files for partners. Ask the help desk for access to anything else.\n",
		"/pub/price-list.csv":     "article;price\n1001;12.50\n1002;18.90\n1003;7.25\n",
		"/backup/db.sql.md5":      "5d41402abc4b2a76b9719d911017c592  db.sql\n",
		"/backup/settings.ini":    "[database]\nhost=localhost\nname=shop\nuser=shop\n",
		"/upload/.keep":           "",
		"/www/index.html":         "<html><body><h1>It works!</h1></body></html>\n",
		"/www/maintenance.html":   "<html><body><p>Back soon.</p></body></html>\n",
		"/www/config.php.example": "<?php\n$db_host = 'localhost';\n$db_user = 'changeme';\n",
	} {
		f.entries[path.Dir(name)] = &file{modified: old}
		f.entries[name] = &file{content: []byte(content), size: int64(len(content)), modified: old}
	}
	f.entries["/"] = &file{modified: old}
	return f
}

// list returns the sorted names in a directory.
func (f *files) list(dir string) []string {
	var names []string
	for full := range f.entries {
		if full != "/" && path.Dir(full) == dir {
			names = append(names, path.Base(full))
		}
	}
	slices.Sort(names)
	return names
}

// store keeps a file and says whether there was room for it.
func (f *files) store(full string, added *file) bool {
	parent := f.entries[path.Dir(full)]
	before := f.entries[full]
	if parent == nil || !parent.isDir() || (before != nil && before.isDir()) {
		return false
	}
	cost := len(added.content)
	if before != nil {
		cost -= len(before.content)
	} else if len(f.entries) >= maxFiles {
		return false
	}
	if f.bytes+cost > maxTotal {
		return false
	}
	f.bytes += cost
	f.entries[full] = added
	return true
}

// remove removes a file or an empty directory and says whether it did.
func (f *files) remove(full string) bool {
	found := f.entries[full]
	if found == nil || full == "/" || (found.isDir() && len(f.list(full)) > 0) {
		return false
	}
	f.bytes -= len(found.content)
	delete(f.entries, full)
	return true
}

// longList is a listing as ls -l gives.
func (f *files) longList(dir string) string {
	var out strings.Builder
	for _, name := range f.list(dir) {
		if strings.HasPrefix(name, ".") {
			continue
		}
		found := f.entries[path.Join(dir, name)]
		mode, size := "-rw-r--r--    1", found.size
		if found.isDir() {
			mode, size = "drwxr-xr-x    2", 4096
		}
		when := found.modified.Format("Jan 02 15:04")
		if time.Since(found.modified) > 180*24*time.Hour {
			when = found.modified.Format("Jan 02  2006")
		}
		fmt.Fprintf(&out, "%s 1000     1000     %8d %s %s\r\n", mode, size, when, name)
	}
	return out.String()
}

func (f *files) shortList(dir string) string {
	names := f.list(dir)
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, "\r\n") + "\r\n"
}
