// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs a private Kubernetes API server and its etcd in this
// process, so that Deckyard's kinds can be used on a machine without a cluster.
//
// It owns the data directory (mode 0700, locked, versioned), its certificates and
// the administrator's kubeconfig. It promises that nothing the API server has
// acknowledged is lost, whatever ends the process; that ready means /readyz is 200
// and every given CRD is Established; and that Run stops in reverse order: the
// controllers, the API server, etcd. It opens no port: the listener is passed in,
// and etcd listens on a unix socket in the data directory. Backup and Restore carry
// an instance over to another data directory.
//
// It must not know what runs on top of it: no import of the operator's packages.
// Start reading at Options and Server.Run.
package controlplane
