package main

import (
	"encoding/json"
	"fmt"
	"syscall"
)

type timed struct {
	Microseconds float64 `json:"microseconds"`
}

// A request to time another: the answer is the processor time of one round, decoding and compiling included, which
// Argo Events does anew for each event, too.
func init() { engines["timing"] = askTiming }

func askTiming(request json.RawMessage) (any, error) {
	var ask struct {
		Of     json.RawMessage
		Rounds int
	}
	var head struct{ Engine string }
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(ask.Of, &head); err != nil {
		return nil, err
	}
	engine, known := engines[head.Engine]
	if !known || ask.Rounds < 1 {
		return nil, fmt.Errorf("timing needs the request of a known engine and rounds, got %q", head.Engine)
	}
	began := processorMicroseconds()
	for range ask.Rounds {
		if _, err := engine(ask.Of); err != nil {
			return nil, err
		}
	}
	return timed{Microseconds: (processorMicroseconds() - began) / float64(ask.Rounds)}, nil
}

func processorMicroseconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Sec+usage.Stime.Sec)*1e6 + float64(usage.Utime.Usec+usage.Stime.Usec)
}
