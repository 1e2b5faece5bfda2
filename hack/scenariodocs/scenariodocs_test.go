// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestNumbersIn(t *testing.T) {
	t.Parallel()
	for comment, want := range map[string][]int{
		"Scenario 58: of 3 leftovers none stays":              {58},
		"Scenarios 24, 26, 28-29 and 61: each costs 2 writes": {24, 26, 28, 29, 61},
		"Scenarios 28 to 30, 60, and 83.":                     {28, 29, 30, 60, 83},
		"TestX is Scenario 35 and the half of\nScenario 36":   {35, 36},
		"the lost answers of Scenario\n56: 2 of them":         {56},
		"a scenario 4 in other words":                         nil,
		"Scenario tests":                                      nil,
	} {
		have, err := numbersIn(comment)
		if difference := cmp.Diff(want, have); difference != "" || err != nil {
			t.Errorf("%q: %v (-want +have):\n%s", comment, err, difference)
		}
	}
	if numbers, err := numbersIn("Scenarios 9 to 7"); err == nil {
		t.Errorf("a range that falls gives %v", numbers)
	}
}

const memoryTest = `package lan

// Scenarios 1 and 2: words.
func TestA(t *testing.T) {
	cases := map[string]int{
		// Scenario 3.
		"case": 1,
	}
}

func FuzzB(f *testing.F) {}

// Scenario 1, by name.
func helper() {}
`

const engineTest = `//go:build linux && e2e

// Words.

package e2e

// Scenario 1.
func TestC(t *testing.T) {}
`

const suite = `package contract

func rules() map[string]func() {
	return map[string]func(){
		"no rule of a scenario": func() { map[string]int{"inner": 1} },
		// Scenario 2.
		"what is gone is gone": func() { map[string]int{"inner": 1} },
	}
}
`

func TestProofsAreFound(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"internal/lan/a_test.go":             {Data: []byte(strings.ReplaceAll(memoryTest, "// Scenario 1, by name.", ""))},
		"internal/lan/a.go":                  {Data: []byte("package lan // Scenario 9")},
		"internal/lan/testdata/x_test.go":    {Data: []byte("no Go")},
		".cache/x_test.go":                   {Data: []byte("no Go")},
		"test/e2e/c_test.go":                 {Data: []byte(engineTest)},
		"internal/engine/contract/rules.go":  {Data: []byte(suite)},
		"internal/engine/contract/README.md": {Data: []byte("Scenario 9")},
	}
	have, err := findProofs(files)
	if err != nil {
		t.Fatal(err)
	}
	want := []proof{
		{scenario: 1, file: "internal/lan/a_test.go", test: "TestA", inMemory: true},
		{scenario: 1, file: "test/e2e/c_test.go", test: "TestC", onEngine: true},
		{scenario: 2, file: "internal/engine/contract/rules.go", test: "what is gone is gone", onEngine: true, inMemory: true},
		{scenario: 2, file: "internal/lan/a_test.go", test: "TestA", inMemory: true},
		{scenario: 3, file: "internal/lan/a_test.go", test: "TestA", inMemory: true},
	}
	if difference := cmp.Diff(want, have, cmp.AllowUnexported(proof{})); difference != "" {
		t.Errorf("proofs (-want +have):\n%s", difference)
	}
}

func TestMisplacedMentionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, want string }{
		"on a helper":         {memoryTest, "a_test.go:13:1: scenario 1 is named outside of a test"},
		"on nothing":          {"package lan\n\n// Scenario 7.\n", "a_test.go:3:1: scenario 7 is named outside of a test"},
		"a range that falls":  {"package lan\n\n// Scenarios 7 to 6.\nfunc TestA() {}\n", `scenarios "7 to 6" do not rise`},
		"what cannot be read": {"package", "parse test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := findProofs(fstest.MapFS{"a_test.go": {Data: []byte(test.content)}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}

const list = `
- title: First
  behaviours:
    1: Given a, then b.
    3: >-
      Given a
      and b, then c.
- title: Second
  behaviours:
    2: Given d, then e.
    10: Given f, then g.
`

func TestListIsChecked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ content, want string }{
		"a number of two groups": {list + "    1: Given x, then y.\n", `scenario 1 is in`},
		"a number twice":         {list + "    2: Given x, then y.\n", "key 2 already set"},
		"no number":              {list + "    two: Given x, then y.\n", "two"},
		"an unknown field":       {list + "  scenarios: {}\n", `unknown field`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			groups, err := parseGroups([]byte(test.content))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v and %v, want %s", err, groups, test.want)
			}
		})
	}
}

func TestNumberWithoutABehaviourIsRefused(t *testing.T) {
	t.Parallel()
	groups, err := parseGroups([]byte(list))
	if err != nil {
		t.Fatal(err)
	}
	if err := checkNumbers(groups, []proof{{scenario: 10}}); err != nil {
		t.Error(err)
	}
	err = checkNumbers(groups, []proof{{scenario: 10}, {scenario: 4, file: "a_test.go", test: "TestA"}})
	if err == nil || err.Error() != "a_test.go: TestA names scenario 4, which does not exist" {
		t.Errorf("got error %v", err)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	groups, err := parseGroups([]byte(list))
	if err != nil {
		t.Fatal(err)
	}
	have := page(groups, []proof{
		{scenario: 1, file: "internal/lan/a_test.go", test: "TestA", inMemory: true},
		{scenario: 2, file: "internal/engine/contract/rules.go", test: "what is gone is gone", onEngine: true, inMemory: true},
		{scenario: 2, file: "test/e2e/c_test.go", test: "TestC", onEngine: true},
	})
	want := preface + `| shown | scenarios |
| --- | --- |
| on an engine | 1 |
| in memory only | 1: 1 |
| not yet | 2: 3, 10 |

## First

**1.** Given a, then b.

- in memory: [lan.TestA](../internal/lan/a_test.go)

**3.** Given a and b, then c.

- not shown yet

## Second

**2.** Given d, then e.

- on an engine: [contract.what is gone is gone](../internal/engine/contract/rules.go), [e2e.TestC](../test/e2e/c_test.go)
- in memory: [contract.what is gone is gone](../internal/engine/contract/rules.go)

**10.** Given f, then g.

- not shown yet
`
	if difference := cmp.Diff(want, have); difference != "" {
		t.Errorf("page (-want +have):\n%s", difference)
	}
}
