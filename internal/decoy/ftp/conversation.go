// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ftp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/guard"
	"github.com/deckyard/deckyard/internal/decoy/lines"
)

const complete = "226 Transfer complete."

// conversation is one connection.
type conversation struct {
	evidence *evidence.Session
	conn     *guard.Conn
	input    *lines.Reader
	files    *files
	passive  *net.TCPListener
	mistakes int

	user       string
	loggedIn   bool
	dir        string
	renameFrom string
	offset     int64
}

// verb answers one command and says whether the conversation goes on.
type verb struct {
	login bool // only after login
	do    func(*conversation, string) bool
}

func verbs() map[string]verb {
	return map[string]verb{
		"USER": {false, (*conversation).userName}, "PASS": {false, (*conversation).password}, "QUIT": {false, (*conversation).quit},
		"SYST": {true, saying("215 UNIX Type: L8")}, "FEAT": {false, (*conversation).features}, "NOOP": {true, saying("200 NOOP ok.")},
		"AUTH": {false, saying("530 Please login with USER and PASS.")}, "OPTS": {false, saying("200 Always in UTF8 mode.")},
		"TYPE": {true, (*conversation).dataType}, "MODE": {true, saying("200 Mode set to S.")}, "STRU": {true, saying("200 Structure set to F.")},
		"PWD": {true, (*conversation).workingDir}, "XPWD": {true, (*conversation).workingDir}, "CWD": {true, (*conversation).changeDir},
		"CDUP": {true, func(c *conversation, _ string) bool { return c.changeDir("..") }},
		"PASV": {true, (*conversation).pasv}, "EPSV": {true, (*conversation).epsv},
		"PORT": {true, (*conversation).active}, "EPRT": {true, (*conversation).active},
		"LIST": {true, (*conversation).list}, "NLST": {true, (*conversation).nameList}, "STAT": {true, saying("211 End of status")},
		"RETR": {true, (*conversation).retrieve}, "STOR": {true, (*conversation).store}, "STOU": {true, (*conversation).store}, "APPE": {true, (*conversation).store},
		"DELE": {true, (*conversation).remove}, "RMD": {true, (*conversation).remove}, "MKD": {true, (*conversation).makeDir}, "XMKD": {true, (*conversation).makeDir},
		"RNFR": {true, (*conversation).renameOld}, "RNTO": {true, (*conversation).renameNew}, "SIZE": {true, (*conversation).size}, "MDTM": {true, (*conversation).modified},
		"REST": {true, (*conversation).restart}, "ABOR": {true, saying("225 No transfer to ABOR.")}, "SITE": {true, saying("500 Unknown SITE command.")},
		"HELP": {true, saying("214 Help OK.")}, "ALLO": {true, saying("202 ALLO command ignored.")}, "ACCT": {true, saying("502 ACCT not implemented.")},
	}
}

func saying(answer string) func(*conversation, string) bool {
	return func(c *conversation, _ string) bool { return c.say(answer) }
}

func (s *Server) handle(ctx context.Context, conn *guard.Conn) {
	c := &conversation{
		evidence: conn.Session(), conn: conn, input: lines.NewReader(conn, maxLine, maxLines),
		files: newFiles(time.Now()), dir: "/",
	}
	defer c.closePassive()
	if !c.say("220 " + s.banner) {
		return
	}
	known := verbs()
	for ctx.Err() == nil {
		line, err := c.input.Read()
		if errors.Is(err, lines.ErrTooLong) {
			if !c.mistake("500 Input line too long.") {
				return
			}
			continue
		}
		if err != nil || !c.answer(known, line) {
			return
		}
	}
}

func (c *conversation) answer(known map[string]verb, line string) bool {
	name, argument := lines.Command(line)
	if name != "PASS" {
		c.evidence.Record("command", evidence.Text("username", c.user), evidence.Text("command", line))
	}
	found, ok := known[name]
	switch {
	case !ok && !c.loggedIn, ok && found.login && !c.loggedIn:
		return c.mistake("530 Please login with USER and PASS.")
	case !ok:
		return c.mistake("500 Unknown command.")
	}
	return found.do(c, argument)
}

func (c *conversation) say(answer string) bool {
	_, err := io.WriteString(c.conn, answer+"\r\n")
	return err == nil
}

func (c *conversation) mistake(answer string) bool {
	c.mistakes++
	return c.say(answer) && c.mistakes < maxMistakes
}

