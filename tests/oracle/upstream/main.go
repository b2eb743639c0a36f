// Command upstream answers what Argo Events' own code makes of a sensor and events, or of what
// comes to an event source: one
// JSON request a line in, one JSON answer a line out. It calls the original's functions; what it adds is the table of
// dependencies and doubles of what is on the network.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	validator "github.com/argoproj/argo-events/pkg/reconciler/sensor"
	"github.com/argoproj/argo-events/pkg/shared/expr"
)

type request struct {
	Sensor json.RawMessage `json:"sensor"`
	// Events are CloudEvents in structured mode, as they stand on the original's bus.
	Events []string `json:"events"`
	// Filter is an expression of an event source, asked about Data alone.
	Filter string          `json:"filter"`
	Data   json.RawMessage `json:"data"`
	// Delivery is a request to an event source, in place of a sensor and events.
	Delivery *delivery `json:"delivery"`
	// Record is what Kafka or a user's gRPC service gives to an event source.
	Record *record `json:"record"`
	// Files is a folder, and what happens in it.
	Files *files `json:"files"`
	// Calendar is a schedule, and when it was due last.
	Calendar *calendarAsked `json:"calendar"`
	// Declared is an event of an event source, to be taken or refused.
	Declared *declared `json:"declared"`
}

// A source's question has its own way to an answer.
type question interface {
	receive() (*received, error)
}

func (asked request) question() question {
	switch {
	case asked.Delivery != nil:
		return asked.Delivery
	case asked.Record != nil:
		return asked.Record
	case asked.Files != nil:
		return asked.Files
	case asked.Declared != nil:
		return asked.Declared
	case asked.Calendar != nil:
		return asked.Calendar
	}
	return nil
}

type answer struct {
	// Invalid says why the original refuses the sensor; empty where it does not.
	Invalid  string    `json:"invalid"`
	Verdicts []verdict `json:"verdicts"`
	Firings  []firing  `json:"firings"`
	// Dead says of a trigger why it never starts.
	Dead     map[string]string `json:"dead"`
	Received *received         `json:"received,omitempty"`
	Error    string            `json:"error,omitempty"`
	// Passes says whether the data passes the filter.
	Passes bool `json:"passes"`
}

func answerTo(line []byte) (said answer) {
	defer func() {
		if cause := recover(); cause != nil {
			said.Error = fmt.Sprintf("panic: %v", cause)
		}
	}()
	var asked request
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: err.Error()}
	}
	if source := asked.question(); source != nil {
		found, err := source.receive()
		if err != nil {
			return answer{Invalid: err.Error()}
		}
		return answer{Received: found}
	}
	if asked.Filter != "" {
		return filtered(asked)
	}
	sensor := &v1alpha1.Sensor{}
	if err := json.Unmarshal(asked.Sensor, sensor); err != nil {
		return answer{Invalid: "cannot be decoded: " + err.Error()}
	}
	if sensor.Namespace == "" {
		sensor.Namespace = "default"
	}
	if err := validator.ValidateSensor(sensor.DeepCopy(), &v1alpha1.EventBus{}); err != nil {
		return answer{Invalid: err.Error()}
	}
	decider := newDecider(sensor)
	for _, text := range asked.Events {
		decider.take(text)
	}
	return answer{Verdicts: decider.verdicts, Firings: decider.firings, Dead: decider.dead}
}

// filtered does what the original's event sources do before they publish.
func filtered(asked request) answer {
	members := map[string]any{}
	if err := json.Unmarshal(asked.Data, &members); err != nil {
		return answer{Error: err.Error()}
	}
	names := map[string]any{}
	for name, value := range members {
		names[strings.ReplaceAll(name, "-", "_")] = value
	}
	passes, err := expr.EvalBool(asked.Filter, expr.GetFuncMap(names))
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Passes: passes}
}

func main() {
	answers := os.Stdout
	// The original prints notes about parameters to its standard output.
	quiet, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	os.Stdout = quiet
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<28)
	out := bufio.NewWriter(answers)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		if err := encoder.Encode(answerTo(lines.Bytes())); err != nil {
			panic(err)
		}
		if err := out.Flush(); err != nil {
			panic(err)
		}
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
}
