"""Programs for the jq engine: listed ones, and random ones from a seed."""

import json
import random
from collections.abc import Iterator
from typing import Any

DOCUMENT = json.dumps(
    {
        "n": 5,
        "f": 2.5,
        "neg": -3,
        "zero": 0,
        "s": "refs/heads/main",
        "t": "  Some Text, with: signs! ",
        "b": True,
        "z": None,
        "big": 12345678901234567890,
        "l": [3, 1, 2, 1],
        "words": ["b", "a", "c", "a"],
        "mixed": [1, None, "x", [1, 2], {"k": None, "j": 1}, True],
        "o": {"k": "v", "deep": {"er": [{"id": 1, "t": "x"}, {"id": 2, "t": "y"}]}},
        "objs": [{"b": 1, "a": 2}, {"a": 3, "c": "z"}, {"a": 1, "b": None}],
        "e": "",
        "u": "éÀß日本",
        "none": {},
        "empty": [],
        "csv": "a,b,,c",
        "date": "2024-07-05T13:00:00Z",
        "epoch": 1720184400,
        "json": '{"q": [1, 2.50]}',
        "num": "12.50",
    }
)
LISTED = r"""
.
{x: .n}
{n, s}
{"a b": .n, (.s): 1}
{(.words[]): 1}
{x: .l[]}
{"x-\(.n)": "v\(.f)"}
{a: 1} + {b: 2}
{a: {b: 1}} * {a: {c: 2}}
.o
.o.deep.er[0]
.o.deep.er[1] // {}
.nope // {d: 1}
.z // .o
.l
.n
.s
null
empty
error("x")
error
.objs[]
.objs[1]
.mixed[4]
del(.n)
del(.o.deep.er[0], .s)
del(.l[0, 2])
del(.[])
.n = 1
.n |= . + 1
.n += 1
.f -= 1
.n *= 2
.n /= 2
.l[1] = 9
.l[-1] = 9
.l[10] = 1
.l[1:3] = ["x"]
.l |= map(. * 2)
.new.path.here = 1
.o.deep.er[].id |= . + 1
.z //= 3
.words |= sort
.l |= (sort | unique)
to_entries | from_entries
with_entries(.value |= tostring)
with_entries(select(.key | length == 1))
with_entries(.key |= ascii_upcase)
map_values(type)
map_values(select(. != null))
map_values(tostring)
{a: (.l | map(. + 1))}
{a: [.l[] | select(. > 1)]}
{a: (.l | add), b: (.words | add), c: (.empty | add), d: (.objs | add)}
{a: (.l | length), b: (.s | length), c: (.o | length), d: (.z | length), e: (.neg | length), u: (.u | length)}
{a: (.o | keys), b: (.l | keys)}
{a: (.objs | map(.a))}
{a: [.objs[] | .b?]}
{a: (.objs | sort_by(.a)), b: (.objs | group_by(.b)), c: (.objs | unique_by(.b)), d: (.objs | min_by(.a)), e: (.objs | max_by(.a))}
{a: (.l | sort), b: (.l | min), c: (.l | max), d: (.l | unique), e: (.l | reverse), f: (.empty | min)}
{a: (.mixed | sort)}
{a: (.mixed | map(type))}
{a: (.l | index(1)), b: (.l | rindex(1)), c: (.l | indices(1)), d: (.s | index("s/")), e: (.s | indices("a"))}
{a: (.l | first), b: (.l | last), c: (.l | nth(1)), d: first(.l[]), e: [limit(2; .l[])], f: [.l[:2][]], g: (.l | .[-2:])}
{a: first(empty)}
{a: [range(5)], b: [range(2; 5)], c: [range(0; 10; 3)], d: [range(5; 0; -2)]}
{a: (.s | split("/")), b: (.words | join("-")), c: (.l | join(",")), d: (.csv | split(","))}
{a: (.s | ltrimstr("refs/heads/")), b: (.s | rtrimstr("main")), c: (.n | ltrimstr("x")), d: (.s | startswith("refs")), e: (.s | endswith("main"))}
{a: (.s | test("^refs")), b: (.s | test("MAIN"; "i")), c: [.s | match("[a-z]+"; "g").string], d: (.s | capture("(?<a>[a-z]+)/(?<b>[a-z]+)"))}
{a: [.s | scan("[aeiou]")], b: (.s | sub("/"; "-")), c: (.s | gsub("/"; "-")), d: (.s | gsub("(?<c>[aeiou])"; "<\(.c)>")), e: [.csv | splits(", *")]}
{a: [.s | match("h(e)(x)?").captures[].string]}
{a: (.s | match("e").offset)}
{a: (.u | match("日").offset), b: (.u | test("^\\p{L}+$"))}
{a: (.s | test("("))}
{a: ("aXbxc" | ascii_downcase), b: ("abc" | ascii_upcase), c: (.u | ascii_upcase), d: ("abc" | explode), e: ([97, 98] | implode)}
{a: (.n | tostring), b: (.num | tonumber), c: (.l | tostring), d: (.o | tojson), e: (.json | fromjson), f: ("5" | tonumber), g: (.s | tojson)}
{a: (" 7 " | tonumber)}
{a: ("abc" | tonumber)}
{a: ("nan" | tonumber)}
{a: ("0x10" | tonumber)}
{a: (5 | tostring), b: (5.0 | tostring), c: (1e3 | tostring), d: (1.50 | tostring), e: (1e100 | tostring), f: (0.1 + 0.2 | tostring), g: (1e-7 | tostring)}
{a: 1.0, b: 1.5, c: 1e3, d: 100000000000000000000, e: 12345678901234567890, f: 1e1000, g: -0, h: 3.0e-10}
{a: .big, b: (.big + 1), c: (.big | tostring), d: (.big == 12345678901234567890)}
{a: 9007199254740993, b: (9007199254740993 + 0), c: (9007199254740993 | tostring)}
{a: (10 / 4), b: (10 / 5), c: (10 % 3), d: (-10 % 3), e: (5.9 % 3), f: (1 - 2), g: (2 * 3)}
{a: (1 / 0)}
{a: (5 % 0)}
{a: (.n / 2), b: (.n % 2), c: (.n * 1.5)}
{a: ("x" * 3), b: ("x" * 0), c: ("a,b" / ",")}
{a: ([1, 2, 3] - [2]), b: ([1] + [2])}
{a: ("a" + 1)}
{a: (null + 1), b: (1 + null)}
{a: ({} + 1)}
{a: (.n == 5), b: (.n != 5), c: (.n < 6), d: ("a" < "b"), e: ([] < {}), f: (null < false), g: ({} == {})}
{a: (.b and false), b: (.b or false), c: (.b | not), d: (.z | not)}
{a: (if .n > 3 then "big" elif .n > 1 then "mid" else "small" end), b: (if .z then 1 else 2 end), c: (if .b then 1 end)}
{a: (try error("x") catch .), b: (try .n.x catch "no"), c: [.mixed[] | try (. + 1) catch "e"]}
{a: [.mixed[]? | numbers], b: [.mixed[] | strings], c: [.mixed[] | nulls], d: [.mixed[] | scalars], e: [.mixed[] | iterables], f: [.mixed[] | booleans, arrays, objects]}
{a: [.. | numbers]}
{a: [paths]}
{a: [paths(type == "number")]}
{a: (.o | [leaf_paths])}
{a: ([.o | path(..)] | length)}
{a: (.o | getpath(["deep", "er", 0, "id"])), b: (.o | getpath(["x", "y"]))}
setpath(["a", "b"]; 1)
delpaths([["n"], ["o", "k"]])
{a: [.o | tostream]}
{a: (.o | to_entries)}
{a: ([{key: "x", value: 1}, {k: "y", v: 2}, {name: "z", value: 3}] | from_entries)}
{a: (.l | any(. > 2)), b: (.l | all(. > 0)), c: ([true, false] | any), d: ([] | all), e: any(.l[]; . == 1)}
{a: (.l | contains([3])), b: (.s | contains("heads")), c: (.o | contains({k: "v"})), d: ("heads" | inside("refs/heads"))}
{a: (.o | has("k")), b: (.l | has(1)), c: ("k" | in({"k": 1})), d: (.l | has(9))}
{a: ([[1, [2]], 3] | flatten), b: ([[1, [2]], 3] | flatten(1))}
{a: ([[1, 2], [3, 4]] | transpose), b: ([[1, 2], [3]] | transpose), c: [[1, 2], [3, 4] | combinations?]}
{a: [[[1, 2], [3, 4]] | combinations]}
{a: (.n as $x | $x + 1), b: (. as {n: $q, l: [$r]} | [$q, $r]), c: ([.l[] as $i | $i * 2])}
{a: reduce .l[] as $i (0; . + $i), b: [foreach .l[] as $i (0; . + $i)], c: [foreach .l[] as $i (0; . + $i; [$i, .])]}
def f: . + 1; {a: (.n | f)}
def f(x): x * 2; {a: f(.n)}
def f($x; $y): $x + $y; {a: f(1; 2)}
def fac: if . < 2 then 1 else . * (. - 1 | fac) end; {a: (10 | fac)}
{a: [recurse(if . < 3 then . + 1 else empty end; . < 5)?]}
{a: [.n | recurse(if . > 0 then . - 1 else empty end)]}
{a: [1 | while(. < 50; . * 2)], b: [1 | until(. > 50; . * 2)], c: [limit(3; 1 | repeat(. * 2))]}
{a: (.l | walk(if type == "number" then . + 1 else . end))}
{a: @base64 "x\(.s)", b: (.s | @base64), c: ("eA==" | @base64d), d: (.t | @uri), e: (.l | @csv), f: (.words | @tsv), g: ("<&>" | @html), h: ("it's" | @sh), i: (.l | @json), j: (.l | @text)}
{a: @json "v=\(.l)", b: @uri "q=\(.t)"}
{a: @foo "x"}
{a: (.n | @base32), b: ("GU======" | @base32d)}
{a: (.date | fromdate), b: (.epoch | todate), c: (.date | strptime("%Y-%m-%dT%H:%M:%SZ") | mktime), d: (.epoch | strftime("%A, %B %d, %Y")), e: (.epoch | gmtime)}
{a: (.date | fromdateiso8601), b: (.epoch | todateiso8601), c: (.date | dateadd("seconds"; 10))?}
{a: (now | type)}
{a: (.n | floor), b: (.f | ceil), c: (.f | round), d: (.f | sqrt | floor), e: pow(2; 10), f: (.neg | fabs), g: (.neg | abs), h: (10 | log10), i: (.f | trunc)?}
{a: (nan | isnan), b: (infinite | isinfinite), c: ([nan] | sort), d: (nan < 1), e: (1 | isnormal)}
{a: nan}
{a: infinite}
{a: (infinite | tostring), b: (-infinite | floor)}
{a: ([1, 2] | implode)}
{a: (.s | ascii), b: 1}
{a: ([65, 66] | implode), b: ("A" | explode)}
{a: input}
{a: [inputs]}
{a: $ENV, b: env}
{a: $ENV.HOME, b: env.PATH}
{a: $__prog_args}
{a: $__loc__}
{a: input_line_number}
{a: input_filename}
{a: (.o | keys_unsorted)}
{a: (.s | isvalid(.x))}
{a: ([1, 2, 3] | _nwise(2))}
{a: (.n | debug)}
{a: ("x" | stderr)}
{a: (.s | ltrimstr(1))}
{a: (.l | .[1:]), b: (.s | .[2:4]), c: (.l | .[:-1]), d: (.u | .[1:3]), e: (.z | .[1:])}
{a: .l[1.7], b: .l["x"]?}
{a: .l["x"]}
{a: .s.x}
{a: .[0]}
{a: .["n"], b: ."s", c: .o["k"], d: .o."deep".er[0]."id"}
{a: .ünï}
{a: .["ünï"]}
{a: (.objs[0] | tojson), b: ({b: 1, a: {d: 1, c: 2}} | tojson), c: ({b: 1, a: 2} | tostring), d: ([{b: 1, a: 2}[]]), e: ({b: 1, a: 2} | to_entries), f: ([{b: 1, a: 2} | keys[]]), g: ({b: 2, a: 1} | [.[]])}
{a: ({b: 1, a: 2} | map_values(. + 1)), b: ([{b: 1, a: 2} | paths]), c: ({b: 1, a: 2} | add), d: ({b: 1, a: 2} | [..])}
{a: ("\u00e9\ud83d\ude00"), b: "tab\there", c: "<&>\u2028"}
{a: (.t | trim), b: (.t | ltrim), c: (.t | rtrim)}
{a: ("abcabc" | [match("b"; "g").offset]), b: ("test" | [match(""; "g").offset])}
{a: ("aAbB" | [scan("[a-z]"; "i")?]), b: ("x1y22" | [scan("[a-z]([0-9]+)")])}
{a: (.l | @sh), b: (["a b", 1, null, true] | @csv), c: (["a\tb", 1] | @tsv)}
{a: splits("x")?}
{a: ([3, 1, 2] | sort_by(-.)), b: ([{a: 1, b: 2}, {a: 1, b: 1}] | sort_by(.a, .b))}
{a: (.objs | map(has("b"))), b: (.objs | INDEX(.a)), c: ([1, 2] | IN([1, 2], 3))}
{a: (.l | getpath([0])), b: ([.l[] | . as $x | {v: $x}])}
{a: (label $out | .l[] | if . == 1 then ., break $out else . end)}
{a: [label $out | .l[] | if . == 2 then ., break $out else . end]}
{a: ([limit(0; 1, 2)]), b: [first(range(10; 20))], c: isempty(empty), d: isempty(1)}
{a: (.l | tojson | fromjson), b: ("[1,2" | fromjson?)}
{a: ("[1,2" | fromjson)}
{a: ([1, [2, 3]] | getpath([1, 0])), b: ([1, 2] | to_entries)}
{a: ({a: 1} | has("a", "b"))}
{a: (.n | if . == 5 then "five" else . end), b: .n?, c: .n.x?, d: [.n[]?]}
{a: .l[0], b: .l[-1], c: .l[99]}
{a: ("x" | ascii_downcase), b: (1 | tojson), c: ("a" | tojson), d: (null | tojson)}
{a: splits}
{a: nofunc}
{a: $nope}
{a: (1 | nofunc(2))}
{a: 
{a: 1}}
{a 1}
.a.
..a
{a: .l | length}
{a: .n | . + 1}
[.n] | {a: .[0]}
{(1): 2}
{a: "\(1 + 2) \(.l) \(.o.k) \(null)"}
{a: (.s | ascii_downcase | ltrimstr("refs/") | split("/") | .[0])}
{ref: .s, branch: (.s | split("/") | last), short: (.big | tostring | .[:7])}
{a: ([.objs[] | {(.a | tostring): .b}] | add)}
{a: (.objs | map({(.a | tostring): .}) | add)}
{a: (.objs | map(select(.b)) | length)}
.objs |= map(.a)
.objs[0] |= with_entries(.value += 1)
.o |= (.k |= ascii_upcase)
.l |= map(select(. > 1))
.l[] |= empty
.l |= empty
.["x y"] = 1
to_entries | map(select(.value | type == "string")) | from_entries
[paths(scalars)] | {n: length}
[splits("a")?] | {a: .}
{a: (.l | tojson | @base64), b: ("%7B" | @urid)?}
{a: ([.l[] | tostring] | join("+")), b: (.l | map(tostring) | add)}
{a: ("a" | . as $x | "b" | . + $x), b: ([[1, 2] | .[0], .[1]])}
{a: ([1, 2, 3] | .[1:] | first), b: (["x"] | first), c: ([] | first)}
{a: ([] | last), b: ([1] | nth(0)), c: (try ([] | nth(-1)) catch "e")}
{a: (@text "x\(1)"), b: ("x" | @text)}
{a: getpath(["l", 0]), b: [getpath(["n"], ["f"])]}
{a: ([1, null, 2] | map(values)), b: (.mixed | map(. // "d"))}
{a: (.n | tojson | tonumber), b: ("1e3" | tonumber), c: ("-5" | tonumber), d: (".5" | tonumber)?, e: ("5." | tonumber)?, f: ("+5" | tonumber)?}
{a: (.l | bsearch(1))?, b: ([1, 2, 3] | bsearch(2))}
{a: ([1, 2] | tojson), b: ([1.0, 2.50] | tojson), c: (1.0 | tojson), d: (.f * 2 | tojson)}
{a: significand?, b: (8 | logb)?, c: (5 | exp10)?, d: (2 | exp2)?, e: (8 | log2)?}
{a: ltrimstr("x")?, b: (["a", "b"] | implode?)}
{a: ("abc" | sub("(?<x>b)"; "[\(.x)]")), b: ("abc" | gsub(""; "-")), c: ("aaa" | sub("a"; "b"; "g")), d: ("abc" | gsub("^"; ">")), e: ("a.b" | gsub("\\."; "-"))}
{a: ("foo bar" | gsub("(?<w>\\w+)"; "\(.w | ascii_upcase)")), b: ("abc" | [match("(a)|(b)"; "g") | .captures | map(.string)])}
{a: ("x" | ascii), b: 2}
{a: ([1, 2, 3] | limit(2; .[])), b: 1}
{a: ({} | .a.b.c), b: ({} | .a[0]), c: ({a: [1]} | .a[0:1])}
{a: ([{a: 1}] | .[0].a), b: [{a: {b: 2}} | .. | .b?]}
{a: (.b | if . then "yes" else "no" end), b: (.z | if . == null then 0 else . end)}
{a: ([1, 2] | min_by(-.)), b: ([] | max_by(.)), c: ([{a: 2}, {a: 1}] | min_by(.a))}
{a: ("a-b_c" | gsub("[-_]"; " ")), b: ("CamelCase" | gsub("(?<c>[A-Z])"; "-\(.c | ascii_downcase)"))}
{a: (.epoch | todate | .[0:10]), b: (.date[0:10]), c: (.date | sub("T.*"; ""))}
{a: (1, 2), b: (3, 4)}
{a: [(1, 2) as $x | (3, 4) as $y | [$x, $y]]}
{a: ([1, 2] == [1, 2]), b: ({a: 1} == {a: 1.0}), c: (1 == 1.0), d: ("1" == 1)}
{a: ([[2, "b"], [1, "a"]] | sort), b: ([{b: 1}, {a: 2}] | sort), c: ([null, true, false, 1, "a", [], {}] | sort | reverse)}
"""


