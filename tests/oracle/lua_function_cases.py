"""Random questions about the functions of Lua's string, table and math libraries: arguments that fit, and arguments that do not."""

import random
from collections.abc import Iterator
from typing import Any

from lua_cases import DOCUMENT

TEXTS = r"""'' ¦ 'a' ¦ 'abc' ¦ 'Hello World' ¦ 'a,b,,c' ¦ '  x  ' ¦ 'key=value' ¦ 'x1y22z333' ¦ '(a(b)c)' ¦ 'THE (quick) fox' ¦ 'a.b.c' ¦ 'line1\nline2' ¦ '5' ¦ '0x1F' ¦ '1.5' ¦ ' 7 ' ¦ 'é日本' ¦ 'a%b' ¦ 'aaa' ¦ '\0x' ¦ 'nil' ¦ event.s ¦ 'foo.bar-baz_1'"""
PATTERNS = r"""'a' ¦ '%a+' ¦ '(%w+)=(%w+)' ¦ '%s*(.-)%s*$' ¦ '^%s+' ¦ '%d+' ¦ '[^,]*' ¦ '(.)(.)' ¦ '.' ¦ '' ¦ '%b()' ¦ '()' ¦ '(%d)(%d)' ¦ '[%a_][%w_]*' ¦ 'b-' ¦ 'a*' ¦ '^a' ¦ 'c$' ¦ '%.' ¦ '[a-c]+' ¦ '[^%w]' ¦ '(a)(b)?' ¦ '%u' ¦ '%p' ¦ '[' ¦ '(' ¦ '%1' ¦ '(.)%1' ¦ '[]]' ¦ '[^]]' ¦ '%x+' ¦ '%c' ¦ '.-b' ¦ 'x?y' ¦ '[%d%.]+'"""
REPLACEMENTS = r"""'x' ¦ '' ¦ '%1' ¦ '%0' ¦ '%1-%2' ¦ '%%' ¦ '<%0>' ¦ '%2' ¦ '%9' ¦ {a = 'A', b = false} ¦ function(x) return x .. '!' end ¦ function() return nil end ¦ function(a, b) return b end ¦ function() return 5 end ¦ 5 ¦ function() return {} end ¦ nil"""
NUMBERS = "0 ¦ 1 ¦ 2 ¦ -1 ¦ -2 ¦ 3 ¦ 10 ¦ 2.5 ¦ -2.5 ¦ 1e3 ¦ 65 ¦ 255 ¦ 1e15 ¦ 0.1 ¦ 100 ¦ -100"
ANYTHING = "nil ¦ true ¦ false ¦ {} ¦ {1, 2, 3} ¦ 'a' ¦ '5' ¦ 5 ¦ 2.5 ¦ -0.5 ¦ event.n ¦ event.l ¦ event.o ¦ event.missing ¦ {a = 1}"
PLAIN = "true ¦ false ¦ 'a' ¦ '5' ¦ ' 7 ' ¦ 5 ¦ 2.5 ¦ -0.5 ¦ event.n ¦ event.s"
FORMATS = r"""'%d' ¦ '%5d' ¦ '%-5d|' ¦ '%05d' ¦ '%+d' ¦ '%i' ¦ '%x' ¦ '%X' ¦ '%o' ¦ '%c' ¦ '%s' ¦ '%10s|' ¦ '%-10s|' ¦ '%.2s' ¦ '%q' ¦ '%f' ¦ '%.2f' ¦ '%e' ¦ '%g' ¦ '%.3g' ¦ '%s %s' ¦ '%5.1f|' ¦ '%08.3f' ¦ '% d' ¦ '%E' ¦ '%G' ¦ 'x%sy%d'"""
LISTS = "{} ¦ {1, 2, 3} ¦ {3, 1, 2} ¦ {'b', 'a', 'c'} ¦ {1, 'a'} ¦ {'a', nil, 'c'} ¦ event.l ¦ event.words ¦ {2.5, 1} ¦ {true}"
CALLS = r"""
string.format(F, B) ¦ string.format(F, B, B) ¦ string.format(F, N) ¦ string.format(F, T) ¦ string.gsub(T, P, R) ¦ string.gsub(T, P, R, 1) ¦ string.gsub(T, P, R, 2) ¦ (string.gsub(T, P, R)) ¦ string.find(T, P) ¦ string.find('a1b2', P, 2) ¦ string.find('abc', P, -2) ¦ string.find(T, T, 1, true) ¦ string.match(T, P) ¦ string.match('abc', P, 2) ¦ string.match('a1b2', P, -2)
all(T, P) ¦ string.rep(T, 2) ¦ string.rep(T, -1) ¦ string.rep(T, 2.7) ¦ string.sub(T, N) ¦ string.sub(T, N, N) ¦ string.byte(T) ¦ string.byte(T, 2) ¦ string.byte(T, -1) ¦ string.byte(T, 1, N) ¦ string.char(65, 66) ¦ string.char(N) ¦ string.reverse(T) ¦ string.upper(T) ¦ string.lower(T) ¦ string.len(T) ¦ #T ¦ (T):upper() ¦ (T):rep(2)
table.concat(L) ¦ table.concat(L, T) ¦ table.concat(L, ',', 2) ¦ table.concat(L, ',', 1, 2) ¦ with(L, table.insert, B) ¦ with(L, table.insert, 1, B) ¦ with(L, table.remove) ¦ with(L, table.remove, 1) ¦ with(L, table.sort) ¦ with(L, table.sort, function(x, y) return x > y end) ¦ unpack(L) ¦ unpack(L, 2) ¦ select('#', A, A)
select(2, A, A) ¦ select(-1, A, A) ¦ table.maxn(L) ¦ #L ¦ next(L) ¦ math.floor(N) ¦ math.ceil(N) ¦ math.abs(N) ¦ math.max(N, N) ¦ math.min(N, N) ¦ math.fmod(N, N) ¦ math.mod and 1 ¦ math.modf(N) ¦ math.pow(N, 2) ¦ math.sqrt(N) ¦ math.floor(T) ¦ tostring(B) ¦ tostring(N) ¦ tonumber(T) ¦ tonumber(T, 16)
tonumber(T, 2) ¦ tonumber(A) ¦ tonumber('z', 36) ¦ type(A) ¦ A == A ¦ T .. N ¦ T .. T ¦ N + T ¦ N * N ¦ N / N ¦ N ^ 2 ¦ 7 % 3 ¦ -7 % 3 ¦ -N ¦ N < N ¦ T < T ¦ T <= T ¦ A and A ¦ A or A ¦ not A ¦ rawequal(A, A) ¦ rawget({a = 1}, 'a') ¦ (pcall(error, A)) ¦ assert(A) ¦ ipairs(L) and 1 ¦ math.exp(0)
setmetatable({}, {__index = function(t, k) return k end}).x ¦ string.format('%s', L) ~= nil ¦ (T):sub(N, -1) ¦ (T):gsub('%w', {a = 1}) ¦ (T):find(P) ¦ (T):byte(1, -1) ¦ ('x'):rep(3) ¦ tostring(nil) .. T ¦ string.format('%5s%-5s', T, T) ¦ string.format('%d', T)
"""
HEAD = """local function all(t, p) local r = {} for a, b in string.gmatch(t, p) do r[#r + 1] = tostring(a) .. '/' .. tostring(b) end return table.concat(r, ';') end
local function with(l, f, ...) local r = f(l, ...) local s = {} for i = 1, table.maxn(l) do s[i] = tostring(l[i]) end return tostring(r) .. ':' .. table.concat(s, ',') end
local function shown(...) local r = {} for i = 1, select('#', ...) do local v = select(i, ...) r[i] = type(v) == 'table' and 'table' or type(v) == 'function' and 'function' or type(v) .. ':' .. tostring(v) end return table.concat(r, ' ') end
"""


def _listed(text: str) -> list[str]:
    return [part.strip() for line in text.strip().splitlines() for part in line.split("¦")]


def lua_function_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """The calls in turn."""
    chance = random.Random(f"lua functions {seed}")
    choices = {"T": TEXTS, "P": PATTERNS, "R": REPLACEMENTS, "N": NUMBERS, "A": ANYTHING, "F": FORMATS, "L": LISTS, "B": PLAIN}
    listed = {letter: _listed(text) for letter, text in choices.items()}
    calls = _listed(CALLS)
    for number in range(count):
        text = calls[number % len(calls)]
        made = ""
        for at, letter in enumerate(text):
            alone = letter in listed and not (text[at - 1 : at] + text[at + 1 : at + 2]).replace("(", "").replace(")", "").strip(" ,.#-+*/^%<>=:~").isalnum()
            made += f"({chance.choice(listed[letter])})" if alone else letter
        script = f"{HEAD}return {{r = shown({made})}}"
        yield {"engine": "lua", "script": script, "document": DOCUMENT, "transform": True}
