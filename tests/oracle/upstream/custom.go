package main

import (
	"context"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	"github.com/argoproj/argo-events/pkg/sensors/triggers"
	custom "github.com/argoproj/argo-events/pkg/sensors/triggers/custom-trigger"
	"google.golang.org/grpc"
)

// remote is a custom trigger's server that hands back the resource it is asked for, and keeps what it is to execute.
type remote struct{ sent shown }

func (r *remote) FetchResource(
	_ context.Context, in *triggers.FetchResourceRequest, _ ...grpc.CallOption,
) (*triggers.FetchResourceResponse, error) {
	return &triggers.FetchResourceResponse{Resource: in.Resource}, nil
}

func (r *remote) Execute(_ context.Context, in *triggers.ExecuteRequest, _ ...grpc.CallOption) (*triggers.ExecuteResponse, error) {
	r.sent = shown{"resource": string(in.Resource), "body": body(in.Payload)}
	return &triggers.ExecuteResponse{}, nil
}

func (r *remote) ApplyPolicy(
	context.Context, *triggers.ApplyPolicyRequest, ...grpc.CallOption,
) (*triggers.ApplyPolicyResponse, error) {
	return &triggers.ApplyPolicyResponse{Success: true}, nil
}

func makeCustom(sensor *v1alpha1.Sensor, trigger *v1alpha1.Trigger) (made, error) {
	taken := &remote{}
	one := &custom.CustomTrigger{Sensor: sensor, Trigger: trigger, Logger: quiet()}
	inside(one, "triggerClient", taken)
	return made{trigger: one, seen: func() shown { return taken.sent }}, nil
}
