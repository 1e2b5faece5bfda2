// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package http answers as a web server, with or without TLS, in one of several
// personas.
//
// It owns the pages and what is taken from a request as evidence; the protocol
// is net/http with every limit set. Where net/http answers broken requests in
// words that give it away, the connection replaces them by the persona's.
//
// Start reading at Server, then persona.
package http
