// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/deckyard/deckyard/internal/controlplane"
)

// instanceFiles are what this package keeps in the data directory of an instance.
func instanceFiles() []string { return []string{dockerHostFile, nodeNameFile} }

func newBackupCommand(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write all that the control plane knows to a file",
		Long: "Write the declared resources and the certificates of the instance in the data directory to a new file.\n" +
			"The instance may go on running. The file holds private keys: whoever reads it controls the decoys.\n" +
			"'deckyard restore' makes a data directory of it again.",
		Example: "  deckyard backup /srv/backup/deckyard-$(date +%F).tar.gz",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(command *cobra.Command, arguments []string) error {
			return env.backup(command.Context(), arguments[0])
		},
	}
}

func (e *environment) backup(ctx context.Context, file string) error {
	size, err := controlplane.Backup(ctx, controlplane.BackupOptions{
		DataDirectory: e.dataDirectory,
		File:          file,
		Files:         instanceFiles(),
		Program:       e.Version,
	})
	if err != nil {
		return e.withNextStep(err)
	}
	e.say("Wrote %s (%d KiB, mode 0600).", file, (size+1023)>>10)
	e.say("It holds private keys: whoever reads it controls the decoys.")
	return nil
}

func newRestoreCommand(env *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a data directory of a backup",
		Long: "Make a new data directory of a file that 'deckyard backup' wrote. The next 'deckyard up' takes the deckies\n" +
			"that run up again, and makes the rest as it was declared then: what was declared later is removed.\n" +
			"Never run two instances of one backup on the same engine: each would undo what the other does.",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(command *cobra.Command, arguments []string) error {
			return env.restore(command.Context(), arguments[0])
		},
	}
}

func (e *environment) restore(ctx context.Context, file string) error {
	manifest, err := controlplane.Restore(ctx, controlplane.RestoreOptions{
		DataDirectory: e.dataDirectory,
		File:          file,
		Files:         instanceFiles(),
	})
	if err != nil {
		return e.withNextStep(err)
	}
	e.say("Restored %s as of %s, written by deckyard %s.", e.dataDirectory, manifest.Created.Local().Format(time.DateTime), manifest.Program)
	e.say("'deckyard up --data-dir %s' takes its deckies up again.", e.dataDirectory)
	return nil
}
