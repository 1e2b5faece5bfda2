// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestRunRefusesWhatItIsNot(t *testing.T) {
	tests := map[string]struct {
		args []string
		env  [2]string
		want int
	}{
		"an unknown name":            {[]string{"/usr/sbin/nonsense"}, [2]string{}, exitNotFound},
		"an unknown argument":        {[]string{"/bin/decoy", "nonsense"}, [2]string{}, exitNotFound},
		"a bad setting":              {[]string{"/usr/sbin/httpd"}, [2]string{"APP", "nonsense"}, exitUsage},
		"a bad setting, by argument": {[]string{"/bin/decoy", "sshd"}, [2]string{"ACCEPT_AFTER", "x"}, exitUsage},
		"arguments do not change it": {[]string{"/usr/sbin/httpd", "sshd"}, [2]string{"APP", "nonsense"}, exitUsage},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.env[0] != "" {
				t.Setenv(test.env[0], test.env[1])
			}
			if got := run(test.args); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
		})
	}
}
