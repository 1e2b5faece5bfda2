// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package redis

import "strings"

// maxPattern bounds what matching one key can cost.
const maxPattern = 256

// matches says whether text matches a glob pattern with *, ?, [sets] and \.
// Unlike path.Match it knows no separator, as keys have none. It goes back to
// the last star only, so it takes no more than pattern times text steps.
func matches(pattern, text string) bool {
	if len(pattern) > maxPattern {
		return false
	}
	at, in := 0, 0
	star, resume := -1, 0
	for in < len(text) {
		if at < len(pattern) && pattern[at] == '*' {
			star, resume = at, in
			at++
			continue
		}
		if width, ok := matchOne(pattern[at:], text[in]); ok {
			at += width
			in++
			continue
		}
		if star < 0 {
			return false
		}
		resume++
		at, in = star+1, resume
	}
	return strings.Trim(pattern[at:], "*") == ""
}

// matchOne matches the first element of a pattern, and returns its width.
func matchOne(pattern string, char byte) (width int, ok bool) {
	if pattern == "" {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		if end := strings.IndexByte(pattern, ']'); end > 0 {
			return end + 1, inSet(pattern[1:end], char)
		}
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == char
		}
	}
	return 1, pattern[0] == char
}

func inSet(set string, char byte) bool {
	set, negated := strings.CutPrefix(set, "^")
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if set[i] <= char && char <= set[i+2] {
				return !negated
			}
			i += 2
			continue
		}
		if set[i] == char {
			return !negated
		}
	}
	return negated
}
