package main

import (
	"encoding/json"
	"regexp"
)

type searched struct {
	Match bool `json:"match"`
}

func askRegexp(request json.RawMessage) (any, error) {
	var ask struct{ Pattern, Text string }
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	compiled, err := regexp.Compile(ask.Pattern)
	if err != nil {
		return nil, err
	}
	return searched{Match: compiled.MatchString(ask.Text)}, nil
}
