// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package simulated

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/deckyard/deckyard/internal/engine"
)

// message is what an engine says when it refuses.
type message struct {
	Message string `json:"message"`
}

// refusal is an error with the status of its answer.
type refusal struct {
	status int
	text   string
}

// Error implements error.
func (r refusal) Error() string { return r.text }

// refuse answers with an error in the engine's form.
func refuse(w http.ResponseWriter, err error) {
	refused, ok := errors.AsType[refusal](err)
	switch {
	case ok:
	case errors.Is(err, engine.ErrUnavailable):
		// An engine that is down does not answer.
		panic(http.ErrAbortHandler)
	default:
		refused = refusal{statusOf(err), err.Error()}
	}
	writeJSON(w, refused.status, message{refused.text})
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, engine.ErrExists), errors.Is(err, engine.ErrConflict), errors.Is(err, engine.ErrInUse):
		return http.StatusConflict
	case errors.Is(err, engine.ErrInvalid):
		return http.StatusBadRequest
	case errors.Is(err, engine.ErrDenied):
		return http.StatusForbidden
	default:
		return http.StatusInternalServerError
	}
}

// writeJSON answers. A client that does not listen any more misses it.
func writeJSON(w http.ResponseWriter, status int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		status, encoded = http.StatusInternalServerError, []byte(`{"message":"the answer cannot be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encoded)
}

// readJSON reads what a request asks for.
func readJSON(r *http.Request, into any) error {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return refusal{http.StatusBadRequest, fmt.Sprintf("read request: %v", err)}
	}
	return nil
}

func (e *Engine) ping(w http.ResponseWriter, r *http.Request, _ string) error {
	profile, err := e.fake.Profile(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Api-Version", profile.APIVersion)
	w.Header().Set("Ostype", "linux")
	w.WriteHeader(http.StatusOK)
	return nil
}

func (e *Engine) info(w http.ResponseWriter, r *http.Request, _ string) error {
	profile, err := e.fake.Profile(r.Context())
	if err != nil {
		return err
	}
	options := []string{}
	for _, name := range profile.SecurityOptions {
		options = append(options, "name="+name)
	}
	if profile.Rootless {
		options = append(options, "name=rootless")
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"ServerVersion": profile.Version, "Name": profile.Name, "OSType": profile.OS, "CgroupVersion": profile.CgroupVersion, "SecurityOptions": options,
		"LiveRestoreEnabled": profile.LiveRestore, "IPv4Forwarding": profile.IPv4Forwarding,
	})
	return nil
}
