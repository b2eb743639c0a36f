package main

import (
	"encoding/json"
	"errors"
	"strconv"
)

type read struct {
	Decimal string `json:"decimal"`
	Syntax  bool   `json:"syntax"`
	Truth   string `json:"truth"`
}

func askStrconv(request json.RawMessage) (any, error) {
	var ask struct{ Text string }
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	number, err := strconv.ParseFloat(ask.Text, 64)
	answer := read{
		Decimal: strconv.FormatFloat(number, 'f', -1, 64),
		Syntax:  !errors.Is(err, strconv.ErrSyntax),
	}
	if truth, err := strconv.ParseBool(ask.Text); err == nil {
		answer.Truth = strconv.FormatBool(truth)
	}
	return answer, nil
}
