// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package smtp answers as a mail server that takes mail for its own host.
//
// It owns the conversation in the words of postfix, exim or sendmail and what
// is kept of mail. It is our own rather than go-smtp, whose answers are fixed
// texts that a scanner knows; a persona needs every one of them. Mail for other
// hosts is refused, logins are recorded and fail, and nothing is ever sent.
//
// Start reading at Server, then persona.
package smtp
