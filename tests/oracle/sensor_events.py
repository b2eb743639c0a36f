"""Random events as they stand on the original's bus: CloudEvents in structured mode, with data of every form."""

import json
import random
from base64 import b64encode
from datetime import timedelta
from typing import Any

from cases import TEMPLATE_DOCUMENT
from documents import document
from expression_cases import NAMES
from jq_cases import DOCUMENT as JQ_DOCUMENT
from lua_cases import DOCUMENT as LUA_DOCUMENT
from window_cases import CHANGES

EXPRESSION_DOCUMENT = json.dumps(NAMES)
SCALARS = ['"text"', "5", "1.50", "null", "true", "[1,2]", '["a",{"k":1}]', '""', "{}", "[]", "-0", "1E3", "12345678901234567890"]
TYPES = ["webhook", "webhook", "github", "", "wébhook", "io.example.created"]
JSON_TYPES = ["application/json"] * 12
OTHER_TYPES = [
    "application/json; charset=utf-8", "text/json", "application/cloudevents+json", "text/plain", "text/plain; charset=utf-8",
    "application/xml", "application/octet-stream", "application/json;", "application/yaml", "text/yaml", "json",
]  # fmt: skip
PLAIN_TEXTS = ["plain text", '{"k":"v","n":5}', "k: v\nn: 5\n", "", "5", "[1,2]", "<a/>", "null", "tab\there", 'q"q', "é日本"]
YAML_TEXTS = [
    "k: v\nn: 5\n", "k: yes\nn: 0x1f\n", "k: [1, 1e3, .5, ~]\n", "a: &x {b: 1}\nc: *x\n", "k: |\n  two\n  lines\n", "- 1\n- two\n", "k: 2024-07-05\n", "k: 1_000\n",
    "n: 010\nk: 0o10\n", "{k: v, n: -0.0}", "k: 'it''s'\nn: +5\n", "k: v\nk: w\n", "k: !!str 5\n", "k: 12345678901234567890\n", "k: .inf\n", "1: a\ntrue: b\n", "k: v\n---\nk: w\n", "\tk: v", "k: on\nn: 1.0\n", "k: <<\nn: =\n", "",
    "k: 1:30\nn: 1e-7\n", "k: \"\\u00e9\\n\"\n", "a: {<<: {b: 1}, c: 2}\n", "k: 2024-07-05T13:00:00Z\n", "5", "~", "k: null\nn: Null\n",
]  # fmt: skip


class Event:
    """One event: the line, and its data as the generators of rules use it."""

    def __init__(self, line: str, data: str) -> None:
        self.line = line
        self.data = data
        """JSON text that paths can follow; `{}` where there is none."""
        try:
            self.tree: Any = json.loads(data)
        except (ValueError, RecursionError):
            self.tree, self.data = {}, "{}"


def event(chance: random.Random, number: int, source: str, data: str | None = None) -> Event:
    """An event of `source`; `data`, JSON text, where a rule needs it to be just that."""
    attributes = {"specversion": "1.0", "id": f"e{number}", "source": source, "subject": "scan", "type": chance.choice(TYPES) or "webhook"}
    if chance.random() < 0.93:
        attributes["time"] = moment(chance)
    if chance.random() < 0.15:
        attributes[chance.choice(["traceparent", "x1", "partitionkey"])] = chance.choice(["00-4bf9", "5", "é"])
    if data is not None:
        return Event(_line(attributes | {"datacontenttype": "application/json"}, f'"data":{data}'), data)
    kind = chance.randrange(40)
    if kind == 0:
        return Event(_line(attributes | _typed(chance)), "{}")
    if kind < 3:
        text = chance.choice(SCALARS)
        return Event(_line(attributes | {"datacontenttype": "application/json"}, f'"data":{text}'), text)
    if kind < 6:
        return _textual(chance, attributes)
    if kind < 8:
        return _binary(chance, attributes)
    if kind < 10:
        text = chance.choice(YAML_TEXTS)
        return Event(_line(attributes | {"datacontenttype": "application/yaml"}, f'"data":{json.dumps(text)}'), '{"k":"v","n":5}')
    text = one_document(chance)
    declared = {} if chance.random() < 0.06 else {"datacontenttype": chance.choice(JSON_TYPES + OTHER_TYPES[:1] + OTHER_TYPES[2:3])}
    return Event(_line(attributes | declared, f'"data":{text}'), text)


def one_document(chance: random.Random) -> str:
    kind = chance.randrange(10)
    known = [TEMPLATE_DOCUMENT, LUA_DOCUMENT, JQ_DOCUMENT, EXPRESSION_DOCUMENT]
    # The original's decoder loses its place at a number beyond a double, and drops the event.
    return known[kind] if kind < 4 else document(chance).replace("1e400", "1e300").strip()


def moment(chance: random.Random) -> str:
    at = chance.choice(CHANGES) + timedelta(minutes=chance.randrange(-3000, 3000), seconds=chance.choice([0, 0, 1, 59]))
    offset = chance.choice(["Z", "Z", "Z", "+02:00", "-05:00", "+05:45"])
    return at.strftime("%Y-%m-%dT%H:%M:%S") + chance.choice(["", "", ".5", ".000000001", ".999999999", ".120"]) + offset


def _typed(chance: random.Random) -> dict[str, str]:
    return {"datacontenttype": chance.choice(JSON_TYPES + OTHER_TYPES)} if chance.random() < 0.7 else {}


def _textual(chance: random.Random, attributes: dict[str, str]) -> Event:
    """Data that is a JSON string: text of whatever the content type says, JSON text where it says so."""
    text = chance.choice(PLAIN_TEXTS)
    return Event(_line(attributes | _typed(chance), f'"data":{json.dumps(text)}'), json.dumps(text))


def _binary(chance: random.Random, attributes: dict[str, str]) -> Event:
    texts = [one_document(chance).encode("utf-8", "replace"), b"\xff\x00\x01", b"", b'{"k":"v","n":5}', b"not json", b'{"k":"\xff"}', b'\xef\xbb\xbf{"k":1}', b'{"k":1} ', b'{"k":1}x']
    content = chance.choice(texts)
    return Event(_line(attributes | _typed(chance), f'"data_base64":"{b64encode(content).decode()}"'), content.decode("utf-8", "replace"))


def _line(attributes: dict[str, str], data: str = "") -> str:
    text = json.dumps(attributes, ensure_ascii=False)
    # A line is one line; in JSON only blanks can hold a line break.
    return f"{text[:-1]},{data}}}".replace("\n", " ") if data else text
