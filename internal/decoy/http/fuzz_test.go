// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package http_test

import (
	"bytes"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/http"
	"github.com/deckyard/deckyard/internal/decoy/setting"
)

// Whatever a client sends, and whichever application it meets, the server
// answers or hangs up.
func FuzzRequests(f *testing.F) {
	for i, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /wp-login.php?x=%zz HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /wp-login.php HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n\r\nlog=a&pwd=b",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"HEAD //..%2f/manager/html HTTP/1.0\r\nAuthorization: Basic YTpi\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\n\r\n", "BREW / HTCPCP/1.0\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(seed), byte(i))
	}
	applications := []string{"none", "wordpress", "phpmyadmin", "tomcat", "jenkins"}
	f.Fuzz(func(t *testing.T, input []byte, app byte) {
		if bytes.Count(input, []byte("\n")) > 300 {
			return
		}
		config := map[string]string{"APP": applications[int(app)%len(applications)]}
		decoytest.Talk(t, config, input, func(settings *setting.Reader, log *evidence.Log) (decoytest.Server, error) {
			return http.New(settings, log)
		})
	})
}
