// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package smtp

import "strings"

// persona holds the words of one mail server. Those with a verb take what the
// comment says.
type persona struct {
	banner     string // host, date
	hello      string // host, client name
	extensions []string
	ok         string
	sender     string // address
	recipient  string // address
	noRelay    string // address
	data       string
	queued     string // queue name
	unknown    string
	sequence   string
	syntax     string // verb
	bye        string // host
	startTLS   string
	authFailed string
	tooMany    string
	verify     string
	tooBig     string
	noRcpt     string
}

func newPersona(mta string) persona {
	switch mta {
	case "exim":
		return persona{
			banner:     "%s ESMTP Exim 4.96 %s",
			hello:      "%s Hello %s [%s]",
			extensions: []string{"SIZE 52428800", "8BITMIME", "PIPELINING", "PIPECONNECT", "AUTH PLAIN LOGIN", "STARTTLS", "HELP"},
			ok:         "250 OK",
			sender:     "250 OK",
			recipient:  "250 Accepted",
			noRelay:    "550 relay not permitted",
			data:       `354 Enter message, ending with "." on a line by itself`,
			queued:     "250 OK id=%s",
			unknown:    "500 unrecognized command",
			sequence:   "503 sender not yet given",
			syntax:     "501 %s: syntax error",
			bye:        "221 %s closing connection",
			startTLS:   "220 TLS go ahead",
			authFailed: "535 Incorrect authentication data",
			tooMany:    "452 too many recipients",
			verify:     "252 Administrative prohibition",
			tooBig:     "552 Message size exceeds maximum permitted",
			noRcpt:     "503 valid RCPT command must precede DATA",
		}
	case "sendmail":
		return persona{
			banner:     "%s ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2; %s",
			hello:      "%s Hello %s [%s], pleased to meet you",
			extensions: []string{"ENHANCEDSTATUSCODES", "PIPELINING", "EXPN", "VERB", "8BITMIME", "SIZE", "DSN", "ETRN", "AUTH PLAIN LOGIN", "STARTTLS", "DELIVERBY", "HELP"},
			ok:         "250 2.0.0 OK",
			sender:     "250 2.1.0 <%s>... Sender ok",
			recipient:  "250 2.1.5 <%s>... Recipient ok",
			noRelay:    "550 5.7.1 <%s>... Relaying denied",
			data:       `354 Enter mail, end with "." on a line by itself`,
			queued:     "250 2.0.0 %s Message accepted for delivery",
			unknown:    "500 5.5.1 Command unrecognized",
			sequence:   "503 5.0.0 Need MAIL before RCPT",
			syntax:     "501 5.5.2 Syntax error in parameters scanning \"%s\"",
			bye:        "221 2.0.0 %s closing connection",
			startTLS:   "220 2.0.0 Ready to start TLS",
			authFailed: "535 5.7.0 authentication failed",
			tooMany:    "452 4.5.3 Too many recipients",
			verify:     "252 2.5.2 Cannot VRFY user; try RCPT to attempt delivery (or try finger)",
			tooBig:     "552 5.2.3 Message exceeds maximum fixed size",
			noRcpt:     "503 5.0.0 Need RCPT (recipient)",
		}
	default:
		return persona{
			banner:     "%s ESMTP Postfix (Debian/GNU)",
			hello:      "%s",
			extensions: []string{"PIPELINING", "SIZE 10240000", "VRFY", "ETRN", "STARTTLS", "AUTH PLAIN LOGIN", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8"},
			ok:         "250 2.0.0 Ok",
			sender:     "250 2.1.0 Ok",
			recipient:  "250 2.1.5 Ok",
			noRelay:    "554 5.7.1 <%s>: Relay access denied",
			data:       "354 End data with <CR><LF>.<CR><LF>",
			queued:     "250 2.0.0 Ok: queued as %s",
			unknown:    "502 5.5.2 Error: command not recognized",
			sequence:   "503 5.5.1 Error: need MAIL command",
			syntax:     "501 5.5.4 Syntax: %s",
			bye:        "221 2.0.0 Bye",
			startTLS:   "220 2.0.0 Ready to start TLS",
			authFailed: "535 5.7.8 Error: authentication failed: (reason unavailable)",
			tooMany:    "452 4.5.3 Error: too many recipients",
			verify:     "252 2.0.0 %s",
			tooBig:     "552 5.3.4 Error: message file too big",
			noRcpt:     "554 5.5.1 Error: no valid recipients",
		}
	}
}

// fill puts values into those places that a text has.
func fill(text string, values ...string) string {
	var out strings.Builder
	for _, value := range values {
		before, after, found := strings.Cut(text, "%s")
		if !found {
			break
		}
		out.WriteString(before + value)
		text = after
	}
	return out.String() + text
}
