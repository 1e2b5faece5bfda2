// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/deckyard/deckyard/internal/engine"
	"github.com/deckyard/deckyard/internal/model"
)

// tablePrefix and the instance make the name of a table.
const tablePrefix = "deckyard-"

// Filters implements engine.Firewall.
func (h Host) Filters(ctx context.Context) ([]model.Filter, error) {
	filters, err := readFilters(ctx)
	if err != nil {
		return nil, fmt.Errorf("read filter rules: %w", withKind(err))
	}
	// Where the engine has no iptables, it has no rules that stop routed frames.
	acceptances, err := acceptances(ctx)
	if err != nil && !errors.Is(err, engine.ErrUnsupported) {
		return nil, fmt.Errorf("read accepted routed frames: %w", err)
	}
	return withAcceptances(filters, acceptances), nil
}

// SetFilter implements engine.Firewall. The accepted routed frames are the last:
// without them frames are dropped, never let through.
func (h Host) SetFilter(ctx context.Context, spec model.FilterSpec) error {
	err := validateFilter(spec)
	if err == nil {
		err = h.writeFilter(ctx, spec)
	}
	if err != nil {
		return fmt.Errorf("set filter rules of bridge %q: %w", spec.Bridge, withKind(err))
	}
	wanted := acceptance{tag: tagOf(spec.Owner), bridge: spec.Bridge}
	if spec.Policy.RoutedFrames {
		err = wanted.add(ctx)
	} else {
		err = wanted.remove(ctx)
	}
	if err != nil {
		return fmt.Errorf("accept routed frames of bridge %q: %w", spec.Bridge, err)
	}
	return nil
}

// RemoveFilter implements engine.Firewall.
func (h Host) RemoveFilter(ctx context.Context, owner model.Owner, bridge string) error {
	err := validateFilter(model.FilterSpec{Owner: owner, Bridge: bridge})
	if err == nil {
		err = h.dropFilter(ctx, owner, bridge)
	}
	if err != nil {
		return fmt.Errorf("remove filter rules of bridge %q: %w", bridge, withKind(err))
	}
	if err := (acceptance{tag: tagOf(owner), bridge: bridge}).remove(ctx); err != nil {
		return fmt.Errorf("no longer accept routed frames of bridge %q: %w", bridge, err)
	}
	return nil
}

// validateFilter refuses what cannot be written, or not be read back as it was.
func validateFilter(spec model.FilterSpec) error {
	policy := spec.Policy
	switch {
	case spec.Bridge == "" || len(spec.Bridge) >= unix.IFNAMSIZ || !isWord(spec.Bridge):
		return fmt.Errorf("bridge name: %w", engine.ErrInvalid)
	case policy.Egress.IsValid() && (!policy.Published || !policy.Egress.Addr().Is4() || policy.Egress != policy.Egress.Masked() || policy.Egress.Bits() == 0):
		return fmt.Errorf("egress for %s: %w", policy.Egress, engine.ErrInvalid)
	}
	for _, word := range []string{spec.Owner.Instance, spec.Owner.UID, spec.Owner.Namespace, spec.Owner.Name} {
		if !isWord(word) {
			return fmt.Errorf("owner %q: %w", word, engine.ErrInvalid)
		}
	}
	if len(tagOf(spec.Owner)) > maxTag {
		return fmt.Errorf("owner has too long names: %w", engine.ErrInvalid)
	}
	return nil
}

// isWord reports whether a text can be part of a tag or the name of an interface.
func isWord(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_.-", r))
	})
}

// maxTag is what a comment of either firewall can hold.
const maxTag = 250

// tagOf returns the comment of an owner's rules.
func tagOf(owner model.Owner) string {
	return tablePrefix + owner.Instance + " " + owner.UID + " " + owner.Namespace + "/" + owner.Name
}

// ownerOf returns whose a comment says that a rule is.
func ownerOf(tag string) (model.Owner, bool) {
	words := strings.Split(tag, " ")
	if len(words) != 3 || !strings.HasPrefix(words[0], tablePrefix) {
		return model.Owner{}, false
	}
	namespace, name, found := strings.Cut(words[2], "/")
	owner := model.Owner{
		Instance: strings.TrimPrefix(words[0], tablePrefix), Kind: model.OwnerLAN, Namespace: namespace, Name: name, UID: words[1],
	}
	return owner, found && owner.Instance != "" && owner.UID != ""
}

