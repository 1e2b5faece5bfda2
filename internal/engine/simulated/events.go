// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package simulated

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/deckyard/deckyard/internal/engine"
)

// actor is what an event is about.
type actor struct {
	ID         string
	Attributes map[string]string
}

// eventBody is an event of the stream.
type eventBody struct {
	Type     engine.ObjectType
	Action   string
	Actor    actor
	Scope    string `json:"scope"`
	Time     int64  `json:"time"`
	TimeNano int64  `json:"timeNano"`
}

// events streams what happens. The fake engine does not tell what was done, so the
// actions are such as say nothing more than that something was.
func (e *Engine) events(w http.ResponseWriter, r *http.Request, _ string) error {
	s := stream{writer: w, controller: http.NewResponseController(w)}
	established := func() {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		s.isEstablished = true
		s.flush()
	}
	err := e.fake.Subscribe(r.Context(), sinceOf(r.URL.Query().Get("since")), established, s.send)
	if s.isEstablished {
		// The status was sent; all that is left is to end the stream.
		return nil
	}
	return err
}

// stream is one subscription. A client that is gone ends it by the request's context.
type stream struct {
	writer        http.ResponseWriter
	controller    *http.ResponseController
	isEstablished bool
}

func (s *stream) flush() { _ = s.controller.Flush() }

func (s *stream) send(event engine.Event) {
	body := eventBody{
		Type: event.Type, Action: "update", Scope: "local", Time: event.Time.Unix(), TimeNano: event.Time.UnixNano(),
		Actor: actor{ID: event.ID, Attributes: map[string]string{}},
	}
	if event.ContainerID != "" {
		body.Action = "connect"
		body.Actor.Attributes["container"] = event.ContainerID
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return
	}
	_, _ = s.writer.Write(append(encoded, '\n'))
	s.flush()
}

// sinceOf reads seconds with nanoseconds as the fraction; the zero time for none.
func sinceOf(text string) time.Time {
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}
	}
	nanoseconds, _ := strconv.ParseInt(fraction, 10, 64)
	return time.Unix(seconds, nanoseconds)
}
