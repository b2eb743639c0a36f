package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/argoproj/argo-events/pkg/eventsources/sources/bitbucket"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/bitbucketserver"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/calendar"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/file"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/generic"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/github"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/gitlab"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/kafka"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/webhook"
)

// declared is one event of an event source; the original says whether it takes it.
type declared struct {
	Kind string          `json:"kind"`
	Spec json.RawMessage `json:"spec"`
}

func (asked *declared) receive() (*received, error) {
	spec, validate := asked.listener()
	if spec == nil {
		return nil, fmt.Errorf("no kind %q here", asked.Kind)
	}
	if err := json.Unmarshal(asked.Spec, spec); err != nil {
		return nil, err
	}
	if err := validate(context.Background()); err != nil {
		return nil, fmt.Errorf("refused: %w", err) // for want of a webhook it gives an error without a text
	}
	return &received{}, nil
}

// listener gives a place for the spec, and what validates it there.
func (asked *declared) listener() (any, func(context.Context) error) {
	switch asked.Kind {
	case "webhook":
		made := &webhook.EventListener{}
		return &made.Webhook, made.ValidateEventSource
	case "github":
		made := &github.EventListener{}
		return &made.GithubEventSource, made.ValidateEventSource
	case "gitlab":
		made := &gitlab.EventListener{}
		return &made.GitlabEventSource, made.ValidateEventSource
	case "bitbucket":
		made := &bitbucket.EventListener{}
		return &made.BitbucketEventSource, made.ValidateEventSource
	case "bitbucketserver":
		made := &bitbucketserver.EventListener{}
		return &made.BitbucketServerEventSource, made.ValidateEventSource
	case "calendar":
		made := &calendar.EventListener{}
		return &made.CalendarEventSource, made.ValidateEventSource
	case "file":
		made := &file.EventListener{}
		return &made.FileEventSource, made.ValidateEventSource
	case "generic":
		made := &generic.EventListener{}
		return &made.GenericEventSource, made.ValidateEventSource
	case "kafka":
		made := &kafka.EventListener{}
		return &made.KafkaEventSource, made.ValidateEventSource
	}
	return nil, nil
}
