package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/Masterminds/sprig/v3"
	"github.com/antonmedv/expr"
	"github.com/antonmedv/expr/builtin"
)

// environment is what an event source's filter sees of an event's data.
func environment(data map[string]any) map[string]any {
	env := make(map[string]any, len(data)+4)
	for key, value := range data {
		env[strings.ReplaceAll(key, "-", "_")] = value
	}
	functions := sprig.GenericFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	env["sprig"] = functions
	env["asInt"], env["asFloat"] = builtin.Int, builtin.Float
	env["toJson"] = func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return string(text)
	}
	return env
}

func askExpr(request json.RawMessage) (any, error) {
	var ask struct {
		Expression string
		Data       map[string]any
	}
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	value, err := expr.Eval(ask.Expression, environment(ask.Data))
	if err != nil {
		return nil, err
	}
	return computed{Type: fmt.Sprintf("%T", value), Text: fmt.Sprintf("%v", value)}, nil
}
