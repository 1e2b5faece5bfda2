// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"unicode"
	"unicode/utf8"
)

const (
	// maxFieldBytes bounds one text value as it was sent.
	maxFieldBytes = 2048
	// maxFields bounds the fields of one line.
	maxFields = 24
)

type fieldKind int

const (
	textField fieldKind = iota
	numberField
	flagField
)

// Field is one named fact of a line. Keys are chosen by the services and
// never by an intruder.
type Field struct {
	key    string
	kind   fieldKind
	text   string
	number int64
}

// Text is a field with what an intruder sent, or a word of ours. It is cut
// at 2048 bytes, which the line then says by "truncated": true. Bytes that are
// not UTF-8 appear as \xNN with backslashes doubled, which the line says by
// "escaped": true.
func Text(key, value string) Field {
	return Field{key: key, kind: textField, text: value}
}

// Number is a field with an integer.
func Number(key string, value int64) Field {
	return Field{key: key, kind: numberField, number: value}
}

// Flag is a field that is true or false.
func Flag(key string, value bool) Field {
	field := Field{key: key, kind: flagField}
	if value {
		field.number = 1
	}
	return field
}

// Digest names content by its size in bytes and its SHA-256 in hexadecimal,
// as the fields "size" and "sha256".
func Digest(content []byte) []Field {
	sum := sha256.Sum256(content)
	return []Field{Number("size", int64(len(content))), Text("sha256", hex.EncodeToString(sum[:]))}
}

// notes says what had to be done to a line's values to fit them in.
type notes struct {
	truncated bool
	escaped   bool
}

func (f Field) appendTo(line []byte, n *notes) []byte {
	line = append(line, ',')
	line = appendString(line, f.key)
	line = append(line, ':')
	switch f.kind {
	case numberField:
		return strconv.AppendInt(line, f.number, 10)
	case flagField:
		return strconv.AppendBool(line, f.number == 1)
	case textField:
	}
	value := f.text
	if len(value) > maxFieldBytes {
		value = cut(value)
		n.truncated = true
	}
	if !utf8.ValidString(value) {
		value = escape(value)
		n.escaped = true
	}
	return appendString(line, value)
}

// cut shortens value to maxFieldBytes without splitting a rune.
func cut(value string) string {
	end := maxFieldBytes
	for end > maxFieldBytes-utf8.UTFMax && !utf8.RuneStart(value[end]) {
		end--
	}
	return value[:end]
}

// escape turns arbitrary bytes into UTF-8 that can be turned back.
func escape(value string) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, len(value)*2)
	for len(value) > 0 {
		char, size := utf8.DecodeRuneInString(value)
		switch {
		case char == utf8.RuneError && size == 1:
			out = append(out, '\\', 'x', digits[value[0]>>4], digits[value[0]&0xf])
		case char == '\\':
			out = append(out, '\\', '\\')
		default:
			out = append(out, value[:size]...)
		}
		value = value[size:]
	}
	return string(out)
}

// appendString appends valid UTF-8 as a JSON string. All that is not
// printable is written as \uNNNN, so that a terminal showing the evidence
// cannot be steered by it either.
func appendString(line []byte, value string) []byte {
	line = append(line, '"')
	for _, char := range value {
		switch {
		case char == '"' || char == '\\':
			line = append(line, '\\', byte(char))
		case char == '\n':
			line = append(line, '\\', 'n')
		case char == '\r':
			line = append(line, '\\', 'r')
		case char == '\t':
			line = append(line, '\\', 't')
		case unicode.IsPrint(char):
			line = utf8.AppendRune(line, char)
		default:
			line = appendEscapedRune(line, char)
		}
	}
	return append(line, '"')
}

func appendEscapedRune(line []byte, char rune) []byte {
	if char <= 0xffff {
		return appendUnit(line, uint16(char)) //nolint:gosec // G115: in range by the condition above.
	}
	char -= 0x10000
	line = appendUnit(line, uint16(0xd800+(char>>10))) //nolint:gosec // G115: ten bits.
	return appendUnit(line, uint16(0xdc00+(char&0x3ff)))
}

func appendUnit(line []byte, unit uint16) []byte {
	const digits = "0123456789abcdef"
	return append(line, '\\', 'u', digits[unit>>12], digits[unit>>8&0xf], digits[unit>>4&0xf], digits[unit&0xf])
}
