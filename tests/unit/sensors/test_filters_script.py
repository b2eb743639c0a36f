"""The `script` filter; the language itself is held to the original's answers in `tests/oracle`."""

import struct
import time

import pytest
from deciding_helpers import NO_DATA, J, a_dependency, an_event

from sensors.bound import EventView
from sensors.filters.check import check_dependency
from sensors.filters.combine import compile_filters
from sensors.filters.held import Held
from sensors.languages import lua
from sensors.languages.lua import LuaError, OutOfSteps, compile_script

YES, NO, ERROR = Held.YES, Held.NO, Held.ERROR


def asked(script: str, event=None) -> tuple[Held, str]:
    view = EventView(an_event(J) if event is None else event)
    clause = compile_filters(a_dependency(filters={"script": script}))
    held = clause.holds(view)
    return held, "" if held is YES else clause.why(view)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("return event.k == 'v' and event.n > 4", YES),
        ("return event.n", NO),
        ("return 'true'", NO),
        ("return", NO),
        ("local x = 1", NO),
        ("return true, false", NO),
        ("return false, true", YES),
        ("return event.z == nil", YES),
        ("return event.nope.x", ERROR),
        ("error('boom')", ERROR),
        ("return (", ERROR),
    ],
)
def test_only_a_last_value_that_is_true_passes(script: str, expected: Held) -> None:
    assert asked(script)[0] is expected


def test_without_data_the_script_is_not_run_and_null_counts_as_an_empty_object() -> None:
    assert asked("return false", an_event(raw=NO_DATA))[0] is YES
    assert asked("return next(event) == nil", an_event(raw=b"null"))[0] is YES
    assert asked("return true", an_event(raw=b"[1]")) == (ERROR, "script: the data is no object")
    assert asked("return true", an_event(raw=b"{"))[0] is ERROR


def test_the_reason_tells_a_plain_no_from_a_failure() -> None:
    assert asked("return 1")[1] == "script: it gave the number 1, not true"
    assert asked("error('boom')")[1] == "script: 1: boom"


def test_a_script_that_cannot_be_read_is_found_before_any_event_comes() -> None:
    ((place, message, severity),) = check_dependency(a_dependency(filters={"script": "return (\nx"}))
    assert (place, severity) == ("filters.script", "error")
    assert message.startswith("not a Lua script: 2:")


def test_a_compiled_script_is_not_loaded_though_it_is_all_plain_characters() -> None:
    """The engine believes compiled code: one that is made up can do anything to the process."""
    header = b"\x1bLuaQ\x00\x01\x04\x08\x04\x08\x00"
    function = bytes(16) + bytes([0, 0, 2, 2])  # no name, no lines; a main function of two registers
    gives_true = struct.pack("<i3I", 3, 0x00000003, 0x00000053, 0x0100005E)  # a = nil; return not a
    compiled = (header + function + gives_true + bytes(20)).decode("ascii")
    assert lua.Script(compiled, compiled.encode()).holds({}), "the engine would run it"
    with pytest.raises(LuaError, match="compiled scripts are not accepted"):
        compile_script(compiled)
    assert asked(compiled)[0] is ERROR


def test_a_run_leaves_nothing_behind() -> None:
    assert asked("x = 1; string.leak = 1; _G.y = 2; return true")[0] is YES
    assert asked("return x == nil and y == nil and string.leak == nil and ('').leak == nil")[0] is YES


@pytest.mark.parametrize(
    "name",
    [
        *("os", "io", "debug", "package", "require", "load", "loadstring", "loadfile", "dofile", "getfenv", "setfenv"),
        *("module", "newproxy", "python", "string.dump"),
    ],
)
def test_what_reaches_outside_is_not_there(name: str) -> None:
    assert asked(f"return ({name}) == nil or ({name}) == false")[0] is YES


