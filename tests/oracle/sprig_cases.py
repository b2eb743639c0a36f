"""Random questions about each function of Sprig and of text/template: arguments that fit it, and arguments that do not.

Left out is what changes from call to call, what reads the machine, and what `docs/differences.md` lists.
"""

import json
import random
from collections.abc import Iterator
from typing import Any

DOCUMENT = json.dumps({
    "s": "Tom Smith", "n": 5, "f": 1.5, "m": 1000000, "h": 12345678901234567890, "g": -3, "o": 0, "b": True, "nb": False, "z": None, "five": "5", "e": "",
    "l": [3, 1, 2], "w": ["b", "a", "c", "a", ""], "x": [1, "a", None, True, [2], {"k": "v"}], "el": [], "d": {"k": 1, "j": "x", "n": {"a": {"b": "deep"}}, "z": None, "e": ""},
    "ed": {}, "objs": [{"id": 1, "t": "x"}, {"id": 2, "t": "y"}], "uni": "héllo 日本", "ml": "a\nb\n", "fl": 2.5, "nf": -2.5, "big": 9007199254740993, "sm": 1e-7,
    "ls": ["10", "9", "1"], "date": "2024-07-05T13:00:00Z", "html": '<a href="x">&\'</a>', "emoji": "😀x",
})  # fmt: skip
SIGNATURES = """
hello ¦ abbrev i s ¦ abbrevboth i i s ¦ trunc i s ¦ trim s ¦ upper s ¦ lower s ¦ title s ¦ untitle s ¦ substr i i s ¦ repeat n s ¦ trimall s s ¦ trimAll s s ¦ trimSuffix s s ¦ trimPrefix s s ¦ nospace s
initials s ¦ swapcase s ¦ snakecase s ¦ camelcase s ¦ kebabcase s ¦ wrap n s ¦ contains s s ¦ hasPrefix s s ¦ hasSuffix s s ¦ quote a* ¦ squote a* ¦ cat a* ¦ indent n s ¦ nindent n s ¦ replace s s s
plural s s i ¦ sha1sum s ¦ sha256sum s ¦ sha512sum s ¦ adler32sum s ¦ toString a ¦ atoi s ¦ int64 a ¦ int a ¦ float64 a ¦ seq n* ¦ toDecimal a ¦ add1 a ¦ add a* ¦ sub a a ¦ div a a ¦ mod a a ¦ mul a a*
add1f a ¦ addf a* ¦ subf a a* ¦ divf a a* ¦ mulf a a* ¦ biggest a a* ¦ max a a* ¦ min a a* ¦ maxf a a* ¦ minf a a* ¦ ceil a ¦ floor a ¦ round a n ¦ join s l ¦ sortAlpha l ¦ default a a ¦ empty a ¦ coalesce a*
all a* ¦ any a* ¦ compact l ¦ mustCompact l ¦ fromJson s ¦ toJson a ¦ toPrettyJson a ¦ toRawJson a ¦ mustFromJson s ¦ mustToJson a ¦ mustToPrettyJson a ¦ mustToRawJson a ¦ ternary a a b ¦ deepCopy p
mustDeepCopy p ¦ typeOf a ¦ typeIs t a ¦ typeIsLike t a ¦ kindOf a ¦ kindIs t a ¦ deepEqual a a ¦ base s ¦ dir s ¦ clean s ¦ ext s ¦ isAbs s ¦ osBase s ¦ osClean s ¦ osDir s ¦ osExt s ¦ osIsAbs s ¦ b64enc s
b64dec e ¦ b32enc s ¦ b32dec e ¦ tuple a* ¦ list a* ¦ dict sa* ¦ get d k ¦ set d k p ¦ unset d k ¦ hasKey d k ¦ pluck k d* ¦ pick d k* ¦ omit d k* ¦ merge d d* ¦ mergeOverwrite d d* ¦ mustMerge d d*
mustMergeOverwrite d d* ¦ append l a ¦ push l a ¦ mustAppend l a ¦ mustPush l a ¦ prepend l a ¦ mustPrepend l a ¦ first l ¦ mustFirst l ¦ rest l ¦ mustRest l ¦ last l ¦ mustLast l ¦ initial l ¦ mustInitial l
reverse l ¦ mustReverse l ¦ uniq l ¦ mustUniq l ¦ without l a* ¦ mustWithout l a* ¦ has a l ¦ mustHas a l ¦ slice l 2* ¦ mustSlice l 2* ¦ concat l* ¦ dig k k a d ¦ chunk n l ¦ mustChunk n l ¦ semver v
semverCompare c v ¦ semverCompare C v ¦ semverCompare C v ¦ regexMatch r s ¦ regexFind r s ¦ regexFindAll r s n ¦ regexReplaceAll r s R ¦ regexReplaceAllLiteral r s R ¦ regexSplit r s n ¦ regexQuoteMeta s
mustRegexMatch r s ¦ mustRegexFind r s ¦ mustRegexFindAll r s n ¦ mustRegexReplaceAll r s R ¦ mustRegexReplaceAllLiteral r s R ¦ mustRegexSplit r s n ¦ urlParse u ¦ urlJoin U ¦ split s s ¦ splitList s s
splitn s n s ¦ toStrings l ¦ until n ¦ untilStep n n n ¦ toDate L D ¦ mustToDate L D ¦ htmlDate S ¦ htmlDateInZone S z ¦ date L S ¦ dateInZone L S z ¦ date_in_zone L S z ¦ duration a ¦ durationRound p
unixEpoch T ¦ dateModify du T ¦ date_modify du T ¦ mustDateModify du T ¦ must_date_modify du T ¦ len a ¦ index a a* ¦ print a* ¦ println a* ¦ printf F A* ¦ html a* ¦ js a* ¦ urlquery a* ¦ eq a a* ¦ ne a a
lt a a ¦ le a a ¦ gt a a ¦ ge a a ¦ and p p* ¦ or p p* ¦ not p ¦ fail s
"""
ROWS = [(name, kinds) for line in SIGNATURES.strip().splitlines() for name, *kinds in [part.split() for part in line.split("¦")]]


