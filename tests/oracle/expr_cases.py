"""Random questions for the expression language of event sources, from a seed."""

import random
from collections.abc import Iterator
from typing import Any

DATA: dict[str, Any] = {
    "headers": {"X-Github-Event": ["push"], "Accept": ["*/*", "text/plain"]},
    "body": {
        "ref": "refs/heads/main",
        "id": 4,
        "size": 2.5,
        "neg": -3,
        "big": 1e21,
        "on": True,
        "off": False,
        "none": None,
        "empty": "",
        "five": "5",
        "é": "héllo 日本",
        "tags": ["a", "b", "c", "a"],
        "numbers": [3, 1, 2, 2],
        "mixed": [1, "x", None, True, 2.5],
        "nothing": [],
        "items": [
            {"name": "web", "n": 3, "ok": True},
            {"name": "till", "n": 1, "ok": False},
            {"name": "stock", "n": 2, "ok": True, "more": {"deep": [1, [2]]}},
        ],
        "nested": {"a": {"b": {"c": "deep"}}},
        "type": "t",
        "values": {"k": "v"},
        "json": '{"q":[1,{"r":"s"}]}',
        "date": "2024-07-05T13:00:00Z",
        "in": 1,
    },
    "my-key": "dashed",
    "type": "shadowed",
    "values": {"k": "v"},
    "metadata": {"team": "shop"},
}
LISTED = r"""
body.ref == "refs/heads/main"¦body.id == 4¦body.id == 4.0¦body.id == "4"¦4 == "4"¦body.id != 4¦body.missing == nil¦body.missing¦missing¦missing.x¦body.missing.deep¦body?.missing?.deep¦body.missing?.deep.er¦body.missing?.deep ?? 5
body.none?.x¦body.none ?? "d"¦body.empty ?? "d"¦nil ?? nil¦nil ?? 1¦body.id ?? 1 == 4¦(body.id ?? 1) == 4¦1 == body.id ?? 4¦body.id > 3¦body.id < nil¦body.none > 1¦body.ref > "a"¦body.ref > 1¦"a" > 1¦body.on¦!body.on¦not body.on¦not body.id¦!body.ref
headers["X-Github-Event"][0] == "push"¦headers["X-Github-Event"]¦headers["X-Github-Event"][1]¦headers["X-Github-Event"][-1]¦headers.Accept[-3]¦headers["nope"]¦headers[0]¦headers[nil]¦my_key == "dashed"¦my-key¦type == "shadowed"¦type¦[type][0]¦values.k¦$env["val"+"ues"].k¦$env.type¦$env["type"]¦$env.body.id
$env["missing"]¦body.type¦body.values.k¦body.in¦body.not¦body.é¦len(body.é)¦body.é[1]¦body.é[1:3]¦body.é[0:1]¦body.é[-2:]¦type(body.é[0])¦body.é[0] + 1¦string(body.é[0])¦"a"[0]¦("a")[0]¦body.ref[0:4]¦body.ref[:4]¦body.ref[5:]¦body.ref[:]¦body.ref[3:1]¦body.ref[-4:]¦body.ref[100:]¦body.ref["a"]¦body.ref[1.9]
1 + 2¦1 + 2.0¦1.5 + 1¦"a" + "b"¦1 + "a"¦body.id + 1¦body.id + "a"¦body.ref + 1¦1 / 2¦4 / 2¦1 / 0¦-1 / 0¦0 / 0¦body.id / 0¦5 % 3¦-5 % 3¦5 % -3¦5 % 0¦body.id % 2¦int(body.id) % 3¦int(body.id) % 0¦5.0 % 2¦2 ** 3¦2 ^ 3¦2 ** 0.5¦2 ** 3 ** 2¦-2 ** 2¦(-2) ** 2¦2 ** -1¦2 ** 1024¦(-8) ** 0.5¦0 ** -1
9223372036854775807 + 1¦9223372036854775807 * 2¦-9223372036854775807 - 2¦9223372036854775808¦-(-9223372036854775807 - 1)¦0x10¦0xff == 255¦0XFF¦0x¦0xg¦0b1¦0o7¦1_000¦1__0¦_1¦1e3¦1e¦1e400¦1.¦.5¦1.5.5¦1..3¦3..1¦1...3¦1.0..3¦-1..1¦1..body.id¦body.neg..0¦body.size..4¦"a"..3¦010¦1a¦1_a
true and false¦true && body.id¦false && body.id¦body.on && body.id¦body.on and body.off¦body.off or body.on¦body.off || body.id¦body.id || true¦true || body.missing.x¦body.missing.x || true¦body.missing.x && false¦not (body.missing.x && false)¦body.off && body.missing.x¦1 && true¦true || 1¦body.on && body.on && body.off¦body.on || body.off || body.id¦!true¦!1¦!!body.on¦-"a"¦-body.ref¦-body.id¦+body.id¦+"a"¦- - 1¦-nil
body.on ? 1 : 2¦body.off ? 1 : 2¦body.id ? 1 : 2¦1 ? 1 : 2¦nil ? 1 : 2¦body.on ? 1¦body.on ?: 5¦body.off ?: 5¦body.on ? body.off ? 1 : 2 : 3¦body.off ? 1 : body.off ? 2 : 3¦(body.on ? "a" : nil) == "a"¦(body.off ? "a" : nil) == "a"¦(body.on ? 1 : 2) == 1¦(body.on ? 1 : 2.0) == 1¦body.on ? body.missing.x : 1¦body.off ? body.missing.x : 1
"a" in ["a", "b"]¦"c" in ["a", "b"]¦body.five in ["5"]¦body.id in ["5"]¦body.none in ["a", ""]¦body.none in ["a"]¦body.id in [4]¦body.id in [1, 4.0]¦4 in [4]¦4 in ["a"]¦"a" in [4]¦body.id in [4, "a"]¦body.id not in [4]¦not (body.id in [4])¦body.id in 1..5¦4 in 1..5¦body.size in 1..5¦"a" in body.tags¦"z" in body.tags¦"ref" in body¦"zz" in body¦body.id in body¦1 in body¦"a" in "abc"¦body.ref in body.ref
"a" in nil¦"a" in body.none¦nil in [nil]¦nil in [1]¦nil in body.mixed¦nil in body¦nil in {"": 1}¦1 in {"a": 1}¦"a" in {"a": 1}¦body.id in body.id¦1 in nil¦[] == []¦[1, 2] == [1, 2]¦[1] == [1.0]¦body.numbers == [3, 1, 2, 2]¦body.tags == ["a", "b", "c", "a"]¦body.nothing == []¦1..2 == [1, 2]¦split("a,b", ",") == ["a", "b"]¦body == body¦{} == {}¦{"a": 1} == {"a": 1}¦{a: 1}.a¦{1: 2}["1"]¦{"a b": 1}["a b"]¦{(body.ref): 1}
{(1): 2}¦{a: 1, a: 2}.a¦{a: 1,}¦{,}¦{a}¦[1, 2,]¦[,]¦[1 2]¦[1, 2][0]¦[1, 2][-1]¦[1, 2][2]¦[1, 2]["a"]¦[1, 2][body.id]¦[1, 2][body.ref]¦[1, 2, 3][1:]¦[1, 2, 3][:-1]¦[1, 2, 3][1:2]¦[1, 2, 3][5:]¦[1, 2, 3][:5]¦[1, 2, 3][2:1]¦[1,2,3]["a":]¦body.tags[1:3]¦body.tags[body.id - 3]¦body.none[0]¦body.none[:1]¦body.id[0]¦body.on.x¦{}[:]¦body[:1]
body.ref matches "^refs/"¦body.ref matches "("¦body.ref matches body.five¦body.five matches "\\d"¦body.id matches "4"¦"a" matches 1¦body.ref matches body.id¦body.ref not matches "x"¦not (body.ref matches "x")¦body.ref contains "heads"¦body.ref not contains "heads"¦body.id contains "4"¦body.tags contains "a"¦body.ref startsWith "refs"¦body.ref endsWith "main"¦body.ref not startsWith "refs"¦"abc" contains ""¦1 contains "a"¦body.empty matches "^$"
all(body.numbers, # > 0)¦all(body.numbers, {# > 1})¦any(body.numbers, {# == 3})¦none(body.numbers, # > 5)¦one(body.numbers, # == 3)¦one(body.numbers, # == 2)¦all(body.nothing, false)¦any(body.nothing, true)¦none(body.nothing, true)¦one(body.nothing, true)¦all(body.mixed, # > 0)¦any(body.mixed, # == "x")¦any(body.items, .ok)¦any(body.items, {.n == 1})¦all(body.items, .n)¦any(body.items, .missing)¦any(body.id, true)¦any(body.none, true)¦any(body, true)¦any(body.ref, # == 114)
any("abc", true)¦any(1, true)¦any(nil, true)¦any([1], 1)¦any([1], nil)¦any([1], #)¦any([1], # > "a")¦any(["a"], # > 1)¦any(1..3, # > 2)¦any(1..3, # == "a")¦any([], .x)¦count(body.items, .ok)¦count(body.numbers, # == 2)¦filter(body.numbers, # > 1)¦filter(body.items, .ok)[0].name¦filter(body.items, .n > 9)[0]¦filter(body.numbers, # == 2)[-1]¦filter(body.numbers, # > 9)[-1]¦first(filter(body.numbers, # > 9))¦first(filter(body.numbers, # > 1))
last(filter(body.numbers, # > 1))¦len(filter(body.numbers, # > 1))¦map(filter(body.numbers, # > 1), #index)¦map(filter(body.numbers, # > 1), # * 10)¦map(body.numbers, #index)¦filter(map(body.numbers, # * 2), # > 4)¦filter(filter(body.numbers, # > 1), # < 3)¦filter(body.numbers, #index > 1)¦map(body.items, .name)¦map(body.items, {.n + 1})¦map(body.items, {{"x": .n}})¦map(body.nothing, #)¦map(1..3, # ** 2)¦map(body.tags, upper(#))¦map(body.numbers, nil)¦map([1], #foo)
find(body.numbers, # > 1)¦find(body.numbers, # > 9)¦findIndex(body.numbers, # == 2)¦findIndex(body.numbers, # == 9)¦findIndex(body.numbers, # == 9) == 1¦findIndex(body.numbers, # == 9) == nil¦findIndex(body.numbers, # == 2) == 2¦findLast(body.numbers, # == 2)¦findLastIndex(body.numbers, # == 2)¦findLastIndex(body.numbers, # == 9)¦find(1..3, # > 5) == 1¦find(1..3, # > 1) == 2¦groupBy(body.items, .ok)¦groupBy(body.numbers, #)[2]¦groupBy(body.numbers, #)[2.0]¦groupBy(body.tags, #).a¦groupBy(body.tags, #)["z"]
len(groupBy(body.tags, #)["z"])¦groupBy(body.tags, #)["z"] == nil¦groupBy(body.items, .more)¦reduce(body.numbers, #acc + #)¦reduce(body.numbers, #acc + #, 10)¦reduce(body.nothing, #acc + #)¦reduce(body.nothing, #acc + #, 0)¦reduce(1..4, #acc * #, 1)¦reduce(body.numbers, #acc + #index, 0)¦reduce(body.tags, #acc + #, "")¦reduce(body.numbers, nil)¦body.numbers | map(# + 1) | filter(# > 2) | len()¦body.ref | upper()¦body.ref | split("/") | last()¦body.id | string() | len()
body.tags | nope()¦body.id | 5¦body.on || body.tags | len() > 1¦any(body.items, any(body.numbers, # == 3))¦any(body.items, let m = .n; any(body.numbers, # == m))¦let x = 1; x + 1¦let x = body.id; let y = x + 1; y * x¦let x = 1; let x = 2; x¦let len = 1; len¦let body = 1; body¦let x = nil; x¦let x = x; x¦let x 1; x¦let x = 1 x¦(let x = 1; x) + 1¦1 + let x = 1; x¦let f = len; f("a")¦[let x = 1; x]¦let x = [1]; x[0]¦map([1, 2], let y = # * 2; y + 1)
len(body.tags)¦len(body.ref)¦len(body)¦len(body.id)¦len(nil)¦len(1)¦len("é")¦len([1])¦len({})¦len()¦len("a", "b")¦type(1)¦type(1.0)¦type("a")¦type(nil)¦type(true)¦type([])¦type({})¦type(1..2)¦type(now())¦type(duration("1s"))¦type(body.id)¦type()¦abs(-1)¦abs(body.neg)¦abs(-1.5)¦abs("a")¦abs(body.ref)¦abs(nil)¦ceil(1.2)¦ceil(-1.2)¦ceil(1)¦floor(1.8)¦floor(-1.2)¦round(1.5)¦round(2.5)¦round(-1.5)¦round(0.49999999999999994)¦round(body.size)¦round("a")
int(1.9)¦int(-1.9)¦int("5")¦int(" 5")¦int("5.5")¦int("+5")¦int("0x5")¦int("")¦int(body.five)¦int(body.ref)¦int(nil)¦int(true)¦int([])¦int(1e30)¦int(body.big)¦float("1.5")¦float("1e3")¦float("inf")¦float("x")¦float(1)¦float(body.five)¦float(nil)¦string(1)¦string(1.0)¦string(1e6)¦string(123456789.0)¦string(1e21)¦string(0.00001)¦string(nil)¦string(true)¦string([1, "a", nil])¦string({"b": 1, "a": [2]})¦string(body.items)¦string(1..3)¦string(body.size)
trim("  a ")¦trim("xxaxx", "x")¦trim("xyaxy", "yx")¦trim(body.ref, "refs/")¦trim(1)¦trim(body.id)¦trim("a", 1)¦trim("a", "")¦trimPrefix("aab", "a")¦trimPrefix("  ab")¦trimSuffix("baa", "a")¦trimSuffix("b a  ")¦trimPrefix(body.ref, "refs/heads/")¦upper("straße")¦upper("é")¦lower("ÀÉ")¦lower("İ")¦upper(body.id)¦split("a,b,c", ",")¦split("a,b,c", ",", 2)¦split("a,b,c", ",", 0)¦split("a,b,c", ",", -1)¦split("é日", "")¦split("abc", "", 2)¦split("", ",")¦split("", "")¦split("a", "b")¦split(1, ",")
split("a,b", body.five)¦split(body.ref, "/")[2]¦split(body.ref, "/", body.id)¦split("a,b", ",", 1.5)¦splitAfter("a,b,c", ",")¦splitAfter("a,b,c", ",", 2)¦splitAfter("abc", "")¦replace("aaa", "a", "b")¦replace("aaa", "a", "b", 2)¦replace("aaa", "a", "b", -1)¦replace("aaa", "a", "b", 0)¦replace("ab", "", "-")¦replace("ab", "", "-", 2)¦replace("a", 1, "b")¦repeat("ab", 3)¦repeat("ab", 0)¦repeat("ab", -1)¦repeat("a", 1000001)¦repeat("a", "b")¦repeat("a", body.id)¦join(["a", "b"], ",")¦join(["a", "b"])
join([1], ",")¦join(body.tags, "-")¦join(body.numbers, "-")¦join(split("a,b", ","), "-")¦join(1..3, ",")¦join("a", ",")¦join(body.ref, ",")¦join([], ",")¦join(map(body.numbers, string(#)), ",")¦indexOf("chicken", "ken")¦indexOf("é日", "日")¦indexOf("a", "z")¦lastIndexOf("go go", "go")¦hasPrefix("abc", "ab")¦hasSuffix("abc", "bc")¦hasPrefix(1, "a")¦max(1, 2)¦max(1, 2.5)¦max(1.0, 1)¦max()¦max(body.id, 1)¦max("a")¦max(body.ref, "a")¦max(body.ref, 1)¦max(nil)¦max(body.none)¦min(1, 2)¦min(3, 2, 1)¦min(body.numbers)¦min(body.id, body.neg)
sum(body.numbers)¦sum([1, 2])¦sum([1, 2.5])¦sum([])¦sum(["a"])¦sum([nil])¦sum(1..4)¦sum(1)¦sum(body.ref)¦sum(body.mixed)¦mean([1, 2])¦mean([])¦mean(body.numbers)¦mean(["a"])¦median([3, 1, 2])¦median([1, 2, 3, 4])¦median([])¦median(body.tags)¦toJSON({"b": 1, "a": [1, 2.5, "x<", nil]})¦toJSON([])¦toJSON({})¦toJSON(1)¦toJSON("é\n")¦toJSON(1..3)¦toJSON(body.items[2])¦toJSON(1/0)¦fromJSON("[1, 2.0]")¦fromJSON("{")¦fromJSON(body.json).q[1].r¦fromJSON(1)¦fromJSON("1") == 1
toBase64("hello")¦toBase64("é")¦fromBase64("aGVsbG8=")¦fromBase64("aGVsbG8")¦fromBase64("!!")¦fromBase64("/w==")¦len(fromBase64("/w=="))¦fromBase64("aGVs\nbG8=")¦duration("1h30m")¦duration("1.5s")¦duration("x")¦duration("-2m")¦duration("100ms")¦duration("1us")¦duration("0")¦duration("1h") > duration("30m")¦duration("1h") + duration("30m")¦duration("1h") - duration("30m")¦duration("1h") == duration("60m")¦2 * duration("1h")¦duration("1h") * 2¦duration("1h") / 2¦-duration("1h")
duration("1h").Hours()¦duration("90m").Minutes()¦duration("1h").Foo()¦duration("1.5s").Milliseconds()¦duration("1h").String()¦duration("1h") + 1¦date("2024-01-02")¦date("15:04:05")¦date("2024-01-02 03:04:05")¦date("2024-01-02T03:04:05Z")¦date("2024-01-02T03:04:05.123456789+02:00")¦date("02 Jan 06 15:04 UTC")¦date("Mon, 02 Jan 2006 15:04:05 GMT").Unix()¦date("nope")¦date("2024-13-01")¦date("2024/01/02", "2006/01/02")¦date("02.01.2024", "02.01.2006")¦date("2024-01-02", "2006-01-02", "Europe/Zurich")
date("2024-01-02 10:00", "2006-01-02 15:04", "America/New_York")¦date("x", "2006", "Nowhere/Land")¦date("2024-01-02") < date("2024-01-03")¦date("2024-01-03") - date("2024-01-02")¦date("2024-01-02") + duration("24h")¦duration("24h") + date("2024-01-02")¦date("2024-01-02") - duration("24h")¦date("2024-01-02") == date("2024-01-02T00:00:00Z")¦date("2024-01-02") == date("2024-01-02T01:00:00+01:00")¦date("2024-01-02").Year()¦date("2024-01-02").Year() == 2024¦date("2024-07-05T13:14:15Z").Hour()¦date("2024-01-02").Unix()¦date("2024-01-02").Unix() == 1704153600
date("2024-01-02").Format("Jan 2")¦date("2024-01-02").AddDate(0, 1, 0)¦date("2024-01-31").AddDate(0, 1, 0)¦date("2024-01-02").Before(date("2024-01-03"))¦date("2024-01-02").After(now())¦date("2024-01-02").YearDay()¦date(body.date).Day()¦date("2024-01-02").Add(duration("1h"))¦date("2024-01-02").Sub(date("2024-01-01")).Hours()¦date("2024-01-02").Foo¦now() > date("2020-01-01")¦now().Year() > 2000¦now() + 1¦now() == 1¦now(1)¦date(1)¦[now()][0].Year() > 1
first(body.numbers)¦first(body.nothing)¦first(body.ref)¦first("abc")¦first(body.id)¦first(nil)¦first([1])¦last(body.numbers)¦last([])¦last(1..3)¦first(1..0) == 1¦first(split("", "x")) == ""¦get(body, "id")¦get(body, "zz")¦get(body.numbers, 1)¦get(body.numbers, 9)¦get(body.numbers, "a")¦get(nil, 1)¦get([1], "a")¦get({"a": 1}, "a")¦get({"a": 1}, 1)¦get(body.id, 1)¦get(1, 1)¦get(body)¦get($env, "body").id¦get($env, "z")¦take(body.numbers, 2)¦take(body.numbers, 9)¦take(body.numbers, 0)¦take(body.numbers, -1)¦take(body.numbers, body.id)
take([1, 2], 1.5)¦take("abc", 1)¦sort(keys(body.nested.a))¦sort(keys({"b": 1, "a": 2}))¦sort(values({"b": 2, "a": 1}))¦len(keys(body))¦keys(1)¦keys(body.id)¦values([])¦len(toPairs({"a": 1}))¦toPairs({"a": 1})¦toPairs(1)¦fromPairs([["a", 1]])¦fromPairs([["a", 1]]).a¦fromPairs([[1, 2]])[1]¦fromPairs([["a"]])¦fromPairs([1])¦fromPairs(body.id)¦fromPairs(toPairs({"a": 1})) == {"a": 1}¦sort(body.numbers)¦sort(body.numbers, "desc")¦sort(body.tags)¦sort(body.mixed)¦sort([])¦sort([true, false])¦sort([nil, nil])
sort([1, 2.0])¦sort(body.numbers, "up")¦sort(body.numbers, 1)¦sort(1)¦sort([[1], [2]])¦sortBy(body.items, "n")¦map(sortBy(body.items, "n"), .name)¦map(sortBy(body.items, "name", "desc"), .n)¦sortBy(body.items, "missing")¦sortBy(body.items, "ok")¦sortBy(body.items)¦sortBy(body.items, 1)¦sortBy([1, 2], "n")¦sort(body.items)¦asInt("5") + 1¦asFloat("5")¦asInt(body.id) == 4¦asInt()¦toJson(body.items[0])¦toJson("a<b")¦toJson(nil)¦toJson(1..3)¦toJson()¦nope(1)¦body.id()¦body.ref.upper()¦body()
sprig.upper("a")¦sprig.upper(body.ref)¦sprig.upper(body.id)¦sprig.add(1, 2)¦sprig.add(1, 2) == 3¦sprig.add(body.id, 1)¦sprig.trunc(5, body.ref)¦sprig.trunc(body.id, body.ref)¦sprig.trunc(int(body.id), body.ref)¦sprig.nope("a")¦sprig.upper()¦sprig.upper("a", "b")¦sprig.contains("main", body.ref)¦sprig.hasPrefix("refs", body.ref)¦sprig.splitList("/", body.ref)¦sprig.splitList("/", body.ref)[2]¦sprig.join("-", body.tags)¦sprig.default("d", body.empty)¦sprig.default("d", body.none)¦sprig.empty(body.nothing)¦sprig.list(1, 2)¦sprig.dict("a", 1).a
sprig.trimSuffix("n", "main")¦sprig.regexMatch("^refs", body.ref)¦sprig.regexFind("[a-z]+$", body.ref)¦sprig.toString(5)¦sprig.int("7")¦sprig.int(body.id) == 4¦sprig.int64("7")¦sprig.float64("1.5")¦sprig.max(1, 2)¦sprig.semverCompare(">=1.2", "1.3.0")¦sprig.b64enc("a")¦sprig.sha256sum("a")¦sprig.has("a", body.tags)¦sprig.without(body.tags, "a")¦sprig.uniq(body.tags)¦sprig.first(body.tags)¦sprig.substr(0, 4, body.ref)¦sprig.repeat(3, "a")¦sprig.replace("a", "b", "aa")¦sprig.ternary("y", "n", body.on)¦sprig.hasKey(body, "ref")¦sprig.get(body, "ref")
sprig.kindOf(body.id)¦sprig.typeOf(body.tags)¦sprig.coalesce(nil, "", "x")¦sprig.env("HOME")¦sprig.untilStep(0, 6, 2)¦sprig.toJson(body.items[0])¦sprig.fromJson(body.json).q¦sprig.split("/", body.ref)._2¦sprig.mod(7, 3)¦sprig.round(2.345, 2)¦sprig.ceil(1.2)¦sprig.title("ab cd")¦sprig.lower(nil)¦sprig.dig("a", "b", "x", body.nested)¦sprig.pluck("n", body.items[0])¦sprig.sortAlpha(body.tags)¦sprig.reverse(body.tags)¦sprig.concat(body.tags, body.numbers)
"a\"b"¦'a\'b'¦"a'b"¦'a"b'¦"\n\t\\"¦"\x41\u0042\U00000043\103"¦"\q"¦"\'"¦"\8"¦"\u00"¦"\ud800"¦"\U00110000"¦"unclosed¦'unclosed¦"new
line"¦1 // comment¦1 /* c */ + 2¦1 /* c¦// only¦/**/¦ ¦(1¦1)¦((1))¦[1¦{a: 1¦a.¦.a¦#¦# > 1¦a..b¦a.?b¦a?.b.c¦a?.[0]¦a?["x"]¦1 +¦+¦* 2¦1 2¦a b¦a not b¦1 not in [2]¦1 + 1 not in [3]¦2 + 1 not in [3]¦not 1 in [1]¦not body.on == body.off¦!body.on == body.off¦a = 1¦a === 1¦a <> 1¦a =! 1¦a & b¦a && && b¦a | b¦a ; b¦a : b¦@¦`a`¦a\b¦é¦日本 ?? 1¦$x¦_x¦nil¦nil.x¦true.x¦"a".x¦1.x¦nil == nil¦nil + 1¦nil == 1
filter(body.items, {.n > 1 and .ok}) | map(.name) | join(",")¦body.items[0].more?.deep[0]¦body.items[2].more?.deep[1][0]¦body.items | filter(.more?.deep != nil) | len()¦all(headers["Accept"], # matches "/")¦body.nested?.a?.b?.c == "deep"¦(body.nested.z ?? {"b": 1}).b¦body.numbers | sum() > 5¦body.ref in ["refs/heads/main", "refs/heads/dev"] and body.id >= 4¦len(body.items) > 2 ? body.items[2].name : "none"¦map(body.items, {let n = .n; filter(body.numbers, # <= n) | len()})¦count(body.items, {.name startsWith "s" or .n == 1}) == 2
len(1..999999)¦len(1..1000001)¦{"a": {"b": [1, {"c": 2}]}}.a.b[1].c¦[[1, 2], [3]] | map(len(#)) | sum()¦reduce(body.items, {#acc + .n}, 0)¦body.mixed | filter(type(#) == "float")¦body.mixed[3] == true¦body.mixed[2] == nil¦"" == ""¦body.empty == ""¦"b" > "a"¦"é" > "z"¦[1, "a", nil, true, 1.5]¦true == 1¦body.on == 1¦body.on == "true"¦1 == 1.0¦1 < 1.5¦-1 < body.neg¦body.big > 9223372036854775807¦0.1 + 0.2¦0.1 + 0.2 == 0.3
"""


