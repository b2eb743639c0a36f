"""A firing with its events: what its request is rendered from."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from eventbus.firing import Firing
from sensors.bound import Bound, EventView
from sensors.transforms import Transform, Transforms

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def bind(firing: Firing, events: Mapping[int, EventView], transforms: Transforms) -> Bound:
    """What the request of `firing` is rendered from: its events by position, as each dependency reads them.

    Raises `KeyError` where an event is missing, `TransformFailed` where one cannot be read as it was when it was decided.
    """
    return Bound(
        events={cause.dependency: _read(events[cause.position], transforms.get(cause.dependency)) for cause in firing.causes},
        now=_EPOCH + timedelta(microseconds=firing.decided_us),
        seed=bytes.fromhex(firing.id),
        firing=firing,
    )


def _read(view: EventView, transform: Transform | None) -> EventView:
    return view if transform is None else transform.apply(view, view.now_us)
