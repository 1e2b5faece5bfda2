// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package http

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
)

const (
	// maxBody is what is read of a body; a longer one ends the connection.
	maxBody = 1 << 20
	// maxForm is what is searched for credentials.
	maxForm = 16 << 10
)

// credentials is what a client wants to log in with.
type credentials struct {
	username, password string
	given              bool
}

func readBody(r *http.Request) []byte {
	// A body that breaks off is evidence all the same.
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxBody))
	return body
}

// record writes the request as evidence, and the credentials in it, which it
// returns.
func (s *Server) record(session *evidence.Session, r *http.Request, body []byte) credentials {
	fields := []evidence.Field{
		evidence.Text("method", r.Method),
		evidence.Text("path", r.URL.Path),
		evidence.Text("query", r.URL.RawQuery),
		evidence.Text("version", r.Proto),
		evidence.Text("host", r.Host),
		evidence.Text("userAgent", r.UserAgent()),
		evidence.Text("headers", headerLines(r.Header)),
	}
	if len(body) > 0 {
		fields = append(fields, evidence.Digest(body)...)
		fields = append(fields, evidence.Text("body", string(body)))
	}
	session.Record("request", fields...)
	found := findCredentials(r, body)
	if found.given {
		session.Record("login", evidence.Text("path", r.URL.Path), evidence.Text("username", found.username),
			evidence.Text("password", found.password), evidence.Flag("accepted", false))
	}
	return found
}

// headerLines shows a request's headers in a stable order.
func headerLines(header http.Header) string {
	var lines []string
	for name, values := range header {
		for _, value := range values {
			lines = append(lines, name+": "+value)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// findCredentials looks at basic authentication and at the fields that login
// forms of the personas use.
func findCredentials(r *http.Request, body []byte) credentials {
	if user, password, ok := r.BasicAuth(); ok {
		return credentials{username: user, password: password, given: true}
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.Method != http.MethodPost || err != nil || kind != "application/x-www-form-urlencoded" || len(body) > maxForm {
		return credentials{}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return credentials{}
	}
	found := credentials{
		username: firstOf(form, "log", "pma_username", "j_username", "username", "user", "email", "login"),
		password: firstOf(form, "pwd", "pma_password", "j_password", "password", "pass", "passwd"),
	}
	found.given = found.username != "" || found.password != ""
	return found
}

func firstOf(form url.Values, names ...string) string {
	for _, name := range names {
		if value := form.Get(name); value != "" {
			return value
		}
	}
	return ""
}
