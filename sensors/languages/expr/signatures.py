"""What the functions of the language take and give, as far as that is known before an expression runs."""

from collections.abc import Callable, Sequence
from functools import partial

from sensors.languages.expr.types import ANY, LIST, Type, assignable, is_any, is_integer, kind
from sensors.languages.expr.words import ExprError

_NUMBERS = frozenset(("any", "int", "int64", "float"))

Known = Sequence[Type | None]
Check = Callable[[str, Known], Type | None]
"""From the name of a function and the types of its arguments to the type of what it gives. Raises `ExprError`."""


def _count(name: str, known: Known, *allowed: int) -> None:
    if len(known) not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise ExprError(f"{name} takes {wanted} argument{'' if allowed == (1,) else 's'}, not {len(known)}")


def takes(kinds: frozenset[str], gives: Callable[[Known], Type | None], *counts: int) -> Check:
    """The first argument is of one of `kinds`."""

    def check(name: str, known: Known) -> Type | None:
        _count(name, known, *(counts or (1,)))
        if kind(known[0]) not in kinds:
            raise ExprError(f"{name} does not take {known[0] or 'nil'}")
        return gives(known)

    return check


def overloads(*forms: tuple[tuple[Type, ...], Type]) -> Check:
    """The arguments fit one of `forms`; of nil and of what is not known before running it is found out then."""

    def fits(known: Known, wanted: tuple[Type, ...]) -> bool:
        return len(known) == len(wanted) and all(
            one is None or is_any(one) or assignable(one, other) or (is_integer(one) and is_integer(other))
            for one, other in zip(known, wanted, strict=True)
        )

    def check(name: str, known: Known) -> Type | None:
        for wanted, gives in forms:
            if fits(known, wanted):
                return gives
        said = ", ".join(str(one or "nil") for one in known) or "nothing"
        wants = " or ".join(f"({', '.join(map(str, wanted))})" for wanted, _ in forms)
        raise ExprError(f"{name} takes {wants}, not ({said})")

    return check


def extreme(name: str, known: Known) -> Type | None:
    """Of `max` and `min`: any number of numbers."""
    if not known:
        raise ExprError(f"{name} takes at least one argument")
    for one in known:
        if is_any(one):
            return ANY
        if kind(one) not in _NUMBERS:
            raise ExprError(f"{name} does not take {one or 'nil'}")
    return known[0]


def sorting(*counts: int) -> Check:
    """Of `sort` and `sortBy`: a list, then texts; so many arguments."""

    def check(name: str, known: Known) -> Type | None:
        _count(name, known, *counts)
        if kind(known[0]) not in ("any", "list"):
            raise ExprError(f"{name} does not take {known[0] or 'nil'}")
        for one in known[1:]:
            if kind(one) not in ("any", "text"):
                raise ExprError(f"{name}: expected a text, not {one or 'nil'}")
        return LIST

    return check


def taking(name: str, known: Known) -> Type | None:
    """Of `take`: a list and a whole number."""
    _count(name, known, 2)
    if kind(known[0]) not in ("any", "list"):
        raise ExprError(f"{name} does not take {known[0] or 'nil'}")
    if kind(known[1]) not in ("any", "int", "int64"):
        raise ExprError(f"{name}: expected a whole number, not {known[1] or 'nil'}")
    return known[0]


ANY_NUMBER = partial(takes, _NUMBERS)


ANY_LIST = partial(takes, frozenset(("any", "list")))


ANY_MAP = partial(takes, frozenset(("any", "map")))


TEXT_OR_NUMBER = partial(takes, _NUMBERS | {"text"})


def element(known: Known) -> Type | None:
    """What an element of the first argument is."""
    first = known[0]
    return ANY if first is None or is_any(first) else first.element