def jq_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    for text in LISTED.strip("\n").splitlines():
        yield _case(text)
    chance = random.Random(seed)
    for _ in range(count):
        members = [f"{chance.choice('abcd')}: {_value(chance, 3)}" for _ in range(chance.randrange(1, 3))]
        yield _case(f"{{{', '.join(members)}}}")


def _case(text: str) -> dict[str, Any]:
    return {"engine": "jq", "program": text, "document": DOCUMENT}


def _value(chance: random.Random, depth: int) -> str:
    kind = chance.randrange(10)
    if depth <= 0 or kind < 3:
        return chance.choice(
            [".n", ".f", ".s", ".t", ".e", ".u", ".l", ".words", ".mixed", ".o", ".objs", ".z", ".b", ".neg", ".num", ".big", ".nope", "1", "2.5", '"x"', "null", "[1,2]", "{b:1,a:2}", ".l[0]", ".o.k", ".objs[0].a", "100", ".date", ".zero", ".csv"]
        )  # fmt: skip
    inner = _value(chance, depth - 1)
    if kind < 7:
        call = chance.choice(["length", "keys", "tostring", "tojson", "type", "add", "sort", "reverse", "unique", "min", "max", "first", "last", "flatten", "not", "tonumber", "ascii_downcase", "ascii_upcase", "to_entries", "explode", "floor", "any", "all", "map(. + 1)", "map(tostring)", "map_values(.)", "[.[]]", "[.[] | type]", "join(\"-\")", "split(\"a\")", "test(\"a\")", "gsub(\"[aeiou]\"; \"_\")", ".[0]", ".[1:]", ".a", "[..] | length", "[paths]", "@base64", "@json", "@uri", "@html", "@csv", "select(. != null)", "values", "has(\"a\")", "contains(\"a\")", "index(\"a\")", "[scan(\".\")]", "ltrimstr(\"r\")", "startswith(\"r\")", "sort_by(.a)", "group_by(.a)", "with_entries(.)", "del(.[0])", "try error(.) catch .", "[limit(2; .[])]", "abs", "sqrt", "tojson | fromjson", "indices(1)", "inside(\"x\")", "ascii", "trim", "@text", "@sh", "to_entries | from_entries", "getpath([\"a\"])", "transpose", "implode", "utf8bytelength", "infinite", "ceil", "round", "@tsv"])  # fmt: skip
        return f"({inner} | {call})"
    if kind == 7:
        return f"({inner} // {_value(chance, depth - 1)})"
    if kind == 8:
        return f"(try ({inner}) catch \"e\")"
    return f"({inner} {chance.choice(['+', '-', '*', '/', '%', '==', '!=', '<', '>', 'and', 'or'])} {_value(chance, depth - 1)})"
