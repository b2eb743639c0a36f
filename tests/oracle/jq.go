package main

import (
	"encoding/json"
	"errors"

	"github.com/itchyny/gojq"
)

type jqAnswer struct {
	Made any `json:"made"`
}

func askJq(request json.RawMessage) (any, error) {
	var ask struct{ Program, Document string }
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	query, err := gojq.Parse(ask.Program)
	if err != nil {
		return nil, err
	}
	var input map[string]any
	if err := json.Unmarshal([]byte(ask.Document), &input); err != nil {
		return nil, err
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, err
	}
	value, any := code.Run(input).Next()
	if !any {
		return nil, errors.New("no output")
	}
	if err, is := value.(error); is {
		return nil, err
	}
	object, is := value.(map[string]interface{})
	if !is {
		return nil, errors.New("no object")
	}
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	return jqAnswer{Made: string(text)}, nil
}
