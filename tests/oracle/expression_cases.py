"""Random questions for the language of filter expressions, from a seed."""

import random
from collections.abc import Iterator
from typing import Any

NAMES: dict[str, Any] = {
    "a": "x",
    "b": True,
    "c": 10,
    "d": 2.5,
    "e": False,
    "z": None,
    "s": "refs/heads/main",
    "l": [1, 2, 3],
    "t": ["x", "y"],
    "o": {"k": 1, "j": "v"},
    "big": 1e21,
    "neg": -3,
    "date": "2024-01-02",
    "my-var": 5,
    "my var": "sp",
    "empty": "",
    "n5": "5",
}
LISTED = """
c > 5|c>5|c>-5|c > -5|c==-10|c--5|c - -5|!!e|!(!e)|!b|!c|-c|-a|~c|~-1|2 ** 3 ** 2|-2 ** 2|2 ** -1|10 - 3 - 2|100 / 10 / 5|7 % 4 % 2|1 + 2 * 3|(1 + 2) * 3|1 << 2 + 1|8 >> 1 << 1
5 & 3 == 1|5 | 2 == 7|1 ^ 3|c & 3|c == 10 && a == "x"|a == "x" || nope|nope || a == "x"|e && nope|b || nope|nope && e|a && b|c || b|b && c|b ? 1 : 2|e ? 1 : 2|b ? 1|e ? 1|b ? e : 2|b ? z : 3
c ? 1 : 2|b ? 1 : e ? 2 : 3|e ? 1 : b ? 2 : 3|e ? 1 : e ? 2 : 3|z ?? 5|c ?? 5|z ?? z|z ?? c == 10|c == 10 ?? b|a in ("x", "y")|a in ("b")|a in ()|c in (10)|c in (1, 10)|a IN ("x","y")|a in t|c in l|a in l|l in (1, 2)
1 in l|"x" in t|a in o|z in (1, 2)|l == (1,2,3)|l == l|t == ("x","y")|o == o|z == z|z != 1|z == 1|'' + z == '<nil>'|z > 1|z =~ "x"|!z|z && b|z + 1|z + "x"|"a" + 5|5 + "a"|'' + 1000000|'' + 123456|'' + 0.00001
'' + l|'' + o|'' + b|'' + d|1 + b|b + 1|l + "x"|l + 1|"5" == 5|c == 10.0|5 == "5"|a == 'x'|a == "x'|"it's"|'it\\'s'|'a\\nb'|s =~ "\\\\d"|s =~ "\\d"|s =~ "^refs/heads/"|s !~ "main$"|s =~ a|a =~ s|s =~ "("|s =~ t|c =~ "1"|a =~ "x" + "y"
.5 == 0.5|c > .5|c > 10.|10. == 10|010 == 10|1e1|1_0|0b1|+10|0x10|0x10 + 1|0x|0xg|c == 0x0A|1.2.3|date == "2024-01-02"|date > "2024-01-02"|"2024-01-02" == 1704153600|"2024-01-02 03:04" > 5|"3:04PM" < 0|"Mon Jan 2 15:04:05 2006"
"2024-13-45"|"2024-01-02T03:04:05Z"|"2024-01-02T03:04:05.5Z"|"2024-01-02T03:04:05+02:00"|"2024-01-02T03:04:05+0200"|"2024-01-02T03Z"|"2024-01-02T03:04Z"|"Mon Jan  2 15:04:05 MST 2006"|"Mon Jan 02 15:04:05 -0700 2006"|"2024-02-30"|"2024-01-02 03:04:05-07:00"
"2024-01-02" ? 1 : 2|[my-var] == 5|[my var] == "sp"|my\\-var == 5|my-var|_a|a_b|[a] == "x"|[a|a]|é|o.k|o.K|o.K == 1|o.|o..K|o.1|b || o.K|e && o.K(1) || b|o.K(1)|nope.K|f(1)|a(1)|true|false|true && false|nil|null|True|TRUE
(a)|((a))|(((c > 5)))|()|(|)|a)(b|(a)(b)|(a) b|((a) b) && e|(a + )|(a == )|(c + )|a +|+ a|a b|a "x"|"a" "b"|1 2|,|a,b|(a,b)|(1,2,3)|(1,(2,3))|((1,2),3)|1,2|a ,|(,a)|a == "x", b|a = "x"|a === "x"|a <> b|a and b|a or b|not a|a & & b|a &&& b
a && && b|a || || b|a ! b|! |-|~|!|a !|c -|c !== 5|a==“x”|#|@|$a|a;b|{}|a[0]|l[0]|[a|]|"unclosed|'unclosed|\\|a\\|\\a|"a\\"|`a`|"tab\there"|a\n==\n"x"| | a == "x" |c>=10|c<=10|c<10|a < "y"|a >= "x"|a > 1|l > 1|b > e|b == e|b != e|b < e
1/0|-1/0|0/0|1 % 0|0/0 == 0/0|big == 1e21|'' + big|'' + 1/0|'' + (-1/0)|'' + 0/0|2 ** 1024|(0-8) ** 0.5|0 ** -1|c & 2.9|neg & 7|neg << 1|neg >> 1|1 << 64|1 << 63|1 >> 70|~big|big & 1|d % 2|neg % 2|7.5 % -2|-7 % 3|a * 2|2 * a|a - 1|l * 2|z * 2|b * 2
!(a == "x") && b|!a == "x"|-c + 5|- c|! b|~ 5|-(-5)|-(c)|!(b && e) || nope|a == "x" == b|1 < 2 < 3|1 < 2 == b|c == 10 == b|a == "x" && c == 10 || e|e || a == "x" && c == 10|e && e || b|b || e && e|(b || e) && e|n5 == "5"|n5 > 4|n5 > "4"|empty == ""|'' == ""|empty ?? 5|1 ? 2 : 3
c == 10 ? "ten" : "other"|(c == 10 ? "ten" : "other") == "ten"|c == 10 ? a == "x" : e|b ? (e ? 1 : 2) : 3|b ? "2024-01-02" : 1|b ? 1 : (2, 3)|b ? , 1|(b ? 1 : 2) + 1|a in ("x", "y") && b|!(a in ("x","y"))|! a in ("x","y")|"\u00e9" == "é"|'日本' =~ "^\\\\p{Han}+$"
0x1p4|0x1F|0xFFFFFFFFFFFFFFFF|0x1FFFFFFFFFFFFFFFF|1.|.|..|1..2|٣|a٣|ａ|c==10|c ==10|c== 10|c&&b|b&&b|b||e|b&&!e|b&& !e|b && !e|(b)&&(!e)|a=="x"&&b|a=="x"&& !e|c>5&&c<20|c>(-5)|c>5||nope|10>c|5<c|"x"==a|true==b|c*2>15|c*-1|c* -1|c/-2|c**2|c%3
"""


