"""Records as people see them."""

import pytest

from eventbus.firing import Attempt
from tocsin.views import attempt_view


@pytest.mark.parametrize(("ended_us", "shown"), [(1_001_500, 1.5), (1_000_000, 0.0), (-5_000_000, 0.0)])
def test_an_attempt_never_took_less_than_no_time_also_where_the_clock_was_put_back(ended_us: int, shown: float) -> None:
    attempt = Attempt(number=1, started_us=1_000_000, ended_us=ended_us, succeeded=True)
    assert attempt_view(attempt)["duration_ms"] == shown
