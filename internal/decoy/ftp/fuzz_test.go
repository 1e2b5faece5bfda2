// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ftp_test

import (
	"bytes"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/decoytest"
	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/ftp"
	"github.com/deckyard/deckyard/internal/decoy/setting"
)

// Whatever a client says, the server goes on or hangs up. Data connections are
// left out: nobody would open them.
func FuzzConversation(f *testing.F) {
	for _, seed := range []string{
		"USER root\r\nPASS toor\r\nPWD\r\nCWD /pub\r\nCDUP\r\nLIST -la\r\nRETR a\r\nSIZE /\r\nMDTM readme.txt\r\nQUIT\r\n",
		"USER a\nPASS\nMKD ../../x\nRNFR x\nRNTO /y/../z\nDELE z\nRMD /x\nREST 9999999999999999999\nSTOU\nABOR\n",
		"PASS x\r\nPORT 127,0,0,1,0,21\r\nEPRT |1|127.0.0.1|1|\r\nOPTS UTF8 ON\r\nTYPE L 8\r\n\xff\xf4\xff\xf2ABOR\r\n",
		"RNTO\r\nUSER \r\nPASS \r\nCWD \x00\r\nSIZE \xc3\x28\r\nFEAT\r\nSITE EXEC\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		upper := bytes.ToUpper(input)
		if bytes.Count(input, []byte("\n")) > 300 || bytes.Contains(upper, []byte("PASV")) || bytes.Contains(upper, []byte("EPSV")) {
			return
		}
		decoytest.Talk(t, nil, input, func(settings *setting.Reader, log *evidence.Log) (decoytest.Server, error) {
			return ftp.New(settings, log)
		})
	})
}
