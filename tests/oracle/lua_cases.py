"""Scripts for the Lua engine: listed ones, and random ones from a seed."""

import json
import random
from collections.abc import Iterator
from typing import Any

DOCUMENT = json.dumps(
    {
        "n": 5,
        "f": 2.5,
        "s": "refs/heads/main",
        "t": "  Some Text, with: signs! ",
        "b": True,
        "z": None,
        "big": 12345678901234567890,
        "l": [3, 1, 2],
        "words": ["b", "a", "c"],
        "mixed": [1, None, "x", [1, 2], {"k": None, "j": 1}, True],
        "o": {"k": "v", "deep": {"er": [{"id": 1}, {"id": 2}]}},
        "e": "",
        "u": "éÀß日本ǅ",
        "none": {},
        "empty": [],
    }
)
TRUTHS = r"""
return true
return false
return 1
return "true"
return nil
return
return false, true
return true, false
return event.b
return event.n == 5
return event.n == "5"
return event.n > 4 and event.s:match("^refs/heads/") ~= nil
return event.s == 'refs/heads/main'
return event.z == nil
return event.nope.x
return event.missing == nil
return #event.l == 3
return #event.mixed == 4
return event.mixed[2] == "x"
return event.mixed[3].j == 1
return event.big == 12345678901234567890
return event.big > 1e18
return event.o.deep.er[2].id == 2
return type(event) == "table" and type(event.n) == "number"
return tostring(event.n) == "5"
return tostring(event.f) == "2.5"
return tostring(1e15) == "1000000000000000"
return tostring(1e16) == "10000000000000000"
return tostring(1e19) == "1e+19"
return tostring(0.1 + 0.2) == "0.30000000000000004"
return tostring(1/0) == "+Inf" and tostring(-1/0) == "-Inf"
return tostring(0/0) == "NaN"
return tostring(-0) == "0"
return tostring(100000.5) == "100000.5"
return tostring(1234567.5) == "1.2345675e+06"
return tostring(1e-5) == "1e-05"
return tostring(nil) == "nil" and tostring(true) == "true"
return 1e15 .. "" == "1000000000000000"
return "a" .. 5 .. 0.5 .. "b" == "a50.5b"
return 1 .. 2 == "12"
return ("a" .. "b" .. "c"):upper() == "ABC"
return "x" .. nil
return {} .. "x"
local t = setmetatable({}, {__concat = function(a, b) return "joined" end}) return t .. "x" == "joined"
local t = setmetatable({}, {__concat = function(a, b) return "joined" end}) return "x" .. t == "joined"
return "--[[ .. ]]" .. "a..b" == "--[[ .. ]]a..b"
return [[..]] .. '..' == "...." -- .. comment
return #"a\"..\"" .. "x" == "7x"
local function f(...) return select("#", ...) .. "!" end return f(1, 2, 3) == "3!"
return tonumber("10") == 10
return tonumber("1e1") == nil
return tonumber("1.5e1") == 15
return tonumber("0x10") == 16
return tonumber("10", 2) == 2
return tonumber("z", 36) == 35
return tonumber(" 5 ") == 5
return tonumber("5x") == nil
return tonumber("") == nil
return tonumber({}) == nil
return tonumber("-7") == -7
return tonumber("+7") == 7
return tonumber(nil)
return "10" + 5 == 15
return '1e1' + 0 == 10
return "abc" + 1
return 10 / 3 > 3.3
return 7 % 3 == 1 and -7 % 3 == 2 and 7 % -3 == -2
return 2 ^ 10 == 1024
return 1 < 2 and "a" < "b"
return 1 < "2"
return {} < {}
return not nil and not false
return (nil or "x") == "x"
return (false and 1) == false
return math.floor(2.7) == 2 and math.ceil(2.1) == 3
return math.max(1, 5, 3) == 5 and math.min(4, 2) == 2
return math.abs(-3) == 3 and math.sqrt(16) == 4
return math.huge > 1e308
return math.huge == 1/0
return tostring(math.huge)  == "1.7976931348623157e+308"
return math.pi > 3.14
return math.fmod(7, 3) == 1
return string.len("abc") == 3
return ("abc"):len() == 3
return string.upper("abc é") == "ABC É"
return string.lower("ABC É") == "abc é"
return event.u:upper() == "ÉÀß日本Ǆ"
return event.u:lower() == "éàß日本ǆ"
return ("abc"):rep(3) == "abcabcabc"
return ("abc"):rep(0) == "" and ("abc"):rep(-1) == ""
return ("abc"):reverse() == "cba"
return ("abcdef"):sub(2, 4) == "bcd" and ("abcdef"):sub(-2) == "ef" and ("abc"):sub(2) == "bc"
return ("abc"):sub(0) == "abc" and ("abc"):sub(5) == "" and ("abc"):sub(3, 2) == ""
return ("abc"):byte() == 97 and ("abc"):byte(2) == 98 and ("abc"):byte(10) == nil
return select("#", ("abc"):byte(1, -1)) == 3
return string.char(97, 98) == "ab"
return ("hello world"):find("wor") == 7
return ("hello world"):find("o", 6) == 8
return ("a.b"):find(".", 1, true) == 2
return ("hello"):find("l+") == 3
return ("hello"):find("xyz") == nil
return ("hello"):find("") == 1
return ("hello"):match("(h)(e)") == "h"
return select(2, ("key=value"):match("(%w+)=(%w+)")) == "value"
return ("x=1, y=2"):gsub("%w=", "") == "1, 2"
return select(2, ("aaa"):gsub("a", "b")) == 3
return ("abc"):gsub("%w", "%0%0") == "aabbcc"
return ("hello world"):gsub("(%w+)", "<%1>") == "<hello> <world>"
return ("abc"):gsub("b", {b = "X"}) == "aXc"
return ("abc"):gsub("%w", function(c) if c == "b" then return "Y" end end) == "aYc"
return ("abc"):gsub("", "-") == "-a-b-c-"
return ("aaa"):gsub("a", "b", 2) == "bba"
local out = "" for w in ("one two"):gmatch("%a+") do out = out .. w .. ";" end return out == "one;two;"
local n = 0 for k, v in ("a=1,b=2"):gmatch("(%w)=(%w)") do n = n + tonumber(v) end return n == 3
return ("  trim  "):match("^%s*(.-)%s*$") == "trim"
return ("f(a(b)c)d"):match("%b()") == "(a(b)c)"
return ("2024-01-02"):match("^%d+-%d+-%d+$") ~= nil
return ("path/to/file.txt"):match("([^/]+)$") == "file.txt"
return ("[x]"):match("%[(.-)%]") == "x"
return ("x"):match("[") == nil
return ("x"):match("%") == nil
return ("abc"):match("()b()") == 2
return string.format("%d %s %5.2f", 3, "x", 2.345) == "3 x  2.35"
return string.format("%5d|%-5d|%05d", 3, 3, 3) == "    3|3    |00003"
return string.format("%x %X %o", 255, 255, 8) == "ff FF 10"
return string.format("%g", 0.1) == "0.1"
return string.format("%s", 1e15) == "1000000000000000"
return string.format("%s %s", true, nil) == "true nil"
return string.format("%q", 'a"b') == '"a\\"b"'
return string.format("%%") == "%"
return string.format("%c", 97) == "a"
return string.format("%d", 3.7) == "3"
return string.format("%5s|%-5s|", "ab", "ab") == "   ab|ab   |"
return string.format("%.3s", "abcdef") == "abc"
return string.format("%i", 5) == "5"
return string.format("%e", 12345.678) == "1.234568e+04"
return string.format("%s") == "%!s(MISSING)"
return table.concat(event.words, ",") == "b,a,c"
return table.concat({1, 2, 0.5}, "-") == "1-2-0.5"
return table.concat({}, ",") == ""
return table.concat({1, {}, 3})
return table.concat(event.words, ",", 2) == "a,c" and table.concat(event.words, ",", 2, 2) == "a"
local t = {3, 1, 2} table.sort(t) return table.concat(t) == "123"
local t = {3, 1, 2} table.sort(t, function(a, b) return a > b end) return table.concat(t) == "321"
local t = {} table.insert(t, "a") table.insert(t, 1, "b") return table.concat(t) == "ba"
local t = {1, 2, 3} return table.remove(t) == 3 and table.remove(t, 1) == 1 and #t == 1
return #{1, 2, nil} == 2
return select("#", unpack({1, 2, 3})) == 3
return select(2, "a", "b", "c") == "b"
return select(-1, "a", "b") == "b"
return next({}) == nil
return rawequal(event, event) and rawget(event, "n") == 5
local s = 0 for i, v in ipairs(event.l) do s = s + i * v end return s == 11
local s = 0 for k, v in pairs({a = 1, b = 2}) do s = s + v end return s == 3
local s = 0 for i = 1, 10 do s = s + i end return s == 55
local s = 0 for i = 10, 1, -3 do s = s + i end return s == 22
local i = 0 while true do i = i + 1 if i > 5 then break end end return i == 6
local i = 0 repeat i = i + 1 until i == 3 return i == 3
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return fib(10) == 55
local t = setmetatable({}, {__index = function(t, k) return k .. "!" end}) return t.x == "x!"
local t = setmetatable({}, {__add = function(a, b) return 7 end}) return t + 1 == 7
local t = setmetatable({}, {__eq = function() return true end}) return t == setmetatable({}, getmetatable(t))
local t = setmetatable({}, {__tostring = function() return "T" end}) return tostring(t) == "T"
local t = setmetatable({}, {__call = function(self, a) return a end}) return t(3) == 3
return pcall(error, "boom") == false
local ok, e = pcall(error, {code = 1}) return e.code == 1
local ok, e = pcall(function() error("x", 0) end) return e == "x"
return select("#", pcall(function() return 1, 2 end)) == 3
local ok, e = xpcall(function() error("x", 0) end, function(m) return m .. "!" end) return e == "x!"
error("boom")
error()
assert(false)
assert(false, "no")
return assert(true, "x")
return assert(1) == 1
local co = coroutine.wrap(function() coroutine.yield(1) coroutine.yield(2) end) return co() == 1 and co() == 2
local co = coroutine.create(function(a) local b = coroutine.yield(a) return b end) local _, x = coroutine.resume(co, 1) local _, y = coroutine.resume(co, 2) return x == 1 and y == 2
x = 5 return x == 5 and _G.x == 5
local a <const> = 1 return a == 1
return 7 // 2 == 3
return 1 & 1
return 0x1F == 31
return "\65\066" == "AB"
return 'it\'s' == "it's"
return "a\z  b" == "ab"
local a, b = 1 return b == nil
local a, b, c = (function() return 1, 2, 3 end)() return c == 3
return (function(...) return select("#", ...) end)(nil, nil) == 2
do local x = 1 end return x == nil
return #"日本" == 6
return event.u:len() == 16
if event.n > 3 then return true else return false end
if event.b then return true end
event.n = 9 return event.n == 9
for k in pairs(event) do event[k] = nil end return next(event) == nil
return string.rep("ab", 2, ",") == "abab"
return math.type == nil and table.unpack == nil and string.pack == nil
return type(table.maxn) == "function" and table.getn({1, 2}) == 2
return loadstring == nil
return ("x"):bad()
return event()
return nil.x
return -event.s
return #5
"""
MADE = r"""
return event
return {a = 1}
return {}
return {1, 2, 3}
return {1, nil, 3}
return {[1] = "a", x = "lost"}
return {[0] = "zero", x = "kept"}
return {[3] = "c"}
return {[1.5] = "f", [true] = "t", [-1] = "neg"}
return {a = {}, b = setmetatable({}, {__is_array = true})}
return {a = event.l, b = event.mixed, c = event.o, d = event.none, e = event.empty}
return {a = nil, b = false}
return {f = function() end}
return {f = 0/0}
return {f = 1/0}
return {f = math.huge}
return "text"
return 5
return nil
return
return {n = event.n * 2, s = event.s:upper(), big = event.big, f = event.f}
local out = {shelf = event.o, tags = setmetatable({}, {__is_array = true})} if event.b then table.insert(out.tags, "urgent") end return out
event.added = "x" return event
event.l[2] = nil return event
event.z = nil event.o.k = nil return event
return {s = "\255\254"}
return {s = "<&>\226\128\168é"}
return {html = "<b>", ["<k>"] = 1}
return {a = 1e21, b = 1e-7, c = 0.1, d = 100, e = -0.0, f = 1e20, g = 123456789012}
return {t = tostring(event.big), u = event.big .. ""}
return {x = {y = {z = {1, {2, {3}}}}}}
return {1, {2, 3}, {a = 1}}
return setmetatable({a = 1}, {__index = {b = 2}})
return {[event.s] = event.n}
return {a = "x" .. 5, b = 5 .. "x", c = 1 .. 1}
return {n = #event.words, j = table.concat(event.words, "-")}
local t = {} for i = 1, 5 do t[i] = i * i end return t
local t = {} for i, w in ipairs(event.words) do t[w] = i end return t
local parts = {} for w in event.s:gmatch("[^/]+") do parts[#parts + 1] = w end return {branch = parts[#parts], parts = parts}
return {ok = pcall(error, "x"), v = select(2, pcall(error, "x", 0))}
return true, {a = 1}
return {a = 1}, true
"""


