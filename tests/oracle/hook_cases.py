"""Random requests to event sources, as they stand on the wire, from a seed."""

import json
import random
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_WORDS = ["a", "b c", "<x>&", "é", "\u2028", "日本", "\\", '"', "\n", "😀", ""]
_NUMBERS = [0, -1, 1.5, 1e21, 1e-7, 0.1, 123456789.25, 2**53 + 1, 10**25]
_ODD_BODIES = ["", "  ", "{} x", "nul", "'a'", "[1,]", '{"a":1,"a":2}', "1.10", "1e5", "\ufeff{}", "\t{}\r\n", '{"a" : 1.0 }']
_ODD_VALUES = [r'{"a" : "cut \ud83d"}', r'["\udc00\ud800", "\ud83d\u0041<"]', '{"n": 1e400, "m": -1E999}', "[" + "7" * 400 + "]"]
"""JSON that strict decoders refuse. GitHub's is decoded by the original, and its parts are lost."""
_FORMS = ["a=1&b=2&a=3", "payload=%7B%22a%22%3A1%7D", "x=%3C%26%3E+y", "", "a", "=", "b=%C3%A9&a=%20", "a=%E9&%E2%82=%ff"]
_QUERIES = ["", "", "?a=1&a=2&b=%3Cx%3E", "?x", "?=1", "?b=+&a=", "?&&a=1&", "?a=%e9t%E9"]
_HEADERS = [
    ("x-custom_head", "1"),
    ("X-Multi", "a, b"),
    ("X-Multi", "c"),
    ("Authorization", "Bearer x"),
    ("User-Agent", "cli <1>&"),
    ("X-Empty", ""),
    ("X-Blanks", "  a  b "),
]
_FORM = "application/x-www-form-urlencoded"
_OF_KIND: dict[str, list[tuple[str, str]]] = {
    "webhook": [],
    "github": [("X-GitHub-Event", "push"), ("X-GitHub-Delivery", "d-1")],
    "gitlab": [("X-Gitlab-Event", "Push Hook"), ("Idempotency-Key", "d-1")],
    "bitbucket": [("X-Event-Key", "repo:push")],
    "bitbucketserver": [("X-Event-Key", "pr:opened")],
}
_MORE: dict[str, Json] = {
    "github": {"organizations": ["o"]},
    "gitlab": {"gitlabBaseURL": "http://git.example", "accessToken": {"name": "s", "key": "k"}, "events": ["PushEvents"]},
    "bitbucket": {
        "owner": "o",
        "repositorySlug": "r",
        "events": ["repo:push"],
        "auth": {"oauthToken": {"name": "s", "key": "k"}},
    },
    "bitbucketserver": {
        "projectKey": "p",
        "repositorySlug": "r",
        "events": ["repo:refs_changed"],
        "bitbucketserverBaseURL": "http://bitbucket.example/rest",
    },
}


def hook_cases(seed: int, count: int) -> Iterator[Json]:
    """Each the kind of an event source, its spec and a request to it."""
    chance = random.Random(f"hooks {seed}")
    for _ in range(count):
        yield _case(chance)


def _case(chance: random.Random) -> Json:
    kind = chance.choice(["webhook"] * 4 + ["github", "gitlab", "bitbucket", "bitbucketserver"])
    method = chance.choice(["POST", "POST", "POST", "GET"]) if kind == "webhook" else "POST"
    hook = {"endpoint": "/hook", "port": "0", "method": method}
    metadata = chance.choice([{}, {"team": "a<b", "z": "1", "a": "é"}])
    spec = {**hook, "metadata": metadata} if kind == "webhook" else {"webhook": hook, "metadata": metadata, **_MORE[kind]}
    return {"kind": kind, "spec": spec, "request": b64encode(_request(chance, kind, method)).decode()}


def _request(chance: random.Random, kind: str, method: str) -> bytes:
    types = ["application/json", "application/json; charset=utf-8", "text/plain", None]
    forms = kind in ("webhook", "github")
    content_type = chance.choice([*types, _FORM] if kind == "webhook" else ["application/json", _FORM] if forms else types)
    body = chance.choice(_FORMS).encode() if content_type == _FORM else _body_of(chance, kind)
    headers = [("Host", "hooks.example:80"), *_OF_KIND[kind], *(one for one in _HEADERS if chance.random() < 0.3)]
    if content_type is not None:
        headers.append((chance.choice(["Content-Type", "content-type"]), content_type))
    if chance.random() < 0.1:
        headers.append(("Transfer-Encoding", "chunked"))
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    else:
        headers.append(("Content-Length", str(len(body))))
    path = "/hook" + (chance.choice(_QUERIES) if method == "GET" else "")
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode() + body


def _body_of(chance: random.Random, kind: str) -> bytes:
    return _body(chance) if kind == "github" else odd_or_plain_body(chance)


def odd_or_plain_body(chance: random.Random) -> bytes:
    """JSON, mostly; some of it is hard to decode, and some is none."""
    return chance.choice(_ODD_VALUES).encode() if chance.random() < 0.05 else _body(chance)


def _body(chance: random.Random) -> bytes:
    if chance.random() < 0.1:
        return chance.choice(_ODD_BODIES).encode()
    value = _value(chance, 0) if chance.random() < 0.3 else {f"k{at}": _value(chance, 1) for at in range(chance.randrange(5))}
    separators = chance.choice([None, (",", ":"), (" , ", " : ")])
    text = json.dumps(value, ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, None, 2]), separators=separators)
    return text.encode() if chance.random() < 0.95 else text.encode()[:-1]


def _value(chance: random.Random, depth: int) -> Any:
    pick = chance.randrange(9 if depth < 3 else 6)
    if pick == 0:
        return chance.choice([None, True, False])
    if pick <= 2:
        return chance.choice(_NUMBERS)
    if pick <= 5:
        return "".join(chance.choices(_WORDS, k=chance.randrange(4)))
    size = chance.randrange(4)
    if pick == 6:
        return [_value(chance, depth + 1) for _ in range(size)]
    return {"".join(chance.choices(_WORDS, k=2)): _value(chance, depth + 1) for _ in range(size)}
