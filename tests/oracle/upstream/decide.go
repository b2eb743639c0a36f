package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	_ "unsafe" // for linkname

	"github.com/Knetic/govaluate"
	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/eventbus/common"
	jetstreambase "github.com/argoproj/argo-events/pkg/eventbus/jetstream/base"
	jetstream "github.com/argoproj/argo-events/pkg/eventbus/jetstream/sensor"
	"github.com/argoproj/argo-events/pkg/sensors"
	"github.com/argoproj/argo-events/pkg/sensors/dependencies"
	"github.com/argoproj/argo-events/pkg/shared/logging"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// The original keeps these to itself.

//go:linkname dependencyExpression github.com/argoproj/argo-events/pkg/sensors.(*SensorContext).getDependencyExpression
func dependencyExpression(*sensors.SensorContext, context.Context, v1alpha1.Trigger) (string, error)

//go:linkname convertEvent github.com/argoproj/argo-events/pkg/sensors.convertEvent
func convertEvent(cloudevents.Event) *v1alpha1.Event

//go:linkname processDependency github.com/argoproj/argo-events/pkg/eventbus/jetstream/sensor.(*JetstreamTriggerConn).processDependency
func processDependency(
	conn *jetstream.JetstreamTriggerConn, message *nats.Msg, event *cloudevents.Event, dependency string,
	transform func(string, cloudevents.Event) (*cloudevents.Event, error),
	filter func(string, cloudevents.Event) bool,
	action func(map[string]cloudevents.Event),
)

type verdict struct {
	Dependency string `json:"dependency"`
	Event      string `json:"event"`
	Matched    bool   `json:"matched"`
	Error      string `json:"error,omitempty"`
	// Undecoded is the line that the original drops.
	Undecoded string `json:"undecoded,omitempty"`
}

type firing struct {
	Trigger string         `json:"trigger"`
	Events  []string       `json:"events"`
	Request map[string]any `json:"request,omitempty"`
	Error   string         `json:"error,omitempty"`
}

type joined struct {
	trigger v1alpha1.Trigger
	deps    map[string]bool
	conn    *jetstream.JetstreamTriggerConn
}

// decider does for each event what the original's listener does with its JetStream bus.
type decider struct {
	sensor   *v1alpha1.Sensor
	declared map[string]v1alpha1.EventDependency
	joined   []joined
	verdicts []verdict
	firings  []firing
	dead     map[string]string
	lines    map[string]string
}

var silent = logging.WithLogger(context.Background(), zap.NewNop().Sugar())

func newDecider(sensor *v1alpha1.Sensor) *decider {
	made := &decider{sensor: sensor, declared: map[string]v1alpha1.EventDependency{}, dead: map[string]string{}, lines: map[string]string{}}
	for _, dependency := range sensor.Spec.Dependencies {
		made.declared[dependency.Name] = dependency
	}
	for _, trigger := range sensor.Spec.Triggers {
		if err := made.start(trigger); err != nil {
			made.dead[trigger.Template.Name] = err.Error()
		}
	}
	return made
}

func (d *decider) start(trigger v1alpha1.Trigger) error {
	sensorContext := sensors.NewSensorContext(nil, nil, d.sensor, &v1alpha1.BusConfig{}, "subject", "host", nil)
	text, err := dependencyExpression(sensorContext, silent, trigger)
	if err != nil {
		return err
	}
	parsed, err := govaluate.NewEvaluableExpression(strings.ReplaceAll(text, "-", "\\-"))
	if err != nil {
		return err
	}
	one := joined{trigger: trigger, deps: map[string]bool{}}
	var listed []common.Dependency
	for _, name := range parsed.Vars() {
		dependency, known := d.declared[name]
		if !known {
			return fmt.Errorf("%s is no dependency", name)
		}
		if !one.deps[name] {
			one.deps[name] = true
			listed = append(listed, common.Dependency{
				Name: name, EventSourceName: dependency.EventSourceName, EventName: dependency.EventName,
			})
		}
	}
	base := &jetstreambase.JetstreamConnection{JSContext: buckets{}, Logger: zap.NewNop().Sugar()}
	one.conn, err = jetstream.NewJetstreamTriggerConn(base, d.sensor.Name, trigger.Template.Name, text, listed)
	if err != nil {
		return err
	}
	d.joined = append(d.joined, one)
	return nil
}

