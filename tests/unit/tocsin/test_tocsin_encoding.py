"""JSON of everything that is shown, fast where it can be."""

import json
from typing import Any

import pytest
from multidict import istr

from tocsin.encoding import dumps


@pytest.mark.parametrize("indent", [False, True])
@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": [1, None, "é"]}, {"a": [1, None, "é"]}),
        ({istr("X-Token"): "***"}, {"X-Token": "***"}),
        ({"n": 10**40}, {"n": 10**40}),
        ({"s": "\ud800"}, {"s": "\ud800"}),
        ({istr("X"): 10**40}, {"X": 10**40}),
    ],
)
def test_whatever_is_shown_is_json(value: Any, shown: Any, indent: bool) -> None:
    text = dumps(value, indent=indent)
    assert json.loads(text) == shown
    assert (b"\n" in text) is indent


def test_names_of_headers_do_not_make_it_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "dumps", None)
    assert dumps({"headers": {istr("X-Token"): "***"}}) == b'{"headers":{"X-Token":"***"}}'
