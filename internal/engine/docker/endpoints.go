// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"net/http"
	"strings"
)

// Endpoint is one operation of the engine's API.
type Endpoint struct {
	// Method is the HTTP method; Path has no version in front, and at most one
	// {placeholder}.
	Method, Path string
	// Purpose says what Deckyard needs it for.
	Purpose string
}

// Endpoints lists all operations of the engine's API that the adapter uses.
// docs/docker-api.md holds the same list, for whoever must grant them.
func Endpoints() []Endpoint {
	return []Endpoint{
		{http.MethodHead, "/_ping", "agree on the API version"},
		{http.MethodGet, "/_ping", "the same, where HEAD is not answered"},
		{http.MethodGet, "/info", "what the engine is and can do"},
		{http.MethodGet, "/events", "hints that something changed"},
		{http.MethodGet, "/networks", "observe all networks"},
		{http.MethodGet, "/networks/{id}", "observe one network and who is on it; find stale endpoints"},
		{http.MethodPost, "/networks/create", "create the network of a LAN"},
		{http.MethodDelete, "/networks/{id}", "remove the network of a LAN"},
		{http.MethodPost, "/networks/{id}/connect", "attach a decky to a LAN"},
		{http.MethodPost, "/networks/{id}/disconnect", "detach a decky from a LAN"},
		{http.MethodGet, "/containers/json", "observe all containers"},
		{http.MethodGet, "/containers/{id}/json", "observe one container"},
		{http.MethodPost, "/containers/create", "create a base or service"},
		{http.MethodPost, "/containers/{id}/start", "start a base or service"},
		{http.MethodPost, "/containers/{id}/stop", "stop a base or service"},
		{http.MethodPost, "/containers/{id}/restart", "let a service join its base's new network namespace"},
		{http.MethodPost, "/containers/{id}/rename", "give a base or service that somebody renamed its name back"},
		{http.MethodPost, "/containers/{id}/update", "give it its restart policy back"},
		{http.MethodPost, "/containers/{id}/unpause", "start a base or service that somebody paused"},
		{http.MethodDelete, "/containers/{id}", "remove a base or service"},
		{http.MethodGet, "/images/json", "find the built-in images"},
		{http.MethodGet, "/images/{name}/json", "find the image of a container to create"},
		{http.MethodPost, "/images/create", "pull an image that is missing"},
		{http.MethodPost, "/images/load", "bring the built-in image"},
		{http.MethodDelete, "/images/{name}", "remove the built-in image"},
	}
}

// EndpointOf returns the operation that a request asks for; false if it is not
// among Endpoints.
func EndpointOf(request *http.Request) (Endpoint, bool) {
	path := withoutVersion(request.URL.Path)
	var found Endpoint
	for _, endpoint := range Endpoints() {
		if endpoint.Method != request.Method {
			continue
		}
		if endpoint.Path == path {
			return endpoint, true
		}
		if matches(endpoint.Path, path) {
			found = endpoint
		}
	}
	return found, found.Path != ""
}

// withoutVersion takes the API version, such as /v1.41, from the front of a path.
func withoutVersion(path string) string {
	rest, found := strings.CutPrefix(path, "/v")
	version, _, _ := strings.Cut(rest, "/")
	if !found || version == "" || strings.Trim(version, "0123456789.") != "" {
		return path
	}
	return strings.TrimPrefix(rest, version)
}

// matches reports whether a path fits a pattern with one placeholder. An image's
// name may contain slashes, an id may not.
func matches(pattern, path string) bool {
	before, rest, found := strings.Cut(pattern, "{")
	if !found {
		return false
	}
	placeholder, after, _ := strings.Cut(rest, "}")
	value, hasPrefix := strings.CutPrefix(path, before)
	value, hasSuffix := strings.CutSuffix(value, after)
	return hasPrefix && hasSuffix && value != "" && (placeholder == "name" || !strings.Contains(value, "/"))
}
