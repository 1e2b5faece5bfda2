// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package redis

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// keyCommands are the commands on keys and their values.
func keyCommands() map[string]command {
	return map[string]command{
		"get": {2, true, get}, "set": {3, false, set}, "setnx": {3, true, setIfMissing}, "setex": {4, true, setWithExpiry},
		"getset": {3, true, getSet}, "mget": {2, false, getMany}, "mset": {3, false, setMany}, "append": {3, true, appendText},
		"strlen": {2, true, length}, "incr": {2, true, increment}, "decr": {2, true, increment}, "incrby": {3, true, increment}, "decrby": {3, true, increment},
		"del": {2, false, remove}, "unlink": {2, false, remove}, "exists": {2, false, exists}, "type": {2, true, typeOf},
		"keys": {2, true, keys}, "scan": {2, false, scan}, "randomkey": {1, true, randomKey},
		"expire": {3, false, expire}, "ttl": {2, true, timeToLive}, "pttl": {2, true, timeToLive}, "persist": {2, true, persist},
		"lpush": {3, false, push}, "rpush": {3, false, push}, "lrange": {4, true, listRange}, "llen": {2, true, length}, "lpop": {2, true, pop}, "rpop": {2, true, pop},
		"hset": {4, false, hashSet}, "hmset": {4, false, hashSet}, "hget": {3, true, hashGet}, "hgetall": {2, true, elements}, "hlen": {2, true, length},
		"sadd": {3, false, setAdd}, "smembers": {2, true, elements}, "scard": {2, true, length},
	}
}

func (c *client) lookup(key string) (value, bool) {
	return c.server.store.get(c.database, key, time.Now())
}

// change updates a key of the given kind and reports what stood in the way.
func (c *client) change(key, kind string, change func(*value)) bool {
	rightType := true
	stored := c.server.store.update(c.database, key, time.Now(), func(before *value) *value {
		if before == nil {
			before = &value{kind: kind}
		}
		if rightType = before.kind == kind; rightType {
			change(before)
		}
		return before
	})
	switch {
	case !rightType:
		wrongType(c)
	case !stored:
		outOfMemory(c)
	}
	return rightType && stored
}

func (c *client) store(key, text string, expires time.Time) bool {
	stored := c.server.store.update(c.database, key, time.Now(), func(*value) *value {
		return &value{kind: "string", text: text, expires: expires}
	})
	if !stored {
		outOfMemory(c)
	}
	return stored
}

func get(c *client, args []string) {
	found, ok := c.lookup(args[1])
	switch {
	case !ok:
		c.null()
	case found.kind != "string":
		wrongType(c)
	default:
		c.bulk(found.text)
	}
}

func set(c *client, args []string) {
	_, present := c.lookup(args[1])
	for _, option := range args[3:] {
		if (strings.EqualFold(option, "nx") && present) || (strings.EqualFold(option, "xx") && !present) {
			c.null()
			return
		}
	}
	if c.store(args[1], args[2], expiry(args[3:], time.Now())) {
		c.simple("OK")
	}
}

func setIfMissing(c *client, args []string) {
	if _, present := c.lookup(args[1]); present {
		c.number(0)
		return
	}
	if c.store(args[1], args[2], time.Time{}) {
		c.number(1)
	}
}

func setWithExpiry(c *client, args []string) {
	if _, ok := integer(c, args[2]); !ok {
		return
	}
	if c.store(args[1], args[3], expiry([]string{"ex", args[2]}, time.Now())) {
		c.simple("OK")
	}
}

func getSet(c *client, args []string) {
	before, present := c.lookup(args[1])
	if !c.store(args[1], args[2], time.Time{}) {
		return
	}
	if !present {
		c.null()
		return
	}
	c.bulk(before.text)
}

func getMany(c *client, args []string) {
	c.array(len(args) - 1)
	for _, key := range args[1:] {
		if found, ok := c.lookup(key); ok && found.kind == "string" {
			c.bulk(found.text)
			continue
		}
		c.null()
	}
}

func setMany(c *client, args []string) {
	if len(args)%2 == 0 {
		c.fail("ERR wrong number of arguments for 'mset' command")
		return
	}
	for i := 1; i < len(args); i += 2 {
		if !c.store(args[i], args[i+1], time.Time{}) {
			return
		}
	}
	c.simple("OK")
}

func appendText(c *client, args []string) {
	size := 0
	if c.change(args[1], "string", func(v *value) {
		if len(v.text)+len(args[2]) <= maxCommand {
			v.text += args[2]
		}
		size = len(v.text)
	}) {
		c.number(size)
	}
}

func length(c *client, args []string) {
	found, _ := c.lookup(args[1])
	switch found.kind {
	case "string":
		c.number(len(found.text))
	case "hash":
		c.number(len(found.elements) / 2)
	default:
		c.number(len(found.elements))
	}
}

func increment(c *client, args []string) {
	by := 1
	if len(args) > 2 {
		var ok bool
		if by, ok = integer(c, args[2]); !ok {
			return
		}
	}
	if strings.HasPrefix(strings.ToLower(args[0]), "decr") {
		by = -by
	}
	found, present := c.lookup(args[1])
	now := 0
	if present {
		var ok bool
		if now, ok = integer(c, found.text); !ok {
			return
		}
	}
	if c.change(args[1], "string", func(v *value) { v.text = strconv.Itoa(now + by) }) {
		c.number(now + by)
	}
}

func remove(c *client, args []string) {
	count := 0
	for _, key := range args[1:] {
		if c.server.store.remove(c.database, key, time.Now()) {
			count++
		}
	}
	c.number(count)
}

