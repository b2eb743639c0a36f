"""Random questions about each function, format and operator of jq: values that fit it, and values that do not."""

import random
from collections.abc import Iterator
from typing import Any

from jq_cases import DOCUMENT

VALUES = """
null ¦ true ¦ false ¦ 0 ¦ 1 ¦ -1 ¦ 2.5 ¦ -2.5 ¦ 1e3 ¦ 1e-7 ¦ 12345678901234567890 ¦ 0.1 ¦ "" ¦ "a" ¦ "abc" ¦ "Hello, World" ¦ "é日本😀" ¦ "a,b, c" ¦ "  x " ¦ "5" ¦ "1.50" ¦ "nan" ¦ "[1,{\\"a\\":null}]" ¦ "aGVsbG8=" ¦ "MFRGG==="
"2024-07-05T13:04:05Z" ¦ "<a href='x'>&\\"" ¦ "a\\tb\\n" ¦ "x/y?z=1&é" ¦ "%41%C3%A9" ¦ "ABC" ¦ "it's" ¦ [] ¦ [1, 2, 3] ¦ [3, 1, 2, 1] ¦ ["b", "a", "c"] ¦ [null, false, 0, "", [], {}] ¦ [[1, 2], [3]] ¦ [[1, [2, [3, [4]]]]]
[{a: 1, b: 2}, {a: 1}, {a: 0}] ¦ [{name: "x", value: 1}, {key: "k", value: null}] ¦ [{key: "a", value: 1}, {key: false}, {k: "b", v: 2}] ¦ {} ¦ {a: 1} ¦ {a: 1, b: {c: [1, 2]}} ¦ {b: 2, a: 1, "é": null} ¦ {a: [1, {b: 2}]} ¦ {"a b": "c"}
[1, "a", null, true, [1], {a: 1}] ¦ ["a", 1, null, true] ¦ [0, 1] ¦ [[0], 1] ¦ [2024, 6, 5, 13, 4, 5, 5, 186] ¦ 1720184645 ¦ 1720184645.5 ¦ [97, 8364, 128512] ¦ [1.5, 2.5] ¦ .s ¦ .l ¦ .o ¦ .n ¦ .words ¦ .objs ¦ .u ¦ [.[]] ¦ [nan, 1] ¦ [infinite]
"""
FUNCTIONS = """
abs ¦ add ¦ add(V) ¦ all ¦ any ¦ all(F) ¦ any(F) ¦ all(.[]?; F) ¦ arrays ¦ ascii_downcase ¦ ascii_upcase ¦ booleans ¦ bsearch(V) ¦ capture(R) ¦ capture(R; G) ¦ ceil ¦ [combinations] ¦ [combinations(2)] ¦ contains(V) ¦ del(P) ¦ delpaths([["a"], [0]]) ¦ endswith(V)
error ¦ error(V) ¦ explode ¦ finites ¦ first ¦ first(.[]?) ¦ flatten ¦ flatten(V) ¦ floor ¦ format(S) ¦ from_entries ¦ fromdate ¦ fromdateiso8601 ¦ fromjson ¦ getpath(["a"]) ¦ getpath([0, "a"]) ¦ getpath(["a", "b", 0]) ¦ (select(. == 1720184645.5 or . == -2.5) | gmtime) ¦ group_by(F) ¦ gsub(R; "<>") ¦ gsub(R; "\\(.x? // "-")"; G) ¦ has(V) ¦ implode
in(V) ¦ index(V) ¦ indices(V) ¦ inside(V) ¦ isempty(.[]?) ¦ isfinite ¦ isinfinite ¦ isnan ¦ isnormal ¦ iterables ¦ join(V) ¦ keys ¦ last ¦ last(.[]?) ¦ length ¦ [limit(2; .[]?)] ¦ [limit(1; .[]?)] ¦ ltrimstr(V) ¦ ltrim ¦ map(F) ¦ map_values(F) ¦ [match(R)] ¦ [match(R; G)]
max ¦ max_by(F) ¦ min ¦ min_by(F) ¦ (select(. == 1720184645.5 or . == 0 or . == -1) | gmtime | mktime) ¦ not ¦ nth(V) ¦ nth(1; .[]?) ¦ nulls ¦ numbers ¦ objects ¦ [paths] ¦ [paths(type == "number")] ¦ pick(P) ¦ pow(V; 2) ¦ [range(5)] ¦ [range(.l | length)] ¦ [range(0; 5; 2)] ¦ [recurse] ¦ [recurse(.[]?)] ¦ reverse ¦ rindex(V) ¦ round ¦ rtrimstr(V)
rtrim ¦ scalars ¦ [scan(R)] ¦ [scan(R; G)] ¦ [.[]? | select(F)] ¦ setpath([V]; 9) ¦ setpath(["a", "x"]; V) ¦ [skip(1; .[]?)] ¦ sort ¦ sort_by(F) ¦ sort_by(F, F) ¦ split(V) ¦ split(R; G) ¦ [splits(R)] ¦ (select(. == 1720184645.5 or . == 0 or . == -1) | gmtime | strftime("%A %j %b %e %I%p %y")) ¦ sqrt ¦ startswith(V)
strings ¦ strptime("%Y-%m-%dT%H:%M:%SZ") ¦ sub(R; "-") ¦ sub(R; "<\\(.)>") ¦ test(R) ¦ test(R; G) ¦ to_entries ¦ toarray ¦ (select(. == 1720184645 or . == 0 or . == -2.5) | todate) ¦ tojson ¦ tonumber ¦ [tostream] ¦ tostring ¦ transpose ¦ trim ¦ trimstr(V) ¦ trunc ¦ type ¦ unique ¦ unique_by(F) ¦ values ¦ walk(F) ¦ with_entries(F)
with_entries(.value |= F) ¦ fromstream(tostream) ¦ ascii ¦ @base64 ¦ (select(. == "aGVsbG8=") | @base64d) ¦ @csv ¦ @html ¦ @json ¦ @sh ¦ @text ¦ @tsv ¦ @uri ¦ @urid ¦ @csv "x\\(.)" ¦ @sh "echo \\(.)" ¦ significand ¦ logb ¦ frexp ¦ ldexp(.; 2) ¦ scalb(.; 1) ¦ nearbyint
.[V] ¦ .[1:3] ¦ .[1:] ¦ .[:-1] ¦ .a ¦ .a.b ¦ .a? ¦ .["a"] ¦ [.[]] ¦ [.[]?] ¦ [..] ¦ . + V ¦ . - V ¦ . * 2 ¦ . * "ab" ¦ . / V ¦ . % V ¦ . == V ¦ . < V ¦ . >= V ¦ . and V ¦ . or V ¦ . // V ¦ (.a //= V) ¦ (.[0] = V) ¦ (.[1:] = V) ¦ (.a |= F) ¦ (.[] += V) ¦ (.a += V) ¦ (.. |= F) ¦ to_entries[0]? ¦ -(.)
(try F catch "c") ¦ (try error(V) catch "c") ¦ if F then V else V end ¦ if . then V elif V then 1 end ¦ reduce .[]? as $x (V; . + $x) ¦ [foreach .[]? as $x (0; . + 1; [$x, .])] ¦ (. as [$a, $b] | [$b, $a]) ¦ (. as {a: $x} | $x) ¦ [label $f | .[]? | ., break $f] ¦ [.[]? as $x | $x]
[limit(5; repeat(V))] ¦ [limit(6; recurse(F))] ¦ [until(. == null or type != "null"; V)] ¦ [while(type == "string" and length > 1; .[1:])] ¦ getpath(["a", "b", "c"]) ¦ [getpath(paths)] ¦ path(P) ¦ [path(..)] ¦ ltrimstr("a") ¦ splits(V)? ¦ tojson | fromjson ¦ "\\(.)-\\(V)" ¦ limit(0; V) ¦ have_literal_numbers
"""
PATHS = [".a", ".a.b", ".[1:]", ".[]?", ".a[0]", "..", ".a, .b", "first(.[]?)", "empty", "select(type == \"object\").a", ".a?"]
FILTERS = [".", ".a", ".a?", "type", "length", "tostring", ". == 1", ". > 1", "null", "false", "empty", "not", ".[0]?", ". + 1", "error", "tojson", "ascii_downcase?", "., .", "select(. != null)", "if type == \"number\" then . + 1 else . end"]
PATTERNS = ['"a"', '"[a-z]+"', '"(?<x>[a-z])(?<y>.)?"', '""', '"("', '"^."', '"\\\\s*,\\\\s*"', '"(a)|(b)"', '"é"', '"[A-Z]"', '"\\\\d+"', '"$"', '"(?i)HELLO"', '"l+"', '["a", "g"]', "1", "null"]
FLAGS = ['"g"', '"i"', '"gi"', '"x"', '"s"', '"n"', '"l"', '""', "null", '"q"', '"gx"', '"p"']
FORMATS = ['"json"', '"csv"', '"text"', '"base64"', '"nope"', '"html"', "1"]


def _listed(text: str) -> list[str]:
    return [part.strip() for line in text.strip().splitlines() for part in line.split("¦")]


def jq_function_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """The functions in turn."""
    chance = random.Random(f"jq functions {seed}")
    functions, values = _listed(FUNCTIONS), _listed(VALUES)
    choices = {"V": values, "F": FILTERS, "P": PATHS, "R": PATTERNS, "G": FLAGS, "S": FORMATS}

    def filled(text: str) -> str:
        made = []
        for at, letter in enumerate(text):
            alone = letter in choices and not (text[at - 1 : at] + text[at + 1 : at + 2]).strip(" ()[];:,").isalnum() and text[at - 1 : at] not in "%@"
            made.append(f"({chance.choice(choices[letter])})" if alone and letter in "VF" else chance.choice(choices[letter]) if alone else letter)
        return "".join(made)

    for number in range(count):
        # Bytes that are no UTF-8, powers in their last digit and a replacement that is no text are told in the differences.
        function = filled(functions[number % len(functions)])
        second = f" | {filled(chance.choice(functions))}" if chance.random() < 0.2 else ""
        yield {"engine": "jq", "document": DOCUMENT, "program": f"{{r: [{chance.choice(values)} | {function}{second}]}}"}