// dial returns a way to the kernel's firewall. A question ends with the context.
func dial(ctx context.Context) (*nftables.Conn, error) {
	return nftables.New(nftables.WithSockOptions(func(conn *netlink.Conn) error {
		deadline, ok := ctx.Deadline()
		if !ok {
			return nil
		}
		return conn.SetDeadline(deadline)
	}))
}

// group is the rules of one bridge in one table.
type group struct {
	owner  model.Owner
	bridge string
	rules  []*nftables.Rule
}

// table is one of our tables as it was seen.
type table struct {
	*nftables.Table
	// sound says that the base chains are as we make them, so that rules have effect.
	sound  bool
	chains []*nftables.Chain
	groups []*group
	// strays are rules that nobody can be told to own.
	strays int
}

// readFilters returns what our tables hold.
func readFilters(ctx context.Context) ([]model.Filter, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	tables, err := readTablesOf(ctx, conn, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	filters := []model.Filter{}
	for _, found := range tables {
		for _, member := range found.groups {
			filters = append(filters, found.seen(member))
		}
	}
	slices.SortFunc(filters, model.Filter.Compare)
	return filters, nil
}

// seen returns the filter that a group of rules makes.
func (t *table) seen(member *group) model.Filter {
	filter := model.Filter{Owner: member.owner, Bridge: member.bridge}
	rules := make([]chainRule, 0, len(member.rules))
	for _, rule := range member.rules {
		last := len(rule.Exprs) - 1
		if verdict, ok := rule.Exprs[last].(*expr.Verdict); !ok || verdict.Kind != expr.VerdictDrop {
			return filter
		}
		rules = append(rules, chainRule{rule.Chain.Name, rule.Exprs[:last]})
	}
	if policy, whole := decompile(member.bridge, rules); whole && t.sound {
		filter.Policy, filter.Intact = policy, true
	}
	return filter
}

// readTablesOf returns our tables whose instance matches.
func readTablesOf(ctx context.Context, conn *nftables.Conn, matches func(instance string) bool) ([]*table, error) {
	listed, err := conn.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	var tables []*table
	for _, candidate := range listed {
		instance, ours := strings.CutPrefix(candidate.Name, tablePrefix)
		if !ours || candidate.Family != nftables.TableFamilyINet || !matches(instance) {
			continue
		}
		found := &table{Table: candidate}
		switch err := found.read(conn); {
		case err == nil:
			tables = append(tables, found)
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !isThere(conn, candidate.Name):
			// It went while it was read.
		default:
			return nil, fmt.Errorf("read table %s: %w", candidate.Name, err)
		}
	}
	return tables, nil
}

func isThere(conn *nftables.Conn, name string) bool {
	_, err := conn.ListTableOfFamily(name, nftables.TableFamilyINet)
	return !errors.Is(err, unix.ENOENT)
}

// read looks at a table's chains and rules.
func (t *table) read(conn *nftables.Conn) error {
	chains, err := conn.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return fmt.Errorf("list chains: %w", err)
	}
	instance := strings.TrimPrefix(t.Name, tablePrefix)
	for _, chain := range chains {
		if chain.Table.Name != t.Name {
			continue
		}
		t.chains = append(t.chains, chain)
		rules, err := conn.GetRules(t.Table, chain)
		if err != nil {
			return fmt.Errorf("list rules of chain %s: %w", chain.Name, err)
		}
		for _, rule := range rules {
			t.sortIn(instance, rule)
		}
	}
	// A dormant table has no effect. We set no flag at all.
	t.sound = t.Flags == 0
	for _, want := range baseChains(t.Table) {
		t.sound = t.sound && slices.ContainsFunc(t.chains, func(have *nftables.Chain) bool { return isBaseChain(want, have) })
	}
	return nil
}

// sortIn adds a rule to the group that it belongs to.
func (t *table) sortIn(instance string, rule *nftables.Rule) {
	owner, tagged := ownerOf(commentOf(rule))
	bridge := bridgeOf(rule)
	if !tagged || owner.Instance != instance || bridge == "" {
		t.strays++
		return
	}
	index := slices.IndexFunc(t.groups, func(known *group) bool { return known.owner == owner && known.bridge == bridge })
	if index < 0 {
		index = len(t.groups)
		t.groups = append(t.groups, &group{owner: owner, bridge: bridge})
	}
	t.groups[index].rules = append(t.groups[index].rules, rule)
}