func (c *conversation) userName(name string) bool {
	c.user, c.loggedIn = name, false
	return c.say("331 Please specify the password.")
}

// password lets everybody in, so that what they came for is seen.
func (c *conversation) password(password string) bool {
	if c.user == "" {
		return c.mistake("503 Login with USER first.")
	}
	c.loggedIn = true
	c.evidence.Record("login", evidence.Text("username", c.user), evidence.Text("password", password), evidence.Flag("accepted", true))
	return c.say("230 Login successful.")
}

func (c *conversation) quit(string) bool {
	c.say("221 Goodbye.")
	return false
}

func (c *conversation) features(string) bool {
	return c.say("211-Features:\r\n EPSV\r\n MDTM\r\n PASV\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n UTF8\r\n211 End")
}

func (c *conversation) dataType(argument string) bool {
	if strings.HasPrefix(strings.ToUpper(argument), "I") || strings.HasPrefix(strings.ToUpper(argument), "L") {
		return c.say("200 Switching to Binary mode.")
	}
	return c.say("200 Switching to ASCII mode.")
}

// resolve makes a path absolute.
func (c *conversation) resolve(name string) string {
	if !path.IsAbs(name) {
		name = path.Join(c.dir, name)
	}
	return path.Clean(name)
}

func (c *conversation) workingDir(string) bool {
	return c.say(fmt.Sprintf("257 %q is the current directory", c.dir))
}

func (c *conversation) changeDir(name string) bool {
	full := c.resolve(name)
	if found := c.files.entries[full]; found == nil || !found.isDir() {
		return c.say("550 Failed to change directory.")
	}
	c.dir = full
	return c.say("250 Directory successfully changed.")
}

func (c *conversation) closePassive() {
	if c.passive != nil {
		_ = c.passive.Close()
		c.passive = nil
	}
}

// listen opens the next data port, in place of one that was not used.
func (c *conversation) listen() (*net.TCPAddr, bool) {
	c.closePassive()
	local, ok := c.conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return nil, false
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: local.IP})
	if err != nil {
		return nil, false
	}
	c.passive = listener
	address, ok := listener.Addr().(*net.TCPAddr)
	return address, ok
}

func (c *conversation) pasv(string) bool {
	address, ok := c.listen()
	if !ok || address.IP.To4() == nil {
		c.closePassive()
		return c.say("421 Could not open passive connection.")
	}
	ip := address.IP.To4()
	return c.say(fmt.Sprintf("227 Entering Passive Mode (%d,%d,%d,%d,%d,%d).", ip[0], ip[1], ip[2], ip[3], address.Port>>8, address.Port&0xff))
}

func (c *conversation) epsv(string) bool {
	address, ok := c.listen()
	if !ok {
		return c.say("421 Could not open passive connection.")
	}
	return c.say(fmt.Sprintf("229 Entering Extended Passive Mode (|||%d|)", address.Port))
}

// active is refused: the server would connect to wherever it is told.
func (c *conversation) active(string) bool {
	return c.say("500 Illegal PORT command.")
}

// transfer accepts the data connection and hands it to use.
func (c *conversation) transfer(opening, closing string, use func(net.Conn) error) bool {
	if c.passive == nil {
		return c.say("425 Use PORT or PASV first.")
	}
	defer c.closePassive()
	deadline := time.Now().Add(dataTimeout)
	if err := c.passive.SetDeadline(deadline); err != nil {
		return false
	}
	data, err := c.acceptOwn()
	if err != nil {
		return c.say("425 Failed to establish connection.")
	}
	defer func() { _ = data.Close() }()
	if err := data.SetDeadline(time.Now().Add(dataTimeout)); err != nil || !c.say(opening) {
		return false
	}
	if err := use(data); err != nil {
		return c.say("426 Failure writing network stream.")
	}
	_ = data.Close()
	return c.say(closing)
}

// acceptOwn accepts from the address of the client and closes all others.
func (c *conversation) acceptOwn() (net.Conn, error) {
	const tries = 8
	for range tries {
		data, err := c.passive.Accept()
		if err != nil {
			return nil, fmt.Errorf("accept data connection: %w", err)
		}
		if evidence.Host(data.RemoteAddr()) == c.conn.Host() {
			return data, nil
		}
		_ = data.Close()
	}
	return nil, errors.New("accept data connection: too many strangers")
}

func (c *conversation) list(argument string) bool {
	return c.sendList(c.files.longList(c.listed(argument)))
}

