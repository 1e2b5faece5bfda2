// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

func fileCommands() map[string]command {
	return map[string]command{
		"ls": list, "dir": list, "pwd": workingDir, "mkdir": makeDir, "rmdir": removeDir, "rm": remove, "touch": touch,
		"cp": copyFile, "mv": move, "ln": link, "chmod": changeMode, "chown": changeOwner, "chgrp": changeOwner,
		"find": find, "file": fileType, "stat": stat, "du": diskUsage, "dd": dd, "tar": archive, "unzip": archive, "gunzip": archive,
	}
}

func workingDir(c *call) int {
	c.printf("%s\n", c.dir)
	return 0
}

// list is ls: first the files that were named, then what is in the directories.
func list(c *call) int {
	options, operands := c.flags()
	if len(operands) == 0 {
		operands = []string{"."}
	}
	var files, dirs []entry
	status := 0
	for _, name := range operands {
		full := c.tree.resolve(c.dir, name, followAll)
		found, err := c.tree.lookup(full)
		switch {
		case err != nil:
			status = c.complain("cannot access '%s': %v", name, err) + 1
		case !found.isDir() || strings.Contains(options, "d"):
			files = append(files, entry{name: name, node: found})
		case !c.mayRead(full, found):
			status = c.complain("cannot open directory '%s': %v", name, errDenied) + 1
		default:
			dirs = append(dirs, entry{name: name, node: found})
		}
	}
	c.printEntries(options, files)
	for i, dir := range dirs {
		if len(operands) > 1 {
			if i > 0 || len(files) > 0 {
				c.printf("\n")
			}
			c.printf("%s:\n", dir.name)
		}
		c.listDir(options, c.tree.resolve(c.dir, dir.name, followAll), dir.node)
	}
	return status
}

type entry struct {
	name string
	node *node
}

func (c *call) listDir(options, full string, dir *node) {
	all := strings.Contains(options, "a")
	var entries []entry
	if all {
		parent, err := c.tree.lookup(path.Dir(full))
		if err != nil {
			parent = dir
		}
		entries = append(entries, entry{name: ".", node: dir}, entry{name: "..", node: parent})
	}
	for _, name := range c.tree.list(full) {
		if strings.HasPrefix(name, ".") && !all && !strings.Contains(options, "A") {
			continue
		}
		entries = append(entries, entry{name: name, node: c.tree.at(path.Join(full, name))})
	}
	if strings.Contains(options, "l") {
		c.printf("total %d\n", 4*len(entries))
	}
	c.printEntries(options, entries)
}

func (c *call) printEntries(options string, entries []entry) {
	switch {
	case strings.Contains(options, "l"):
		width := 4
		for _, e := range entries {
			width = max(width, len(strconv.FormatInt(e.node.length(), 10)))
		}
		for _, e := range entries {
			c.printf("%s\n", longEntry(e, width))
		}
	case strings.Contains(options, "1") || !c.out.terminal:
		for _, e := range entries {
			c.printf("%s\n", e.name)
		}
	default:
		names := make([]string, 0, len(entries))
		for _, e := range entries {
			names = append(names, e.name)
		}
		c.printf("%s", columns(names, 80))
	}
}

