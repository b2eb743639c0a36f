"""The reason of a chain that was stopped: the loop, or the way to it."""

from collections.abc import Sequence

from eventbus.firing import Firing, TriggerRef, firing_id
from sensors.hops import loop_reason


def chain(*names: str) -> tuple[Firing, Sequence[Firing]]:
    """The last of `names`, and those before it, nearest first."""
    firings = []
    for hops, name in enumerate(names, 1):
        namespace, sensor, trigger = name.split("/")
        ref = TriggerRef(namespace, sensor, trigger)
        firings.append(Firing(id=firing_id(ref, [], hops), trigger=ref, revision="r", causes=(), decided_us=0, hops=hops))
    last, *before = reversed(firings)
    return last, before


def reason(*names: str) -> str:
    return loop_reason(*chain(*names), limit=3)


def test_a_loop_is_named_from_where_it_came_to_where_it_comes_again() -> None:
    assert reason("d/s/start", "d/a/x", "d/b/y", "d/a/x") == "stopped at hop 4, the limit is 3: the loop a/x → b/y → a/x"
    assert reason("d/a/x", "d/b/y", "d/a/x", "d/b/y") == "stopped at hop 4, the limit is 3: the loop b/y → a/x → b/y"
    assert reason("d/a/x", "d/a/x", "d/a/x", "d/a/x").endswith("the loop a/x → a/x")


def test_a_long_chain_without_a_loop_is_shown_as_far_as_it_fits() -> None:
    assert reason("d/a/x", "d/b/y", "d/c/z", "d/d/v") == "stopped at hop 4, the limit is 3: the chain a/x → b/y → c/z → d/v"
    long = reason(*[f"d/s{n}/t" for n in range(40)])
    assert long.startswith("stopped at hop 40, the limit is 3: the chain … → s28/t → ")
    assert long.endswith(" → s39/t")


def test_triggers_of_other_namespaces_are_named_in_full() -> None:
    assert reason("d/a/x", "other/b/y", "d/a/x", "d/c/z").endswith("the chain a/x → other/b/y → a/x → c/z")


def test_a_chain_from_elsewhere_is_said_to_be() -> None:
    last, _ = chain("d/a/x")
    assert loop_reason(last, (), 16) == "stopped at hop 1, the limit is 16: what led to a/x is not on record here"
