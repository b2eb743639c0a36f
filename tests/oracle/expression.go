package main

import (
	"encoding/json"
	"fmt"

	"github.com/Knetic/govaluate"
)

type computed struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func askExpression(request json.RawMessage) (any, error) {
	var ask struct {
		Expression string
		Names      map[string]any
	}
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	expression, err := govaluate.NewEvaluableExpression(ask.Expression)
	if err != nil {
		return nil, err
	}
	value, err := expression.Evaluate(ask.Names)
	if err != nil {
		return nil, err
	}
	return computed{Type: fmt.Sprintf("%T", value), Text: fmt.Sprintf("%v", value)}, nil
}
