package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/Knetic/govaluate"
	"github.com/antonmedv/expr"
)

type truths struct {
	Truths []bool `json:"truths"`
}

// Spelled as the original does: first a sum of texts that is run with the names as variables, then what that gives.
var spelling = strings.NewReplacer("&&", ` + "&&" + `, "||", ` + "||" + `, "-", "_", "(", `"(" + `, ")", ` + ")"`)

func askCondition(request json.RawMessage) (any, error) {
	var ask struct {
		Conditions string
		Names      []string
	}
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	variables := map[string]string{}
	for _, name := range ask.Names {
		variables[strings.ReplaceAll(name, "-", "_")] = strings.ReplaceAll(name, "-", `\-`)
	}
	text := strings.Join(ask.Names, " && ")
	if ask.Conditions != "" {
		program, err := expr.Compile(spelling.Replace(ask.Conditions), expr.Env(variables))
		if err != nil {
			return nil, err
		}
		spelled, err := expr.Run(program, variables)
		if err != nil {
			return nil, err
		}
		text = fmt.Sprint(spelled)
	} else {
		text = strings.ReplaceAll(text, "-", `\-`)
	}
	evaluable, err := govaluate.NewEvaluableExpression(text)
	if err != nil {
		return nil, err
	}
	found := truths{}
	for set := 0; set < 1<<len(ask.Names); set++ {
		present := map[string]any{}
		for bit, name := range ask.Names {
			present[name] = set>>bit&1 == 1
		}
		result, err := evaluable.Evaluate(present)
		if err != nil {
			return nil, err
		}
		truth, boolean := result.(bool)
		if !boolean {
			return nil, fmt.Errorf("not a truth: %v", result)
		}
		found.Truths = append(found.Truths, truth)
	}
	return found, nil
}
