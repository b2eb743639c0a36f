"""Random rules of a dependency: filters of every kind, alone and together, and transforms."""

import json
import random
from typing import Any

from answers import DIFFERENT_PROGRAMS, DIFFERENT_SCRIPTS
from cases import PATTERNS, STRCONV, TEMPLATES, PathWriter, pattern_text
from documents import NUMBERS, TEXTS
from expression_cases import LISTED as EXPRESSIONS
from expression_cases import NAMES
from expression_cases import _Writer as ExpressionWriter
from jq_cases import LISTED as PROGRAMS
from lua_cases import MADE, TRUTHS
from sensor_events import Event
from window_cases import ZONES, _clock

Json = dict[str, Any]
LISTED_TEMPLATES = TEMPLATES.strip("\n").splitlines()
LISTED_TRUTHS = [script for script in TRUTHS.strip("\n").splitlines() if script not in DIFFERENT_SCRIPTS]
# What is no UTF-8 becomes U+FFFD, which Go writes as an escape.
LISTED_MADE = [script for script in MADE.strip("\n").splitlines() if "\\255" not in script]
LISTED_PROGRAMS = [program for program in PROGRAMS.strip("\n").splitlines() if program not in DIFFERENT_PROGRAMS]
LISTED_EXPRESSIONS = [text.replace("\0", "||") for line in EXPRESSIONS.strip("\n").splitlines() for text in line.replace("||", "\0").split("|")]
OPERATORS = ["", "", "and", "or", "or"]
INPUT_TEMPLATES = [
    "{{ .Input }}", "{{ .Input | upper }}", "{{ .Input | lower | trim }}", "{{ .Input | b64dec }}", "{{ .Input | b64enc }}", "{{ len .Input }}", "{{ .Input | quote }}", "x{{ .Input }}y",
    "{{ .Input | int }}", "{{ .Input | float64 }}", "{{ .Input | int64 | add 1 }}", '{{ .Input | replace "a" "b" }}', '{{ .Input | default "d" }}', "{{ .Input | trunc 3 }}", "{{ .Input.x }}", "{{ . }}",
    "{{ .Missing }}", "", "{{", "{{ nope }}", '{{ if eq .Input "5" }}five{{ else }}other{{ end }}', "{{ .Input | fromJson | toJson }}", '{{ (.Input | fromJson).k }}', "{{ .Input | sha256sum }}", "true", "5", '{{ fail "no" }}',
    '{{ .Input | regexFind "[0-9]+" }}', "{{ .Input | title }}", "{{ .Input | toString | squote }}", "{{ .Input | empty }}", "{{ .Input | atoi }}", '{{ .Input | hasPrefix "r" }}', '{{ splitList "/" .Input | last }}', '{{ printf "%q" .Input }}',
    "{{ .Input | nospace }}", "{{ .Input | reverse }}", "{{ .Input | toDecimal }}", '{{ .Input | contains "a" }}', "{{/* c */}}{{ .Input -}} ", "{{ .Input | kindOf }}", '{{ .Input | ternary "a" "b" }}',
]  # fmt: skip


