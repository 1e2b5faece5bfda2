// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package shell

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // G501: the emulated program's own algorithm.
	"crypto/sha1" //nolint:gosec // G505: as above.
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func textCommands() map[string]command {
	return map[string]command{
		"cat": cat, "more": cat, "less": cat, "tac": cat, "echo": echo, "printf": printf, "head": head, "tail": tail, "wc": wordCount,
		"grep": grep, "egrep": grep, "fgrep": grep, "sort": sortLines, "uniq": uniq, "cut": cutFields, "tr": translate,
		"awk": awk, "sed": sed, "tee": tee, "md5sum": digest, "sha1sum": digest, "sha256sum": digest, "base64": encode,
		"strings": cat, "xargs": xargs, "seq": sequence, "rev": cat, "hexdump": cat,
	}
}

func cat(c *call) int {
	_, operands := c.flags()
	if _, interactive := c.in.(*Terminal); interactive && len(operands) == 0 {
		return 0
	}
	content, status := c.input(operands)
	_, _ = c.out.WriteString(content[:min(len(content), maxOutput)])
	return status
}

func echo(c *call) int {
	args, newline, escapes := c.args[1:], "\n", false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "neE") == "" {
		if strings.Contains(args[0], "n") {
			newline = ""
		}
		escapes = strings.Contains(args[0], "e")
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escapes {
		text = unescape(text)
	}
	_, _ = c.out.WriteString(text + newline)
	return 0
}

// unescape replaces the backslash sequences of echo -e and printf.
func unescape(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		i++
		switch text[i] {
		case 'n':
			out.WriteByte('\n')
		case 't':
			out.WriteByte('\t')
		case 'r':
			out.WriteByte('\r')
		case '\\':
			out.WriteByte('\\')
		case 'x':
			i += number(&out, text[i+1:], 16, 2)
		case '0', '1', '2', '3', '4', '5', '6', '7':
			i += number(&out, text[i:], 8, 4) - 1
		default:
			out.WriteString(text[i-1 : i+1])
		}
	}
	return out.String()
}

// number writes the byte given by leading digits and returns their count.
func number(out *strings.Builder, text string, base, most int) int {
	count, value := 0, 0
	for count < min(most, len(text)) {
		digit, err := strconv.ParseUint(text[count:count+1], base, 8)
		if err != nil {
			break
		}
		value = value*base + int(digit)
		count++
	}
	out.WriteByte(byte(value))
	return count
}

func printf(c *call) int {
	if len(c.args) < 2 {
		return c.complain("usage: printf [-v var] format [arguments]")
	}
	text := unescape(c.args[1])
	for _, arg := range c.args[2:] {
		for _, verb := range []string{"%s", "%d", "%b"} {
			if strings.Contains(text, verb) {
				text = strings.Replace(text, verb, arg, 1)
				break
			}
		}
	}
	_, _ = c.out.WriteString(text)
	return 0
}

// count takes "-n 5", "-n5" or "-5" from the arguments.
func (c *call) count(fallback int) (count int, operands []string) {
	count = fallback
	args := c.args[1:]
	for i := 0; i < len(args); i++ {
		text, isOption := strings.CutPrefix(args[i], "-")
		if !isOption || text == "" {
			operands = append(operands, args[i])
			continue
		}
		text = strings.TrimLeft(text, "nc")
		if text == "" && i+1 < len(args) {
			i++
			text = args[i]
		}
		if value, err := strconv.Atoi(strings.TrimPrefix(text, "+")); err == nil && value >= 0 {
			count = value
		}
	}
	return count, operands
}

func head(c *call) int {
	count, operands := c.count(10)
	content, status := c.input(operands)
	if strings.HasPrefix(strings.Join(c.args[1:], " "), "-c") {
		_, _ = c.out.WriteString(content[:min(count, len(content))])
		return status
	}
	all := lines(content)
	_, _ = c.out.WriteString(strings.Join(all[:min(count, len(all))], ""))
	return status
}

func tail(c *call) int {
	count, operands := c.count(10)
	content, status := c.input(operands)
	all := lines(content)
	_, _ = c.out.WriteString(strings.Join(all[max(0, len(all)-count):], ""))
	return status
}

func wordCount(c *call) int {
	options, operands := c.flags()
	content, status := c.input(operands)
	counts := map[string]int{"l": strings.Count(content, "\n"), "w": len(strings.Fields(content)), "c": len(content)}
	if options == "" || strings.Trim(options, "lwc") != "" {
		options = "lwc"
	}
	var shown []string
	for _, which := range []string{"l", "w", "c"} {
		if strings.Contains(options, which) {
			shown = append(shown, strconv.Itoa(counts[which]))
		}
	}
	c.printf("%s\n", strings.TrimSpace(strings.Join(shown, " ")+" "+strings.Join(operands, " ")))
	return status
}

