package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	common "github.com/argoproj/argo-events/pkg/eventsources/common"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/file"
	"github.com/argoproj/argo-events/pkg/metrics"
	"github.com/argoproj/argo-events/pkg/shared/logging"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// placeholder stands for the folder, in specs and in what is received.
const placeholder = "/FOLDER"

// settleTime is how long nothing may happen until the next step; polling looks every 100 ms.
const settleTime = 250 * time.Millisecond

// files is a folder that an event source watches, and what is done in it: an operation and its arguments.
type files struct {
	Spec  json.RawMessage `json:"spec"`
	Steps [][]string      `json:"steps"`
}

func (asked *files) receive() (*received, error) {
	folder, err := os.MkdirTemp("", "files")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	listener := &file.EventListener{EventSourceName: "source", EventName: "event", Metrics: metrics.NewMetrics("default")}
	spec := strings.ReplaceAll(string(asked.Spec), placeholder, folder)
	if err := json.Unmarshal([]byte(spec), &listener.FileEventSource); err != nil {
		return nil, err
	}
	core, logs := observer.New(zapcore.InfoLevel)
	ctx, cancel := context.WithCancel(logging.WithLogger(context.Background(), zap.New(core).Sugar()))
	defer cancel()
	if err := listener.ValidateEventSource(ctx); err != nil {
		return nil, err
	}
	said := &received{Data: []string{}}
	var taking sync.Mutex
	ended := make(chan error, 1)
	go func() {
		ended <- listener.StartListening(ctx, func(data []byte, options ...common.Option) error {
			taking.Lock()
			defer taking.Unlock()
			return said.take([]byte(strings.ReplaceAll(string(data), folder, placeholder)), options...)
		})
	}()
	for logs.FilterMessageSnippet("istening to file notifications").Len() == 0 {
		select {
		case err := <-ended:
			return nil, fmt.Errorf("it ended: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	time.Sleep(settleTime)
	for _, step := range asked.Steps {
		if err := happen(folder, step); err != nil {
			return nil, err
		}
		time.Sleep(settleTime)
	}
	taking.Lock()
	defer taking.Unlock()
	return said, nil
}

func happen(folder string, step []string) error {
	path := filepath.Join(folder, step[1])
	switch step[0] {
	case "create":
		return os.WriteFile(path, nil, 0o600)
	case "write":
		opened, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer opened.Close()
		_, err = opened.WriteString(step[2])
		return err
	case "rename":
		return os.Rename(path, filepath.Join(folder, step[2]))
	case "remove":
		return os.Remove(path)
	case "chmod":
		mode, err := strconv.ParseUint(step[2], 8, 32)
		if err != nil {
			return err
		}
		return os.Chmod(path, os.FileMode(mode))
	}
	return fmt.Errorf("no step %q here", step[0])
}
