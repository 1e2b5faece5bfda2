// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package smtp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/setting"
	"github.com/deckyard/deckyard/internal/decoy/smtp"
)

// Whatever a client says, the server goes on or hangs up.
func FuzzConversation(f *testing.F) {
	for _, seed := range []string{
		"EHLO a\r\nMAIL FROM:<a@b> SIZE=1\r\nRCPT TO:<root>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n",
		"HELO\nMAIL FROM:\nMAIL FROM:<>\nRCPT TO:<a@relay.example\nRCPT TO:x y\nDATA\nVRFY root\nEXPN\nRSET\n",
		"AUTH PLAIN AGEAYg==\r\nAUTH PLAIN\r\nAGEAYg==\r\nAUTH LOGIN\r\nYQ==\r\n%%\r\nAUTH LOGIN YQ==\r\nYg==\r\nAUTH CRAM-MD5\r\nAUTH\r\n",
		"STARTTLS\r\n\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03",
		"MAIL FROM:<\x00>\r\nRCPT TO:<root>\r\nDATA\r\n\r\n.\nSUBJECT :\xff\n\r.\r\n.\r\n",
	} {
		f.Add([]byte(seed), byte(len(seed)))
	}
	f.Fuzz(func(t *testing.T, input []byte, mta byte) {
		if bytes.Count(input, []byte("\n")) > 300 {
			return
		}
		config := map[string]string{"MTA": []string{"postfix", "exim", "sendmail"}[mta%3], "SEED": strings.Repeat("00", 32)}
		decoytest.Talk(t, config, input, func(settings *setting.Reader, log *evidence.Log) (decoytest.Server, error) {
			return smtp.New(settings, "mail.example.com", log)
		})
	})
}
