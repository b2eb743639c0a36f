"""Random whole events with odd attributes and odd data, and resources with odd places for parameters."""

import json
import random
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from sensor_events import PLAIN_TEXTS, YAML_TEXTS, Event, moment
from sensor_rules import Json, Rules

IDS = ["e", "é-日本", "a b", "a/b/c", "%2F", "😀", "\u2028", "x" * 200, "1e3", "<&>", 'q"q', "a\\b", "null", "{{ .Input }}", "..", "a\tb", "İ"]
TYPES = ["webhook", "x/y", "io.example.created", "wébhook", "{{.}}", "a b", "<>&", "null", "5", "😀"]
EXTENSIONS: list[tuple[str, Any]] = [
    ("traceparent", "00-4bf9"), ("x1", 5), ("flag", True), ("big", 2147483648), ("when", "2024-07-05T13:00:00Z"), ("partitionkey", ""), ("n", -1), ("uri", "http://h/p?q"),
    ("comexample", "é"), ("f", 1.5), ("dataschema", "http://h/s"), ("dataschema", "not a uri ::"), ("nul", None), ("obj", {"a": 1}), ("lst", [1]),
]  # fmt: skip
TIMES = [
    "2024-07-05T13:00:00Z", "2024-07-05T13:00:00.123456789Z", "2024-07-05T13:00:00.1+05:45", "2024-07-05T23:59:59.999999999-12:00", "2024-07-05t13:00:00z", "2024-07-05T13:00:00-00:00", "2024-07-05 13:00:00Z", "2024-07-05T13:00Z",
    "0001-01-01T00:00:00Z", "2024-02-30T00:00:00Z", "2024-07-05T24:00:00Z", "2024-07-05T13:00:60Z", "2024-07-05T13:00:00.1234567891Z", "2024-07-05T13:00:00,5Z", "1720184645", "", "2024-07-05T13:00:00+24:00", "2024-07-05T13:00:00+14:00",
    "10000-01-01T00:00:00Z", "2024-7-5T13:00:00Z", "1969-12-31T23:59:59.5Z", "2024-12-31T23:59:59.999Z", "2024-10-27T01:30:00+02:00",
]  # fmt: skip
CONTENT_TYPES = ["application/json"] * 6 + [
    "application/json; charset=utf-8", "application/JSON", "text/json", "application/ld+json", "application/cloudevents+json", "text/plain", "text/plain; charset=iso-8859-1", "application/xml", "application/octet-stream", "application/yaml",
    "application/x-yaml", "json", "", "image/png", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded",
]  # fmt: skip
DATA = [
    '{"k":"v","n":5}', '{"k":NaN}', '{"n":123456789012345678901234567890}', '{"n":0.1000000000000000055511151231257827}', '{"n":1E+2}', '{"n":1.0}', '{"n":-0.0}', '{"n":9223372036854775808}', '{"n":18446744073709551616}',
    '{"a":{"b":{"c":{"d":[[[[1]]]]}}}}', '{"a":"\\ud83d\\ude00"}', '{"a":"\\ud83d"}', '{"a":"\\udc00x"}', '{"\\u006b":"v"}', '{"k":"a\\u0000b"}', '{"k":"\\u2028\\u2029"}', '{"k":"v","k":"w"}', '{"a":{"k":1},"a":{"j":2}}', '{"":"empty"}',
    '{"a.b":1,"a":{"b":2}}', '{"a":[1,[2,[3,null]],{}]}', '{"a":[],"b":{}}', '{"k":"NaN"}', '{"k":"nan","n":"1_000"}', '{"k":"0x1f"}', '{"k":"1e400"}', '{"k":" 5 "}', '{"k":"TRUE","n":"t"}', '{"k":"<no value>"}', '{"k":"{{ .Input }}"}',
    '{"k":null,"n":false}', "[]", "[1,2,3]", '[{"k":"v"},{"k":"w"}]', '"text"', "5", "1.50", "true", "null", "{}", '{"k":"é","é":"k"}', '{"k":"a\\nb\\r\\tc"}', '{"k":"\\"quoted\\" \\\\ \\/"}', '{"k":"</script><&>\'"}', '{"n":4.9e-324}',
    '{"n":100000000000000000000}', '{"n":1e21}', '{ "k" : "v" , "n" : [ 1 , 2 ] }', "{'k':'v'}", '{"k":"v",}', '{"k":01}', '{"k":.5}', '{"k":tru}', '{"k":"\\x"}', "", "  ", '{"k":"v"} x', '\ufeff{"k":"v"}', '{"k":"2024-07-05T13:00:00Z"}',
    '{"a":' + "[" * 60 + "]" * 60 + "}", '{"a":' * 40 + "1" + "}" * 40,
]  # fmt: skip
BYTES = [
    b'{"k":"v","n":5}', b"\xff\x00", b'{"k":"\xff\xc3"}', b'\xef\xbb\xbf{"k":1}', b"", b"plain", b"k: v\nn: 5\n", b"\x00", b"5", b"null", b"[1,2]", b'"x"', b'{"k":"v"}\n', b'\n\n{"k":"v"}', b'{"k":"a\nb"}', b"<a>b</a>", b"- 1\n- 2\n",
]  # fmt: skip
PICKED: list[Json] = [
    {}, *({"dataKey": key} for key in ["k", "n", "a", "@this", "a.b", "é", "0", "#", "@valid", "@pretty", "@ugly", "[k,n]", "{k,n}", "@keys", "@tostr"]),
    *({"contextKey": key} for key in ["id", "time", "type", "datacontenttype", "@this", "specversion", "subject", "dataschema"]),
    {"contextTemplate": "{{ .Input }}"}, {"contextTemplate": "{{ .Input.id }}|{{ .Input.time }}|{{ .Input.type }}"},
    *({"dataTemplate": text} for text in ["{{ .Input }}", "{{ .Input.k }}", "{{ toJson .Input }}", "{{ .Input.n | int64 }}", "{{ index .Input 0 }}", "{{ range $k,$v := .Input }}{{ $k }}={{ $v }};{{ end }}"]),
]  # fmt: skip


