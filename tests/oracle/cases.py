"""Random questions for every engine, from a seed."""

import json
import random
from collections.abc import Iterator
from typing import Any

from condition_cases import condition_cases
from expr_cases import expr_cases
from expression_cases import expression_cases
from jq_cases import jq_cases
from jq_function_cases import jq_function_cases
from lua_cases import lua_cases
from lua_function_cases import lua_function_cases
from sprig_cases import sprig_cases
from window_cases import window_cases
from documents import KEYS, NUMBERS, TEXTS, document

FRIENDS = (
    '{"name":{"first":"Tom","last":"Anderson"},"age":37,"children":["Sara","Alex","Jack"],"fav.movie":"Deer Hunter",'
    '"friends":[{"first":"Dale","last":"Murphy","age":44,"nets":["ig","fb","tw"]},'
    '{"first":"Roger","last":"Craig","age":68,"nets":["fb","tw"]},'
    '{"first":"Jane","last":"Murphy","age":47,"nets":["ig","tw"]}],"arr":[1,2,3,"x",null,true],"vals":[{"b":true},{"b":"1"},{"b":0},{"b":null},{}]}'
)
FRIENDS_PATHS = """
name.last|age|children|children.#|children.1|child*.2|c?ildren.0|fav\\.movie|friends.#.first|friends.1.last|friends.#(last=="Murphy").first
friends.#(last=="Murphy")#.first|friends.#(age>45)#.last|friends.#(first%"D*").last|friends.#(first!%"D*").last|friends.#(nets.#(=="fb"))#.first
friends.#(age>45)#|friends.#.nets.#|friends.#.nets|friends.#.nets.0|friends.#[first=="Dale"]|arr.#(>1)|arr.#(>1)#|friends.#(nets.#>2)#|friends.#(age=="44")
name.{first,age:last}|..#|..0|..1|friends.@reverse|friends.@reverse.0.first|children.@reverse|@reverse|name.@keys|name.@values|friends.@flatten
{name.first,age,"the_murphys":friends.#(last="Murphy")#.first}|[name.first,age]|{age,x:name.{first,last}}|name.first.@tostr|name.@tostr|name.@tostr.@fromstr
friends.#.{first,age}|friends.#.[first,age]|friends.0.@pretty|name.@ugly|@this|@valid|@this.age|friends.@join|friends.@group|name.@dig:first|@dig:first|!"x"|!5|!true|!null
{a:!"x",b:!{"q":1}}|[!1,!2]|vals.#(b==~true)#|vals.#(b==~false)#|vals.#(b==~null)#|vals.#(b==~*)#|vals.#(b!=~*)#|vals.#(b!=~true)#|vals.#(b==~zzz)#|arr.#(=="x")|arr.#(!="x")#
arr.#(==null)#|arr.#(==true)#|friends.#()|friends.#()#|friends.#(|friends.#(first|friends.#(first)#.first|friends.#(first).last|friends.#(zz)|friends.#(zz)#
|.|..|...|a,b|name,age|@|!|@this.|@nope|@nope.x|@keys|zz.@keys|name.zz.@keys|arr.@flatten|arr.@flatten:{"deep":true}|@pretty:{"indent":"\\t"}|@pretty:{"sortKeys":true}
@pretty:{"width":20,"prefix":" "}|friends.#.age.@reverse|friends.#.first.0|friends.0.nets.-1|children.01|children.3|children.-1|children.18446744073709551616
name.*|*|?ge|*.first|na*.fi*|friends.#.f*|friends.#(f*=="Dale").last|friends.*.first|{"a":name}.a|[name,age].0|[name,age].#|{friends.#.first}.first.0
@this.name.@this.first|name.first.x|age.x|friends.#.zz|friends.#.zz.#|zz.#|name.#|friends.#.#|friends.#(age>=44)#.age|friends.#(age<=44)#.age|friends.#(age<47)#.age
friends.#(age!=44)#.age|friends.#(last<"D")#.last|friends.#(last>="M")#.first|friends.#(nets)#.first|friends.#(nets.0=="ig")#.first|friends.#(first == "Dale").age
friends.#(first="D\\"ale")|children.#(%"*a*")#|children.#(!%"*a*")#|children.#(%"?ack")|children.#(>"B")#|fav\\.movie.@tostr|friends.#(age>45)#.{first,age}
friends.#(age>45)#.nets.@flatten|friends.#.nets.@flatten|friends.#.nets.@flatten.#|@values.0|@values.@keys|name.@values.#|@fromstr|age.@fromstr|name.first.@fromstr|name.@join
"""


