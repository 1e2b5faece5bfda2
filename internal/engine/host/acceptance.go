// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

const (
	// iptablesProgram is the one that the engine writes its rules with. A rule of
	// another maker that it cannot parse would break the engine's own calls.
	iptablesProgram = "iptables"
	// userChain is the engine's chain for rules of the administrator's.
	userChain = "DOCKER-USER"
	// lockWait is how many seconds iptables waits for others that change the firewall.
	lockWait = "5"
)

// errNoChain says that the engine does not keep its rules with iptables.
var errNoChain = fmt.Errorf("%w: the firewall has no chain %s: the engine makes it, unless it runs without iptables", engine.ErrUnsupported, userChain)

// acceptance is the rule that lets routed frames cross a bridge.
type acceptance struct {
	tag, bridge string
}

// rule returns the rule as iptables takes and prints it.
func (a acceptance) rule() []string {
	return []string{"-i", a.bridge, "-o", a.bridge, "-m", "comment", "--comment", a.tag, "-j", "ACCEPT"}
}

// add puts the rule first, unless it is there.
func (a acceptance) add(ctx context.Context) error {
	present, err := acceptances(ctx)
	if err != nil || slices.Contains(present, a) {
		return err
	}
	_, err = iptables(ctx, append([]string{"-I", userChain}, a.rule()...)...)
	return err
}

// remove takes the rule away, however often it is there. Without iptables or its
// chain there is none.
func (a acceptance) remove(ctx context.Context) error {
	present, err := acceptances(ctx)
	if errors.Is(err, engine.ErrUnsupported) {
		return nil
	}
	for _, found := range present {
		if err == nil && found == a {
			_, err = iptables(ctx, append([]string{"-D", userChain}, a.rule()...)...)
		}
	}
	return err
}

// acceptances returns all rules of ours, of every instance.
func acceptances(ctx context.Context) ([]acceptance, error) {
	listed, err := iptables(ctx, "-S", userChain)
	if err != nil {
		return nil, err
	}
	return parseAcceptances(listed), nil
}

// parseAcceptances finds our rules among those that iptables prints, such as
// -A DOCKER-USER -i br-1 -o br-1 -m comment --comment "deckyard-I U N/L" -j ACCEPT.
func parseAcceptances(listed string) []acceptance {
	var found []acceptance
	for line := range strings.Lines(listed) {
		before, rest, ok := strings.Cut(strings.TrimSpace(line), `--comment "`)
		tag, after, closed := strings.Cut(rest, `"`)
		words := strings.Fields(before)
		if !ok || !closed || strings.TrimSpace(after) != "-j ACCEPT" || len(words) != 8 {
			continue
		}
		candidate := acceptance{tag: tag, bridge: words[3]}
		want := append([]string{"-A", userChain}, candidate.rule()[:6]...)
		if _, ours := ownerOf(tag); ours && slices.Equal(words, want) {
			found = append(found, candidate)
		}
	}
	return found
}

// withAcceptances adds to filters what is accepted. One without other rules is a
// filter too, so that it does not stay for ever.
func withAcceptances(filters []model.Filter, present []acceptance) []model.Filter {
	for _, accepted := range present {
		owner, _ := ownerOf(accepted.tag)
		index := slices.IndexFunc(filters, func(filter model.Filter) bool { return filter.Owner == owner && filter.Bridge == accepted.bridge })
		if index < 0 {
			index = len(filters)
			filters = append(filters, model.Filter{Owner: owner, Bridge: accepted.bridge})
		}
		filters[index].Policy.RoutedFrames = true
	}
	slices.SortFunc(filters, model.Filter.Compare)
	return filters
}

// iptables runs the program and returns what it prints. That there is none, or
// no chain of the engine's, is ErrUnsupported.
func iptables(ctx context.Context, arguments ...string) (string, error) {
	path, err := exec.LookPath(iptablesProgram)
	if err != nil {
		return "", fmt.Errorf("%w: no program iptables: install it, as the engine needs it too", engine.ErrUnsupported)
	}
	var output, complaint bytes.Buffer
	command := exec.CommandContext(ctx, path, append([]string{"-w", lockWait}, arguments...)...) //nolint:gosec // G204: every argument is a constant or a word of letters, digits and "_.-/"
	command.Stdout, command.Stderr = &output, &complaint
	if err := command.Run(); err != nil {
		return "", complaintOf(complaint.String(), err)
	}
	return output.String(), nil
}

// complaintOf gives a failure of iptables its kind, which it tells by text alone.
func complaintOf(complaint string, cause error) error {
	kind := cause
	switch {
	case strings.Contains(complaint, "Permission denied"), strings.Contains(complaint, "you must be root"):
		kind = engine.ErrDenied
	case strings.Contains(complaint, "No chain/target/match by that name"), strings.Contains(complaint, "does not exist"):
		return errNoChain
	}
	return fmt.Errorf("iptables: %w: %s", kind, strings.TrimSpace(complaint))
}
