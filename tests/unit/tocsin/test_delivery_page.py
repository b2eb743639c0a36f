"""What `docs/delivery.md` promises in numbers is what holds."""

import re
from dataclasses import fields
from inspect import signature
from pathlib import Path

from manifests.fields import Backoff
from manifests.objects import Dialect, TriggerHead
from sensors.hops import MAX_HOPS
from sensors.lanes import GIVE_BACK_S
from sensors.limits import ActingLimits
from sensors.report import Report
from sensors.retry import RetryPolicy, retry_policy
from tocsin.config import RunConfig

PAGE = (Path(__file__).parents[3] / "docs" / "delivery.md").read_text()
WORDS = " ".join(PAGE.split())


def row(title: str) -> list[str]:
    """The cells of the row that begins with `title`."""
    found = re.findall(rf"^\| {re.escape(title)} \|(.*)\|$", PAGE, re.MULTILINE)[0]
    return [cell.strip() for cell in found.split("|")]


def test_limits_are_those_of_the_page() -> None:
    limits = ActingLimits()
    assert row("attempts at a time, one trigger")[0].partition(";")[0] == str(limits.running_per_trigger)
    assert row("attempts at a time, all triggers")[0] == str(limits.running)
    assert row("firings in a row, each caused by the one before")[0] == str(limits.max_hops) == str(MAX_HOPS)
    assert f"or {limits.timeout_s:g} s." in WORDS
    (grace_s,) = [field.default for field in fields(RunConfig) if field.name == "grace_s"]
    assert f"attempts in flight have {grace_s:g} seconds to end" in WORDS
    assert f"a wait of more than {GIVE_BACK_S:g} seconds is spent on disk" in WORDS


def test_retries_are_those_of_the_page() -> None:
    ours, plain = row("none, in `tocsin.dev`"), RetryPolicy(jitter=0.0)
    assert ours[0] == str(retry_policy(TriggerHead(), Dialect.TOCSIN).attempts)
    delays = ", ".join(f"{plain.delay_s('f', n):g} s" for n in range(1, plain.attempts))
    assert ours[1] == f"about {delays}, plus up to half"
    assert RetryPolicy().jitter == 0.5
    assert row("none, in `argoproj.io`")[0] == str(retry_policy(TriggerHead(), Dialect.ARGO).attempts)
    assert row("`retryStrategy`")[0] == f"`steps`, the first included; {Backoff().attempts} when 0"


def test_lines_of_the_log_are_as_many_as_the_page_says() -> None:
    successes, failures = (signature(Report).parameters[name].default for name in ("successes_per_s", "failures_per_s"))
    assert f"At most {successes} and {failures} lines a second for one trigger" in WORDS
