package main

import (
	"encoding/json"
	"time"
)

type inside struct {
	Inside bool `json:"inside"`
}

func onDayOf(moment time.Time, clock string, zone *time.Location) (time.Time, error) {
	date := moment.In(zone).Format("2006-01-02")
	return time.ParseInLocation("2006-01-02 15:04:05", date+" "+clock, zone)
}

func askWindow(request json.RawMessage) (any, error) {
	var ask struct{ Start, Stop, Zone, Time string }
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(ask.Zone)
	if err != nil {
		return nil, err
	}
	moment, err := time.Parse(time.RFC3339Nano, ask.Time)
	if err != nil {
		return nil, err
	}
	start, err := onDayOf(moment, ask.Start, zone)
	if err != nil {
		return nil, err
	}
	stop, err := onDayOf(moment, ask.Stop, zone)
	if err != nil {
		return nil, err
	}
	if start.Before(stop) {
		return inside{!moment.Before(start) && moment.Before(stop)}, nil
	}
	return inside{!moment.Before(start) || moment.Before(stop)}, nil
}