def expr_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    for text in LISTED.strip("\n").replace("\n", "¦").split("¦"):
        yield _case(text)
    yield _case('"new\nline"')
    chance = random.Random(seed)
    for number in range(count):
        yield written(chance, number)


def written(chance: random.Random, number: int) -> dict[str, Any]:
    """A random question; `number` decides what kind it is."""
    writer = _Writer(chance)
    text = writer.value(3) if number % 4 == 0 else writer.truth(3)
    return _case(_damaged(chance, text) if number % 10 == 1 else text)


def _case(text: str) -> dict[str, Any]:
    return {"engine": "expr", "expression": text, "data": DATA}


def _damaged(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    kind = chance.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    piece = chance.choice(["(", ")", " ", "&&", "||", "!", "-", "'", '"', "\\", ".", "?.", ",", "?", ":", "=", "a", "5", "[", "]", "{", "}", " in ", " not ", "#", "|", "??", "..", "nil", " let "])
    return text[:at] + piece + text[at + (kind == 2) :]


class _Writer:
    """Writes expressions, most of which make sense."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.inside = 0

    def pick(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def truth(self, depth: int) -> str:
        chance = self.chance
        kind = chance.randrange(13 if depth > 0 else 5)
        if kind == 0:
            return self.pick("body.on", "body.off", "true", "false", "body.items[0].ok", "$env.body.on")
        if kind == 1:
            return f"{self.number(depth - 1)} {self.pick('==', '!=', '<', '<=', '>', '>=')} {self.number(depth - 1)}"
        if kind == 2:
            return f"{self.text(depth - 1)} {self.pick('==', '!=', '<', '>', 'contains', 'startsWith', 'endsWith', 'not contains')} {self.text(depth - 1)}"
        if kind == 3:
            return f"{self.text(0)} {self.pick('matches', 'not matches')} {self.pick(repr('^refs'), repr('a|b'), repr('[0-9]+$'), repr('(?i)MAIN'), 'body.five')}"
        if kind == 4:
            return f"{self.pick(self.text(0), self.number(0), 'nil')} {self.pick('in', 'not in')} {self.list(depth - 1)}"
        if kind == 5:
            return f"{self.pick('!', 'not ')}({self.truth(depth - 1)})"
        if kind < 8:
            return f"({self.truth(depth - 1)}) {self.pick('&&', '||', 'and', 'or')} {self.truth(depth - 1)}"
        if kind == 8:
            return f"({self.truth(depth - 1)} ? {self.truth(depth - 1)} : {self.truth(depth - 1)})"
        if kind < 12:
            return f"{self.pick('all', 'any', 'none', 'one')}({self.list(depth - 1)}, {self.closure(depth - 1)})"
        return f"{self.any(depth - 1)} {self.pick('==', '!=')} {self.any(depth - 1)}"

    def closure(self, depth: int) -> str:
        """True or false for an element."""
        self.inside += 1
        body = self.pick(
            f"# {self.pick('>', '<', '==', '!=')} {self.number(0)}",
            f"# == {self.text(0)}",
            f".n {self.pick('>', '==')} {self.number(0)}",
            ".ok",
            f".name == {self.text(0)}",
            f"type(#) == {self.pick(repr('float'), repr('string'), repr('map'), repr('int'))}",
            "# != nil",
            self.truth(depth),
        )
        self.inside -= 1
        return f"{{{body}}}" if self.chance.random() < 0.4 else body

    def number(self, depth: int) -> str:
        chance = self.chance
        kind = chance.randrange(14 if depth > 0 else 6)
        if kind < 3:
            return self.pick("body.id", "body.size", "body.neg", "body.items[0].n", "body.missing", "body.numbers[1]", "body.big")
        if kind < 6:
            return self.pick("0", "1", "2", "4", "2.5", "-1", "0x10", "1e3", "10")
        if kind < 9:
            return f"({self.number(depth - 1)} {self.pick('+', '-', '*', '/', '%', '**', '-', '+')} {self.number(depth - 1)})"
        if kind == 9:
            return f"{self.pick('len', 'len', 'sum', 'mean', 'median', 'first', 'last')}({self.list(depth - 1)})"
        if kind == 10:
            return f"{self.pick('int', 'float', 'abs', 'ceil', 'floor', 'round')}({self.pick(self.number(depth - 1), self.text(0))})"
        if kind == 11:
            return f"{self.pick('count', 'findIndex', 'findLastIndex')}({self.list(depth - 1)}, {self.closure(depth - 1)})"
        if kind == 12:
            return f"({self.number(depth - 1)} ?? {self.number(0)})"
        return f"{self.pick('max', 'min')}({self.number(depth - 1)}, {self.number(0)})"

    def text(self, depth: int) -> str:
        chance = self.chance
        kind = chance.randrange(11 if depth > 0 else 5)
        if kind < 3:
            return self.pick("body.ref", "body.five", "body.empty", "body.é", "body.tags[0]", "body.items[1].name", "my_key", "body.nested?.a?.b?.c", "body.missing?.x")
        if kind < 5:
            return self.pick('"a"', "'refs/heads/main'", '"main"', '"5"', '""', "'é'", '"\\u00e9"')
        if kind == 5:
            return f"{self.pick('upper', 'lower', 'trim', 'string', 'toBase64')}({self.pick(self.text(depth - 1), self.text(0), self.number(0))})"
        if kind == 6:
            return f"({self.text(depth - 1)} + {self.text(depth - 1)})"
        if kind == 7:
            return f"{self.text(0)}[{self.pick('0', '1', '-2', '')}:{self.pick('3', '-1', '')}]".replace("\"[", "\"[")
        if kind == 8:
            return f"join({self.list(depth - 1)}, {self.pick(repr('-'), repr(''))})"
        if kind == 9:
            return f"replace({self.text(depth - 1)}, {self.text(0)}, {self.text(0)})"
        return f"({self.truth(depth - 1)} ? {self.text(depth - 1)} : {self.pick(self.text(0), 'nil')})"

    def list(self, depth: int) -> str:
        chance = self.chance
        kind = chance.randrange(12 if depth > 0 else 5)
        if kind < 3:
            return self.pick("body.numbers", "body.tags", "body.items", "body.mixed", "body.nothing", 'headers["X-Github-Event"]', "body.none")
        if kind < 5:
            return self.pick('["a", "b"]', "[1, 2, 4]", "1..3", "[]", "[1, 'a']", "[4.0, 2.5]", "0..-1", "[nil, 1]")
        if kind == 5:
            return f"filter({self.list(depth - 1)}, {self.closure(depth - 1)})"
        if kind == 6:
            return f"map({self.list(depth - 1)}, {self.pick('#', '# ', '#index', '.n', '.name', 'string(#)', '[#]', self.number(0), self.text(0))})"
        if kind == 7:
            return f"split({self.text(0)}, {self.pick(repr('/'), repr(''), repr(','))})"
        if kind == 8:
            return f"[{self.any(depth - 1)}, {self.any(depth - 1)}]"
        if kind == 9:
            return f"take({self.list(depth - 1)}, {self.pick('1', '2', '9', 'int(body.id)')})"
        if kind == 10:
            return f"sort({self.list(depth - 1)}{self.pick('', ', ' + repr('desc'))})"
        return f"({self.list(depth - 1)}){self.pick('[1:]', '[:2]', '[:-1]', '[:]')}"

    def any(self, depth: int) -> str:
        kind = self.chance.randrange(7)
        if kind == 0 and self.inside:
            return "#"
        if kind < 2:
            return self.number(depth)
        if kind < 4:
            return self.text(depth)
        if kind == 4:
            return self.list(depth)
        if kind == 5:
            return self.pick("nil", "body.none", "body.items[2].more", "{'a': 1}", "headers", "true")
        return f"({self.truth(depth - 1)})" if depth > 0 else "body.on"

    def value(self, depth: int) -> str:
        if self.chance.random() < 0.15:
            return f"let x = {self.any(depth - 1)}; {self.pick('x', '[x]', 'x == x', 'x ?? 1')}"
        if self.chance.random() < 0.15:
            return f"{self.list(depth - 1)} | {self.pick('len()', 'sum()', 'first()', 'map(#)', 'filter(# != nil)', 'join(' + repr(',') + ')')}"
        return self.any(depth)