def _listed(text: str) -> list[str]:
    return [part.strip() for line in text.strip().splitlines() for part in line.split("¦")]


FITTING = {
    "s": _listed(r"""
"" ¦ "a" ¦ "abc" ¦ "Hello World" ¦ "foo_bar-baz Qux" ¦ "HTTPServer2Go" ¦ " x " ¦ "a,b,,c" ¦ "," ¦ "é" ¦ "日本語" ¦ "ß" ¦ "İ" ¦ "ǆ" ¦ "😀" ¦ "a\nb\r\n" ¦ "\t" ¦ "5" ¦ "-3" ¦ "08" ¦ "0x1f" ¦ "1.5" ¦ "1e3" ¦ "true"
"1_000" ¦ "nil" ¦ "<no value>" ¦ "$1${1}" ¦ "a.b" ¦ "/a/../b//c.txt" ¦ "../x" ¦ "/" ¦ "." ¦ "c.tar.gz" ¦ ".hidden" ¦ "{\"a\":[1,2.50,\"<\"]}" ¦ "[1," ¦ "null" ¦ "\u00e9\u0301" ¦ "\x00" ¦ "\\" ¦ "it's \"q\"" ¦ "don't stop-me now"
"XMLHttpRequest" ¦ "one  two   three" ¦ "aaa" ¦ "12345678901234567890" ¦ `raw\n` ¦ "Ａ" ¦ "\u2028" ¦ "<&>" ¦ "9223372036854775807" ¦ "9223372036854775808" ¦ "+5" ¦ " 5" ¦ "5 " ¦ "1e400" ¦ "NaN" ¦ "Inf" ¦ "0b11" ¦ "0o17" ¦ "017"
"1." ¦ ".5" ¦ "٣" ¦ .Input.s ¦ .Input.five ¦ .Input.e ¦ .Input.ml ¦ .Input.html ¦ .Input.date ¦ .Input.missing"""),
    "e": _listed(r'"aGVsbG8=" ¦ "aGVsbG8" ¦ "aGVs\nbG8=" ¦ "ME======" ¦ "!!" ¦ "" ¦ "w6k=" ¦ "aGVsbG8==" ¦ "YQ=" ¦ "8J+YgA=="'),
    "i": _listed("0 ¦ 1 ¦ 2 ¦ 3 ¦ -1 ¦ 5 ¦ 10 ¦ -5 ¦ 100 ¦ 7 ¦ 0x1F ¦ 017 ¦ 1_000 ¦ 4.0 ¦ 1e1 ¦ .Input.n ¦ .Input.h ¦ (add 1 2) ¦ (int 3)"),
    "n": _listed("0 ¦ 1 ¦ 2 ¦ 3 ¦ -1 ¦ 5 ¦ 10 ¦ 4 ¦ -2 ¦ 2.0"),
    "2": ["0", "1", "2"],
    "b": ["true", "false", ".Input.b", ".Input.nb"],
    "l": _listed("""
.Input.l ¦ .Input.w ¦ .Input.x ¦ .Input.el ¦ .Input.ls ¦ .Input.objs ¦ (list 1 2 3) ¦ (list "a" "b" "a") ¦ (list) ¦ (list nil "" 0 false) ¦ (list 1 2.0 "3") ¦ (until 3) ¦ (list (list 1 2) (list 3)) ¦ (splitList "," "c,a,b")
(list (dict "a" 1) (dict "b" 2)) ¦ (list 1.5 2.5 1.5) ¦ (tuple 1 "a") ¦ (sortAlpha .Input.w) ¦ (list true false) ¦ (list (int64 1) 1 1.0)"""),
    "d": _listed("""
.Input.d ¦ .Input.ed ¦ (dict "a" 1 "b" "x") ¦ (dict) ¦ (dict "a" (dict "b" 2) "c" (list 1)) ¦ (dict "k" nil) ¦ (dict "a" "" "b" 0) ¦ (split "," "a,b") ¦ (dict 1 2) ¦ (urlParse "http://u:p@h:80/p?q#f") ¦ (dict "k")"""),
    "v": _listed("""
"1.2.3" ¦ "v1.2.3" ¦ "1.2" ¦ "1" ¦ "1.2.3-alpha.1" ¦ "1.2.3+build" ¦ "1.2.3-beta+x.y" ¦ "x" ¦ "" ¦ "1.2.3.4" ¦ "01.2.3" ¦ "1.2.3-01" ¦ "v1" ¦ "1.x" ¦ "0.0.0" ¦ "2.0.0-rc.1" ¦ " 1.2.3" ¦ "1.10.0" ¦ "99999999999999999999.0.0" ¦ "-1.0.0"
"v2.0.0+a" ¦ "0.2.3" ¦ "0.0.3" ¦ "0.1.0\""""),
    "c": _listed("""
"1.2.3" ¦ "^1.2.0" ¦ "~1.2" ¦ ">=1.2 <2" ¦ ">1, <3" ¦ "1.x" ¦ "*" ¦ "1.2.x || 2.0" ¦ "!=1.2.3" ¦ "=1.2" ¦ ">= 1.2.3-0" ¦ "^0.2" ¦ "^0.0.3" ¦ "~> 1" ¦ "1.2 - 2.3" ¦ "=<2" ¦ "=>1" ¦ "x" ¦ "" ¦ "<1.2.3-beta" ¦ ">" ¦ "^1.2.3-alpha"
"1.2.3 || " ¦ "v1.2" ¦ ">=1.x" ¦ "<=1.2" ¦ "^*" ¦ "~0" ¦ "!=1.x\""""),
    "u": _listed(r"""
"http://u:p@h.io:8080/p/a?q=1#f" ¦ "http://h" ¦ "/a/b" ¦ "" ¦ "mailto:a@b" ¦ "http://[::1]:80/" ¦ "http://h/%zz" ¦ "http://h/a%20b?x=%20#y z" ¦ "h:80" ¦ "//h/p" ¦ "http://h:port/" ¦ "a b" ¦ "http://u@h" ¦ "http://:p@h" ¦ "HTTP://H/"
"http://é/é?é#é" ¦ "http://h/a?" ¦ "http://h/#" ¦ ":x" ¦ "file:///a" ¦ "http://h/a b" ¦ "?q" ¦ "#f" ¦ "x:/a/../b" ¦ "http://h\n" ¦ "1http://x" ¦ "http://h?a=b?c" ¦ "http://h/%2f\""""),
    "U": _listed("""
(dict "scheme" "http" "host" "h" "path" "/p" "query" "q=1" "fragment" "f" "userinfo" "u:p") ¦ (dict "host" "h") ¦ (dict "scheme" "https" "host" "h:80" "path" "p") ¦ (dict) ¦ (urlParse "http://u:p@h/p?q#f") ¦ (dict "userinfo" "a:b:c" "host" "h")
(dict "path" "/a b" "scheme" "http" "host" "h") ¦ (dict "scheme" "mailto" "opaque" "a@b") ¦ (dict "host" 1) ¦ (dict "scheme" "http" "host" "é" "path" "/é" "query" "a b" "fragment" "x y")"""),
    "L": _listed("""
"2006-01-02" ¦ "2006-01-02T15:04:05Z07:00" ¦ "Jan 2, 2006" ¦ "Mon, 02 Jan 2006 15:04:05 MST" ¦ "15:04:05.000" ¦ "3:04PM" ¦ "02.01.06" ¦ "Monday January _2" ¦ "2006-01-02 15:04:05 -0700" ¦ "" ¦ "x" ¦ "2006" ¦ "1/2/06" ¦ "15h" ¦ "002"
"2006-01-02T15:04:05.999999999Z07:00" ¦ "__2" ¦ "Z0700" ¦ "-07:00:00" ¦ ".000" ¦ "05,999" ¦ "pm" ¦ "MST" ¦ "2006-002\""""),
    "D": _listed("""
"2024-07-05" ¦ "2024-07-05T13:04:05Z" ¦ "2024-07-05T13:04:05+02:00" ¦ "2024-02-30" ¦ "Jul 5, 2024" ¦ "Fri, 05 Jul 2024 13:04:05 GMT" ¦ "13:04:05.123" ¦ "1:04PM" ¦ "05.07.24" ¦ "2024-07-05 13:04:05 -0500" ¦ "" ¦ "x" ¦ "2024" ¦ "7/5/24"
"2024-7-5" ¦ "2024-12-31T23:59:60Z" ¦ "2024-07-05T13:04:05.123456789Z" ¦ "2024-187" ¦ "Fri, 05 Jul 2024 13:04:05 CET" ¦ "0001-01-01" ¦ "9999-12-31\""""),
    "z": ['"UTC"', '""', '"America/New_York"', '"Europe/Zurich"', '"Nowhere/X"', '"Local"', '"Asia/Kathmandu"', '"EST"'],
    "T": _listed("""
(toDate "2006-01-02" "2024-07-05") ¦ (toDate "2006-01-02T15:04:05Z07:00" "2024-07-05T13:04:05+02:00") ¦ (toDate "2006-01-02T15:04:05Z07:00" "2024-07-05T13:04:05.123456789Z") ¦ (toDate "x" "y") ¦ (toDate "2006-01-02" "1969-12-31")
(toDate "Mon, 02 Jan 2006 15:04:05 MST" "Fri, 05 Jul 2024 13:04:05 CET") ¦ ((toDate "2006-01-02" "2024-01-31").AddDate 0 1 0)"""),
    "S": _listed('0 ¦ 1720184645 ¦ -1 ¦ (int64 "1720184645") ¦ (toDate "2006-01-02" "2024-07-05") ¦ (toDate "2006-01-02T15:04:05Z07:00" "2024-07-05T13:04:05.5+02:00") ¦ 253402300800 ¦ -62135596800 ¦ (int 5)'),
    "du": ['"1h"', '"-1.5h"', '"1h2m3s"', '"x"', '""', '"100ms"', '"24h"', '"+1m"', '"1d"', '"-720h"', '"1ns"', '"876000h"'],
    "k": ['"k"', '"a"', '"b"', '"nope"', '""', '"n"', '"j"', '"z"'],
    "t": _listed('"string" ¦ "int" ¦ "float64" ¦ "map" ¦ "slice" ¦ "bool" ¦ "map[string]interface {}" ¦ "[]interface {}" ¦ "[]string" ¦ "nil" ¦ "invalid" ¦ "int64" ¦ "" ¦ "ptr" ¦ "time.Time"'),
    "R": ['"x"', '""', '"$1"', '"${1}"', '"$0"', '"[$0]"', '"$g"', '"${g}y"', '"$1x"', '"$$"', '"$"', '"${"', '"é"', '"$2"', '"${g"', '"$01"'],
    "F": _listed("""
"%v" ¦ "%s" ¦ "%d" ¦ "%q" ¦ "%x" ¦ "%X" ¦ "%5d" ¦ "%-5s|" ¦ "%05d" ¦ "%+d" ¦ "%.2f" ¦ "%e" ¦ "%g" ¦ "%t" ¦ "%T" ¦ "%c" ¦ "%U" ¦ "%b" ¦ "%o" ¦ "%O" ¦ "%#x" ¦ "%#v" ¦ "%+v" ¦ "%%" ¦ "%" ¦ "%!" ¦ "%z" ¦ "%v %v" ¦ "%[2]v %[1]v" ¦ "%[1]d %[1]s"
"%6.2f|" ¦ "%+q" ¦ "%#q" ¦ "% d" ¦ "% x" ¦ "%#o" ¦ "%08.3f" ¦ "%.3s" ¦ "%10.3v|" ¦ "%x %X" ¦ "%G" ¦ "%E" ¦ "%F" ¦ "%w" ¦ "%[3]d" ¦ "%[x]d" ¦ "%-08d" ¦ "%+.3e" ¦ "%#g" ¦ "%.0f" ¦ "%20s|" ¦ "é%vé" ¦ "%5t|" ¦ "%5c|" ¦ "%.1q" ¦ "%#U"
"%[1]*d" ¦ "%#+q" ¦ "%+s" ¦ "%#X" ¦ "% X" ¦ "%030q" ¦ "%-30q|" ¦ "%+.2f" ¦ "%010.1e" ¦ "%x" ¦ "%#.3x" ¦ "%#+v" ¦ "%6v|" ¦ "%-6v|" ¦ "%06v|" ¦ "%+v|\""""),
}  # fmt: skip
"""What fits a parameter; what stands for a time is the same each time it is asked."""
PLAIN = _listed("""
.Input.s ¦ .Input.n ¦ .Input.f ¦ .Input.m ¦ .Input.h ¦ .Input.g ¦ .Input.o ¦ .Input.b ¦ .Input.nb ¦ .Input.z ¦ .Input.five ¦ .Input.e ¦ .Input.l ¦ .Input.w ¦ .Input.x ¦ .Input.el ¦ .Input.d ¦ .Input.ed ¦ .Input.objs ¦ .Input.uni ¦ .Input.fl
.Input.nf ¦ .Input.big ¦ .Input.sm ¦ .Input.missing ¦ .Input.d.n ¦ .Input.d.missing ¦ (index .Input.x 2) ¦ "abc" ¦ "" ¦ "5" ¦ 0 ¦ 1 ¦ -5 ¦ 1.5 ¦ 0.0 ¦ 1e3 ¦ 1e21 ¦ -0.0 ¦ 3.14159 ¦ 1e300 ¦ 123456789.123 ¦ 2.675 ¦ 'x' ¦ true ¦ false""")
ANY = [*PLAIN, "nil", ".Input", ".", '(toDate "2006-01-02" "2024-07-05")', "(int64 5)", "(until 3)", '(splitList "," "a,b")', '(dict "a" nil)', "(list nil 1)"]
NOT_PIPED = ("nil", "4.0", "1e1", "2.0", "1e3", "0.0", "-0.0", "1e21", "1e300")
"""A literal that is nil, or a whole number with a point, is another value at the head of a pipe."""
CUTTING = ("trunc", "substr", "abbrev", "abbrevboth")
ENDS = ["", "", "", "", " | toJson", " | quote", ' | printf "%v"', " | kindOf", " | typeOf", " | len"]


