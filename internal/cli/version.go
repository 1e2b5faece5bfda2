// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersionCommand(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program and of what is built into it",
		Args:  usageArgs(cobra.NoArgs),
		Run: func(*cobra.Command, []string) {
			build, ok := debug.ReadBuildInfo()
			if !ok {
				build = &debug.BuildInfo{}
			}
			env.say("deckyard    %s", env.Version)
			env.say("kubernetes  %s", moduleVersion(build, "k8s.io/kubernetes"))
			env.say("etcd        %s", moduleVersion(build, "go.etcd.io/etcd/server/v3"))
			env.say("go          %s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

func moduleVersion(build *debug.BuildInfo, path string) string {
	for _, module := range build.Deps {
		if module.Path != path {
			continue
		}
		if module.Replace != nil {
			return module.Replace.Version
		}
		return module.Version
	}
	return "unknown"
}