def lua_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    for text in TRUTHS.strip("\n").splitlines():
        yield _case(text, transform=False)
    for text in MADE.strip("\n").splitlines():
        yield _case(text, transform=True)
    chance = random.Random(seed)
    for number in range(count):
        value = _value(chance, 3)
        if number % 2:
            yield _case(f"return {{v = {value}}}", transform=True)
        else:
            yield _case(f"return {value} {chance.choice(['==', '~=', '<', '>='])} {_value(chance, 2)}", transform=False)


def _case(text: str, *, transform: bool) -> dict[str, Any]:
    return {"engine": "lua", "script": text, "document": DOCUMENT, "transform": transform}


def _value(chance: random.Random, depth: int) -> str:
    kind = chance.randrange(10)
    if depth <= 0 or kind < 3:
        return chance.choice(
            ["event.n", "event.f", "event.s", "event.t", "event.e", "event.u", "event.o.k", "event.l[1]", "event.words[2]", "5", "0.1", "1e15", "'x'", "'a,b'", "event.b", "event.nope", "-3", "'10'", "2.50"]
        )
    left, right = _value(chance, depth - 1), _value(chance, depth - 1)
    if kind < 5:
        return f"({left} {chance.choice(['+', '-', '*', '/', '..', '..', 'and', 'or'])} {right})"
    if kind < 8:
        call = chance.choice(["tostring({})", "tonumber({})", "#{}", "string.upper({})", "string.len({})", "string.sub({}, 2, -2)", "string.rep({}, 2)", "string.format('%s', {})", "math.floor({})", "type({})", "string.reverse({})", "({}):find('a')", "string.gsub({}, '%w', '<%0>')", "string.match({}, '%w+')", "table.concat({{{}, 1}}, ';')", "string.format('%5.1f', {})", "string.byte({})"])  # fmt: skip
        return f"({call.format(left)})" if not call.startswith("#") else f"(#({left}))"
    if kind == 8:
        return f"({left} {chance.choice(['==', '~=', '<', '>', '<=', '>='])} {right})"
    return f"(not {left})"
