// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/deckyard/deckyard/internal/decoy/evidence"
	"github.com/deckyard/deckyard/internal/decoy/guard"
	"github.com/deckyard/deckyard/internal/decoy/identity"
	"github.com/deckyard/deckyard/internal/decoy/login"
	"github.com/deckyard/deckyard/internal/decoy/setting"
	"github.com/deckyard/deckyard/internal/decoy/shell"
)

const (
	defaultBanner = "OpenSSH_9.2p1 Debian-2+deb12u3"
	maxBanner     = 200
	// loginGrace is how long a client may take to log in.
	loginGrace = 60 * time.Second
	// maxLoggedIn bounds the connections past login, which may buffer more.
	maxLoggedIn = 12
	// failurePause is the wait after a wrong password.
	failurePause = 700 * time.Millisecond
)

var (
	errDenied = errors.New("permission denied")
	errBusy   = errors.New("too many sessions")
)

// Server answers ssh clients.
type Server struct {
	log      *evidence.Log
	policy   *login.Policy
	machines *shell.Machines
	version  string
	seed     identity.Seed
	signers  atomic.Pointer[[]ssh.Signer]
	logins   atomic.Int64
}

// New reads BANNER, USERS, ACCEPT_AFTER and SEED, and makes host keys.
func New(settings *setting.Reader, hostname string, log *evidence.Log) (*Server, error) {
	policy := login.NewPolicy(settings)
	s := &Server{
		log:      log,
		policy:   policy,
		machines: shell.NewMachines(hostname, policy.Users()),
		version:  "SSH-2.0-" + settings.Line("BANNER", defaultBanner, maxBanner),
		seed:     identity.Read(settings),
	}
	if err := settings.Err(); err != nil {
		return nil, err
	}
	signers, err := quickKeys(s.seed)
	if err != nil {
		return nil, err
	}
	s.signers.Store(&signers)
	return s, nil
}

// Serve answers on the listener until the context ends.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	limits := guard.DefaultLimits()
	limits.Total = time.Hour
	var keys sync.WaitGroup
	keys.Go(s.addSlowKey)
	err := guard.NewListener(listener, "ssh", s.log, limits).Serve(ctx, s.handle)
	keys.Wait()
	return err
}

// quickKeys makes the host keys that take no time.
func quickKeys(seed identity.Seed) ([]ssh.Signer, error) {
	curve, err := seed.ECDSA("host key ecdsa")
	if err != nil {
		return nil, err
	}
	edwards, err := seed.Ed25519("host key ed25519")
	if err != nil {
		return nil, err
	}
	var signers []ssh.Signer
	for _, key := range []any{curve, edwards} {
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			return nil, fmt.Errorf("use host key: %w", err)
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

// addSlowKey adds an RSA key, which old clients want, without holding up the
// start. Without it the service still serves.
func (s *Server) addSlowKey() {
	key, err := s.seed.RSA("host key rsa")
	if err != nil {
		return
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return
	}
	signers := append([]ssh.Signer{signer}, *s.signers.Load()...)
	s.signers.Store(&signers)
}

func (s *Server) config(ctx context.Context, conn *guard.Conn) *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		Config: ssh.Config{
			KeyExchanges: []string{
				ssh.KeyExchangeCurve25519, "curve25519-sha256@libssh.org", ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384,
				ssh.KeyExchangeECDHP521, ssh.KeyExchangeDH16SHA512, ssh.KeyExchangeDH14SHA256,
			},
			Ciphers: []string{
				ssh.CipherChaCha20Poly1305, ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR,
				ssh.CipherAES128GCM, ssh.CipherAES256GCM,
			},
			MACs: []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256, ssh.HMACSHA512, ssh.HMACSHA1},
		},
		ServerVersion: s.version,
		MaxAuthTries:  6,
		PasswordCallback: func(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			return nil, s.checkPassword(ctx, conn, meta, string(password))
		},
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			conn.Session().Record("login", evidence.Text("method", "publickey"), evidence.Text("username", meta.User()),
				evidence.Text("key", ssh.FingerprintSHA256(key)), evidence.Flag("accepted", false))
			return nil, errDenied
		},
	}
	for _, signer := range *s.signers.Load() {
		config.AddHostKey(signer)
	}
	return config
}

func (s *Server) checkPassword(ctx context.Context, conn *guard.Conn, meta ssh.ConnMetadata, password string) error {
	accepted := s.policy.Accept(conn.Host(), meta.User(), password)
	conn.Session().Record("login",
		evidence.Text("method", "password"),
		evidence.Text("username", meta.User()),
		evidence.Text("password", password),
		evidence.Text("client", string(meta.ClientVersion())),
		evidence.Flag("accepted", accepted))
	if accepted {
		return nil
	}
	// As PAM does, which also slows guessing down.
	timer := time.NewTimer(failurePause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return errDenied
}

func (s *Server) handle(ctx context.Context, conn *guard.Conn) {
	if err := conn.SetDeadline(time.Now().Add(loginGrace)); err != nil {
		return
	}
	server, channels, requests, err := ssh.NewServerConn(conn, s.config(ctx, conn))
	if err != nil {
		recordHandshake(conn.Session(), err)
		return
	}
	defer func() { _ = server.Close() }()
	defer s.logins.Add(-1)
	if s.logins.Add(1) > maxLoggedIn {
		conn.Session().Record("refused", evidence.Text("reason", errBusy.Error()))
		return
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return
	}
	c := &client{
		evidence: conn.Session(),
		machine:  s.machines.At(conn.LocalAddr()),
		user:     server.User(),
		source:   conn.RemoteAddr().String(),
	}
	c.serve(ctx, channels, requests)
}

// recordHandshake records why a client did not get as far as a session. A
// client that only failed to log in has left "login" lines already.
func recordHandshake(session *evidence.Session, err error) {
	if _, failed := errors.AsType[*ssh.ServerAuthError](err); failed {
		return
	}
	session.Record("handshake", evidence.Text("error", err.Error()))
}
