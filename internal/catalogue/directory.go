// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package catalogue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// LoadDirectory reads the built-in catalogue and adds the services of a directory
// of this machine, as Load does; an empty path adds none. The error names the
// directory, the file, what is wrong in it, and the next step. A directory without
// a service file is an error: it would add nothing without a word.
func LoadDirectory(ctx context.Context, path string) (*Catalogue, error) {
	if path == "" {
		return Load(ctx)
	}
	directory := os.DirFS(path)
	names, err := serviceFiles(directory)
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		return nil, fmt.Errorf("catalogue %q is not a directory: name the directory that holds the service files", path)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("catalogue directory %q does not exist: create it, or name another", path)
	case err != nil:
		return nil, fmt.Errorf("read catalogue directory %q: %w: make it readable, or name another", path, err)
	case len(names) == 0:
		return nil, fmt.Errorf("catalogue directory %q holds no *.yaml file: put a service file into it, or name another", path)
	}
	loaded, err := Load(ctx, directory)
	if err != nil {
		return nil, fmt.Errorf("catalogue directory %q: %w: correct the file, or take it out of the directory", path, err)
	}
	return loaded, nil
}
