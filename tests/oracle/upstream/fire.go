package main

import (
	"context"
	"fmt"
	"sort"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/sensors"
	"github.com/argoproj/argo-events/pkg/sensors/triggers"
	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// shown is what a double saw of a request.
type shown = map[string]any

// made is a trigger of the original with a double where its network would be.
type made struct {
	trigger sensors.Trigger
	// seen says after Execute what was sent; nil where nothing was.
	seen func() shown
	// whole says that an error counts even where something was sent.
	whole bool
}

// makers are in the order in which the original looks for a trigger's kind.
var makers = []struct {
	kind    string
	present func(*v1alpha1.TriggerTemplate) bool
	make    func(*v1alpha1.Sensor, *v1alpha1.Trigger) (made, error)
}{
	{"k8s", func(t *v1alpha1.TriggerTemplate) bool { return t.K8s != nil }, makeK8s},
	{"argoWorkflow", func(t *v1alpha1.TriggerTemplate) bool { return t.ArgoWorkflow != nil }, makeWorkflow},
	{"http", func(t *v1alpha1.TriggerTemplate) bool { return t.HTTP != nil }, makeHTTP},
	{"awsLambda", func(t *v1alpha1.TriggerTemplate) bool { return t.AWSLambda != nil }, makeLambda},
	{"azureEventHubs", func(t *v1alpha1.TriggerTemplate) bool { return t.AzureEventHubs != nil }, makeEventHubs},
	{"azureServiceBus", func(t *v1alpha1.TriggerTemplate) bool { return t.AzureServiceBus != nil }, makeServiceBus},
	{"kafka", func(t *v1alpha1.TriggerTemplate) bool { return t.Kafka != nil }, makeKafka},
	{"pulsar", func(t *v1alpha1.TriggerTemplate) bool { return t.Pulsar != nil }, makePulsar},
	{"nats", func(t *v1alpha1.TriggerTemplate) bool { return t.NATS != nil }, makeNATS},
	{"slack", func(t *v1alpha1.TriggerTemplate) bool { return t.Slack != nil }, makeSlack},
	{"openWhisk", func(t *v1alpha1.TriggerTemplate) bool { return t.OpenWhisk != nil }, makeWhisk},
	{"custom", func(t *v1alpha1.TriggerTemplate) bool { return t.CustomTrigger != nil }, makeCustom},
	{"log", func(t *v1alpha1.TriggerTemplate) bool { return t.Log != nil }, makeLog},
	{"email", func(t *v1alpha1.TriggerTemplate) bool { return t.Email != nil }, makeEmail},
}

func fired(sensor *v1alpha1.Sensor, declared v1alpha1.Trigger, events map[string]cloudevents.Event) (said firing) {
	said = firing{Trigger: declared.Template.Name}
	converted := map[string]*v1alpha1.Event{}
	for name, event := range events {
		converted[name] = convertEvent(event)
		said.Events = append(said.Events, event.ID())
	}
	sort.Strings(said.Events)
	defer func() {
		if cause := recover(); cause != nil {
			said.Request, said.Error = nil, fmt.Sprintf("panic: %v", cause)
		}
	}()
	// A trigger rewrites its own declaration while it works.
	request, err := attempt(sensor, declared.DeepCopy(), converted)
	if err != nil {
		said.Error = err.Error()
		return said
	}
	said.Request = request
	return said
}

func attempt(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger, events map[string]*v1alpha1.Event) (shown, error) {
	if err := triggers.ApplyTemplateParameters(events, trigger); err != nil {
		return nil, err
	}
	for _, maker := range makers {
		if !maker.present(trigger.Template) {
			continue
		}
		one, err := maker.make(sensor, trigger)
		if err != nil {
			return nil, err
		}
		request, err := act(one, events)
		if err != nil {
			return nil, err
		}
		request["kind"] = maker.kind
		return request, nil
	}
	return nil, fmt.Errorf("no kind")
}

func act(one made, events map[string]*v1alpha1.Event) (shown, error) {
	ctx := context.Background()
	resource, err := one.trigger.FetchResource(ctx)
	if err != nil {
		return nil, err
	}
	if resource, err = one.trigger.ApplyResourceParameters(events, resource); err != nil {
		return nil, err
	}
	_, err = one.trigger.Execute(ctx, events, resource)
	// Once a double has seen the request, what became of it is the double's doing.
	if sent := one.seen(); sent != nil && !(one.whole && err != nil) {
		return sent, nil
	}
	if err == nil {
		err = fmt.Errorf("nothing was sent")
	}
	return nil, err
}
