package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"

	lua "github.com/yuin/gopher-lua"
)

type luaAnswer struct {
	Holds bool `json:"holds"`
	Made  any  `json:"made"`
}

func luaTable(object map[string]any) *lua.LTable {
	table := &lua.LTable{}
	keys := make([]string, 0, len(object))
	for key := range object {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		switch value := object[key].(type) {
		case []any:
			table.RawSetString(key, luaList(value))
		default:
			if converted := luaValue(value); converted != nil {
				table.RawSetString(key, converted)
			}
		}
	}
	return table
}

func luaList(list []any) *lua.LTable {
	table := &lua.LTable{}
	for _, element := range list {
		if converted := luaValue(element); converted != nil {
			table.Append(converted)
		}
	}
	return table
}

func luaValue(value any) lua.LValue {
	switch value := value.(type) {
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case map[string]any:
		return luaTable(value)
	}
	return nil
}

func goValue(value lua.LValue) any {
	switch value := value.(type) {
	case *lua.LNilType:
		return nil
	case lua.LBool:
		return bool(value)
	case lua.LString:
		return string(value)
	case lua.LNumber:
		return float64(value)
	case *lua.LTable:
		if meta, is := value.Metatable.(*lua.LTable); is && meta.RawGetString("__is_array") == lua.LTrue || value.MaxN() > 0 {
			list := []any{}
			for index := 1; index <= value.MaxN(); index++ {
				list = append(list, goValue(value.RawGetInt(index)))
			}
			return list
		}
		object := map[string]any{}
		value.ForEach(func(key, member lua.LValue) { object[key.String()] = goValue(member) })
		return object
	}
	return value
}

func askLua(request json.RawMessage) (any, error) {
	var ask struct {
		Script, Document string
		Transform        bool
	}
	if err := json.Unmarshal(request, &ask); err != nil {
		return nil, err
	}
	var data map[string]any
	if err := json.Unmarshal([]byte(ask.Document), &data); err != nil {
		return nil, err
	}
	state := lua.NewState()
	defer state.Close()
	state.SetGlobal("event", luaTable(data))
	if err := state.DoString(ask.Script); err != nil {
		return nil, err
	}
	last := state.Get(-1)
	if !ask.Transform {
		return luaAnswer{Holds: last == lua.LTrue}, nil
	}
	table, is := last.(*lua.LTable)
	if !is {
		return nil, errors.New("no table: " + last.Type().String())
	}
	made := goValue(table)
	text, err := json.Marshal(made)
	if err != nil {
		return nil, fmt.Errorf("no JSON: %w", err)
	}
	return luaAnswer{Made: json.RawMessage(text)}, nil
}
