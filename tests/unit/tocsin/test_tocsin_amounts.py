"""Durations and sizes on the command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.amounts import BYTES, SECONDS, parse_age, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7d", 604_800), ("1d12h", 129_600), ("90s", 90), ("1.5h", 5400), ("2w", 1_209_600), ("250ms", 0.25), ("1m30s", 90)],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_age(text) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "7 d", "-7d", "7D", "7days", "1e3s", "7d ", "٧d", "1h-", ".5h"])
def test_what_is_no_duration_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration such as 7d, 12h or 1d12h"):
        parse_age(text)


@pytest.mark.parametrize("text", ["0s", "0d", "9999999w"])
def test_a_duration_out_of_bounds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not between 1ms and three centuries"):
        parse_age(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("10Gi", 10 << 30), ("500Mi", 500 << 20), ("64Ki", 65_536), ("2G", 2 * 10**9), ("1.5Gi", 3 << 29), ("1000000", 10**6)],
)
def test_a_size_is_read_as_kubernetes_writes_it(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "hint"),
    [("10GB", "did you mean 10G?"), ("10GiB", "did you mean 10Gi?"), ("ten", ""), ("", ""), ("10 Gi", ""), ("-1", "")],
)
def test_what_is_no_size_is_refused_with_the_nearest_that_is(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match="is no size such as 10Gi, 500Mi or 2G") as refused:
        parse_size(text)
    assert hint in str(refused.value)


@given(number=st.integers(1, 10**6), unit=st.sampled_from(sorted(BYTES)))
def test_every_whole_size_is_exact(number: int, unit: str) -> None:
    assert parse_size(f"{number}{unit}") == number * BYTES[unit]


@given(parts=st.dictionaries(st.sampled_from(["d", "h", "m"]), st.integers(1, 99), min_size=1))
def test_the_parts_of_a_duration_add_up(parts: dict[str, int]) -> None:
    assert parse_age("".join(f"{number}{unit}" for unit, number in parts.items())) == sum(
        number * SECONDS[unit] for unit, number in parts.items()
    )