func grep(c *call) int {
	options, operands := c.flags()
	if len(operands) == 0 {
		fmt.Fprint(c.err, "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n")
		return 2
	}
	pattern := operands[0]
	if c.args[0] == "fgrep" || strings.Contains(options, "F") {
		pattern = regexp.QuoteMeta(pattern)
	}
	if strings.Contains(options, "i") {
		pattern = "(?i)" + pattern
	}
	expression, err := regexp.Compile(strings.ReplaceAll(pattern, `\|`, "|"))
	if err != nil {
		return c.complain("Invalid regular expression")
	}
	content, _ := c.input(operands[1:])
	matches := 0
	for _, line := range lines(content) {
		if expression.MatchString(line) == strings.Contains(options, "v") {
			continue
		}
		matches++
		if !strings.ContainsAny(options, "cq") {
			c.printf("%s\n", strings.TrimSuffix(line, "\n"))
		}
	}
	if strings.Contains(options, "c") {
		c.printf("%d\n", matches)
	}
	if matches == 0 {
		return 1
	}
	return 0
}

func sortLines(c *call) int {
	options, operands := c.flags()
	content, status := c.input(operands)
	all := lines(content)
	slices.Sort(all)
	if strings.Contains(options, "r") {
		slices.Reverse(all)
	}
	if strings.Contains(options, "u") {
		all = slices.Compact(all)
	}
	_, _ = c.out.WriteString(strings.Join(all, ""))
	return status
}

func uniq(c *call) int {
	_, operands := c.flags()
	content, status := c.input(operands)
	_, _ = c.out.WriteString(strings.Join(slices.Compact(lines(content)), ""))
	return status
}

func cutFields(c *call) int {
	delimiter, fields := "\t", ""
	var operands []string
	args := c.args[1:]
	for i := range args {
		switch {
		case (args[i] == "-d" || args[i] == "-f") && i+1 < len(args):
			args[i+1] = args[i] + args[i+1]
		case strings.HasPrefix(args[i], "-d"):
			delimiter = args[i][2:]
		case strings.HasPrefix(args[i], "-f"):
			fields = args[i][2:]
		default:
			operands = append(operands, args[i])
		}
	}
	first, last := fieldRange(fields)
	if first == 0 || delimiter == "" {
		return c.complain("you must specify a list of bytes, characters, or fields")
	}
	content, status := c.input(operands)
	for _, line := range lines(content) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), delimiter)
		if len(parts) == 1 {
			c.printf("%s\n", parts[0])
			continue
		}
		parts = parts[min(first-1, len(parts)):min(last, len(parts))]
		c.printf("%s\n", strings.Join(parts, delimiter))
	}
	return status
}

// fieldRange reads "2", "2-" and "2-4"; the first field is 1, 0 means neither.
func fieldRange(text string) (first, last int) {
	from, to, isRange := strings.Cut(text, "-")
	first, err := strconv.Atoi(from)
	if err != nil || first < 1 {
		return 0, 0
	}
	if !isRange {
		return first, first
	}
	if last, err = strconv.Atoi(to); err != nil || last < first {
		last = maxOutput
	}
	return first, last
}

func translate(c *call) int {
	options, operands := c.flags()
	if len(operands) == 0 {
		return c.complain("missing operand")
	}
	content := string(c.readInput())
	from := []rune(expandRanges(unescape(operands[0])))
	var to []rune
	if len(operands) > 1 {
		to = []rune(expandRanges(unescape(operands[1])))
	}
	_, _ = c.out.WriteString(strings.Map(func(char rune) rune {
		at := slices.Index(from, char)
		switch {
		case at < 0:
			return char
		case strings.Contains(options, "d") || len(to) == 0:
			return -1
		default:
			return to[min(at, len(to)-1)]
		}
	}, content))
	return 0
}

// expandRanges writes a-z out.
func expandRanges(set string) string {
	var out strings.Builder
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' && set[i] < set[i+2] && set[i+2] < 0x80 {
			for char := set[i]; char <= set[i+2]; char++ {
				out.WriteByte(char)
			}
			i += 2
			continue
		}
		out.WriteByte(set[i])
	}
	return out.String()
}

// awk knows the one program that scripts use most: {print $1, $2}.
func awk(c *call) int {
	args := c.args[1:]
	separator := ""
	for len(args) > 1 && strings.HasPrefix(args[0], "-F") {
		separator = args[0][2:]
		args = args[1:]
		if separator == "" {
			separator, args = args[0], args[1:]
		}
	}
	if len(args) == 0 {
		fmt.Fprint(c.err, "usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]\n")
		return 2
	}
	_, action, found := strings.Cut(args[0], "{")
	action, isPrint := strings.CutPrefix(strings.TrimSpace(action), "print")
	if !found || !isPrint {
		return 0
	}
	columns := strings.Split(strings.TrimRight(strings.TrimSpace(action), "}; "), ",")
	content, status := c.input(args[1:])
	for _, line := range lines(content) {
		c.printf("%s\n", selected(strings.TrimSuffix(line, "\n"), separator, columns))
	}
	return status
}

