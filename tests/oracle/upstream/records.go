package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/IBM/sarama"
	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	common "github.com/argoproj/argo-events/pkg/eventsources/common"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/generic"
	"github.com/argoproj/argo-events/pkg/eventsources/sources/kafka"
	"github.com/argoproj/argo-events/pkg/metrics"
	"go.uber.org/zap"
)

//go:linkname kafkaProcessOne github.com/argoproj/argo-events/pkg/eventsources/sources/kafka.(*Consumer).processOne
func kafkaProcessOne(*kafka.Consumer, sarama.ConsumerGroupSession, *sarama.ConsumerMessage) error

//go:linkname genericHandleOne github.com/argoproj/argo-events/pkg/eventsources/sources/generic.(*EventListener).handleOne
func genericHandleOne(*generic.EventListener, *generic.Event, func([]byte, ...common.Option) error, *zap.SugaredLogger) error

// record is one record of a topic, or one message of a stream, which has a value only.
type record struct {
	Kind      string          `json:"kind"`
	Spec      json.RawMessage `json:"spec"`
	Key       *string         `json:"key"`
	Value     *string         `json:"value"`
	Headers   [][2]string     `json:"headers"`
	Partition int32           `json:"partition"`
	Offset    int64           `json:"offset"`
	// Timestamp is in milliseconds; below zero there is none.
	Timestamp int64 `json:"timestamp"`
}

func (asked *record) receive() (*received, error) {
	said := &received{Data: []string{}}
	switch asked.Kind {
	case "generic":
		listener := &generic.EventListener{EventSourceName: "source", EventName: "event", Metrics: metrics.NewMetrics("default")}
		if err := json.Unmarshal(asked.Spec, &listener.GenericEventSource); err != nil {
			return nil, err
		}
		if err := listener.ValidateEventSource(context.Background()); err != nil {
			return nil, err
		}
		return said, refusal(genericHandleOne(listener, &generic.Event{Payload: bytesOf(asked.Value)}, said.take, quiet()))
	case "kafka":
		message, spec, err := asked.message()
		if err != nil {
			return nil, err
		}
		return said, refusal(kafkaProcessOne(consumer(spec, said.take), marking{}, message))
	}
	return nil, fmt.Errorf("no kind %q here", asked.Kind)
}

// refusal is why there is no event; the original passes over what has such an error.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	return errors.New("no event: " + err.Error())
}

func (asked *record) message() (*sarama.ConsumerMessage, *v1alpha1.KafkaEventSource, error) {
	listener := &kafka.EventListener{EventSourceName: "source", EventName: "event"}
	if err := json.Unmarshal(asked.Spec, &listener.KafkaEventSource); err != nil {
		return nil, nil, err
	}
	if err := listener.ValidateEventSource(context.Background()); err != nil {
		return nil, nil, err
	}
	spec := &listener.KafkaEventSource
	message := &sarama.ConsumerMessage{Topic: spec.Topic, Partition: asked.Partition, Offset: asked.Offset}
	message.Key, message.Value = bytesOf(asked.Key), bytesOf(asked.Value)
	if asked.Timestamp >= 0 {
		message.Timestamp = time.UnixMilli(asked.Timestamp)
	}
	for _, header := range asked.Headers {
		message.Headers = append(message.Headers, &sarama.RecordHeader{Key: bytesOf(&header[0]), Value: bytesOf(&header[1])})
	}
	return message, spec, nil
}

// bytesOf decodes base64; there may be none.
func bytesOf(text *string) []byte {
	if text == nil {
		return nil
	}
	decoded, err := base64.StdEncoding.DecodeString(*text)
	if err != nil {
		panic(err)
	}
	return decoded
}

// consumer is one of the original's, whose parts it keeps to itself.
func consumer(spec *v1alpha1.KafkaEventSource, dispatch func([]byte, ...common.Option) error) *kafka.Consumer {
	made := &kafka.Consumer{}
	set(made, "dispatch", dispatch)
	set(made, "logger", quiet())
	set(made, "kafkaEventSource", spec)
	set(made, "eventSourceName", "source")
	set(made, "eventName", "event")
	set(made, "metrics", metrics.NewMetrics("default"))
	return made
}

func set(made *kafka.Consumer, name string, value any) {
	field := reflect.ValueOf(made).Elem().FieldByName(name)
	reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Set(reflect.ValueOf(value))
}

// marking is a session of which only marks are asked.
type marking struct{ sarama.ConsumerGroupSession }

func (marking) MarkMessage(*sarama.ConsumerMessage, string) {}
