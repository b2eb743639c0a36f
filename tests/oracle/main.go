// Command oracle answers what the original Go engines say: one JSON request a line in, one JSON answer a line out.
//
// A request names its engine; the rest is the engine's own. An engine that panics answers with the panic.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type engine func(request json.RawMessage) (any, error)

var engines = map[string]engine{
	"gjson":      askGJSON,
	"sjson":      askSJSON,
	"template":   askTemplate,
	"regexp":     askRegexp,
	"strconv":    askStrconv,
	"expression": askExpression,
	"window":     askWindow,
	"condition":  askCondition,
	"lua":        askLua,
	"jq":         askJq,
	"expr":       askExpr,
}

type failure struct {
	Error string `json:"error"`
}

func answer(line []byte) (result any) {
	defer func() {
		if cause := recover(); cause != nil {
			result = failure{Error: fmt.Sprintf("panic: %v", cause)}
		}
	}()
	var head struct {
		Engine string `json:"engine"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return failure{Error: err.Error()}
	}
	ask, known := engines[head.Engine]
	if !known {
		return failure{Error: "unknown engine: " + head.Engine}
	}
	result, err := ask(line)
	if err != nil {
		return failure{Error: err.Error()}
	}
	return result
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<28)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		if err := encoder.Encode(answer(lines.Bytes())); err != nil {
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