def sprig_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """The functions in turn."""
    from cases import PATTERNS, pattern_text

    chance = random.Random(f"sprig {seed}")

    def version() -> str:
        numbers = ".".join(chance.choice(["0", "1", "2", "3", "10", "0", "1", "2", "x", "*", "01", ""]) for _ in range(chance.randrange(1, 4)))
        return chance.choice(["", "", "", "v"]) + numbers + chance.choice(["", "", "", "-alpha", "-alpha.1", "-rc.1", "-0", "-01", "+b", "-a-b+c"])

    def constraint() -> str:
        if chance.random() < 0.1:
            return f"{version()}{chance.choice([' - ', ' -', '- '])}{version()}"
        operators = ["", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "^", "~", "==", "?"]
        one = [chance.choice(operators) + chance.choice(["", " "]) + version() for _ in range(chance.choice([1, 1, 2, 3]))]
        return chance.choice([", ", " ", ",", " || ", "||"]).join(one)

    def argument(kind: str) -> str:
        if kind == "a" or (chance.random() < 0.1 and kind not in "LzF2deRCDSpAU" and kind != "du"):
            return chance.choice(ANY) if chance.random() < 0.7 else chance.choice(FITTING[chance.choice("slkn")])
        if kind == "A":
            return chance.choice([one for one in ANY if "toDate" not in one])
        if kind == "p":
            return chance.choice(PLAIN)
        if kind == "r":
            return json.dumps(chance.choice(PATTERNS) if chance.random() < 0.25 else pattern_text(chance))
        if kind == "C":
            return json.dumps(constraint())
        if kind == "v" and chance.random() < 0.6:
            return json.dumps(version())
        return chance.choice(FITTING[kind])

    for number in range(count):
        name, kinds = ROWS[number % len(ROWS)]
        arguments: list[str] = []
        for kind in kinds:
            if kind == "sa*":
                arguments += [argument(chance.choice("sa" if at % 2 else "k")) for at in range(chance.choice([0, 2, 2, 3, 4]))]
            elif kind.endswith("*"):
                arguments += [argument(kind[:-1]) for _ in range(chance.choice([0, 1, 1, 2, 2, 3]))]
            else:
                arguments.append(argument(kind))
        if chance.random() < 0.03 and name not in ("slice", "mustSlice"):
            arguments = arguments[:-1]
        if arguments and chance.random() < 0.3 and arguments[-1] not in NOT_PIPED:
            text = f"{arguments[-1]} | {name} {' '.join(arguments[:-1])}".rstrip()
        else:
            text = f"{name} {' '.join(arguments)}".rstrip()
        # A cut within a character shows its bytes there, and U+FFFD here.
        end = "" if name in CUTTING and not text.isascii() else chance.choice(ENDS)
        yield {"engine": "template", "document": DOCUMENT, "template": f"{{{{ {text}{end} }}}}"}
