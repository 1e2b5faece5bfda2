// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

const (
	// maxTreeBytes and maxTreeNodes bound what one session may add.
	maxTreeBytes = 256 << 10
	maxTreeNodes = 256
	maxPathBytes = 1024
	maxLinkHops  = 8
)

// errno is an error in the words that a program prints for it.
type errno string

const (
	errNotFound   errno = "No such file or directory"
	errIsDir      errno = "Is a directory"
	errNotDir     errno = "Not a directory"
	errExists     errno = "File exists"
	errNotEmpty   errno = "Directory not empty"
	errDenied     errno = "Permission denied"
	errNoSpace    errno = "No space left on device"
	errNotAllowed errno = "Operation not permitted"
)

// Error returns the words.
func (e errno) Error() string { return string(e) }

// node is a file, directory or symbolic link. A node in use is not changed
// but replaced.
type node struct {
	mode     fs.FileMode
	owner    string
	modified time.Time
	content  string
	target   string
	// size is shown instead of the length of the content if it is larger.
	size int64
}

func (n *node) isDir() bool  { return n.mode.IsDir() }
func (n *node) isLink() bool { return n.mode&fs.ModeSymlink != 0 }

func (n *node) length() int64 {
	if n.isLink() {
		return int64(len(n.target))
	}
	return max(n.size, int64(len(n.content)))
}

// tree is one session's view of the file system: the machine's files, and on
// top of them what the session changed.
type tree struct {
	base  map[string]*node
	over  map[string]*node // nil: removed
	bytes int
}

func newTree(base map[string]*node) *tree {
	return &tree{base: base, over: make(map[string]*node)}
}

// resolve makes a path absolute and follows links in it; the last element is
// followed only if follow is last.
type follow int

const (
	followAll follow = iota
	followParents
)

func (t *tree) resolve(dir, name string, how follow) string {
	full := name
	if !path.IsAbs(name) {
		full = path.Join(dir, name)
	}
	full = path.Clean(full)
	if len(full) > maxPathBytes {
		return "/" + strings.Repeat("x", maxPathBytes)
	}
	for range maxLinkHops {
		next := t.followOnce(full, how)
		if next == full {
			return full
		}
		full = next
	}
	return full
}

// followOnce replaces the first link in the path by its target.
func (t *tree) followOnce(full string, how follow) string {
	for i := 1; i <= len(full); i++ {
		if i < len(full) && full[i] != '/' {
			continue
		}
		if i == len(full) && how == followParents {
			return full
		}
		prefix := full[:i]
		found := t.at(prefix)
		if found == nil || !found.isLink() {
			continue
		}
		target := found.target
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(prefix), target)
		}
		return path.Clean(target + full[i:])
	}
	return full
}

func (t *tree) at(full string) *node {
	if found, changed := t.over[full]; changed {
		return found
	}
	return t.base[full]
}

// lookup finds the node of a resolved path.
func (t *tree) lookup(full string) (*node, error) {
	found := t.at(full)
	if found != nil {
		return found, nil
	}
	for dir := path.Dir(full); dir != "/"; dir = path.Dir(dir) {
		if above := t.at(dir); above != nil && !above.isDir() {
			return nil, errNotDir
		}
	}
	return nil, errNotFound
}

// list returns the sorted names in a resolved directory.
func (t *tree) list(dir string) []string {
	prefix := strings.TrimSuffix(dir, "/") + "/"
	var names []string
	add := func(full string, found *node) {
		name, inside := strings.CutPrefix(full, prefix)
		if inside && found != nil && name != "" && !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	for full, found := range t.base {
		if _, changed := t.over[full]; !changed {
			add(full, found)
		}
	}
	for full, found := range t.over {
		add(full, found)
	}
	slices.Sort(names)
	return names
}

// put creates or replaces the node at a resolved path, whose directory must
// exist.
func (t *tree) put(full string, added *node) error {
	if err := t.checkParent(full); err != nil {
		return err
	}
	if before := t.at(full); before != nil && before.isDir() {
		if added.isDir() {
			return errExists
		}
		return errIsDir
	}
	return t.set(full, added)
}

// update replaces the node at a resolved path by a changed copy.
func (t *tree) update(full string, change func(*node)) error {
	found, err := t.lookup(full)
	if err != nil {
		return err
	}
	changed := *found
	change(&changed)
	return t.set(full, &changed)
}

// remove takes away the node at a resolved path and, if it is a directory, all
// that is in it.
func (t *tree) remove(full string) error {
	if _, err := t.lookup(full); err != nil {
		return err
	}
	var inside []string
	for other := range t.base {
		if strings.HasPrefix(other, full+"/") && t.at(other) != nil {
			inside = append(inside, other)
		}
	}
	for other, found := range t.over {
		if strings.HasPrefix(other, full+"/") && found != nil && t.base[other] == nil {
			inside = append(inside, other)
		}
	}
	for _, other := range append(inside, full) {
		t.drop(other)
	}
	return nil
}

func (t *tree) checkParent(full string) error {
	parent, err := t.lookup(path.Dir(full))
	if err != nil {
		return err
	}
	if !parent.isDir() {
		return errNotDir
	}
	return nil
}

func (t *tree) set(full string, added *node) error {
	before := t.over[full]
	cost := len(full) + len(added.content) + len(added.target)
	if before != nil {
		cost -= len(full) + len(before.content) + len(before.target)
	}
	if t.bytes+cost > maxTreeBytes || (before == nil && len(t.over) >= maxTreeNodes) {
		return errNoSpace
	}
	t.bytes += cost
	t.over[full] = added
	return nil
}

// drop forgets an added node, or notes that one of the machine's is gone.
func (t *tree) drop(full string) {
	if before := t.over[full]; before != nil {
		t.bytes -= len(full) + len(before.content) + len(before.target)
	}
	if t.base[full] == nil {
		delete(t.over, full)
		return
	}
	t.over[full] = nil
}
