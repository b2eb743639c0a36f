package main

import (
	"encoding/json"

	"github.com/tidwall/sjson"
)

type edited struct {
	Document string `json:"document"`
}

func askSJSON(request json.RawMessage) (any, error) {
	var ask struct {
		Document, Path string
		Text, Raw      *string
	}
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	var document []byte
	var err error
	if ask.Raw != nil {
		document, err = sjson.SetRawBytes([]byte(ask.Document), ask.Path, []byte(*ask.Raw))
	} else {
		document, err = sjson.SetBytes([]byte(ask.Document), ask.Path, *ask.Text)
	}
	return edited{Document: string(document)}, err
}