def _paths(text: str) -> Iterator[str]:
    for line in text.strip("\n").splitlines():
        yield from line.split("|")


PIPES = [
    "name|first", "friends|#", "friends|#.first", "friends.#|0", "friends.#.first|0", "friends.#.first|#", "friends|0|first", "friends.#(age>45)#|#",
    "friends.#(age>45)#.first|0", "friends.#(age>45)|first", "friends.#.nets|0", "friends.#.nets.0|1", "children|@reverse", "children|@reverse|0",
    "friends|@this|0.first", "zz|@keys", "name.zz|@keys", "zz.zz|@keys", "name|zz|@keys", "friends.#.{first|@tostr}", "{x:name|@keys}", "[children|0,age]",
    "friends.#.{first,x:age}|0.x", "name|", "|name", "||", "name|@this.", "friends|@reverse.0|last", "friends.#(nets.#(==\"ig\")|@this)#.first", "@this|name|@this|first",
    "friends.#.first|@reverse|0", "friends.#.nets.#(==\"ig\")|0", "@keys|#", "@values|0|first", "!\"a\"|@tostr", "![1,2]|#", "!{\"a\":1}|a", "!{\"a\":1}.a",
]  # fmt: skip


class PathWriter:
    """Writes random paths, most of which lead somewhere."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def key(self) -> str:
        chance = self.chance
        key = chance.choice(KEYS)
        kind = chance.randrange(12)
        if kind == 0 and key:
            return key[0] + "*"
        if kind == 1 and key:
            return "?" + key[1:]
        if kind == 2:
            return "*"
        return key.replace(".", "\\.").replace("*", chance.choice(["\\*", "*"])).replace("#", chance.choice(["\\#", "#"])).replace("@", chance.choice(["\\@", "@"]))

    def operand(self) -> str:
        chance = self.chance
        kind = chance.randrange(6)
        if kind == 0:
            return chance.choice(["~true", "~false", "~null", "~*", "true", "false", "null"])
        if kind < 3:
            return json.dumps(chance.choice(TEXTS), ensure_ascii=False)
        if kind == 3:
            return chance.choice(['"*"', '"*a*"', '"?"', '"D*e"', '"*\\\\*"', '"r*s/*/m*n"', '""', "D*"])
        return chance.choice(NUMBERS)

    def query(self, depth: int) -> str:
        chance = self.chance
        inner = "" if chance.random() < 0.3 else self.path(max(depth - 2, 1))
        if chance.random() < 0.2:
            comparison = ""
        else:
            operator = chance.choice(["==", "==", "=", "!=", "<", "<=", ">", ">=", "%", "!%"])
            blank = chance.choice(["", "", " "])
            comparison = f"{blank}{operator}{blank}{self.operand()}"
        return f"#({inner}{comparison}){chance.choice(['', '#'])}"

    def modifier(self) -> str:
        return self.chance.choice(
            ["@reverse", "@this", "@flatten", '@flatten:{"deep":true}', "@keys", "@values", "@join", '@join:{"preserve":true}', "@tostr", "@fromstr"]
            + ["@pretty", "@ugly", "@valid", "@group", "@dig:a", "@dig:name", '@pretty:{"sortKeys":true,"indent":" "}', "@dig:#"]
        )

    def multipath(self, depth: int) -> str:
        chance = self.chance
        members = [self.path(max(depth - 2, 1)) for _ in range(chance.randrange(1, 4))]
        if chance.random() < 0.5:
            return f"[{','.join(members)}]"
        return "{" + ",".join(chance.choice(["", "", "x:", '"y z":']) + member for member in members) + "}"

    def component(self, depth: int) -> str:
        chance = self.chance
        kind = chance.randrange(24)
        if kind < 11:
            return self.key()
        if kind < 15:
            return chance.choice(["0", "1", "2", "3", "-1", "00"])
        if kind < 17:
            return "#"
        if kind < 20:
            return self.query(depth)
        if kind < 22:
            return self.modifier()
        if kind < 23 and depth > 1:
            return self.multipath(depth)
        return chance.choice(['!"lit"', "!5", "!true", "!null", '!{"k":[1]}', "![1,2]"])

    def path(self, depth: int = 4) -> str:
        chance = self.chance
        parts = [self.component(depth) for _ in range(chance.randrange(1, depth + 1))]
        text = parts[0]
        for part in parts[1:]:
            text += chance.choice([".", ".", ".", ".", "|"]) + part
        return (".." if chance.random() < 0.02 else "") + text

    def through(self, value: Any) -> str:
        """A path that follows `value`."""
        chance = self.chance
        parts: list[str] = []
        while isinstance(value, dict | list) and value and (not parts or chance.random() < 0.85):
            if isinstance(value, dict):
                key = chance.choice(list(value))
                value = value[key]
                plain = chance.random() < 0.8 or not key
                escaped = "".join("\\" + character if character in ".*?|#@!\\" else character for character in key)
                parts.append(escaped if plain else key[:1] + "*")
            else:
                at = chance.randrange(len(value))
                value = value[at]
                parts.append(chance.choice([str(at), str(at), str(at), "#", self.query(3)]))
        if chance.random() < 0.25:
            parts.append(self.component(3))
        text = parts[0] if parts else self.path(2)
        for part in parts[1:]:
            text += chance.choice([".", ".", ".", ".", ".", "|"]) + part
        return text


def gjson_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    for path in [*_paths(FRIENDS_PATHS), *PIPES]:
        yield {"engine": "gjson", "document": FRIENDS, "path": path}
    chance = random.Random(seed)
    writer = PathWriter(chance)
    for _ in range(count):
        text = document(chance)
        path = writer.through(json.loads(text)) if chance.random() < 0.6 else writer.path()
        yield {"engine": "gjson", "document": text, "path": path}


DESTS = ["a.b", "a.0", "a.1", "a.-1", "-1", "a\\.b", "a.:1", "a..b", "", "a.", ".a", ":a", "0", "01", "a.-2", "a*", "a?", "#", "a.#", "a.#.b", "a|b", "@this", "a.@this", "a.#(b==1).c"]
DESTS += ["a.#(b==1)#.c", 'p.#(name=="x").value', "p.#.value", "0.a", "a.0.b", "a.2.c", "a.-1.x", "a.b.c.d", "metadata.labels.app\\.io/name", "a\\*b", "a.b\\", "{a}", "[a]", "!x", "a.:-1", ":0", "a:b", "é.日本", 'q"q', "3", "a.b\\.c.0"]
DEST_DOCUMENTS = ["", "{}", "[]", " ", "null", "5", '"x"', '{"a":1}', '{"a":[1]}', '{"a":{}}', '{"a":null}', '{"a":[]}', '{ "a" : [ 1 , 2 ] , "b" : { "c" : true } }', '[{"a":1},{"a":2}]', '{"a":[{"b":1,"c":2},{"b":2,"c":3},{"b":1}]}']
DEST_DOCUMENTS += ['{"p":[{"name":"x","value":1},{"name":"y","value":2}]}', '{"a":{"b":{"c":1}}}\n', '{"a":1,"a":2}', '{"a":"}"}', '[1, 2 ]', '{"a.b":1}', '{"0":1}']
RAWS = ["1", "null", "true", '"t"', "[1, 2]", '{"k": 1}', "1.50", "+Inf"]


def sjson_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    for text in DEST_DOCUMENTS:
        for path in DESTS:
            yield {"engine": "sjson", "document": text, "path": path, "text": "v"}
    chance = random.Random(seed)
    writer = PathWriter(chance)
    for _ in range(count):
        text = document(chance) if chance.random() < 0.8 else chance.choice(DEST_DOCUMENTS)
        kind = chance.random()
        if kind < 0.5 and text.strip():
            path = writer.through(json.loads(text))
        elif kind < 0.8:
            path = ".".join(chance.choice([*KEYS[:8], "0", "1", "3", "-1", ":1", "k\\.l", ""]) for _ in range(chance.randrange(1, 5)))
        else:
            path = writer.path(3)
        value = {"raw": chance.choice(RAWS)} if chance.random() < 0.5 else {"text": chance.choice([*TEXTS, "a<b", "\x7f", "tab\there<", "😀"])}
        yield {"engine": "sjson", "document": text, "path": path, **value}


TEMPLATE_DOCUMENT = (
    '{"name":"Tom Smith","n":5,"f":1.5,"big":1000000,"huge":12345678901234567890,"neg":-3,"zero":0,"b":true,"nb":false,"z":null,"s":"5","e":"",'
    '"l":[3,1,2],"words":["b","a","c","a"],"o":{"k":1,"j":"x"},"objs":[{"id":1,"t":"x"},{"id":2,"t":"y"}],"nested":{"a":{"b":{"c":"deep"}}},'
    '"time":"2024-07-05T13:00:00Z","b64":"aGVsbG8=","json":"{\\"q\\":[1,2]}","html":"<a href=\\"x\\">&</a>","multi":"a\\nb\\n","uni":"héllo 日本","csv":"a,b,,c","ver":"1.2.3","url":"https://u:p@h.io:8080/p/a?q=1#f"}'
)
TEMPLATES = r"""
plain text
{{ .Input }}
{{ .Input.name }}
{{ .Input.n }} {{ .Input.f }} {{ .Input.big }} {{ .Input.huge }} {{ .Input.neg }} {{ .Input.zero }}
{{ .Input.b }} {{ .Input.z }} {{ .Input.missing }} {{ .Input.e }}
{{ .Input.l }} {{ .Input.o }} {{ .Input.objs }}
{{ .Input.missing.deeper }}
{{ .Input.name.x }}
{{ .Input.l.x }}
{{ .Missing }}
{{ .Input.nested.a.b.c | upper | quote }}
{{- .Input.name -}} x {{- 1 }}
{{ if .Input.b }}yes{{ else }}no{{ end }}
{{ if .Input.zero }}yes{{ else if .Input.n }}n{{ else }}no{{ end }}
{{ with .Input.o }}{{ .k }}{{ end }}
{{ with .Input.missing }}x{{ else }}none{{ end }}
{{ range .Input.l }}{{ . }},{{ end }}
{{ range $i, $e := .Input.words }}{{ $i }}={{ $e }};{{ end }}
{{ range $k, $v := .Input.o }}{{ $k }}={{ $v }};{{ else }}empty{{ end }}
{{ range .Input.missing }}x{{ else }}empty{{ end }}
{{ range .Input.l }}{{ if eq . 1.0 }}{{ continue }}{{ end }}{{ . }}{{ end }}
{{ range .Input.l }}{{ if eq . 1.0 }}{{ break }}{{ end }}{{ . }}{{ end }}
{{ range 3 }}{{ . }}{{ end }}
{{ $x := .Input.n }}{{ $x = 7 }}{{ $x }}
{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" .Input.name }}
{{ block "u" .Input.n }}<{{ . }}>{{ end }}
{{ index .Input "name" }} {{ index .Input.l 1 }} {{ index .Input.objs 0 "t" }}
{{ index .Input.l 10 }}
{{ slice .Input.name 1 3 }}
{{ len .Input.l }} {{ len .Input.name }} {{ len .Input.o }}
{{ eq .Input.n 5 }}
{{ eq .Input.n 5.0 }} {{ ne .Input.n 5.0 }} {{ lt .Input.n 6.0 }} {{ ge .Input.n 5.0 }}
{{ lt .Input.n 6 }}
{{ eq 1 1.0 }}
{{ eq .Input.name "Tom Smith" "x" }}
{{ eq .Input.z nil }}
{{ and .Input.b .Input.n }} {{ or .Input.zero .Input.e "d" }} {{ not .Input.b }}
{{ printf "%s %v %d" .Input.name .Input.n .Input.n }}
{{ printf "%05d|%-5s|%5.2f|%x|%q|%t|%T" 42 "a" .Input.f 255 "q" true .Input.n }}
{{ printf "%d %s %v" .Input.f .Input.n .Input.z }}
{{ printf "%v %+v %#v" .Input.o .Input.o .Input.l }}
{{ printf "%g %e %.3f %6.1f" .Input.f .Input.big .Input.f .Input.f }}
{{ printf "%s" .Input.missing }}
{{ printf "%v" .Input.z }}
{{ printf "%d%%" 5 }} {{ printf "%s" }} {{ printf "%d" 1 2 }}
{{ print .Input.n .Input.name 1 2 "a" "b" }} {{ println "x" }}
{{ html .Input.html }} {{ js .Input.html }} {{ urlquery .Input.name }}
{{ .Input.n | int }} {{ .Input.big | int64 }} {{ .Input.f | int }} {{ .Input.s | int }} {{ int "08" }} {{ .Input.huge | int64 }}
{{ .Input.n | toString }} {{ .Input.big | toString }} {{ .Input.f | float64 }} {{ .Input.s | float64 }}
{{ toJson .Input.o }} {{ toJson .Input.l }} {{ toJson .Input.big }} {{ toJson .Input.huge }} {{ toJson .Input.html }}
{{ toPrettyJson .Input.o }} {{ toRawJson .Input.html }}
{{ (fromJson .Input.json).q }} {{ fromJson .Input.json | toJson }}
{{ fromJson "bad" }}
{{ mustFromJson "bad" }}
{{ .Input.name | upper | lower | title }} {{ untitle .Input.name }} {{ swapcase .Input.name }}
{{ .Input.name | trunc 3 }} {{ trunc -3 .Input.name }} {{ substr 1 3 .Input.name }} {{ abbrev 6 .Input.name }} {{ initials .Input.name }}
{{ trim "  x " }} {{ trimAll "-" "--x-" }} {{ trimSuffix "h" .Input.name }} {{ trimPrefix "Tom" .Input.name }} {{ nospace .Input.name }}
{{ repeat 3 "ab" }} {{ contains "om" .Input.name }} {{ hasPrefix "Tom" .Input.name }} {{ hasSuffix "x" .Input.name }}
{{ quote .Input.name }} {{ squote .Input.name }} {{ quote .Input.n }} {{ quote .Input.z }} {{ cat "a" 1 nil "b" }}
{{ indent 2 .Input.multi }}|{{ nindent 2 .Input.multi }}
{{ replace "o" "0" .Input.name }} {{ plural "one" "many" 2 }} {{ plural "one" "many" 1 }}
{{ snakecase "FirstName" }} {{ camelcase "http_server" }} {{ kebabcase "FirstName" }} {{ shuffle "" }}
{{ wrap 5 "hello big world" }} {{ wrapWith 5 "-" "hello big" }}
{{ regexMatch "^T.m" .Input.name }} {{ regexFind "[a-z]+" .Input.name }} {{ regexFindAll "[a-z]" .Input.name 3 }} {{ regexReplaceAll "o(.)" .Input.name "0${1}" }}
{{ "abc" | regexReplaceAll "b" "x" }}
{{ regexReplaceAllLiteral "o" .Input.name "$1" }} {{ regexSplit "," .Input.csv -1 }} {{ regexQuoteMeta "a.b" }}
{{ mustRegexMatch "(" "x" }}
{{ regexMatch "(" "x" }}
{{ splitList "," .Input.csv }} {{ split "," .Input.csv }} {{ (split "," .Input.csv)._1 }} {{ splitn "," 2 .Input.csv }}
{{ join "-" .Input.words }} {{ join "-" .Input.l }} {{ sortAlpha .Input.words }} {{ toStrings .Input.l }}
{{ list 1 "a" true }} {{ first .Input.l }} {{ last .Input.l }} {{ rest .Input.l }} {{ initial .Input.l }} {{ append .Input.l 9 }} {{ prepend .Input.l 9 }}
{{ concat .Input.l .Input.words }} {{ reverse .Input.l }} {{ uniq .Input.words }} {{ without .Input.words "a" }} {{ has "a" .Input.words }} {{ compact .Input.words }}
{{ slice .Input.l 1 2 }} {{ chunk 2 .Input.l }} {{ until 4 }} {{ untilStep 3 9 2 }} {{ seq 3 }} {{ seq 2 2 8 }}
{{ index (first .Input.objs) "t" }} {{ pluck "t" (first .Input.objs) }}
{{ dict "a" 1 "b" (list 1 2) }} {{ get .Input.o "k" }} {{ hasKey .Input.o "zz" }} {{ keys .Input.o | sortAlpha }} {{ values (dict "a" 1) }}
{{ $d := dict "x" 1 }}{{ $_ := set $d "y" 2 }}{{ $d }} {{ unset $d "x" }}
{{ pick .Input.o "k" }} {{ omit .Input.o "k" }} {{ merge (dict "a" 1) (dict "b" 2) }} {{ dig "a" "b" "c" "none" .Input.nested }} {{ dig "a" "x" "none" .Input.nested }}
{{ default "d" .Input.missing }} {{ default "d" .Input.e }} {{ default "d" .Input.zero }} {{ .Input.name | default "d" }} {{ empty .Input.e }} {{ coalesce .Input.z .Input.e "c" }}
{{ ternary "y" "n" .Input.b }} {{ .Input.b | ternary "y" "n" }} {{ all .Input.b .Input.n }} {{ any .Input.zero .Input.e }}
{{ add 1 2 }} {{ add 1.9 1.9 }} {{ sub 5 3 }} {{ mul 2 3 4 }} {{ div 7 2 }} {{ mod 7 3 }} {{ add1 .Input.n }} {{ max 1 5 3 }} {{ min 4 2 }} {{ add .Input.n 1 }}
{{ addf 1.5 2 }} {{ subf 5 1.5 }} {{ mulf 1.5 2 }} {{ divf 7 2 }} {{ round 3.14159 2 }} {{ ceil 1.2 }} {{ floor 1.8 }} {{ maxf 1.5 2 }} {{ minf 1.5 2 }}
{{ div 1 0 }}
{{ b64enc "x" }} {{ b64dec .Input.b64 }} {{ b64dec "!!" }} {{ b32enc "x" }} {{ b32dec "PA======" }}
{{ sha1sum "x" }} {{ sha256sum "x" }} {{ sha512sum "x" }} {{ adler32sum "x" }}
{{ md5sum "x" }}
{{ toDate "2006-01-02" "2024-07-05" | date "Jan 2, 2006" }} {{ .Input.time | toDate "2006-01-02T15:04:05Z07:00" | unixEpoch }}
{{ date "2006-01-02" 0 }} {{ dateInZone "2006-01-02 15:04" (toDate "2006-01-02T15:04:05Z07:00" .Input.time) "America/New_York" }} {{ duration 95 }} {{ durationRound "2h10m5s" }}
{{ (toDate "2006-01-02" "2024-07-05").Year }}
{{ toDate "2006-01-02" "2024-07-05" }}
{{ dateModify "-1h" (toDate "2006-01-02" "2024-07-05") | date "2006-01-02 15:04" }} {{ htmlDate 0 }}
{{ semver .Input.ver }} {{ semverCompare "^1.2.0" .Input.ver }} {{ (semver .Input.ver).Minor }}
{{ urlParse .Input.url }} {{ (urlParse .Input.url).host }} {{ base "/a/b.txt" }} {{ ext "b.txt" }} {{ dir "/a/b" }} {{ clean "a//b" }} {{ isAbs "/a" }}
{{ kindOf .Input.n }} {{ typeOf .Input.l }} {{ kindIs "string" .Input.name }} {{ typeIs "float64" .Input.n }} {{ kindOf .Input.z }} {{ typeOf .Input.o }}
{{ fail "no" }}
{{ deepEqual .Input.l .Input.l }} {{ atoi "12" }} {{ toDecimal 777 }} {{ hello }}
{{ .Input.uni | upper }} {{ len .Input.uni }} {{ .Input.uni | trunc 2 }} {{ .Input.uni | substr 0 3 }}
{{ /* comment */ }}x
{{ "a" }}{{ `raw` }}{{ 'c' }}{{ 1.5e3 }}{{ 0x1F }}{{ 1_000 }}{{ true }}
{{ nil }}
{{ .Input.name
{{ end }}
{{ if }}{{ end }}
{{ nofunc }}
{{ .Input.name | }}
{{ template "nope" }}
{{ range $i := until 3 }}{{ $i }}{{ end }}
{{ (index .Input.objs 1).t }} {{ (first .Input.objs).id }}
{{ $.Input.n }} {{ with .Input.o }}{{ $.Input.name }}{{ end }}
{{ .Input.n | printf "%.0f" }} {{ printf "%.2f" .Input.n }} {{ .Input.n | int | printf "%d" }}
{{ range $i, $o := .Input.objs }}{{ if $i }},{{ end }}{{ $o.id }}:{{ $o.t }}{{ end }}
{{ call .Input.name }}
{{ not .Input.missing }} {{ and }} x
{{ if and (eq .Input.name "x") (gt .Input.n 1.0) }}a{{ else }}b{{ end }}
{{ gt .Input.n 4.5 }} {{ le .Input.f 1.5 }} {{ eq .Input.b true }} {{ eq .Input.s "5" }}
{{ trimall "$" "$5$" }} {{ trunc 100 "x" }} {{ ternary 1 2 false }} {{ randAlpha 0 }}
{{ "x" | quote | quote }} {{ list "a" "b" | join "," | quote }} {{ .Input.words | join "" | upper | b64enc }}
{{ .Input.o.k | add 1 }} {{ .Input.o.k | add1 | int64 }} {{ .Input.l | len | add 1 }}
{{ range .Input.objs }}{{ .id }}{{ .missing }}{{ end }}
{{ .Input.objs | toJson }} {{ .Input | keys | len }} {{ tuple 1 2 }}
{{ (dict "a" (dict "b" 1)).a.b }} {{ (list 1 2 3) | last }} {{ list | empty }} {{ dict | toJson }}
{{ mustFirst (list) }}
{{ first (list) }}
{{ deepCopy .Input.o }} {{ mergeOverwrite (dict "a" 1) (dict "a" 2) }} {{ list nil "" 0 | compact }}
{{ .Input.big | printf "%v" }} {{ .Input.big | int | printf "%v" }} {{ 1000000.0 }} {{ 1e6 }} {{ 123456789.0 }} {{ 0.000001 }} {{ 0.0000001 }} {{ 1e21 }} {{ 1e20 }}
{{ .Input.z.deeper }}
{{ (.Input.missing).deeper }}
{{ $x := .Input.missing }}{{ $x.y }}
{{ with .Input.o }}{{ .missing.deeper.x }}{{ end }}
{{ .Input.missing.deeper.more }}
{{ if .Input.missing.deeper }}y{{else}}n{{ end }}
{{ .Input.missing.deeper | default "d" }}
{{ .Input.missing | quote }}
{{ index .Input "missing" | quote }}
{{ index .Input.missing "x" }}
{{ (index .Input "missing").x }}
{{ print .Input.missing .Input.z }}
{{ print nil }}
{{ println .Input.missing }}
{{ html .Input.missing }}
{{ .Input.z | html }}
{{ len .Input.missing }}
{{ range .Input.name }}x{{end}}
{{ range .Input.n }}x{{ end }}
{{ get .Input.missing "k" }}
{{ hasKey .Input.z "k" }}
{{ keys .Input.missing }}
{{ toJson .Input.missing }}
{{ .Input.missing | upper }}
{{ eq .Input.missing "x" }}
{{ eq .Input.missing nil }}
{{ ne .Input.missing "x" }}
{{ eq .Input.z .Input.missing }}
{{ slice .Input.missing 1 }}
{{ printf "%v %v" .Input.l nil }}
{{ printf "%5d|%-8s" .Input.l .Input.words }}
{{ "x".y }}
{{ .Input.name.Upper }}
{{ .Input.name.format }}
{{ printf "%q" .Input.words }}
{{ printf "%x" .Input.o }}
{{ printf "%T" .Input.missing }}
{{ semver "1.2.3-a" }}
{{ (toDate "2006-01-02" "2024-07-05").Month }} {{ (toDate "2006-01-02" "2024-07-05").Weekday }} {{ (toDate "2006-01-02" "2024-07-05").Unix }}
{{ (toDate "2006-01-02" "2024-07-05").Format "Jan 2" }} {{ (toDate "2006-01-02" "2024-07-05").YearDay }}
{{ (toDate "2006-01-02" "2024-07-05").UTC.UnixNano }}
{{ (toDate "2006-01-02" "2024-07-05").Nope }}
{{ printf "%s" (toDate "2006-01-02" "2024-07-05") }}
{{ toDate "2006-01-02" "2024-07-05" | toJson }}
"""


def template_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    lines = [line for line in TEMPLATES.strip("\n").splitlines()]
    for line in lines:
        yield {"engine": "template", "document": TEMPLATE_DOCUMENT, "template": line}
    chance = random.Random(seed)
    fields = ["name", "n", "f", "big", "b", "z", "s", "e", "l", "o", "words", "missing", "neg", "zero", "huge", "uni", "html"]
    filters = ["upper", "quote", "toString", "toJson", "int", "int64", "float64", "default \"d\"", "printf \"%v\"", "printf \"%s\"", "printf \"%d\"", "len", "empty", "kindOf", "typeOf", "trim", "b64enc", "first", "join \"-\"", "add 1", "mul 2", "squote", "title", "not", "print", "toStrings", "sha256sum", "trunc 2", "html", "round 1", "sortAlpha", "uniq", "reverse", "keys", "last"]  # fmt: skip
    for _ in range(count):
        expression = f".Input.{chance.choice(fields)}" + "".join(f" | {chance.choice(filters)}" for _ in range(chance.randrange(1, 4)))
        kind = chance.randrange(4)
        if kind == 0:
            template = f"{{{{ if {expression} }}}}yes{{{{ else }}}}no{{{{ end }}}}"
        elif kind == 1:
            template = f"{{{{ range {expression} }}}}[{{{{ . }}}}]{{{{ else }}}}none{{{{ end }}}}"
        else:
            template = f"a {{{{ {expression} }}}} b"
        yield {"engine": "template", "document": TEMPLATE_DOCUMENT, "template": template}


PATTERNS = ["a+b", "^x", "v|w", "refs/heads/main", "(?i)TOM", "\\d+", "[[:alpha:]]+", "\\p{L}", "(?P<n>x)", "(?<n>x)", "(?=a)", "\\1", "a{1000}", "a{1001}", "(", "[", "a**", "x{2,1}", "\\C", "\\Qa.b\\E", "\\z", "\\Z", "(?s).", "(?m)^b", "\\x41", "\\x{1F600}", "\\07", "a{,3}", "\\pN", "\\p{Foo}", "(?i:a)b", "(?-s).", "(?U)a+", "\\A\\w", "\\b\\w", "[a-", "[z-a]", "\\8", "\\y", "(?P=n)", "(?#x)", "a*+", "[^\\n]", "\\", "x*?", "(a|b)*c", "\\e", "\\cA", "\\R", "\\X", "\\h", "\\N", "\\u0041", "(?x)a b", "((a{100}){10}){10}", "(?P<n>a)(?P<n>b)", "(?P<>a)", "[[:foo:]]", "[\\d]", "\\/", "\\-", "é+", "."]  # fmt: skip


def regexp_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(seed)
    for pattern in PATTERNS:
        for text in ["", "aab", "Tom", "refs/heads/main", "x\nb", "日本", "A", "a.b"]:
            yield {"engine": "regexp", "pattern": pattern, "text": text}
    for _ in range(count):
        yield {"engine": "regexp", "pattern": pattern_text(chance), "text": "".join(chance.choices("abcx. \n", k=chance.randrange(8)))}


def pattern_text(chance: random.Random, depth: int = 2) -> str:
    """A random pattern that usually compiles."""
    pieces = []
    for _ in range(chance.randrange(1, 5)):
        kind = chance.randrange(10)
        if kind < 5:
            piece = chance.choice(["a", "b", "c", "x", "ab", "abc", "\\.", "\\n", " "])
        elif kind < 7 or depth == 0:
            piece = chance.choice([".", "[ab]", "[^a]", "\\w", "\\s", "^", "$", "\\b", "[[:digit:]a]"])
        else:
            inner = "|".join(pattern_text(chance, depth - 1) for _ in range(chance.choice([1, 1, 2])))
            piece = chance.choice(["(", "(?:", "(?P<g>", "(?i:", "("]) + inner + ")"
        pieces.append(piece + chance.choice(["", "", "", "", "*", "+", "?", "{2}", "{0,1}", "{1,}", "*?", "{0}"]))
    return chance.choice(["", "", "", "(?i)", "(?s)"]) * (depth == 2) + "".join(pieces)


STRCONV = ["", "1", "-1", "+1", "1.5", ".5", "5.", "1e3", "1E3", "1e", "inf", "-Inf", "+infinity", "nan", "NaN", "+nan", "1_000", "_1", "1__0", "1_", "0x1p4", "0x1P-2", "0x1", "0x_1p0", "0x1.8p1", "1_0.5", "1._5", "1e1_0", " 1", "1 ", "1e400", "-1e400", "1e-400", "0x1p99999", "infin", "t", "T", "true", "True", "TRUE", "tRUE", "f", "0", "F", "yes", "1e1000000", "٣", "0b1", "0o7", "1e+", "1d", "0x", "0x.8p1", "0x1_8p0", "0xp1", "1.5e3", "9007199254740993", "1e21", "123456789012345678901234567890", "0.000001", "1e-7", "5e-324", "1.7976931348623157e308", "2.5", "1.0", "100", "-0", "0.1"]  # fmt: skip


def strconv_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(seed)
    for text in STRCONV:
        yield {"engine": "strconv", "text": text}
    for _ in range(count):
        yield {"engine": "strconv", "text": repr(chance.choice([chance.uniform(-1e6, 1e6), chance.random() * 10 ** chance.randrange(-320, 308)]))}


GENERATORS = {"gjson": gjson_cases, "sjson": sjson_cases, "template": template_cases, "sprig": sprig_cases, "regexp": regexp_cases, "strconv": strconv_cases, "expression": expression_cases, "window": window_cases, "condition": condition_cases, "lua": lua_cases, "lua-functions": lua_function_cases, "jq": jq_cases, "jq-functions": jq_function_cases, "expr": expr_cases}
COUNTS = {"gjson": 4000, "sjson": 2500, "template": 900, "sprig": 3000, "regexp": 1200, "strconv": 400, "expression": 4000, "window": 1500, "condition": 3000, "lua": 1800, "lua-functions": 1500, "jq": 2500, "jq-functions": 2000, "expr": 5000}
