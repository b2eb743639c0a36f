package main

import (
	"errors"
	"os"
	"os/exec"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	workflow "github.com/argoproj/argo-events/pkg/sensors/triggers/argo-workflow"
	k8s "github.com/argoproj/argo-events/pkg/sensors/triggers/standard-k8s"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

// makeK8s has a cluster that holds nothing: an update or patch then creates the whole object, and a deletion finds nothing.
func makeK8s(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	operation := string(trigger.Template.K8s.Operation)
	if operation == "" {
		operation = string(v1alpha1.Create)
	}
	var sent shown
	cluster := fake.NewSimpleDynamicClient(runtime.NewScheme())
	cluster.PrependReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		switch action := action.(type) {
		case clienttesting.CreateAction:
			object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(action.GetObject())
			if err != nil {
				return true, nil, err
			}
			sent = shown{"operation": operation, "resource": object}
			return true, action.GetObject(), nil
		case clienttesting.GetAction:
			sent = shown{"operation": operation, "name": action.GetName(), "namespace": action.GetNamespace()}
			return true, nil, apierrors.NewNotFound(schema.GroupResource{}, action.GetName())
		}
		return true, nil, errors.New("unexpected " + action.GetVerb())
	})
	return made{trigger: k8s.NewStandardK8sTrigger(nil, cluster, sensor, trigger, quiet()), seen: func() shown { return sent }}, nil
}

// makeWorkflow has no program to run: it is seen with which arguments and which file it would be.
func makeWorkflow(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	operation := string(trigger.Template.ArgoWorkflow.Operation)
	if operation == "" {
		operation = string(v1alpha1.Submit)
	}
	var sent shown
	one := workflow.NewArgoWorkflowTrigger(nil, nil, sensor, trigger, quiet())
	run := func(command *exec.Cmd) error {
		sent = shown{"operation": operation, "args": command.Args}
		if operation == string(v1alpha1.Submit) {
			written, err := os.ReadFile(command.Args[4])
			if err != nil {
				return err
			}
			sent["resource"], sent["args"] = raw(written), command.Args[5:]
		}
		return errors.New("seen")
	}
	inside(one, "cmdRunner", run)
	return made{trigger: one, seen: func() shown { return sent }}, nil
}
