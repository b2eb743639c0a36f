package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	common "github.com/argoproj/argo-events/pkg/eventsources/common"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/calendar"
	"github.com/argoproj/argo-events/pkg/metrics"
	"github.com/argoproj/argo-events/pkg/shared/logging"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

const endlessLimit = 5 * time.Second

// calendarAsked is a schedule whose missed runs are made up for, from the last one that was noted.
type calendarAsked struct {
	Spec json.RawMessage `json:"spec"`
	// Last is the run that was noted, as the original writes it.
	Last  string `json:"last"`
	Count int    `json:"count"`
}

func (asked *calendarAsked) receive() (*received, error) {
	listener := &calendar.EventListener{
		EventSourceName: "source", EventName: "event", Namespace: "default", Metrics: metrics.NewMetrics("default"),
	}
	if err := json.Unmarshal(asked.Spec, &listener.CalendarEventSource); err != nil {
		return nil, err
	}
	core, logs := observer.New(zapcore.InfoLevel)
	ctx, cancel := context.WithCancel(logging.WithLogger(context.Background(), zap.New(core).Sugar()))
	defer cancel()
	if err := listener.ValidateEventSource(ctx); err != nil {
		return nil, err
	}
	listener.CalendarEventSource.Persistence = &v1alpha1.EventPersistence{
		Catchup:   &v1alpha1.CatchupConfiguration{Enabled: true},
		ConfigMap: &v1alpha1.ConfigMapPersistence{Name: "positions"},
	}
	close, err := asked.cluster()
	if err != nil {
		return nil, err
	}
	defer close()
	said, failed, done := &received{Data: []string{}}, make(chan error, 1), make(chan struct{}, 1)
	go func() {
		failed <- listener.StartListening(ctx, func(data []byte, options ...common.Option) error {
			if len(said.Data) == asked.Count {
				done <- struct{}{}
				runtime.Goexit() // while it makes up for what was missed it listens to nothing else
			}
			return said.take(data, options...)
		})
	}()
	for end := time.Now().Add(endlessLimit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		select {
		case <-done:
			return said, nil
		case err := <-failed:
			return nil, fmt.Errorf("it ended: %v", err)
		default:
		}
		if logs.FilterMessageSnippet("expected next calendar event").Len() > 0 {
			cancel() // no more of them were missed
			<-failed
			return said, nil
		}
	}
	return nil, fmt.Errorf("it goes on without an event")
}

// cluster plays the API server that has the config map, and lets the original find it.
func (asked *calendarAsked) cluster() (func(), error) {
	payload, err := json.Marshal(map[string]string{"eventTime": asked.Last})
	if err != nil {
		return nil, err
	}
	positions := map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]string{"name": "positions", "namespace": "default"},
		"data": map[string]string{"source.event": string(payload)},
	}
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) {
		writer.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(writer).Encode(positions)
	}))
	folder, err := os.MkdirTemp("", "calendar")
	if err != nil {
		return nil, err
	}
	config := filepath.Join(folder, "config")
	text := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "it",
		"contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}], "users": [{"name": "it", "user": {}}],
		"clusters": [{"name": "it", "cluster": {"server": %q}}]}`, server.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := os.Setenv(v1alpha1.EnvVarKubeConfig, config); err != nil {
		return nil, err
	}
	return func() {
		server.Close()
		_ = os.RemoveAll(folder)
	}, nil
}
