"""Bytes of bodies in memory: bounded for all endpoints together, and shared among them."""

import pytest

from sources.http.limits import Budget, Part, Saturated


def test_the_first_body_of_an_endpoint_has_to_fit_beside_those_of_the_others() -> None:
    budget = Budget(100)
    one, other = Part(budget), Part(budget)
    one.take(80)
    with pytest.raises(Saturated):
        other.take(30)
    other.take(20)
    one.give_back(80)
    other.give_back(20)
    assert (budget.used, budget.free) == (0, 100)


def test_one_body_alone_may_be_larger_than_all_that_there_is() -> None:
    budget = Budget(100)
    Part(budget).take(1000)
    with pytest.raises(Saturated):
        Part(budget).take(1)


def test_an_endpoint_holds_no_more_than_it_leaves_free() -> None:
    budget = Budget(100)
    one = Part(budget)
    one.take(40)
    with pytest.raises(Saturated):
        one.take(40)
    Part(budget).take(40)