// selected picks the columns that awk's print names.
func selected(line, separator string, columns []string) string {
	fields := strings.Fields(line)
	if separator != "" {
		fields = strings.Split(line, separator)
	}
	var picked []string
	for _, column := range columns {
		column = strings.TrimSpace(column)
		name, isField := strings.CutPrefix(column, "$")
		at, err := strconv.Atoi(name)
		switch {
		case column == "" || column == "$0":
			picked = append(picked, line)
		case column == "$NF" && len(fields) > 0:
			picked = append(picked, fields[len(fields)-1])
		case isField && err == nil && at > 0 && at <= len(fields):
			picked = append(picked, fields[at-1])
		case !isField:
			picked = append(picked, strings.Trim(column, `"`))
		}
	}
	return strings.Join(picked, " ")
}

// sed knows s/old/new/ with an optional g.
func sed(c *call) int {
	_, operands := c.flags()
	if len(operands) == 0 {
		fmt.Fprint(c.err, "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n")
		return 1
	}
	content, status := c.input(operands[1:])
	script := operands[0]
	if len(script) > 3 && script[0] == 's' {
		parts := strings.Split(script[2:], script[1:2])
		if expression, err := regexp.Compile(parts[0]); err == nil && len(parts) >= 2 && parts[0] != "" {
			content = expression.ReplaceAllString(content, strings.ReplaceAll(parts[1], "$", "$$"))
		}
	}
	_, _ = c.out.WriteString(content)
	return status
}

func tee(c *call) int {
	options, operands := c.flags()
	content := c.readInput()
	status := 0
	for _, name := range operands {
		before := ""
		if strings.Contains(options, "a") {
			before, _ = c.readFile(name)
		}
		if err := c.writeFile(name, before+string(content), 0o644); err != nil {
			status = c.complain("%s: %v", name, err)
		}
	}
	_, _ = c.out.Write(content)
	return status
}

func digest(c *call) int {
	_, operands := c.flags()
	if len(operands) == 0 {
		operands = []string{"-"}
	}
	status := 0
	for _, name := range operands {
		content, failed := c.input([]string{name})
		if failed != 0 {
			status = failed
			continue
		}
		c.printf("%s  %s\n", sum(c.args[0], []byte(content)), name)
	}
	return status
}

func sum(program string, content []byte) string {
	switch program {
	case "md5sum":
		digest := md5.Sum(content) //nolint:gosec // G401: the emulated program's own algorithm.
		return hex.EncodeToString(digest[:])
	case "sha1sum":
		digest := sha1.Sum(content) //nolint:gosec // G401: as above.
		return hex.EncodeToString(digest[:])
	default:
		digest := sha256.Sum256(content)
		return hex.EncodeToString(digest[:])
	}
}

func encode(c *call) int {
	options, operands := c.flags()
	content, status := c.input(operands)
	if strings.Contains(options, "d") {
		cleaned := strings.Map(func(char rune) rune {
			if char == '\n' || char == '\r' || char == ' ' {
				return -1
			}
			return char
		}, content)
		decoded, err := base64.StdEncoding.DecodeString(cleaned)
		_, _ = c.out.Write(decoded)
		if err != nil {
			return c.complain("invalid input")
		}
		return status
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(content))
	for len(encoded) > 76 && !strings.Contains(options, "w0") {
		c.printf("%s\n", encoded[:76])
		encoded = encoded[76:]
	}
	c.printf("%s\n", encoded)
	return status
}

func xargs(c *call) int {
	args := append(slices.Clone(c.args[1:]), strings.Fields(string(c.readInput()))...)
	if len(args) > maxArguments {
		args = args[:maxArguments]
	}
	c.in = bytes.NewReader(nil)
	return c.runArgs(args)
}

func sequence(c *call) int {
	const most = 10_000
	if len(c.args) < 2 {
		return c.complain("missing operand")
	}
	first, last := 1, 0
	var err error
	if len(c.args) > 2 {
		first, err = strconv.Atoi(c.args[1])
	}
	if err == nil {
		last, err = strconv.Atoi(c.args[len(c.args)-1])
	}
	if err != nil {
		return c.complain("invalid floating point argument")
	}
	for i := first; i <= min(last, first+most); i++ {
		c.printf("%d\n", i)
	}
	return 0
}