// commentOf returns the comment of a rule that has nothing before it, as ours
// have. The library's function trusts what it reads.
func commentOf(rule *nftables.Rule) string {
	const header = 2
	data := rule.UserData
	if len(data) < header || userdata.Type(data[0]) != userdata.TypeComment || header+int(data[1]) > len(data) {
		return ""
	}
	return strings.TrimRight(string(data[header:header+int(data[1])]), "\x00")
}

// bridgeOf returns the interface that a rule begins by comparing; empty if it
// compares none.
func bridgeOf(rule *nftables.Rule) string {
	if len(rule.Exprs) < 2 {
		return ""
	}
	compared, ok := rule.Exprs[1].(*expr.Cmp)
	if _, isMeta := rule.Exprs[0].(*expr.Meta); !isMeta || !ok {
		return ""
	}
	return strings.TrimRight(string(compared.Data), "\x00")
}

// baseChains returns the chains of a table of ours.
func baseChains(of *nftables.Table) []*nftables.Chain {
	accept := nftables.ChainPolicyAccept
	chains := []*nftables.Chain{
		{Name: chainInput, Hooknum: nftables.ChainHookInput},
		{Name: chainForward, Hooknum: nftables.ChainHookForward},
	}
	for _, chain := range chains {
		chain.Table, chain.Type, chain.Policy = of, nftables.ChainTypeFilter, &accept
		chain.Priority = nftables.ChainPriorityFilter
	}
	return chains
}

func isBaseChain(want, have *nftables.Chain) bool {
	return want.Name == have.Name && want.Type == have.Type && have.Hooknum != nil && *want.Hooknum == *have.Hooknum
}

// writeFilter replaces the rules of a bridge by those of a spec, in one
// transaction of the kernel.
func (h Host) writeFilter(ctx context.Context, spec model.FilterSpec) error {
	h.firewall.Lock()
	defer h.firewall.Unlock()
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	// Before anything is sent: a kernel without nf_tables would not answer a transaction.
	tables, err := readTablesOf(ctx, conn, func(instance string) bool { return instance == spec.Owner.Instance })
	if err != nil {
		return err
	}
	written := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: tablePrefix + spec.Owner.Instance})
	for _, found := range tables {
		if found.sound {
			if err := found.delete(conn, spec.Owner, spec.Bridge); err != nil {
				return err
			}
		} else {
			// Rules in chains that are not where they belong have no effect.
			found.deleteChains(conn)
		}
	}
	chains := map[string]*nftables.Chain{}
	for _, chain := range baseChains(written) {
		chains[chain.Name] = conn.AddChain(chain)
	}
	comment := userdata.AppendString(nil, userdata.TypeComment, tagOf(spec.Owner))
	for _, rule := range compile(spec.Bridge, spec.Policy) {
		conn.AddRule(&nftables.Rule{Table: written, Chain: chains[rule.chain], Exprs: rule.expressions(), UserData: comment})
	}
	return conn.Flush()
}

// delete adds the deletion of a bridge's rules to a transaction.
func (t *table) delete(conn *nftables.Conn, owner model.Owner, bridge string) error {
	owner.Topology = ""
	for _, member := range t.groups {
		if member.owner != owner || member.bridge != bridge {
			continue
		}
		for _, rule := range member.rules {
			if err := conn.DelRule(rule); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *table) deleteChains(conn *nftables.Conn) {
	for _, chain := range t.chains {
		conn.FlushChain(chain)
	}
	for _, chain := range t.chains {
		conn.DelChain(chain)
	}
}

// dropFilter removes the rules of a bridge, and with the last ones the table.
func (h Host) dropFilter(ctx context.Context, owner model.Owner, bridge string) error {
	h.firewall.Lock()
	defer h.firewall.Unlock()
	conn, err := dial(ctx)
	if err != nil {
		return err
	}
	tables, err := readTablesOf(ctx, conn, func(instance string) bool { return instance == owner.Instance })
	if err != nil {
		return err
	}
	owner.Topology = ""
	for _, found := range tables {
		if found.isOnly(owner, bridge) {
			conn.DelTable(found.Table)
		} else if err := found.delete(conn, owner, bridge); err != nil {
			return err
		}
	}
	return conn.Flush()
}

// isOnly reports whether a table holds nothing but the rules of a bridge.
func (t *table) isOnly(owner model.Owner, bridge string) bool {
	return t.strays == 0 && !slices.ContainsFunc(t.groups, func(member *group) bool {
		return member.owner != owner || member.bridge != bridge
	})
}
