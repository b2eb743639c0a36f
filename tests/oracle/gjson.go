package main

import (
	"encoding/json"
	"strconv"

	"github.com/tidwall/gjson"
)

type found struct {
	Exists bool   `json:"exists"`
	Kind   string `json:"kind"`
	Raw    string `json:"raw"`
	Text   string `json:"text"`
	Number string `json:"number"`
	Truth  bool   `json:"truth"`
}

func askGJSON(request json.RawMessage) (any, error) {
	var ask struct{ Document, Path string }
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	result := gjson.Get(ask.Document, ask.Path)
	return found{
		Exists: result.Exists(),
		Kind:   result.Type.String(),
		Raw:    result.Raw,
		Text:   result.String(),
		Number: strconv.FormatFloat(result.Float(), 'g', -1, 64),
		Truth:  result.Bool(),
	}, nil
}
