"""Random JSON documents as senders write them: any layout, odd numbers, escapes, repeated keys."""

import json
import random

KEYS = ["a", "b", "c", "name", "id", "ref", "n", "0", "1", "key.dot", "x*y", "age", "first", "last", "", "é", "日本", "a b", "@this", "#"]
TEXTS = ["", "x", "v", "Tom", "Dale", "refs/heads/main", "true", "FALSE", "1e2", "5", "é", "日本語", 'q"q', "back\\slash", "a\nb", "<&>", "\u2028"]
NUMBERS = ["0", "1", "5", "-1", "44", "-0", "1.0", "1.50", "1e3", "1E3", "1e-7", "12345678901234567890", "9007199254740993", "1e21", "0.1", "1e400", "-2.5e-10", "1e22", "123456789.125"]
ODD_TEXTS = ['"\\u00e9"', '"\\/"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\ud800\\u0041"', '"\\u0001"', '"a\\tb"', '"{\\"k\\":1}"', '"[1,2]"', '"\\"x\\""', '"\\\\"']
BLANKS = ["", "", "", " ", "\n", "  ", "\t"]


class Writer:
    """Writes one random document; its style decides what oddities it may have."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.blanks = chance.random() < 0.4
        self.odd = chance.random() < 0.4
        self.repeats = chance.random() < 0.15

    def blank(self) -> str:
        return self.chance.choice(BLANKS) if self.blanks else ""

    def text(self) -> str:
        if self.odd and self.chance.random() < 0.4:
            return self.chance.choice(ODD_TEXTS)
        return json.dumps(self.chance.choice(TEXTS), ensure_ascii=self.odd and self.chance.random() < 0.3)

    def scalar(self) -> str:
        kind = self.chance.randrange(10)
        if kind < 4:
            return self.text()
        if kind < 8:
            return self.chance.choice(NUMBERS if self.odd else NUMBERS[:5])
        return self.chance.choice(["true", "false", "null"])

    def value(self, depth: int) -> str:
        kind = self.chance.randrange(4)
        if depth <= 0 or kind == 0:
            return self.scalar()
        return self.object(depth) if kind < 3 else self.array(depth)

    def object(self, depth: int) -> str:
        count = self.chance.randrange(5)
        keys = self.chance.choices(KEYS, k=count) if self.repeats else self.chance.sample(KEYS, count)
        members = [f"{self.blank()}{self.key(key)}{self.blank()}:{self.blank()}{self.value(depth - 1)}{self.blank()}" for key in keys]
        return "{" + ",".join(members) + (self.blank() if not members else "") + "}"

    def key(self, key: str) -> str:
        return json.dumps(key, ensure_ascii=self.odd)

    def array(self, depth: int) -> str:
        alike = self.chance.random() < 0.6
        keys = self.chance.sample(KEYS[:8] + ["age", "first", "last"], 3)
        elements = []
        for _ in range(self.chance.randrange(5)):
            if alike:
                present = [key for key in keys if self.chance.random() < 0.85]
                members = [f"{self.key(key)}:{self.blank()}{self.value(depth - 2)}" for key in present]
                elements.append("{" + f",{self.blank()}".join(members) + "}")
            else:
                elements.append(self.value(depth - 1))
        return "[" + self.blank() + f",{self.blank()}".join(elements) + self.blank() + "]"


def document(chance: random.Random) -> str:
    """One document; mostly an object."""
    writer = Writer(chance)
    kind = chance.randrange(20)
    if kind == 0:
        return writer.scalar()
    if kind < 4:
        return writer.array(4)
    return writer.blank() + writer.object(4) + writer.blank()
