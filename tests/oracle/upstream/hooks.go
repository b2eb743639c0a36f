package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"
	_ "unsafe" // for linkname

	common "github.com/argoproj/argo-events/pkg/eventsources/common"
	routes "github.com/argoproj/argo-events/pkg/eventsources/common/webhook"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/bitbucket"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/bitbucketserver"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/github"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/gitlab"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/webhook"
	"github.com/argoproj/argo-events/pkg/metrics"
	"github.com/argoproj/argo-events/pkg/shared/logging"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"go.uber.org/zap"
)

//go:linkname webhookRoutes github.com/argoproj/argo-events/pkg/eventsources/sources/webhook.controller
var webhookRoutes *routes.Controller

//go:linkname githubRoutes github.com/argoproj/argo-events/pkg/eventsources/sources/github.controller
var githubRoutes *routes.Controller

//go:linkname gitlabRoutes github.com/argoproj/argo-events/pkg/eventsources/sources/gitlab.controller
var gitlabRoutes *routes.Controller

//go:linkname bitbucketRoutes github.com/argoproj/argo-events/pkg/eventsources/sources/bitbucket.controller
var bitbucketRoutes *routes.Controller

//go:linkname bitbucketServerRoutes github.com/argoproj/argo-events/pkg/eventsources/sources/bitbucketserver.controller
var bitbucketServerRoutes *routes.Controller

// A port that cannot be listened on: the original registers its handler all the same, and requests are handed to that.
const firstPort = 70000

const readyLimit = 10 * time.Second

type delivery struct {
	Kind string          `json:"kind"`
	Spec json.RawMessage `json:"spec"`
	// Request is what stands on the wire, in base64.
	Request string `json:"request"`
}

type received struct {
	Status int `json:"status"`
	// Data of each event, in base64.
	Data []string `json:"data"`
	// ID of the last event, where the source gives one.
	ID string `json:"id,omitempty"`
}

func (said *received) take(data []byte, options ...common.Option) error {
	said.Data = append(said.Data, base64.StdEncoding.EncodeToString(data))
	event := cloudevents.NewEvent()
	for _, option := range options {
		if err := option(&event); err != nil {
			return err
		}
	}
	said.ID = event.ID()
	return nil
}

type listener interface {
	ValidateEventSource(context.Context) error
	StartListening(context.Context, func([]byte, ...common.Option) error) error
}

var deliveries int

func (asked delivery) listener(port string) (listener, *routes.Controller, error) {
	const source, event = "source", "event"
	counters := metrics.NewMetrics("default")
	switch asked.Kind {
	case "webhook":
		made := &webhook.EventListener{EventSourceName: source, EventName: event, Metrics: counters}
		err := json.Unmarshal(asked.Spec, &made.Webhook)
		made.Webhook.Port = port
		return made, webhookRoutes, err
	case "github":
		made := &github.EventListener{EventSourceName: source, EventName: event, Metrics: counters}
		err := json.Unmarshal(asked.Spec, &made.GithubEventSource)
		made.GithubEventSource.Webhook.Port = port
		return made, githubRoutes, err
	case "gitlab":
		made := &gitlab.EventListener{EventSourceName: source, EventName: event, Metrics: counters}
		err := json.Unmarshal(asked.Spec, &made.GitlabEventSource)
		made.GitlabEventSource.Webhook.Port = port
		return made, gitlabRoutes, err
	case "bitbucket":
		made := &bitbucket.EventListener{EventSourceName: source, EventName: event, Metrics: counters}
		err := json.Unmarshal(asked.Spec, &made.BitbucketEventSource)
		made.BitbucketEventSource.Webhook.Port = port
		return made, bitbucketRoutes, err
	case "bitbucketserver":
		made := &bitbucketserver.EventListener{EventSourceName: source, EventName: event, Metrics: counters}
		err := json.Unmarshal(asked.Spec, &made.BitbucketServerEventSource)
		made.BitbucketServerEventSource.Webhook.Port = port
		return made, bitbucketServerRoutes, err
	}
	return nil, nil, fmt.Errorf("no kind %q here", asked.Kind)
}

// receive hands one request to an event source of the original.
func (asked delivery) receive() (*received, error) {
	deliveries++
	port := fmt.Sprint(firstPort + deliveries)
	source, controller, err := asked.listener(port)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(logging.WithLogger(context.Background(), zap.NewNop().Sugar()))
	defer cancel()
	if err := source.ValidateEventSource(ctx); err != nil {
		return nil, err
	}
	said, ended := &received{Data: []string{}}, make(chan error, 1)
	go func() {
		ended <- source.StartListening(ctx, said.take)
	}()
	handler, err := handlerOf(controller, port, ended)
	if err != nil {
		return nil, err
	}
	wire, err := base64.StdEncoding.DecodeString(asked.Request)
	if err != nil {
		return nil, err
	}
	request, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		said.Status = http.StatusBadRequest
		return said, nil
	}
	for end := time.Now().Add(readyLimit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		// Between its registration and its first request a route says that it is not active yet.
		if text := recorder.Body.String(); text != "endpoint is inactive" && text != "inactive endpoint" {
			said.Status = recorder.Code
			break
		}
	}
	cancel()
	<-ended
	return said, nil
}

func handlerOf(controller *routes.Controller, port string, ended <-chan error) (http.Handler, error) {
	for end := time.Now().Add(readyLimit); time.Now().Before(end); time.Sleep(time.Millisecond) {
		select {
		case err := <-ended:
			return nil, fmt.Errorf("it ended: %v", err)
		default:
		}
		routes.Lock.Lock()
		handler, found := controller.ActiveServerHandlers[port]
		routes.Lock.Unlock()
		if found {
			return handler, nil
		}
	}
	return nil, fmt.Errorf("no handler")
}
