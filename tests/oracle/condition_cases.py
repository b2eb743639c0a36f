"""Random questions for `conditions`, from a seed: conditions over a few names, and texts that are none.

Left out is what the original gets wrong: names that are words of its expression library, and texts such as `"a" && b`, `true` or `a == b`
that it takes without meaning to.
"""

import random
from collections.abc import Iterator
from typing import Any

NAMES = ["a", "b", "c1", "rates-published", "Ledger_closed", "x-y-z"]
ODD = ["", "()", "(", ")", "a", "(a)", "((a))", "a b", "a &&", "&& a", "a & b", "a | b", "a and b", "A", "zz", "!a", "a && !b", "a &&& b", "a, b", "a(b)", "(a)(b)", "a\n&&\nb", "a&&b", "a||b&&c1", "(a", "a)", "a && ()", "a ? b : c1", "1 && a", "rates_published && a", "x_y-z || b", "a + b", "a;b"]  # fmt: skip


def condition_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    for text in ODD:
        yield _case(text, NAMES)
    chance = random.Random(seed)
    for _ in range(count):
        names = chance.sample(NAMES, chance.randrange(1, 5))
        text = _condition(chance, names, 0)
        yield _case(_broken(chance, text) if chance.random() < 0.25 else text, names)


def _condition(chance: random.Random, names: list[str], depth: int) -> str:
    if depth > 3 or chance.random() < 0.3:
        name = chance.choice(names)
        return name.replace("-", "_") if chance.random() < 0.1 else name
    parts = [_condition(chance, names, depth + 1) for _ in range(chance.randrange(1, 4))]
    space = chance.choice([" ", " ", "", "\n "])
    text = parts[0]
    for part in parts[1:]:
        text += space + chance.choice(["&&", "||"]) + space + part
    return f"({text})" if chance.random() < 0.6 else text


def _broken(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    if chance.random() < 0.4:
        return text[:at] + text[at + 1 :]
    return text[:at] + chance.choice([" && ", " || ", "(", ")", " & ", "!", " zz ", " ", "&&"]) + text[at:]


def _case(text: str, names: list[str]) -> dict[str, Any]:
    return {"engine": "condition", "conditions": text, "names": names}
