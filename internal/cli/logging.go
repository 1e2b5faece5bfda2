// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"io"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
	"k8s.io/klog/v2"
)

// loggers share one output.
type loggers struct {
	program logr.Logger
	// serving says that an error of the Kubernetes libraries means something: while
	// they start and stop, each complains about the others not being there.
	serving *atomic.Bool
	// storage is etcd's, which says much that nobody needs.
	storage *zap.Logger
}

// newLoggers writes for people to a terminal, and JSON lines to everything else.
func newLoggers(out io.Writer, verbose bool) loggers {
	level := zapcore.InfoLevel
	storageLevel := zapcore.ErrorLevel
	if verbose {
		level = zapcore.DebugLevel
		storageLevel = zapcore.WarnLevel
	}
	core := zapcore.NewCore(newEncoder(isTerminal(out)), zapcore.Lock(zapcore.AddSync(out)), level)
	base := zap.New(core)
	return loggers{
		program: zapr.NewLogger(base),
		serving: &atomic.Bool{},
		storage: base.Named("etcd").WithOptions(zap.IncreaseLevel(storageLevel)),
	}
}

// routeKubernetes sends the errors of the Kubernetes libraries to the program's log,
// and all they say when that is verbose. Their log is process-wide, so this comes
// before the first of them runs.
func (l loggers) routeKubernetes() {
	program := l.program.WithName("kubernetes").V(1)
	klog.SetLogger(program.WithSink(kubernetesSink{program.GetSink(), l.serving}))
	// A failed start hook would end the process without stopping etcd; here it ends
	// only its goroutine, and the control plane reports that it never became ready.
	klog.OsExit = func(int) { runtime.Goexit() }
}

// kubernetesSink demotes errors unless the control plane serves.
type kubernetesSink struct {
	logr.LogSink
	serving *atomic.Bool
}

// Error implements logr.LogSink.
func (s kubernetesSink) Error(err error, message string, keysAndValues ...any) {
	switch {
	case s.serving.Load():
		s.LogSink.Error(err, message, keysAndValues...)
	case s.Enabled(1):
		s.Info(1, message, append(keysAndValues, "error", err)...)
	}
}

// WithValues implements logr.LogSink.
func (s kubernetesSink) WithValues(keysAndValues ...any) logr.LogSink {
	return kubernetesSink{s.LogSink.WithValues(keysAndValues...), s.serving}
}

// WithName implements logr.LogSink.
func (s kubernetesSink) WithName(name string) logr.LogSink {
	return kubernetesSink{s.LogSink.WithName(name), s.serving}
}

func newEncoder(terminal bool) zapcore.Encoder {
	if terminal {
		config := zap.NewDevelopmentEncoderConfig()
		config.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		config.EncodeLevel = zapcore.CapitalColorLevelEncoder
		return zapcore.NewConsoleEncoder(config)
	}
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	return zapcore.NewJSONEncoder(config)
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
