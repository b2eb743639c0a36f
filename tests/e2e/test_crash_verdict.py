"""The judge of a crash campaign sees every broken promise: a judge that cannot say no proves nothing."""

from chaos.senders import Acknowledged, Sent
from chaos.target import Target
from chaos.verdict import Fired, Report, judge

WANTED = Acknowledged("pushes", "e1", "1", True)
UNWANTED = Acknowledged("pushes", "e2", "2", False)
FIRED = Fired("f1", "pushes", "e1", "succeeded", 1)


def faults(
    *,
    events: list[tuple[str, str]] | None = None,
    firings: list[Fired] | None = None,
    effects: dict[str, str] | None = None,
    unkeyed: int = 0,
) -> str:
    target = Target(seed=0, faults=0.0)
    target.effects = {"f1": "1"} if effects is None else effects
    target.calls.update(list(target.effects))
    target.unkeyed = unkeyed
    report = Report(seed=0)
    sent = Sent(acknowledged=[WANTED, UNWANTED])
    judge(report, sent, events or [("pushes", "e1"), ("pushes", "e2")], [FIRED] if firings is None else firings, target)
    return "\n".join(report.faults)


def test_a_campaign_that_kept_every_promise_has_no_fault() -> None:
    assert faults() == ""


def test_an_acknowledged_event_that_is_not_in_the_journal_is_a_fault() -> None:
    assert "pushes/e2 (n=2) was acknowledged and is not in the journal" in faults(events=[("pushes", "e1")])


def test_an_event_that_is_twice_in_the_journal_is_a_fault() -> None:
    assert "e1 is 2 times in the journal" in faults(events=[("pushes", "e1"), ("pushes", "e1"), ("pushes", "e2")])


def test_a_match_that_did_not_fire_is_a_fault() -> None:
    assert "pushes/e1 (n=1) matches and did not fire" in faults(firings=[], effects={})


def test_an_event_that_fired_twice_is_a_fault() -> None:
    again = Fired("f3", "pushes", "e1", "succeeded", 1)
    assert "pushes/e1 fired 2 times" in faults(firings=[FIRED, again], effects={"f1": "1", "f3": "1"})


def test_a_firing_without_its_outcome_is_a_fault() -> None:
    assert "firing f1 ended as open" in faults(firings=[Fired("f1", "pushes", "e1", "open", 1)])


def test_a_firing_that_the_target_never_saw_is_a_fault() -> None:
    assert "the target did not act on it under the key f1" in faults(effects={})


def test_an_event_that_matches_nothing_and_fired_is_a_fault() -> None:
    wrong = Fired("f2", "pushes", "e2", "succeeded", 1)
    assert "pushes/e2 (n=2) does not match and fired" in faults(firings=[FIRED, wrong], effects={"f1": "1", "f2": "2"})


def test_a_call_under_an_unknown_key_or_without_one_is_a_fault() -> None:
    found = faults(effects={"f1": "1", "stray": "1"}, unkeyed=1)
    assert "unknown key 'stray'" in found
    assert "1 calls had no idempotency key" in found