func (d *decider) take(text string) {
	event, err := decoded(text)
	if err != nil {
		for _, dependency := range d.sensor.Spec.Dependencies {
			d.verdicts = append(d.verdicts, verdict{Dependency: dependency.Name, Undecoded: text, Error: err.Error()})
		}
		return
	}
	d.lines[event.ID()] = text
	for _, dependency := range d.sensor.Spec.Dependencies {
		if event.Source() == dependency.EventSourceName && event.Subject() == dependency.EventName {
			d.verdicts = append(d.verdicts, d.judge(dependency, text))
		}
	}
	for _, one := range d.joined {
		for _, dependency := range d.sensor.Spec.Dependencies {
			if one.deps[dependency.Name] && event.Source() == dependency.EventSourceName && event.Subject() == dependency.EventName {
				d.join(one, dependency.Name, text)
			}
		}
	}
}

func (d *decider) judge(dependency v1alpha1.EventDependency, text string) verdict {
	event, _ := decoded(text)
	said := verdict{Dependency: dependency.Name, Event: event.ID()}
	changed, err := dependencies.ApplyTransform(event, dependency.Transform)
	if err == nil {
		said.Matched, err = dependencies.Filter(convertEvent(*changed), dependency.Filters, dependency.FiltersLogicalOperator)
	}
	if err != nil {
		said.Error = err.Error()
	}
	return said
}

// join takes an event of its own for each dependency: in the original, one that a transform changed leaks its content type to the
// dependencies after it.
func (d *decider) join(one joined, name, text string) {
	event, _ := decoded(text)
	transform := func(dependency string, event cloudevents.Event) (*cloudevents.Event, error) {
		return dependencies.ApplyTransform(&event, d.declared[dependency].Transform)
	}
	filter := func(name string, event cloudevents.Event) bool {
		dependency := d.declared[name]
		matched, _ := dependencies.Filter(convertEvent(event), dependency.Filters, dependency.FiltersLogicalOperator)
		return matched
	}
	fire := func(events map[string]cloudevents.Event) {
		d.firings = append(d.firings, fired(d.sensor, one.trigger, d.asTheyCame(events)))
	}
	message := &nats.Msg{Sub: &nats.Subscription{}, Reply: "$JS.ACK.stream.consumer.1.1.1.1.0"}
	processDependency(one.conn, message, event, name, transform, filter, fire)
}

// asTheyCame gives the events as they were before the bucket, which takes out blanks and escapes characters of HTML.
func (d *decider) asTheyCame(events map[string]cloudevents.Event) map[string]cloudevents.Event {
	found := map[string]cloudevents.Event{}
	for name, event := range events {
		first, _ := decoded(d.lines[event.ID()])
		changed, err := dependencies.ApplyTransform(first, d.declared[name].Transform)
		if err != nil {
			panic(err)
		}
		found[name] = *changed
	}
	return found
}

func decoded(text string) (*cloudevents.Event, error) {
	var event *cloudevents.Event
	err := json.Unmarshal([]byte(text), &event)
	return event, err
}

// buckets is a JetStream that has a bucket in memory for whatever is asked of it.
type buckets struct{ nats.JetStreamContext }

func (buckets) KeyValue(string) (nats.KeyValue, error) { return bucket{kept: map[string][]byte{}}, nil }

type bucket struct {
	nats.KeyValue
	kept map[string][]byte
}

func (b bucket) Get(key string) (nats.KeyValueEntry, error) {
	value, known := b.kept[key]
	if !known {
		return nil, nats.ErrKeyNotFound
	}
	return entry{value: value}, nil
}

func (b bucket) Put(key string, value []byte) (uint64, error) {
	b.kept[key] = value
	return 1, nil
}

func (b bucket) Delete(key string, _ ...nats.DeleteOpt) error {
	delete(b.kept, key)
	return nil
}

type entry struct {
	nats.KeyValueEntry
	value []byte
}

func (e entry) Value() []byte      { return e.value }
func (e entry) Created() time.Time { return time.Time{} }