def expression_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    for line in LISTED.strip("\n").splitlines():
        for text in line.replace("||", "\0").split("|"):
            yield _case(text.replace("\0", "||"))
    chance = random.Random(seed)
    for number in range(count):
        writer = _Writer(chance)
        text = writer.expression(4) if number % 4 == 0 else writer.truth(4)
        if number % 8 == 1:
            text = _damaged(chance, text)
        yield _case(text)


def _case(text: str) -> dict[str, Any]:
    return {"engine": "expression", "expression": text, "names": NAMES}


def _damaged(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    kind = chance.randrange(3)
    if kind == 0:
        return text[:at] + text[at + 1 :]
    piece = chance.choice(["(", ")", " ", "&&", "||", "!", "-", "'", '"', "\\", ".", ",", "?", ":", "=", "a", "5", "[", "]", " in ", "~", "+"])
    return text[:at] + piece + text[at + (kind == 2) :]


class _Writer:
    """Writes expressions, most of which make sense."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def blank(self) -> str:
        return self.chance.choice(["", " ", " ", " ", "  "])

    def name(self) -> str:
        return self.chance.choice(["a", "b", "c", "d", "e", "z", "s", "l", "t", "o", "neg", "date", "[my-var]", "my\\-var", "[my var]", "empty", "n5", "nope", "big"])

    def literal(self) -> str:
        texts = ["x", "refs/heads/main", "", "5", "2024-01-02", "y", "^refs", "x|y", "\\\\d+", "it\\'s", "v", "(", "[a-z]+$"]
        kind = self.chance.randrange(8)
        if kind < 3:
            return self.chance.choice(["0", "1", "2", "10", "2.5", "0x10", "5.", "1000000", "0.1", "3"])
        if kind < 6:
            quote = self.chance.choice("'\"")
            return f"{quote}{self.chance.choice(texts)}{quote}"
        return self.chance.choice(["true", "false"])

    def operand(self, depth: int) -> str:
        kind = self.chance.randrange(12)
        if depth <= 0 or kind < 5:
            return self.name() if self.chance.random() < 0.6 else self.literal()
        if kind < 8:
            return f"({self.expression(depth - 1)})"
        if kind < 10:
            return self.chance.choice(["!", "-", "~"]) + self.blank() + self.operand(depth - 1)
        if kind < 11:
            elements = [self.literal() for _ in range(self.chance.randrange(4))]
            return f"({', '.join(elements)})"
        return self.name()

    def expression(self, depth: int) -> str:
        text = self.operand(depth)
        for _ in range(self.chance.choice([0, 1, 1, 1, 2, 2, 3])):
            symbol = self.chance.choice(
                ["+", "-", "*", "/", "%", "**", "&", "|", "^", ">>", "<<", "==", "==", "!=", ">", ">=", "<", "<=", "=~", "!~", "&&", "&&", "||", "||", "??", "?", ":", " in ", ","]
            )
            if symbol == "?" and self.chance.random() < 0.8:
                text += f" ? {self.operand(depth - 1)} : {self.operand(depth - 1)}"
            else:
                text += f"{self.blank()}{symbol}{self.blank()}{self.operand(depth - 1)}"
        return text

    def truth(self, depth: int) -> str:
        """An expression that is true or false, and only seldom an error."""
        chance = self.chance
        kind = chance.randrange(9 if depth > 0 else 5)
        if kind == 0:
            return chance.choice(["b", "e", "true", "false"])
        if kind == 1:
            return f"{self.number(depth - 1)} {chance.choice(['==', '!=', '>', '>=', '<', '<='])} {self.number(depth - 1)}"
        if kind == 2:
            return f"{self.text(depth - 1)} {chance.choice(['==', '!=', '>', '>=', '<', '<='])} {self.text(depth - 1)}"
        if kind == 3:
            pattern = chance.choice(["^x", "main$", "^refs/.*", "[a-z]+", "x|y", "\\\\d", "(?i)X", "."])
            return f"{self.text(0)} {chance.choice(['=~', '!~'])} '{pattern}'"
        if kind == 4:
            return f"{chance.choice(['a', 'c', 's', 'z'])} in {chance.choice(['l', 't', '(1, 10)', '(`x`, 2)', repr(('x', 'y'))])}".replace("`", "'")
        if kind == 5:
            return f"!({self.truth(depth - 1)})"
        if kind == 6:
            return f"({self.truth(depth - 1)})"
        return f"{self.truth(depth - 1)} {chance.choice(['&&', '||', '==', '!='])} {self.truth(depth - 1)}"

    def number(self, depth: int) -> str:
        chance = self.chance
        if depth <= 0 or chance.random() < 0.4:
            return chance.choice(["c", "d", "neg", "1", "10", "2.5", "0x10", "0", "[my-var]", "(-3)"])
        if chance.random() < 0.2:
            return f"({self.truth(depth - 1)} ? {self.number(depth - 1)} : {self.number(depth - 1)})"
        symbol = chance.choice(["+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>"])
        return f"{self.number(depth - 1)} {symbol} {self.number(depth - 1)}"

    def text(self, depth: int) -> str:
        chance = self.chance
        if depth <= 0 or chance.random() < 0.6:
            return chance.choice(["a", "s", "n5", "empty", "'x'", '"refs/heads/main"', "''", "'y'", "'5'"])
        return f"{self.text(depth - 1)} + {chance.choice([self.text(depth - 1), self.number(depth - 1), 'b', 'z', 'l', 'o'])}"
