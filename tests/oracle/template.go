package main

import (
	"bytes"
	"encoding/json"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

type rendered struct {
	Output string `json:"output"`
}

func askTemplate(request json.RawMessage) (any, error) {
	var ask struct{ Template, Document string }
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	compiled, err := template.New("template").Funcs(sprig.TxtFuncMap()).Parse(ask.Template)
	if err != nil {
		return nil, err
	}
	var input any
	if err := json.Unmarshal([]byte(ask.Document), &input); err != nil {
		return nil, err
	}
	var output bytes.Buffer
	err = compiled.Execute(&output, map[string]any{"Input": input})
	return rendered{Output: output.String()}, err
}
