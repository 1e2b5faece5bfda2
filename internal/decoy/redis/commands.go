// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package redis

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// command is how one command is answered. arguments counts the name as well
// and is a minimum, or the exact number.
type command struct {
	arguments int
	exact     bool
	do        func(*client, []string)
}

func commandTable() map[string]command {
	ok := func(c *client, _ []string) { c.simple("OK") }
	table := map[string]command{
		"ping": {1, false, ping}, "echo": {2, true, func(c *client, args []string) { c.bulk(args[1]) }},
		"quit": {1, false, quit}, "auth": {2, false, auth}, "hello": {1, false, hello}, "select": {2, true, selectDatabase},
		"info": {1, false, info}, "config": {2, false, config}, "client": {2, false, clientCommand}, "command": {1, false, describe},
		"dbsize":  {1, true, func(c *client, _ []string) { c.number(c.server.store.size(c.database)) }},
		"flushdb": {1, false, flush}, "flushall": {1, false, flush}, "time": {1, true, clock},
		"save": {1, true, ok}, "bgsave": {1, false, background}, "bgrewriteaof": {1, true, background}, "lastsave": {1, true, lastSave},
		"slaveof": {3, true, replicate}, "replicaof": {3, true, replicate}, "role": {1, true, role},
		"shutdown": {1, false, quit}, "debug": {2, false, ok}, "module": {2, false, module}, "memory": {2, false, memory},
		"slowlog": {2, false, emptyList}, "latency": {2, false, emptyList}, "acl": {2, false, acl}, "cluster": {2, false, cluster},
		"eval": {3, false, script}, "evalsha": {3, false, script}, "script": {2, false, ok}, "monitor": {1, true, ok},
		"multi": {1, true, multi}, "exec": {1, true, exec}, "discard": {1, true, discard}, "watch": {2, false, ok}, "unwatch": {1, true, ok},
		"publish": {3, true, func(c *client, _ []string) { c.number(0) }}, "subscribe": {2, false, subscribe}, "psubscribe": {2, false, subscribe},
		"swapdb": {3, true, ok}, "wait": {3, true, func(c *client, _ []string) { c.number(0) }}, "lolwut": {1, false, lolwut},
	}
	maps.Copy(table, keyCommands())
	return table
}

func ping(c *client, args []string) {
	if len(args) > 1 {
		c.bulk(args[1])
		return
	}
	c.simple("PONG")
}

func quit(c *client, args []string) {
	if strings.EqualFold(args[0], "quit") {
		c.simple("OK")
	}
	c.closing = true
}