class Rules:
    """Writes rules that look at the data of one event."""

    def __init__(self, chance: random.Random, seen: Event) -> None:
        self.chance = chance
        self.seen = seen
        self.paths = PathWriter(chance)

    def some(self, share: float) -> bool:
        return self.chance.random() < share

    def path(self) -> str:
        if isinstance(self.seen.tree, dict | list) and self.some(0.75):
            return self.paths.through(self.seen.tree)
        return self.chance.choice(["k", "n", "nope", "@this", "", self.paths.path(3), "k", "n"]) or "k"

    def scalars(self) -> list[str]:
        """Texts that stand somewhere in the data."""
        found: list[str] = []

        def walk(value: Any) -> None:
            if isinstance(value, dict | list):
                for inner in value.values() if isinstance(value, dict) else value:
                    walk(inner)
            elif isinstance(value, str):
                found.append(value.encode("utf-8", "replace").decode())  # no manifest can hold half a surrogate pair
            else:
                found.append(json.dumps(value))

        walk(self.seen.tree)
        return found or ["x"]

    def value(self, kind: str) -> str:
        chance = self.chance
        if kind == "bool":
            return chance.choice(["true", "false", "true", "false", "1", "0", "T", "yes", "TRUE", "tRUE", "f"])
        if kind == "number":
            return chance.choice([chance.choice(self.scalars()), chance.choice(NUMBERS), chance.choice(STRCONV), "5", "0", "1"]) or "0"
        text = chance.choice(self.scalars())
        return chance.choice([text, text, f"^{text}$", text[:2], chance.choice(PATTERNS), pattern_text(chance), chance.choice(TEXTS), "."]) or "."

    def clause(self) -> Json:
        chance = self.chance
        kind = chance.choice(["bool", "number", "number", "string", "string", "string", "string", "json", "String"] if self.some(0.1) else ["bool", "number", "string"])
        made: Json = {"path": self.path(), "type": kind, "value": [self.value(kind) for _ in range(chance.choice([1, 1, 1, 2, 3]))]}
        if self.some(0.4):
            made["comparator"] = chance.choice(["=", "!=", ">", ">=", "<", "<=", ""])
        if self.some(0.2):
            made["template"] = chance.choice(INPUT_TEMPLATES)
        return made

    def expression(self) -> Json:
        """An expression over the listed names where the event holds those, else over fields that are there."""
        chance = self.chance
        if isinstance(self.seen.tree, dict) and "my-var" in self.seen.tree:
            text = chance.choice(LISTED_EXPRESSIONS) if self.some(0.5) else ExpressionWriter(chance).truth(3)
            return {"expr": text or "a", "fields": [{"name": name, "path": name} for name in NAMES]}
        fields = [{"name": name, "path": self.path()} for name in chance.sample(["a", "b", "c", "x", "my-var"], chance.choice([1, 1, 2]))]
        first = fields[0]["name"].replace("-", "\\-")
        other = chance.choice([json.dumps(chance.choice(self.scalars())), chance.choice(["5", "0", "1.5", "true"]), first, "'v'"])
        text = f"{first} {chance.choice(['==', '==', '!=', '>', '<=', '=~', '!~', 'in', '+'])} {other}"
        if self.some(0.3):
            text = chance.choice([f"!({text})", f"{text} || true", f"{text} && {first} != 'x'", f"({text}) ? true : false", f"'' + {first} == '5'", f"{first} ?? false"])
        return {"expr": text, "fields": fields}

    def context(self) -> Json:
        chance = self.chance
        names = {"type": ["webhook", "github", "web"], "subject": ["scan", "Scan"], "source": ["es", "other"], "datacontenttype": ["application/json", "text/plain"]}
        picked = chance.sample(list(names), chance.choice([1, 1, 2]))
        return {name: chance.choice(names[name]) for name in picked} | ({"id": "zzz"} if self.some(0.1) else {})

    def window(self) -> Json:
        start, stop = _clock(self.chance), _clock(self.chance)
        zone = self.chance.choice(ZONES[:-2])  # the last two are no zones
        return {"start": start, "stop": stop} | ({"timezone": zone} if zone else {})

    def filters(self) -> Json:
        """What stands beside a dependency's name: filters, and how they are joined."""
        chance = self.chance
        kinds = chance.sample(["data", "data", "exprs", "context", "time", "script"], chance.choice([0, 1, 1, 1, 2, 2, 3]))
        found: Json = {}
        if "data" in kinds:
            found["data"] = [self.clause() for _ in range(chance.choice([1, 1, 1, 2, 3]))]
        if "exprs" in kinds:
            found["exprs"] = [self.expression() for _ in range(chance.choice([1, 1, 2]))]
        if "context" in kinds:
            found["context"] = self.context()
        if "time" in kinds:
            found["time"] = self.window()
        if "script" in kinds:
            found["script"] = chance.choice(LISTED_TRUTHS)
        if self.some(0.5):
            found["dataLogicalOperator"] = chance.choice(OPERATORS)
        if self.some(0.5):
            found["exprLogicalOperator"] = chance.choice(OPERATORS)
        return {"filters": found, "filtersLogicalOperator": chance.choice(OPERATORS)}

    def transform(self) -> Json:
        chance = self.chance
        if self.some(0.5):
            return {"jq": chance.choice([*LISTED_PROGRAMS, "{k: .k, n: .n}", ". + {added: 1}", "{x: .}", "."])}
        return {"script": chance.choice([*LISTED_MADE, "return event", "event.added = 1 return event", "return {k = event.k, n = event.n}", "return {1, 2}", "return {}", "return 5"])}


def dependency(chance: random.Random, name: str, source: str, seen: Event, *, filtered: float = 1.0) -> Json:
    rules = Rules(chance, seen)
    made: Json = {"name": name, "eventSourceName": source, "eventName": "scan"}
    if chance.random() < 0.12:
        made["transform"] = rules.transform()
    if chance.random() < filtered:
        made |= rules.filters()
    return made