// columns lays names out as ls does on a terminal.
func columns(names []string, width int) string {
	if len(names) == 0 {
		return ""
	}
	if line := strings.Join(names, "  "); len(line) <= width {
		return line + "\n"
	}
	longest := 0
	for _, name := range names {
		longest = max(longest, len(name)+2)
	}
	perRow := max(width/longest, 1)
	rows := (len(names) + perRow - 1) / perRow
	var out strings.Builder
	for row := range rows {
		var line strings.Builder
		for i := row; i < len(names); i += rows {
			fmt.Fprintf(&line, "%-*s", longest, names[i])
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return out.String()
}

func longEntry(e entry, width int) string {
	name, count := e.name, 1
	if e.node.isLink() {
		name += " -> " + e.node.target
	}
	if e.node.isDir() {
		count = 2
	}
	when := e.node.modified.Format("Jan _2 15:04")
	if time.Since(e.node.modified) > 180*24*time.Hour {
		when = e.node.modified.Format("Jan _2  2006")
	}
	return fmt.Sprintf("%s %d %s %s %*d %s %s", ModeString(e.node.mode), count, e.node.owner, e.node.owner, width, e.node.length(), when, name)
}

// ModeString shows a mode as ls does.
func ModeString(mode fs.FileMode) string {
	kind := "-"
	switch {
	case mode.IsDir():
		kind = "d"
	case mode&fs.ModeSymlink != 0:
		kind = "l"
	case mode&fs.ModeCharDevice != 0:
		kind = "c"
	case mode&fs.ModeDevice != 0:
		kind = "b"
	}
	bits := []byte(mode.Perm().String()[1:])
	if mode&fs.ModeSticky != 0 {
		bits[8] = 't'
	}
	return kind + string(bits)
}

func makeDir(c *call) int {
	options, operands := c.flags()
	status := 0
	for _, name := range operands {
		full := c.tree.resolve(c.dir, name, followAll)
		if strings.Contains(options, "p") {
			c.makeParents(full)
			continue
		}
		err := c.mayChange(path.Dir(full))
		if err == nil && c.tree.at(full) != nil {
			err = errExists
		}
		if err == nil {
			err = c.tree.put(full, c.node(fs.ModeDir|0o755, ""))
		}
		if err != nil {
			status = c.complain("cannot create directory '%s': %v", name, err)
		}
	}
	return status
}

func (c *call) makeParents(full string) {
	missing := []string{}
	for dir := full; dir != "/" && c.tree.at(dir) == nil; dir = path.Dir(dir) {
		missing = append(missing, dir)
	}
	for _, dir := range slices.Backward(missing) {
		if c.mayChange(path.Dir(dir)) != nil || c.tree.put(dir, c.node(fs.ModeDir|0o755, "")) != nil {
			return
		}
	}
}

func removeDir(c *call) int {
	_, operands := c.flags()
	status := 0
	for _, name := range operands {
		full := c.tree.resolve(c.dir, name, followParents)
		found, err := c.tree.lookup(full)
		switch {
		case err != nil:
		case !found.isDir():
			err = errNotDir
		case len(c.tree.list(full)) > 0:
			err = errNotEmpty
		default:
			err = c.removeNode(full)
		}
		if err != nil {
			status = c.complain("failed to remove '%s': %v", name, err)
		}
	}
	return status
}

func (c *call) removeNode(full string) error {
	if err := c.mayChange(path.Dir(full)); err != nil {
		return err
	}
	return c.tree.remove(full)
}

func remove(c *call) int {
	options, operands := c.flags()
	force := strings.Contains(options, "f")
	if len(operands) == 0 && !force {
		return c.complain("missing operand")
	}
	status := 0
	for _, name := range operands {
		full := c.tree.resolve(c.dir, name, followParents)
		found, err := c.tree.lookup(full)
		switch {
		case err != nil && force:
			continue
		case err != nil:
		case full == "/":
			fmt.Fprint(c.err, "rm: it is dangerous to operate recursively on '/'\nrm: use --no-preserve-root to override this failsafe\n")
			status = 1
			continue
		case found.isDir() && !strings.ContainsAny(options, "rR"):
			err = errIsDir
		default:
			err = c.removeNode(full)
		}
		if err != nil {
			status = c.complain("cannot remove '%s': %v", name, err)
		}
	}
	return status
}

func touch(c *call) int {
	_, operands := c.flags()
	status := 0
	for _, name := range operands {
		full := c.tree.resolve(c.dir, name, followAll)
		var err error
		if c.tree.at(full) == nil {
			err = c.writeFile(name, "", 0o644)
		} else if err = c.mayWrite(name); err == nil {
			err = c.tree.update(full, func(n *node) { n.modified = time.Now() })
		}
		if err != nil {
			status = c.complain("cannot touch '%s': %v", name, err)
		}
	}
	return status
}

// target returns the path that source gets at a destination, which may be a
// directory.
func (c *call) target(source, destination string) string {
	full := c.tree.resolve(c.dir, destination, followAll)
	if found := c.tree.at(full); found != nil && found.isDir() {
		return path.Join(full, path.Base(source))
	}
	return full
}

// sources returns what a command copies or moves, and where to.
func (c *call) sources() (sources []string, destination string, given bool) {
	_, operands := c.flags()
	if len(operands) < 2 {
		return nil, "", false
	}
	last := len(operands) - 1
	return operands[:last], operands[last], true
}

func copyFile(c *call) int {
	sources, destination, given := c.sources()
	if !given {
		return c.complain("missing file operand")
	}
	status := 0
	for _, name := range sources {
		full := c.tree.resolve(c.dir, name, followAll)
		found, err := c.tree.lookup(full)
		if err == nil && found.isDir() {
			status = c.complain("-r not specified; omitting directory '%s'", name)
			continue
		}
		if err != nil {
			status = c.complain("cannot stat '%s': %v", name, err)
			continue
		}
		content, err := c.readFile(name)
		if err == nil {
			err = c.writeFile(c.target(name, destination), content, found.mode)
		}
		if err != nil {
			status = c.complain("cannot create regular file '%s': %v", destination, err)
		}
	}
	return status
}

func move(c *call) int {
	sources, destination, given := c.sources()
	if !given {
		return c.complain("missing file operand")
	}
	status := 0
	for _, name := range sources {
		from := c.tree.resolve(c.dir, name, followParents)
		found, err := c.tree.lookup(from)
		if err == nil && found.isDir() && len(c.tree.list(from)) > 0 {
			err = errNotAllowed
		}
		to := c.target(name, destination)
		if err == nil {
			err = c.mayChange(path.Dir(to))
		}
		if err == nil {
			err = c.tree.put(to, found)
		}
		if err == nil {
			err = c.removeNode(from)
		}
		if err != nil {
			status = c.complain("cannot move '%s' to '%s': %v", name, destination, err)
		}
	}
	return status
}

func link(c *call) int {
	_, operands := c.flags()
	if len(operands) < 2 {
		return c.complain("missing file operand")
	}
	full := c.target(operands[0], operands[1])
	added := c.node(fs.ModeSymlink|0o777, "")
	added.target = operands[0]
	err := c.mayChange(path.Dir(full))
	if err == nil && c.tree.at(full) != nil {
		err = errExists
	}
	if err == nil {
		err = c.tree.put(full, added)
	}
	if err != nil {
		return c.complain("failed to create symbolic link '%s': %v", operands[1], err)
	}
	return 0
}

func changeMode(c *call) int {
	if len(c.args) < 3 {
		return c.complain("missing operand")
	}
	operands := c.args[1:]
	for len(operands) > 2 && (operands[0] == "-R" || operands[0] == "-f" || operands[0] == "-v") {
		operands = operands[1:]
	}
	status := 0
	for _, name := range operands[1:] {
		full := c.tree.resolve(c.dir, name, followAll)
		found, err := c.tree.lookup(full)
		if err != nil {
			status = c.complain("cannot access '%s': %v", name, err)
			continue
		}
		if c.user.id != 0 && found.owner != c.user.name {
			status = c.complain("changing permissions of '%s': %v", name, errNotAllowed)
			continue
		}
		mode, ok := changedMode(operands[0], found.mode)
		if !ok {
			return c.complain("invalid mode: '%s'", operands[0])
		}
		if err := c.tree.update(full, func(n *node) { n.mode = mode }); err != nil {
			status = c.complain("changing permissions of '%s': %v", name, err)
		}
	}
	return status
}

// changedMode applies "755", "+x" and the like.
func changedMode(change string, mode fs.FileMode) (fs.FileMode, bool) {
	if number, err := strconv.ParseUint(change, 8, 32); err == nil {
		return mode&^fs.ModePerm | fs.FileMode(number)&fs.ModePerm, number <= 0o7777
	}
	at := strings.IndexAny(change, "+-=")
	if at < 0 {
		return mode, false
	}
	var bits fs.FileMode
	for _, letter := range change[at+1:] {
		switch letter {
		case 'r':
			bits |= 0o444
		case 'w':
			bits |= 0o200
		case 'x', 'X':
			bits |= 0o111
		case 's', 't':
		default:
			return mode, false
		}
	}
	if change[at] == '-' {
		return mode &^ bits, true
	}
	return mode | bits, true
}

func changeOwner(c *call) int {
	_, operands := c.flags()
	if len(operands) < 2 {
		return c.complain("missing operand")
	}
	status := 0
	for _, name := range operands[1:] {
		full := c.tree.resolve(c.dir, name, followAll)
		if c.user.id != 0 {
			status = c.complain("changing ownership of '%s': %v", name, errNotAllowed)
			continue
		}
		owner, _, _ := strings.Cut(operands[0], ":")
		if !plainName(owner) {
			return c.complain("invalid user: '%s'", operands[0])
		}
		if err := c.tree.update(full, func(n *node) { n.owner = owner }); err != nil {
			status = c.complain("cannot access '%s': %v", name, err)
		}
	}
	return status
}

func find(c *call) int {
	start, pattern := ".", "*"
	if len(c.args) > 1 && !strings.HasPrefix(c.args[1], "-") {
		start = c.args[1]
	}
	for i, arg := range c.args[:len(c.args)-1] {
		if arg == "-name" || arg == "-iname" {
			pattern = c.args[i+1]
		}
	}
	full := c.tree.resolve(c.dir, start, followAll)
	if _, err := c.tree.lookup(full); err != nil {
		return c.complain("'%s': %v", start, err)
	}
	c.walk(start, full, pattern, 0)
	return 0
}

// walk prints what matches below a directory, a few levels deep.
func (c *call) walk(shown, full, pattern string, depth int) {
	const deepest, most = 6, 64 << 10
	if matched, err := path.Match(pattern, path.Base(full)); err == nil && matched {
		c.printf("%s\n", shown)
	}
	found := c.tree.at(full)
	if depth >= deepest || c.out.Len() > most || found == nil || !found.isDir() || !c.mayRead(full, found) {
		return
	}
	for _, name := range c.tree.list(full) {
		c.walk(strings.TrimSuffix(shown, "/")+"/"+name, path.Join(full, name), pattern, depth+1)
	}
}

func fileType(c *call) int {
	for _, name := range c.args[1:] {
		found, err := c.tree.lookup(c.tree.resolve(c.dir, name, followParents))
		kind := "ASCII text"
		switch {
		case err != nil:
			kind = fmt.Sprintf("cannot open `%s' (%v)", name, err)
		case found.isDir():
			kind = "directory"
		case found.isLink():
			kind = "symbolic link to " + found.target
		case strings.HasPrefix(found.content, "\x7fELF"):
			kind = "ELF 64-bit LSB pie executable, x86-64, version 1 (SYSV), dynamically linked, interpreter /lib64/ld-linux-x86-64.so.2, for GNU/Linux 3.2.0, stripped"
		case found.content == "":
			kind = "empty"
		}
		c.printf("%s: %s\n", name, kind)
	}
	return 0
}

func stat(c *call) int {
	_, operands := c.flags()
	status := 0
	for _, name := range operands {
		found, err := c.tree.lookup(c.tree.resolve(c.dir, name, followParents))
		if err != nil {
			status = c.complain("cannot statx '%s': %v", name, err)
			continue
		}
		kind := "regular file"
		if found.isDir() {
			kind = "directory"
		}
		when := found.modified.Format("2006-01-02 15:04:05.000000000 -0700")
		c.printf("  File: %s\n  Size: %-10d\tBlocks: %-10d IO Block: 4096   %s\nDevice: 8,1\tInode: %-11d Links: 1\nAccess: (%04o/%s)  Uid: ( %4d/%8s)   Gid: ( %4d/%8s)\nModify: %s\n",
			name, found.length(), (found.length()+511)/512, kind, 131072+len(name)*37, found.mode.Perm(), ModeString(found.mode), c.machine.account(found.owner).id, found.owner, c.machine.account(found.owner).id, found.owner, when)
	}
	return status
}

func diskUsage(c *call) int {
	_, operands := c.flags()
	if len(operands) == 0 {
		operands = []string{"."}
	}
	for _, name := range operands {
		full := c.tree.resolve(c.dir, name, followAll)
		if _, err := c.tree.lookup(full); err != nil {
			return c.complain("cannot access '%s': %v", name, err)
		}
		c.printf("%d\t%s\n", 4*(1+len(c.tree.list(full))), name)
	}
	return 0
}

// dd keeps what an intruder pipes into a file.
func dd(c *call) int {
	var from, to string
	for _, arg := range c.args[1:] {
		if name, found := strings.CutPrefix(arg, "if="); found {
			from = name
		}
		if name, found := strings.CutPrefix(arg, "of="); found {
			to = name
		}
	}
	var content string
	if from != "" {
		text, err := c.readFile(from)
		if err != nil {
			return c.complain("failed to open '%s': %v", from, err)
		}
		content = text
	} else {
		content = string(c.readInput())
	}
	if to == "" {
		c.printf("%s", content)
	} else if err := c.writeFile(to, content, 0o644); err != nil {
		return c.complain("failed to open '%s': %v", to, err)
	}
	blocks := (len(content) + 511) / 512
	fmt.Fprintf(c.err, "%d+0 records in\n%d+0 records out\n%d bytes copied, 0.000213 s, %.1f MB/s\n", blocks, blocks, len(content), float64(len(content))/213)
	return 0
}

// archive stands for programs that unpack: there is nothing to unpack.
func archive(c *call) int {
	_, operands := c.flags()
	name := "archive"
	if len(operands) > 0 {
		name = operands[0]
	}
	c.record.Record("unpack", evidence.Text("command", strings.Join(c.args, " ")))
	return c.complain("%s: Cannot open: No such file or directory", name)
}
