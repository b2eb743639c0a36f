"""Endpoints with variables."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.http.paths import both_take, decoded, template


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        ("/x/{a}", "/{b}/y", "/x/y"),
        ("/x/{a:[0-9]+}", "/x/{b}", "/x/1"),
        ("/x/{a:[0-9]+}", "/x/{b:[a-z]+}", ""),
        ("/x/{a}", "/x/{b}/c", ""),
        ("/x/v{a}", "/x/{b}", ""),  # there is one, /x/v1, and it is not found
        ("/x/{a}/y", "/x/{b}/z", ""),
    ],
)
def test_a_path_that_two_templates_take_is_named(one: str, other: str, path: str) -> None:
    assert both_take(template(one), template(other)) == path
    assert both_take(template(other), template(one)) == path


@given(st.text(alphabet="/.a%2eE0Fé", max_size=12).map("/".__add__))
def test_what_counts_as_a_path_has_one_meaning(path: str) -> None:
    plain = decoded(path)
    assert plain == "" or (plain.startswith("/") and not {".", ".."} & set(plain.split("/")) and "//" not in plain)


@given(st.from_regex(r"\A/[a-z{}:\[\]+*?()|/]{0,12}\Z"))
def test_whatever_is_written_is_a_template_or_refused(text: str) -> None:
    try:
        found = template(text)
    except ValueError:
        return
    assert found.takes(text) or found.pattern is not None


def test_names_of_variables_do_not_tell_templates_apart() -> None:
    assert template("/{a}/{b:[0-9]{2}}").key == template("/{b}/{c:[0-9]{2}}").key != template("/{a}/{b:[0-9]{3}}").key


def test_that_templates_with_other_words_in_them_are_apart_is_seen_without_trying() -> None:
    long = "/{c}/{d}/{e}/{f}/{g}/{h}"
    many = [template(f"/{number}{long}") for number in range(100)]
    before = process_time()
    assert not any(both_take(one, other) for one in many for other in many if one is not other)
    assert process_time() - before < 1.0
