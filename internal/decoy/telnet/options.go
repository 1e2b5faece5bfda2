// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package telnet

import "io"

// Bytes of the protocol, RFC 854 and 1091.
const (
	iac  = 255
	dont = 254
	do   = 253
	wont = 252
	will = 251
	sb   = 250
	se   = 240

	optionEcho     = 1
	optionGoAhead  = 3
	optionTermType = 24
	optionSize     = 31
)

// opening is what the server asks for first, as telnetd does.
func opening() []byte {
	return []byte{iac, do, optionTermType, iac, do, optionSize, iac, will, optionEcho, iac, will, optionGoAhead}
}

type state int

const (
	stateData state = iota
	stateReturn
	stateCommand
	stateOption
	stateSub
	stateSubCommand
)

// reader takes the protocol's commands out of what a client sends. Line ends
// become one carriage return. Options that the client offers or wants beyond
// those of the opening are refused once each, so that no exchange goes on
// for ever. The content of a sub-negotiation is dropped as it arrives.
type reader struct {
	from    io.Reader
	to      io.Writer
	state   state
	verb    byte
	refused [256]bool
}

// Read returns what the client typed.
func (r *reader) Read(buffer []byte) (int, error) {
	for {
		n, err := r.from.Read(buffer)
		kept := 0
		for _, char := range buffer[:n] {
			if data, ok := r.next(char); ok {
				buffer[kept] = data
				kept++
			}
		}
		if kept > 0 || err != nil {
			return kept, err
		}
	}
}

// next takes one byte and returns the byte of data it stands for, if any.
func (r *reader) next(char byte) (byte, bool) {
	switch r.state {
	case stateCommand:
		return r.command(char)
	case stateOption:
		r.state = stateData
		r.answer(char)
	case stateSub:
		if char == iac {
			r.state = stateSubCommand
		}
	case stateSubCommand:
		r.state = stateSub
		if char == se {
			r.state = stateData
		}
	case stateReturn:
		r.state = stateData
		if char == '\n' || char == 0 {
			return 0, false
		}
		return r.data(char)
	case stateData:
		return r.data(char)
	}
	return 0, false
}

func (r *reader) data(char byte) (byte, bool) {
	switch char {
	case iac:
		r.state = stateCommand
		return 0, false
	case '\r':
		r.state = stateReturn
	}
	return char, true
}

func (r *reader) command(char byte) (byte, bool) {
	const interrupt, eraseChar, eraseLine = 244, 247, 248
	r.state = stateData
	switch char {
	case iac:
		return iac, true
	case do, dont, will, wont:
		r.verb = char
		r.state = stateOption
	case sb:
		r.state = stateSub
	case interrupt:
		return 0x03, true
	case eraseChar:
		return 0x7f, true
	case eraseLine:
		return 0x15, true
	}
	return 0, false
}

func (r *reader) answer(option byte) {
	known := option == optionEcho || option == optionGoAhead || option == optionTermType || option == optionSize
	if known || r.refused[option] {
		return
	}
	reply := byte(0)
	switch r.verb {
	case do:
		reply = wont
	case will:
		reply = dont
	}
	if reply == 0 {
		return
	}
	r.refused[option] = true
	// A client that is gone shows itself at the next read.
	_, _ = r.to.Write([]byte{iac, reply, option})
}
