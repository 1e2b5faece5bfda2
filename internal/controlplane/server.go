// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// startTimeout bounds the time from Run to ready. It is far above what a slow
// machine needs, so that what exceeds it will never be ready.
const startTimeout = 2 * time.Minute

// startPatience is how long a stop waits for a start that is under way.
const startPatience = 15 * time.Second

// upkeepPeriod is short for a machine that sets its clock right after the start, and
// for a database that refuses writes until there is room.
const upkeepPeriod = time.Minute

// Server is a control plane that has its certificates and is ready to Run, once.
type Server struct {
	options      CompletedOptions
	certificates certificates
	url          string
	ready        chan struct{}
	// isStale says that the kubeconfigs are older than the certificates.
	isStale bool
}

// New issues the certificates that are missing or about to expire and writes the
// kubeconfig. It starts nothing.
func (o CompletedOptions) New() (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("validate control plane options: %w", err)
	}
	addresses, err := o.servingAddresses()
	if err != nil {
		return nil, err
	}
	server := &Server{
		options:      o,
		certificates: certificates{directory: o.DataDirectory, clock: o.Clock, addresses: addresses},
		url:          "https://" + o.listenAddress().String(),
		ready:        make(chan struct{}),
	}
	if _, err := server.certificates.issue(); err != nil {
		return nil, fmt.Errorf("issue certificates: %w", err)
	}
	if err := server.writeKubeconfigs(); err != nil {
		return nil, err
	}
	return server, nil
}

// RESTConfig connects as administrator, without a limit on the rate of requests: the
// server is this process. It names certificate files, so that a client made from it
// follows their renewal.
func (s *Server) RESTConfig() *rest.Config {
	certificateFile, keyFile := s.certificates.adminFiles()
	return &rest.Config{
		Host: s.url,
		QPS:  -1,
		TLSClientConfig: rest.TLSClientConfig{
			CAFile:   s.certificates.authorityFile(),
			CertFile: certificateFile,
			KeyFile:  keyFile,
		},
	}
}

// Ready is closed once /readyz answers 200 and every definition is Established.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Run serves until ctx is done or a part fails, and returns the first failure. When
// it returns everything has stopped, in the reverse of the order of starting; but
// when etcd gives up, what waits for it may be left behind for the end of the process.
func (s *Server) Run(ctx context.Context) error {
	err := withStorage(ctx, s.options, func(ctx context.Context, storage *storage) error {
		return s.withAPIServer(ctx, storage.endpoint, func(ctx context.Context, loopback *rest.Config) error {
			return s.runOnTop(ctx, loopback, storage)
		})
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("run control plane: %w", err)
	}
	return nil
}

// runOnTop is all that needs a running API server.
func (s *Server) runOnTop(ctx context.Context, loopback *rest.Config, storage *storage) error {
	if err := s.start(ctx, loopback); err != nil {
		return err
	}
	controllers, err := newControllers(ctx, loopback)
	if err != nil {
		return err
	}
	close(s.ready)
	s.options.Logger.Info("Serving the Kubernetes API", "url", s.url)
	keptUp := make(chan struct{})
	go func() {
		defer close(keptUp)
		s.keepUp(ctx, storage)
	}()
	controllers.run(ctx)
	<-keptUp
	return context.Cause(ctx)
}

func (s *Server) start(ctx context.Context, loopback *rest.Config) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := installCRDs(ctx, loopback, s.options.definitions); err != nil {
		return err
	}
	s.options.Logger.V(1).Info("Established the custom resource definitions")
	if err := waitReadyz(ctx, loopback); err != nil {
		return err
	}
	return waitNamespaces(ctx, loopback)
}

func waitReadyz(ctx context.Context, config *rest.Config) error {
	kubeClient, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("create client for readiness: %w", err)
	}
	var answer []byte
	err = wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		var status int
		answer, _ = kubeClient.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).StatusCode(&status).Raw()
		return status == http.StatusOK, nil
	})
	if err != nil {
		return fmt.Errorf("wait for the API server to be ready (last answer %q): %w", answer, err)
	}
	return nil
}

// waitNamespaces waits for the namespaces that every cluster has from its first
// moment on; /readyz does not.
func waitNamespaces(ctx context.Context, config *rest.Config) error {
	kubeClient, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("create client for namespaces: %w", err)
	}
	for _, name := range []string{metav1.NamespaceSystem, metav1.NamespaceDefault} {
		var last error
		err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
			_, last = kubeClient.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
			return last == nil, nil
		})
		if err != nil {
			return fmt.Errorf("wait for namespace %q: %w", name, errors.Join(err, last))
		}
	}
	return nil
}

// keepUp keeps a control plane that runs for years reachable and writable.
func (s *Server) keepUp(ctx context.Context, storage *storage) {
	ticker := s.options.Clock.NewTicker(upkeepPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		storage.keepRoom(ctx, s.options.Logger)
		if err := s.renewCertificates(); err != nil {
			s.options.Logger.Error(err, "Renewing certificates")
		}
	}
}

// renewCertificates needs to tell nobody: the API server reloads its files by itself,
// clients read the kubeconfig anew. What fails, as on a full disk, is made up for the
// next time: the certificates themselves do not change again for months.
func (s *Server) renewCertificates() error {
	changed, err := s.certificates.issue()
	s.isStale = s.isStale || changed
	if !s.isStale {
		return err
	}
	if writeErr := s.writeKubeconfigs(); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	s.isStale = false
	return err
}

func (s *Server) writeKubeconfigs() error {
	paths := []string{s.options.DataDirectory.Kubeconfig()}
	if s.options.Kubeconfig != "" {
		paths = append(paths, s.options.Kubeconfig)
	}
	for _, path := range paths {
		if err := s.certificates.writeKubeconfig(path, s.url); err != nil {
			return err
		}
	}
	return nil
}
