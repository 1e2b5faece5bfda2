// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/deckyard/deckyard/api/v1alpha1"
	"github.com/deckyard/deckyard/config/crd"
	"github.com/deckyard/deckyard/internal/cli"
	"github.com/deckyard/deckyard/internal/controlplane"
	"github.com/deckyard/deckyard/internal/preflight"
)

const (
	// asProgram makes the test binary behave as the program.
	asProgram        = "DECKYARD_TEST_AS_PROGRAM"
	operatorStopping = "Stopping the test operator"
	imageRemoved     = "image removed from "
	leftover         = "network default_acme_lost"
)

var topologyResource = v1alpha1.GroupVersion.WithResource("topologies")

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Main(ctx, os.Args[1:], dependencies(os.Stdout, os.Stderr)))
}

func dependencies(out, errors io.Writer) cli.Dependencies {
	return cli.Dependencies{
		Streams:    cli.Streams{In: strings.NewReader(""), Out: out, Err: errors},
		Getenv:     os.Getenv,
		Executable: os.Args[0],
		Version:    "v1.2.3",
		CRDs:       crd.Files,
		Operator:   releaseTopologies,
		Preflight:  suitable,
		Purge: func(_ context.Context, dockerHost, instance string) ([]string, error) {
			if len(instance) != len("01234567-89ab-cdef-0123-456789abcdef") {
				return nil, fmt.Errorf("%q is no UID", instance)
			}
			return []string{leftover + " of " + dockerHost}, nil
		},
		RemoveImage: func(_ context.Context, dockerHost string) error {
			_, err := fmt.Fprintln(out, imageRemoved+dockerHost)
			return err
		},
	}
}

// suitable is the look at an engine that can do everything.
func suitable(context.Context, string) (preflight.Report, error) {
	return preflight.Report{Suitable: true}, nil
}

// releaseTopologies is an operator that only lets go of what is deleted, and tells
// whether the API server still answers when it is itself told to stop, and which
// services it knows.
func releaseTopologies(ctx context.Context, config *rest.Config, options cli.OperatorOptions) error {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	topologies := client.Resource(topologyResource)
	_ = wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		list, err := topologies.List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, nil //nolint:nilerr // ctx is done
		}
		for _, topology := range list.Items {
			if topology.GetDeletionTimestamp() == nil {
				continue
			}
			release := []byte(`{"metadata":{"finalizers":null}}`)
			_, _ = topologies.Namespace(topology.GetNamespace()).Patch(ctx, topology.GetName(), types.MergePatchType, release, metav1.PatchOptions{})
		}
		return false, nil
	})
	// Without an etcd, a server that is there answers late.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, err = topologies.List(last, metav1.ListOptions{})
	var services []string
	if options.Catalogue != nil {
		services = options.Catalogue.ServiceNames()
	}
	options.Logger.Info(operatorStopping, "answered", err == nil, "services", services, "node", options.NodeName)
	return nil
}

// result is how one command ended.
type result struct {
	code   int
	out    string
	errors string
}

// run runs the program to its end.
func run(t *testing.T, arguments ...string) result {
	t.Helper()
	var out, errors bytes.Buffer
	command := program(t, &out, &errors, arguments...)
	err := command.Run()
	return result{code: exitCode(t, err), out: out.String(), errors: errors.String()}
}

func program(t *testing.T, out, errors io.Writer, arguments ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(os.Args[0], arguments...)
	command.Env = append(os.Environ(), asProgram+"=1", "KUBECONFIG=")
	command.Stdout = out
	command.Stderr = errors
	return command
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit == nil {
		return 0
	}
	return exit.ExitCode()
}

// foreground is a running 'deckyard up'.
type foreground struct {
	command *exec.Cmd
	path    string
	log     *bytes.Buffer
}

// up starts the program on a free port and waits until it says that it is ready.
func up(t *testing.T, path string) *foreground {
	t.Helper()
	f := &foreground{path: path, log: &bytes.Buffer{}}
	f.command = program(t, nil, f.log, "up", "--data-dir", path, "--listen", "127.0.0.1:0")
	out, err := f.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.command.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "Deckyard is ready") {
			return f
		}
	}
	_ = f.command.Wait()
	t.Fatalf("it ended before it was ready:\n%s", f.log)
	return nil
}

// signal sends a signal and returns the exit code.
func (f *foreground) signal(t *testing.T, signal os.Signal) int {
	t.Helper()
	if err := f.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	return exitCode(t, f.command.Wait())
}

// messages are those in the log, in order, but for those of etcd, which complains of a
// slow machine, and of its client, which may see it stop.
func (f *foreground) messages(t *testing.T) []string {
	t.Helper()
	var messages []string
	for line := range strings.Lines(f.log.String()) {
		var entry struct {
			Logger   string `json:"logger"`
			Message  string `json:"msg"`
			Answered *bool  `json:"answered"`
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("log line %q: %v", line, err)
			continue
		}
		if strings.HasPrefix(entry.Logger, "etcd") {
			continue
		}
		if entry.Answered != nil {
			entry.Message += fmt.Sprintf(" answered=%t", *entry.Answered)
		}
		messages = append(messages, entry.Message)
	}
	return messages
}

func kubeClient(t *testing.T, path string) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(restConfig(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func restConfig(t *testing.T, path string) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", controlplane.KubeconfigPath(path))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}

func dataDirectory(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "data")
}

func assertCode(t *testing.T, got result, want int) {
	t.Helper()
	if got.code != want {
		t.Errorf("exit code: got %d, want %d\nout: %s\nerrors: %s", got.code, want, got.out, got.errors)
	}
}

func assertContains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("got %q, want it to contain %q", text, want)
		}
	}
}