@pytest.mark.parametrize(
    "escape",
    [
        "return getmetatable('').__index.dump ~= nil",
        "return getmetatable('') ~= nil",
        "return pcall(string.rep) and getfenv ~= nil",
        "return _G._G.os ~= nil",
        "for k, v in pairs(_G) do if type(v) == 'userdata' then return true end end return false",
        "return rawget(_G, 'debug') ~= nil",
        "return tostring(event):find('python') ~= nil",
        "return event.__class__ ~= nil",
        "return (string.format('%s', print)):find('python') ~= nil",
        "return getmetatable(__join) ~= false and getmetatable(__join) ~= nil",
    ],
)
def test_there_is_no_way_out(escape: str) -> None:
    assert asked(escape)[0] is not YES


@pytest.mark.parametrize(
    "hostile",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "repeat until xpcall(function() while true do end end, function() while true do end end) == 5",
        "local function f() return f() end f()",
        "local function f() f() end while true do pcall(f) end",
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local t = {} while true do t[#t + 1] = ('x'):rep(1000) end",
        "return (('a'):rep(60)):find(('a*'):rep(5) .. 'b')",
        "return (('a'):rep(5000)):match(('a-'):rep(12) .. 'b')",
        "return (('a'):rep(30000)):gsub('a*a*b', '')",
        "for _ = 1, 1e9 do ('x'):rep(1e5) end",
        "coroutine.wrap(function() while true do end end)()",
        "while true do coroutine.create(function() end) end",
        "local t = setmetatable({}, {__index = function(t, k) return t[k .. 'x'] end}) return t.a",
        "error(setmetatable({}, {__tostring = function() while true do end end}))",
        "for _ in ('x'):rep(1e5):gmatch('x-x-x-y') do end",
        "local s = 'x' while true do s = s .. s end",
    ],
)
def test_a_hostile_script_is_cut_off_soon_and_the_next_one_runs(hostile: str) -> None:
    script = compile_script(hostile)
    began = time.process_time()
    with pytest.raises(LuaError):
        script.holds({})
    assert time.process_time() - began < 1.0  # it is 0.05 on an idle machine
    assert compile_script("return event.a == 1").holds({"a": 1.0})


def test_texts_do_not_grow_without_bound() -> None:
    with pytest.raises(LuaError, match="grows past"):
        compile_script("return ('x'):rep(1e9)").holds({})
    with pytest.raises(LuaError, match="grows past"):
        compile_script("local t = {} for i = 1, 2000 do t[i] = ('x'):rep(1000) end return table.concat(t)").holds({})


def test_what_is_cut_off_says_so() -> None:
    with pytest.raises(OutOfSteps, match="2,000,000 steps"):
        compile_script("while true do end").holds({})


def test_random_numbers_are_the_same_for_the_same_event() -> None:
    script = compile_script("return {a = math.random(), b = math.random(100)}")
    assert script.transform({}, seed=7) == script.transform({}, seed=7)
    assert script.transform({}, seed=7) != script.transform({}, seed=8)


def test_a_cycle_is_an_error_and_not_the_end() -> None:
    with pytest.raises(LuaError, match="deep"):
        compile_script("local t = {} t.t = t return t").transform({})


def test_the_matcher_that_counts_agrees_with_the_engines_own(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "abab(x(y)z) key=value; 2024-01-02 [q] aa  end"
    patterns = [
        "(%w+)=(%w+)",
        "%((.-)%)",
        "%b()",
        "(%d+)-(%d+)-(%d+)",
        "^(a?)(b*)",
        "[^%s]+$",
        "()key()",
        "(.)%1",
        "x-y",
        "%[(.)%]",
        "",
    ]
    scripts = [
        f"local t = event.t local a = {{t:find('{pattern}', 2)}} local b = {{t:match('{pattern}')}}"
        f" local n = 0 for w in t:gmatch('{pattern}') do n = n + 1 end"
        f" local g, c = t:gsub('{pattern}', '<%0>') return {{a = a, b = b, n = n, g = g, c = c}}"
        for pattern in patterns
    ]
    plain = [compile_script(script).transform({"t": text}) for script in scripts]
    monkeypatch.setattr(lua, "_CHEAP", -1)
    lua._machine._discard()
    try:
        assert [compile_script(script).transform({"t": text}) for script in scripts] == plain
    finally:
        lua._machine._discard()
