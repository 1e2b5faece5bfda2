// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package login_test

import (
	"strconv"
	"testing"

	"github.com/deckyard/deckyard/internal/decoy/login"
	"github.com/deckyard/deckyard/internal/decoy/setting"
)

func policy(t *testing.T, values map[string]string) *login.Policy {
	t.Helper()
	reader := setting.NewReader(func(name string) (string, bool) {
		value, found := values[name]
		return value, found
	})
	p := login.NewPolicy(reader)
	if err := reader.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAcceptKnowsTheListedUsers(t *testing.T) {
	t.Parallel()
	p := policy(t, map[string]string{"USERS": "eve:se:cret, bob:x"})
	tests := map[string]struct {
		user, password string
		want           bool
	}{
		"listed":                        {"eve", "se:cret", true},
		"listed after a space":          {"bob", "x", true},
		"wrong password":                {"eve", "secret", false},
		"another's password":            {"bob", "se:cret", false},
		"unknown user":                  {"mallory", "x", false},
		"the defaults are not in force": {"root", "root", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := p.Accept("10.0.0.1", test.user, test.password); got != test.want {
				t.Errorf("accepted is %v", got)
			}
		})
	}
}

func TestAcceptLetsASourceInAfterItsFailures(t *testing.T) {
	t.Parallel()
	p := policy(t, map[string]string{"ACCEPT_AFTER": "2"})
	var got []bool
	for _, source := range []string{"a", "a", "b", "a", "b", "b"} {
		got = append(got, p.Accept(source, "x", "y"))
	}
	for i, want := range []bool{false, false, false, true, false, true} {
		if got[i] != want {
			t.Errorf("try %d: accepted is %v", i, got[i])
		}
	}
}

func TestAcceptNeverGivesInWithoutAcceptAfter(t *testing.T) {
	t.Parallel()
	p := policy(t, nil)
	for range 100 {
		if p.Accept("a", "x", "y") {
			t.Fatal("accepted")
		}
	}
}

func TestAcceptForgetsSourcesRatherThanGrow(t *testing.T) {
	t.Parallel()
	p := policy(t, map[string]string{"ACCEPT_AFTER": "1"})
	for i := range 5000 {
		p.Accept(strconv.Itoa(i), "x", "y")
	}
	if got := p.Sources(); got > 1024 {
		t.Errorf("%d sources are remembered", got)
	}
}

func TestNewPolicyRefusesAPairWithoutPassword(t *testing.T) {
	t.Parallel()
	reader := setting.NewReader(func(name string) (string, bool) { return "root", name == "USERS" })
	login.NewPolicy(reader)
	const want = `USERS must be a comma-separated list of user:password, not "root"`
	if reader.Err() == nil || reader.Err().Error() != want {
		t.Errorf("error is %v", reader.Err())
	}
}