def odd_event(chance: random.Random, number: int, source: str) -> Event:
    """An event that few senders would send."""
    attributes: Json = {"specversion": "1.0", "id": f"{chance.choice(IDS)}-{number}", "source": source, "subject": "scan", "type": chance.choice(TYPES)}
    if chance.random() < 0.85:
        attributes["time"] = chance.choice(TIMES) if chance.random() < 0.8 else moment(chance)
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        name, value = chance.choice(EXTENSIONS)
        attributes[name] = value
    if chance.random() < 0.9:
        attributes["datacontenttype"] = chance.choice(CONTENT_TYPES)
    data, member = _data(chance)
    text = json.dumps(attributes, ensure_ascii=chance.random() < 0.3)
    line = f"{text[:-1]},{member}}}" if member else text
    return Event(line.replace("\n", " ").replace("\r", " "), data)


def _data(chance: random.Random) -> tuple[str, str]:
    """Data as paths can follow it, and the event's member that holds it."""
    kind = chance.random()
    blank = chance.choice(["", "", "", " ", "  ", "\t"])
    if kind < 0.04:
        return "{}", ""
    if kind < 0.3:
        content = chance.choice(BYTES)
        return content.decode("utf-8", "replace"), f'"data_base64":"{b64encode(content).decode()}"'
    text = chance.choice([*PLAIN_TEXTS, *YAML_TEXTS, *DATA] if kind < 0.42 else DATA)
    try:
        json.loads(text)
    except ValueError:
        kind = 0.4
    return (json.dumps(text), f'"data":{blank}{json.dumps(text, ensure_ascii=chance.random() < 0.5)}') if kind < 0.42 else (text, f'"data":{blank}{text}')


def _source(chance: random.Random) -> Json:
    made = {"dependencyName": "d", **chance.choice(PICKED)}
    if chance.random() < 0.5:
        made["value"] = chance.choice(["", "V", "5"])
    return made | ({"useRawData": True} if chance.random() < 0.5 else {})


def odd_cases(seed: int, count: int) -> Iterator[Json]:
    """What becomes of odd events: in filters and transforms, in bodies and texts, in resources."""
    from sensor_cases import case

    chance = random.Random(f"odd {seed}")
    for number in range(count):
        name = f"o{number}"
        event = odd_event(chance, number, name)
        dependency: Json = {"name": "d", "eventSourceName": name, "eventName": "scan"}
        kind = chance.randrange(4)
        if kind == 0:
            dependency |= Rules(chance, event).filters()
        if kind < 2:
            template: Json = {"http": {"url": "https://example.net/", "payload": [{"src": {"dependencyName": "d", "dataKey": "@this", "useRawData": True, "value": "V"}, "dest": ""}]}}
        elif kind == 2:
            payload = [{"src": _source(chance), "dest": dest} for dest in chance.sample(["a", "b", "x.y", "l.0", "l.-1"], chance.choice([1, 2, 3]))]
            template = chance.choice([{"nats": {"url": "nats://n:4222", "subject": "s", "payload": payload}}, {"http": {"url": "https://example.net/", "payload": payload}}, {"log": {}}])
        else:
            template = {"k8s": {"source": {"resource": chance.choice(RESOURCES)}, "operation": chance.choice(["create", "update", "patch"]), "parameters": [_parameter(chance) for _ in range(chance.choice([1, 1, 2, 3]))]}}
        yield case(name, [dependency], [{"template": {"name": "t", **template}}], [event.line])


RESOURCES: list[Json] = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "x", "b.c": "y", "0": "zero", "1": "one"}, "list": [1, "a", None, {"k": "v"}, [1, 2]], "n": None, "eo": {}, "el": [], "deep": {"a": [{"b": [{"c": None}]}]}},
    {"kind": "Job", "apiVersion": "batch/v1", "metadata": {"name": "j"}, "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "i:1", "args": ["a", "b"], "env": [{"name": "A", "value": "1"}]}]}}, "backoffLimit": 0, "nul": None, "m": [[1], [2]]}},
]  # fmt: skip
PLACES = """
data.a data.0 data.:0 data.1 data.b\\.c data.new data list.0 list.-1 list.9 list.3.k list.4.-1 list.4.1 list.2 list.2.x list.#.k list n n.x n.0 eo.x eo.0 eo.-1 eo.:0 el.0 el.-1 el.3 el.x deep.a.0.b.0.c deep.a.0.b.-1 deep.a.-1.b deep.a.1.b.0
deep..a deep. deep.a.#.b new.0.x new.-1 new.-1.x new.1 new.x.-1 new.:1 new.a\\.b.c new.é -1 :1 a\\ spec.m.0.-1 spec.m.0 spec.m.-1.0 spec.nul.a.b spec.nul spec.backoffLimit.x spec.template.spec.containers.0.args.-1 spec.* sp*.n spec|nul @this
spec.template.spec.containers.0.env.#(name=="A").value spec.template.spec.containers.#.image spec.template.spec.containers.-1 spec.backoffLimit metadata.annotations.app\\.io/name a.b.c list.01 list.00 data.a.b {a} a#b a|b a*
""".split()  # fmt: skip


def _parameter(chance: random.Random) -> Json:
    made: Json = {"src": _source(chance), "dest": chance.choice(PLACES)}
    return made | ({"operation": chance.choice(["", "append", "prepend", "overwrite"])} if chance.random() < 0.35 else {})
