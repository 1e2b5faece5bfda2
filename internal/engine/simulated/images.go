// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package simulated

import (
	"fmt"
	"net/http"
)

// imageBody is an image in an answer.
type imageBody struct {
	ID       string `json:"Id"`
	RepoTags []string
}

// progress is a line of the account of a long operation.
type progress struct {
	Status string `json:"status"`
}

func (e *Engine) listImages(w http.ResponseWriter, r *http.Request, _ string) error {
	references, err := e.fake.Images(r.Context())
	if err != nil {
		return err
	}
	bodies := make([]imageBody, 0, len(references))
	for _, reference := range references {
		id, err := e.fake.ResolveImage(r.Context(), reference)
		if err != nil {
			return err
		}
		bodies = append(bodies, imageBody{id, []string{reference}})
	}
	writeJSON(w, http.StatusOK, bodies)
	return nil
}

func (e *Engine) inspectImage(w http.ResponseWriter, r *http.Request, name string) error {
	id, err := e.fake.ResolveImage(r.Context(), name)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, imageBody{id, []string{name}})
	return nil
}

func (e *Engine) pullImage(w http.ResponseWriter, r *http.Request, _ string) error {
	query := r.URL.Query()
	reference := query.Get("fromImage")
	if tag := query.Get("tag"); tag != "" {
		reference += ":" + tag
	}
	if err := e.fake.PullImage(r.Context(), reference); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, progress{"Downloaded " + reference})
	return nil
}

func (e *Engine) loadImage(w http.ResponseWriter, r *http.Request, _ string) error {
	if err := e.fake.LoadImage(r.Context(), r.Body); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, progress{"Loaded"})
	return nil
}

func (e *Engine) removeImage(w http.ResponseWriter, r *http.Request, name string) error {
	if _, err := e.fake.ResolveImage(r.Context(), name); err != nil {
		return fmt.Errorf("no such image: %w", err)
	}
	if err := e.fake.RemoveImage(r.Context(), name); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, []map[string]string{{"Untagged": name}})
	return nil
}
