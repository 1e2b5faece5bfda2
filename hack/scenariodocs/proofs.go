// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sharedSuite holds tests that are no test functions: each of its rules is run
// on the engine in memory and on a real one.
const sharedSuite = "internal/engine/contract"

// realEngine is the build tag of tests that need a Docker Engine.
const realEngine = "e2e"

// proof is one test that names one scenario.
type proof struct {
	scenario int
	file     string
	// test is a function, or a rule of the shared suite.
	test string
	// onEngine and inMemory say where the test runs.
	onEngine, inMemory bool
}

// findProofs reads every test below a root, sorted by scenario, file and test.
func findProofs(root fs.FS) ([]proof, error) {
	var proofs []proof
	err := fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if name := entry.Name(); name == "testdata" || len(name) > 1 && name[0] == '.' {
				return fs.SkipDir
			}
			return nil
		case !strings.HasSuffix(file, "_test.go") && (path.Dir(file) != sharedSuite || path.Ext(file) != ".go"):
			return nil
		}
		content, err := fs.ReadFile(root, file)
		if err != nil {
			return fmt.Errorf("read test: %w", err)
		}
		found, err := proofsOf(file, content)
		proofs = append(proofs, found...)
		return err
	})
	slices.SortFunc(proofs, func(a, b proof) int {
		return cmp.Or(cmp.Compare(a.scenario, b.scenario), cmp.Compare(a.file, b.file), cmp.Compare(a.test, b.test))
	})
	return slices.Compact(proofs), err
}

// proofsOf reads the comments of one file. One that names a scenario belongs to
// the test that it is above or within.
func proofsOf(name string, content []byte) ([]proof, error) {
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, name, content, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parse test: %w", err)
	}
	where := proof{file: name, onEngine: needsEngine(file)}
	where.inMemory = !where.onEngine
	if path.Dir(name) == sharedSuite {
		where.onEngine, where.inMemory = true, true
	}
	var proofs []proof
	for _, comment := range file.Comments {
		numbers, err := numbersIn(comment.Text())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", positions.Position(comment.Pos()), err)
		}
		if len(numbers) == 0 {
			continue
		}
		if where.test = testAt(file, comment); where.test == "" {
			return nil, fmt.Errorf("%s: scenario %d is named outside of a test", positions.Position(comment.Pos()), numbers[0])
		}
		for _, number := range numbers {
			where.scenario = number
			proofs = append(proofs, where)
		}
	}
	return proofs, nil
}

// needsEngine reports whether a file is built only with the tag of a real engine.
func needsEngine(file *ast.File) bool {
	for _, group := range file.Comments {
		for _, line := range group.List {
			if group.Pos() > file.Package || !constraint.IsGoBuild(line.Text) {
				continue
			}
			expression, err := constraint.Parse(line.Text)
			return err == nil && !expression.Eval(func(tag string) bool { return tag != realEngine })
		}
	}
	return false
}

// testAt returns the test that a comment is above or within; "" for none.
func testAt(file *ast.File, comment *ast.CommentGroup) string {
	for _, declaration := range file.Decls {
		function, ok := declaration.(*ast.FuncDecl)
		if !ok || comment != function.Doc && (comment.Pos() < function.Pos() || comment.Pos() > function.End()) {
			continue
		}
		name := function.Name.Name
		if rule := ruleBelow(function, comment); rule != "" && !isTest(name) {
			return rule
		}
		if isTest(name) {
			return name
		}
	}
	return ""
}

func isTest(name string) bool {
	return slices.ContainsFunc([]string{"Test", "Fuzz", "Benchmark"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// ruleBelow returns the key of the first entry of a table after a comment: the
// words of a rule.
func ruleBelow(function *ast.FuncDecl, comment *ast.CommentGroup) string {
	rule := ""
	ast.Inspect(function, func(node ast.Node) bool {
		entry, ok := node.(*ast.KeyValueExpr)
		if !ok || rule != "" || entry.Pos() < comment.End() {
			return rule == ""
		}
		if key, ok := entry.Key.(*ast.BasicLit); ok && key.Kind == token.STRING {
			rule, _ = strconv.Unquote(key.Value)
		}
		return false
	})
	return rule
}

// numbersIn returns the numbers after the word Scenario or Scenarios, as in
// "Scenario 3", "Scenarios 24, 26 and 61", "Scenarios 28 to 32, or 28-32".
func numbersIn(comment string) ([]int, error) {
	mention := regexp.MustCompile(`\bScenarios? (\d+(?:(?: and |, and |, | to |-)\d+)*)`)
	step := regexp.MustCompile(`\d+| to |-`)
	var numbers []int
	for _, found := range mention.FindAllStringSubmatch(strings.Join(strings.Fields(comment), " "), -1) {
		through := false
		for _, word := range step.FindAllString(found[1], -1) {
			number, err := strconv.Atoi(word)
			if err != nil {
				through = true
				continue
			}
			first := number
			if through {
				first = numbers[len(numbers)-1] + 1
			}
			if first > number {
				return nil, fmt.Errorf("scenarios %q do not rise", found[1])
			}
			for ; first <= number; first++ {
				numbers = append(numbers, first)
			}
			through = false
		}
	}
	return numbers, nil
}