func auth(c *client, args []string) {
	if len(args) > 2 {
		c.fail("WRONGPASS invalid username-password pair or user is disabled.")
		return
	}
	c.fail("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
}

func hello(c *client, args []string) {
	if len(args) > 1 && args[1] != "2" {
		// Clients fall back to RESP2 on this.
		c.fail("NOPROTO unsupported protocol version")
		return
	}
	c.array(14)
	for _, pair := range [][2]string{{"server", "redis"}, {"version", c.server.version}} {
		c.bulk(pair[0])
		c.bulk(pair[1])
	}
	c.bulk("proto")
	c.number(2)
	c.bulk("id")
	c.number(int(c.id))
	for _, pair := range [][2]string{{"mode", "standalone"}, {"role", "master"}} {
		c.bulk(pair[0])
		c.bulk(pair[1])
	}
	c.bulk("modules")
	c.array(0)
}

func selectDatabase(c *client, args []string) {
	number, err := strconv.Atoi(args[1])
	switch {
	case err != nil:
		c.fail("ERR value is not an integer or out of range")
	case number < 0 || number >= databases:
		c.fail("ERR DB index is out of range")
	default:
		c.database = number
		c.simple("OK")
	}
}

func flush(c *client, args []string) {
	database := c.database
	if strings.EqualFold(args[0], "flushall") {
		database = -1
	}
	c.server.store.flush(database)
	c.simple("OK")
}

func clock(c *client, _ []string) {
	now := time.Now()
	c.list([]string{strconv.FormatInt(now.Unix(), 10), strconv.Itoa(now.Nanosecond() / 1000)})
}

func background(c *client, args []string) {
	if strings.EqualFold(args[0], "bgsave") {
		c.simple("Background saving started")
		return
	}
	c.simple("Background append only file rewriting started")
}

func lastSave(c *client, _ []string) {
	c.number(int(c.server.started.Unix()))
}

// replicate is what an intruder uses to load a module. It is recorded as any
// command, and followed by nothing.
func replicate(c *client, _ []string) {
	c.simple("OK")
}

func role(c *client, _ []string) {
	c.array(3)
	c.bulk("master")
	c.number(0)
	c.array(0)
}

func module(c *client, args []string) {
	switch strings.ToLower(args[1]) {
	case "list":
		c.array(0)
	default:
		c.fail("ERR Error loading the extension. Please check the server logs.")
	}
}

func memory(c *client, _ []string) { c.number(72) }

func emptyList(c *client, _ []string) { c.array(0) }

func acl(c *client, args []string) {
	if strings.EqualFold(args[1], "whoami") {
		c.bulk("default")
		return
	}
	c.list([]string{"user default on nopass ~* &* +@all"})
}

func cluster(c *client, _ []string) {
	c.fail("ERR This instance has cluster support disabled")
}

func script(c *client, args []string) {
	if strings.EqualFold(args[0], "evalsha") {
		c.fail("NOSCRIPT No matching script. Please use EVAL.")
		return
	}
	c.null()
}

func multi(c *client, _ []string) {
	if c.inMulti {
		c.fail("ERR MULTI calls can not be nested")
		return
	}
	c.inMulti, c.queued = true, 0
	c.simple("OK")
}

func exec(c *client, _ []string) {
	if !c.inMulti {
		c.fail("ERR EXEC without MULTI")
		return
	}
	c.inMulti = false
	c.array(min(c.queued, maxArguments))
	for range min(c.queued, maxArguments) {
		c.simple("OK")
	}
}

func discard(c *client, _ []string) {
	if !c.inMulti {
		c.fail("ERR DISCARD without MULTI")
		return
	}
	c.inMulti = false
	c.simple("OK")
}

func subscribe(c *client, args []string) {
	for i, channel := range args[1:] {
		c.array(3)
		c.bulk(strings.ToLower(args[0]))
		c.bulk(channel)
		c.number(i + 1)
	}
}

func lolwut(c *client, _ []string) {
	c.bulk("Redis ver. " + c.server.version + "\n")
}

// describe answers clients that ask for the commands, with none: they then
// offer no hints.
func describe(c *client, args []string) {
	if len(args) > 1 && strings.EqualFold(args[1], "count") {
		c.number(len(c.server.commands))
		return
	}
	c.array(0)
}

func clientCommand(c *client, args []string) {
	switch strings.ToLower(args[1]) {
	case "setname":
		if len(args) > 2 {
			c.name = clip(args[2])
		}
		c.simple("OK")
	case "getname":
		c.bulk(c.name)
	case "id":
		c.number(int(c.id))
	case "list", "info":
		c.bulk(fmt.Sprintf("id=%d addr=%s laddr=%s fd=8 name=%s age=1 idle=0 flags=N db=%d sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=20448 argv-mem=10 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 omem=0 tot-mem=22298 events=r cmd=client|list user=default redir=-1 resp=2\n",
			c.id, c.source, c.local, c.name, c.database))
	case "kill":
		c.number(0)
	default:
		c.simple("OK")
	}
}

// settings is what CONFIG shows and sets.
type settings struct {
	mu     sync.Mutex
	values map[string]string
}

func defaultConfig() map[string]string {
	return map[string]string{
		"dir": "/var/lib/redis", "dbfilename": "dump.rdb", "appendonly": "no", "save": "3600 1 300 100 60 10000", "maxmemory": "0",
		"maxmemory-policy": "noeviction", "databases": strconv.Itoa(databases), "requirepass": "", "protected-mode": "no", "bind": "* -::*",
		"port": "6379", "timeout": "0", "tcp-keepalive": "300", "loglevel": "notice", "logfile": "/var/log/redis/redis-server.log",
		"maxclients": "10000", "slave-read-only": "yes", "replica-read-only": "yes", "stop-writes-on-bgsave-error": "yes", "rdbcompression": "yes",
		"daemonize": "yes", "supervised": "auto", "pidfile": "/run/redis/redis-server.pid",
	}
}

func config(c *client, args []string) {
	s := &c.server.config
	s.mu.Lock()
	defer s.mu.Unlock()
	switch sub := strings.ToLower(args[1]); {
	case sub == "get" && len(args) > 2:
		var shown []string
		for _, name := range slices.Sorted(maps.Keys(s.values)) {
			if matches(strings.ToLower(args[2]), name) {
				shown = append(shown, name, s.values[name])
			}
		}
		c.list(shown)
	case sub == "set" && len(args) > 3:
		name := strings.ToLower(args[2])
		if _, known := s.values[name]; !known {
			c.fail("ERR Unknown option or number of arguments for CONFIG SET - '" + clip(args[2]) + "'")
			return
		}
		s.values[name] = clip(args[3])
		c.simple("OK")
	case sub == "rewrite" || sub == "resetstat":
		c.simple("OK")
	default:
		c.fail("ERR unknown subcommand or wrong number of arguments for '" + clip(args[1]) + "'. Try CONFIG HELP.")
	}
}

func newRunID() string {
	id := make([]byte, 20)
	_, _ = rand.Read(id)
	return hex.EncodeToString(id)
}

func info(c *client, args []string) {
	section := "default"
	if len(args) > 1 {
		section = strings.ToLower(args[1])
	}
	s := c.server
	up := int(time.Since(s.started).Seconds()) + 1
	major, _, _ := strings.Cut(s.version, ".")
	sections := []struct{ name, text string }{
		{"server", fmt.Sprintf("# Server\r\nredis_version:%s\r\nredis_git_sha1:00000000\r\nredis_git_dirty:0\r\nredis_build_id:%s\r\nredis_mode:standalone\r\nos:%s\r\narch_bits:64\r\nmonotonic_clock:POSIX clock_gettime\r\nmultiplexing_api:epoll\r\natomicvar_api:c11-builtin\r\ngcc_version:12.2.0\r\nprocess_id:%d\r\nprocess_supervised:systemd\r\nrun_id:%s\r\ntcp_port:6379\r\nuptime_in_seconds:%d\r\nuptime_in_days:%d\r\nhz:10\r\nconfigured_hz:10\r\nexecutable:/usr/bin/redis-server\r\nconfig_file:/etc/redis/redis.conf\r\nio_threads_active:0\r\n", s.version, s.runID[:16], s.os, 412+len(major), s.runID, up, up/86400)},
		{"clients", fmt.Sprintf("# Clients\r\nconnected_clients:%d\r\ncluster_connections:0\r\nmaxclients:10000\r\nblocked_clients:0\r\n", s.clients.Load())},
		{"memory", "# Memory\r\nused_memory:1113872\r\nused_memory_human:1.06M\r\nused_memory_rss:12886016\r\nused_memory_rss_human:12.29M\r\nused_memory_peak:1180064\r\nused_memory_peak_human:1.13M\r\nmaxmemory:0\r\nmaxmemory_human:0B\r\nmaxmemory_policy:noeviction\r\nmem_fragmentation_ratio:11.83\r\nmem_allocator:jemalloc-5.3.0\r\n"},
		{"persistence", fmt.Sprintf("# Persistence\r\nloading:0\r\nrdb_changes_since_last_save:0\r\nrdb_bgsave_in_progress:0\r\nrdb_last_save_time:%d\r\nrdb_last_bgsave_status:ok\r\naof_enabled:0\r\n", s.started.Unix())},
		{"stats", fmt.Sprintf("# Stats\r\ntotal_connections_received:%d\r\ntotal_commands_processed:%d\r\ninstantaneous_ops_per_sec:0\r\nrejected_connections:0\r\nexpired_keys:0\r\nevicted_keys:0\r\n", s.total.Load(), s.served.Load())},
		{"replication", "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_failover_state:no-failover\r\nmaster_repl_offset:0\r\nsecond_repl_offset:-1\r\nrepl_backlog_active:0\r\n"},
		{"cpu", "# CPU\r\nused_cpu_sys:12.104822\r\nused_cpu_user:9.881237\r\n"},
		{"cluster", "# Cluster\r\ncluster_enabled:0\r\n"},
		{"keyspace", "# Keyspace\r\n" + s.keyspace()},
	}
	var shown []string
	for _, part := range sections {
		if section == "default" || section == "all" || section == "everything" || section == part.name {
			shown = append(shown, part.text)
		}
	}
	c.bulk(strings.Join(shown, "\r\n"))
}

func (s *Server) keyspace() string {
	var out strings.Builder
	for database := range databases {
		if size := s.store.size(database); size > 0 {
			fmt.Fprintf(&out, "db%d:keys=%d,expires=0,avg_ttl=0\r\n", database, size)
		}
	}
	return out.String()
}

// expiry reads the options of SET.
func expiry(args []string, now time.Time) time.Time {
	for i, arg := range args[:max(len(args)-1, 0)] {
		amount, err := strconv.Atoi(args[i+1])
		if err != nil || amount <= 0 {
			continue
		}
		const most = 10 * 365 * 24 * 3600
		switch strings.ToLower(arg) {
		case "ex":
			return now.Add(time.Duration(min(amount, most)) * time.Second)
		case "px":
			return now.Add(time.Duration(min(amount, most*1000)) * time.Millisecond)
		}
	}
	return time.Time{}
}

func outOfMemory(c *client) {
	c.fail("OOM command not allowed when used memory > 'maxmemory'.")
}

func wrongType(c *client) {
	c.fail("WRONGTYPE Operation against a key holding the wrong kind of value")
}

func integer(c *client, text string) (int, bool) {
	number, err := strconv.Atoi(text)
	if err != nil {
		c.fail("ERR value is not an integer or out of range")
	}
	return number, err == nil
}
