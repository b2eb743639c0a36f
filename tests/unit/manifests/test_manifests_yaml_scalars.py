"""What unquoted text means in each dialect."""

import pytest

from manifests.yaml_scalars import CORE, KUBERNETES, NotJson


@pytest.mark.parametrize(
    ("text", "kubernetes", "core"),
    [
        ("yes", True, "yes"),
        ("No", False, "No"),
        ("on", True, "on"),
        ("OFF", False, "OFF"),
        ("y", True, "y"),
        ("N", False, "N"),
        ("true", True, True),
        ("FALSE", False, False),
        ("tRue", "tRue", "tRue"),
        ("", None, None),
        ("~", None, None),
        ("Null", None, None),
        ("0644", 420, 644),
        ("0o644", 420, 420),
        ("0O17", 15, "0O17"),
        ("0x1F", 31, 31),
        ("0b11", 3, "0b11"),
        ("-0b11", -3, "-0b11"),
        ("089", 89, 89),
        ("1_000", 1000, "1_000"),
        ("+12", 12, 12),
        ("-7", -7, -7),
        ("1:30", "1:30", "1:30"),
        ("190:20:30", "190:20:30", "190:20:30"),
        ("2001-01-01", "2001-01-01", "2001-01-01"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("1e3", 1000, 1000.0),
        ("1.0", 1, 1.0),
        ("1.50", 1.5, 1.5),
        (".5", 0.5, 0.5),
        ("-.5", -0.5, -0.5),
        ("1.", 1, 1.0),
        ("+", "+", "+"),
        ("-", "-", "-"),
        (".", ".", "."),
        ("1.2.3", "1.2.3", "1.2.3"),
        ("0x", "0x", "0x"),
        ("1e999", "1e999", None),
        ("9223372036854775808", 2**63, 2**63),
        ("18446744073709551615", 2**64 - 1, 2**64 - 1),
        ("18446744073709551616", 1.8446744073709552e19, 2**64),
        ("9" * 5000, "9" * 5000, "9" * 5000),
        ("<<", "<<", "<<"),
        ("Ünïcode", "Ünïcode", "Ünïcode"),
        ("٣", "٣", "٣"),
    ],
)
def test_plain_text_reads_as_the_dialects_users_expect(text: str, kubernetes: object, core: object) -> None:
    got = KUBERNETES.value(text)
    assert (got, type(got)) == (kubernetes, type(kubernetes))
    if text == "1e999":
        with pytest.raises(NotJson):
            CORE.value(text)
    else:
        got = CORE.value(text)
        assert (got, type(got)) == (core, type(core))


@pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN"])
def test_what_json_cannot_hold_is_refused_in_both_dialects(text: str) -> None:
    for schema in (KUBERNETES, CORE):
        with pytest.raises(NotJson, match="JSON"):
            schema.value(text)


@pytest.mark.parametrize(
    ("text", "kubernetes", "core"),
    [
        ("on", "true", "on"),
        ("n", "false", "n"),
        ("1", "1", "1"),
        ("0x10", "16", "0x10"),
        ("1.5", "1.5", "1.5"),
        ("name", "name", "name"),
        ("~", None, "~"),
        ("", None, None),
    ],
)
def test_keys_become_text_as_each_dialect_does_it(text: str, kubernetes: str | None, core: str | None) -> None:
    assert KUBERNETES.key(text) == kubernetes
    assert CORE.key(text) == core