func (c *conversation) nameList(argument string) bool {
	return c.sendList(c.files.shortList(c.listed(argument)))
}

// listed is the directory that LIST names, behind options for ls.
func (c *conversation) listed(argument string) string {
	for strings.HasPrefix(argument, "-") {
		_, argument, _ = strings.Cut(argument, " ")
	}
	return c.resolve(argument)
}

func (c *conversation) sendList(text string) bool {
	return c.transfer("150 Here comes the directory listing.", "226 Directory send OK.", func(data net.Conn) error {
		_, err := io.WriteString(data, text)
		return err
	})
}

func (c *conversation) retrieve(name string) bool {
	found := c.files.entries[c.resolve(name)]
	if found == nil || found.isDir() {
		return c.say("550 Failed to open file.")
	}
	content := found.content[min(c.offset, int64(len(found.content))):]
	c.offset = 0
	c.evidence.Record("download", evidence.Text("path", c.resolve(name)))
	return c.transfer(fmt.Sprintf("150 Opening BINARY mode data connection for %s (%d bytes).", name, found.size), complete, func(data net.Conn) error {
		_, err := data.Write(content)
		return err
	})
}

// store takes an upload: its beginning is kept, all of it counts.
func (c *conversation) store(name string) bool {
	if name == "" {
		name = "ftp." + strconv.FormatInt(time.Now().UnixNano()%100_000, 10)
	}
	full := c.resolve(name)
	return c.transfer("150 Ok to send data.", complete, func(data net.Conn) error {
		kept, err := io.ReadAll(io.LimitReader(data, maxKept))
		digest := sha256.New()
		_, _ = digest.Write(kept)
		size := int64(len(kept))
		if err == nil && size == maxKept {
			var rest int64
			rest, err = io.Copy(digest, io.LimitReader(data, maxUpload-maxKept))
			size += rest
		}
		stored := err == nil && c.files.store(full, &file{content: append([]byte{}, kept...), size: size, modified: time.Now()})
		c.evidence.Record("upload", evidence.Text("username", c.user), evidence.Text("path", full), evidence.Number("size", size),
			evidence.Text("sha256", hex.EncodeToString(digest.Sum(nil))), evidence.Flag("stored", stored), evidence.Text("content", string(kept)))
		if err != nil {
			return fmt.Errorf("read upload: %w", err)
		}
		return nil
	})
}

func (c *conversation) remove(name string) bool {
	if !c.files.remove(c.resolve(name)) {
		return c.say("550 Delete operation failed.")
	}
	return c.say("250 Delete operation successful.")
}

func (c *conversation) makeDir(name string) bool {
	full := c.resolve(name)
	if c.files.entries[full] != nil || !c.files.store(full, &file{modified: time.Now()}) {
		return c.say("550 Create directory operation failed.")
	}
	return c.say(fmt.Sprintf("257 %q created", full))
}

func (c *conversation) renameOld(name string) bool {
	full := c.resolve(name)
	if c.files.entries[full] == nil {
		return c.say("550 RNFR command failed.")
	}
	c.renameFrom = full
	return c.say("350 Ready for RNTO.")
}

func (c *conversation) renameNew(name string) bool {
	moved := c.files.entries[c.renameFrom]
	if moved == nil || moved.isDir() {
		return c.say("503 RNFR required first.")
	}
	full := c.resolve(name)
	if c.files.entries[full] != nil || !c.files.store(full, moved) || !c.files.remove(c.renameFrom) {
		return c.say("550 Rename failed.")
	}
	c.renameFrom = ""
	return c.say("250 Rename successful.")
}

func (c *conversation) size(name string) bool {
	found := c.files.entries[c.resolve(name)]
	if found == nil || found.isDir() {
		return c.say("550 Could not get file size.")
	}
	return c.say("213 " + strconv.FormatInt(found.size, 10))
}

func (c *conversation) modified(name string) bool {
	found := c.files.entries[c.resolve(name)]
	if found == nil {
		return c.say("550 Could not get file modification time.")
	}
	return c.say("213 " + found.modified.UTC().Format("20060102150405"))
}

func (c *conversation) restart(argument string) bool {
	offset, err := strconv.ParseInt(argument, 10, 64)
	if err != nil || offset < 0 {
		offset = 0
	}
	c.offset = offset
	return c.say(fmt.Sprintf("350 Restart position accepted (%d).", offset))
}