func exists(c *client, args []string) {
	count := 0
	for _, key := range args[1:] {
		if _, present := c.lookup(key); present {
			count++
		}
	}
	c.number(count)
}

func typeOf(c *client, args []string) {
	found, present := c.lookup(args[1])
	if !present {
		c.simple("none")
		return
	}
	c.simple(found.kind)
}

func keys(c *client, args []string) {
	c.list(c.server.store.matching(c.database, args[1], time.Now()))
}

func scan(c *client, args []string) {
	pattern := "*"
	for i, arg := range args[:len(args)-1] {
		if strings.EqualFold(arg, "match") {
			pattern = args[i+1]
		}
	}
	c.array(2)
	c.bulk("0")
	c.list(c.server.store.matching(c.database, pattern, time.Now()))
}

func randomKey(c *client, _ []string) {
	all := c.server.store.matching(c.database, "*", time.Now())
	if len(all) == 0 {
		c.null()
		return
	}
	c.bulk(all[time.Now().Nanosecond()%len(all)])
}

func expire(c *client, args []string) {
	seconds, ok := integer(c, args[2])
	if !ok {
		return
	}
	found, present := c.lookup(args[1])
	if !present {
		c.number(0)
		return
	}
	when := time.Now().Add(time.Duration(min(max(seconds, 0), 10*365*24*3600)) * time.Second)
	if c.change(args[1], found.kind, func(v *value) { v.expires = when }) {
		c.number(1)
	}
}

func timeToLive(c *client, args []string) {
	found, present := c.lookup(args[1])
	switch {
	case !present:
		c.number(-2)
	case found.expires.IsZero():
		c.number(-1)
	case strings.EqualFold(args[0], "pttl"):
		c.number(int(time.Until(found.expires).Milliseconds()))
	default:
		c.number(int(time.Until(found.expires).Seconds()))
	}
}

func persist(c *client, args []string) {
	found, present := c.lookup(args[1])
	if !present || found.expires.IsZero() {
		c.number(0)
		return
	}
	if c.change(args[1], found.kind, func(v *value) { v.expires = time.Time{} }) {
		c.number(1)
	}
}

func push(c *client, args []string) {
	size := 0
	if c.change(args[1], "list", func(v *value) {
		for _, element := range args[2:] {
			if strings.EqualFold(args[0], "lpush") {
				v.elements = slices.Insert(v.elements, 0, element)
			} else {
				v.elements = append(v.elements, element)
			}
		}
		size = len(v.elements)
	}) {
		c.number(size)
	}
}

func pop(c *client, args []string) {
	var popped []string
	c.server.store.update(c.database, args[1], time.Now(), func(v *value) *value {
		if v == nil || v.kind != "list" || len(v.elements) == 0 {
			return v
		}
		at := 0
		if strings.EqualFold(args[0], "rpop") {
			at = len(v.elements) - 1
		}
		popped = []string{v.elements[at]}
		v.elements = slices.Delete(v.elements, at, at+1)
		if len(v.elements) == 0 {
			return nil
		}
		return v
	})
	if popped == nil {
		c.null()
		return
	}
	c.bulk(popped[0])
}

func listRange(c *client, args []string) {
	from, ok := integer(c, args[2])
	if !ok {
		return
	}
	to, ok := integer(c, args[3])
	if !ok {
		return
	}
	found, _ := c.lookup(args[1])
	if found.kind != "" && found.kind != "list" {
		wrongType(c)
		return
	}
	count := len(found.elements)
	from, to = max(position(from, count), 0), min(position(to, count)+1, count)
	if from >= to {
		c.array(0)
		return
	}
	c.list(found.elements[from:to])
}

// position turns an index that may count from the end into one from the start.
func position(index, count int) int {
	if index < 0 {
		return max(index+count, -1)
	}
	return min(index, count)
}

func hashSet(c *client, args []string) {
	if len(args)%2 != 0 {
		c.fail("ERR wrong number of arguments for '" + strings.ToLower(args[0]) + "' command")
		return
	}
	added := 0
	if !c.change(args[1], "hash", func(v *value) {
		for i := 2; i < len(args); i += 2 {
			if at := fieldIndex(v.elements, args[i]); at >= 0 {
				v.elements[at+1] = args[i+1]
				continue
			}
			v.elements = append(v.elements, args[i], args[i+1])
			added++
		}
	}) {
		return
	}
	if strings.EqualFold(args[0], "hmset") {
		c.simple("OK")
		return
	}
	c.number(added)
}

func fieldIndex(elements []string, field string) int {
	for i := 0; i < len(elements); i += 2 {
		if elements[i] == field {
			return i
		}
	}
	return -1
}

func hashGet(c *client, args []string) {
	found, _ := c.lookup(args[1])
	at := fieldIndex(found.elements, args[2])
	switch {
	case found.kind != "" && found.kind != "hash":
		wrongType(c)
	case at < 0:
		c.null()
	default:
		c.bulk(found.elements[at+1])
	}
}

func elements(c *client, args []string) {
	kind := "set"
	if strings.EqualFold(args[0], "hgetall") {
		kind = "hash"
	}
	found, present := c.lookup(args[1])
	if present && found.kind != kind {
		wrongType(c)
		return
	}
	c.list(found.elements)
}

func setAdd(c *client, args []string) {
	added := 0
	if c.change(args[1], "set", func(v *value) {
		for _, element := range args[2:] {
			if !slices.Contains(v.elements, element) {
				v.elements = append(v.elements, element)
				added++
			}
		}
	}) {
		c.number(added)
	}
}
