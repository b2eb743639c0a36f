"""What a source is, and the registry of source kinds."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from eventbus.contract import Appended, Outcomes
from eventbus.event import UNPARSED, Event, Road
from manifests.fields import Spec
from manifests.kinds import Kind
from manifests.objects import Dialect
from manifests.secrets import Values
from sources.clock import Clock, SystemClock
from sources.marshalled import marshalled
from sources.state import SourceState

SpecT = TypeVar("SpecT", bound=Spec)


class SourceRefused(Exception):
    """A source cannot run as declared. The message names the field and what to do; the service turns it into a problem."""


LEFT_OUT = Appended(0, "", False)
"""The answer for an event that the source's filter leaves out: all is well, and nothing is kept."""


class Emit(Protocol):
    """Hands an event to the log."""

    def __call__(self, event: Event) -> Awaitable[Appended]:
        """Return once the event is durable; only then may the source acknowledge upstream.

        Raises `BusUnavailable` (try again later) or `EventRejected` (never).
        """

    def batch(self, events: Sequence[Event]) -> Awaitable[Sequence[Appended]]:
        """As a call, for many events at the price of few; one answer for each, in order.

        `BusUnavailable`: none or some are stored, and it is safe to hand over all again. `EventRejected`: one of them will never
        be taken, and none is stored; hand them over one by one to find it.
        """

    def unusable(self, count: int = 1) -> None:
        """Count what arrived and can never become an event."""


def _tell_nobody(reason: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """What a source is told beside its spec."""

    road: Road
    dialect: Dialect
    values: Values = field(repr=False)
    annotations: Mapping[str, str] = field(default_factory=dict)
    state: SourceState = field(default_factory=SourceState, repr=False)
    """What it remembers across restarts, such as its position; in memory unless the service gives a durable one."""
    outcomes: Outcomes | None = field(default=None, repr=False)
    """How firings ended, for the kind that reads it; the reader has the road's name."""
    clock: Clock = field(default_factory=SystemClock, repr=False)
    tell: Callable[[str], None] = field(default=_tell_nobody, repr=False)
    """Says why the source takes nothing in at present, such as a broker that does not answer; empty text: it does."""
    degraded: Callable[[str], None] = field(default=_tell_nobody, repr=False)
    """Says what does not go well while it takes in, such as certificates that cannot be used; empty text: nothing."""


class Source(Generic[SpecT]):
    """One named event of an event source. Subclasses give `kind`, `type` and either `run` or, for HTTP kinds, `receive`."""

    key: ClassVar[str]
    """The key under `spec` that picks this kind; set by the registry."""
    type: ClassVar[str]
    """The CloudEvents `type` of what it emits; the key unless said otherwise."""
    reads_outcomes: ClassVar[bool] = False
    """Whether how firings end is to be kept for it."""
    members: ClassVar[frozenset[str]] = frozenset()
    """The members that the data of its events may have at the top; empty where that is the sender's business."""

    def __init__(self, spec: SpecT, context: SourceContext) -> None:
        self.spec = spec
        self.context = context

    def event(
        self,
        *,
        id: str,
        data: bytes | None,
        time: str | None,
        tree: object = UNPARSED,
        datacontenttype: str | None = "application/json",
    ) -> Event:
        """An event of this source. `tree` is `data` as parsed, where it was parsed anyway.

        JSON of a source in the dialect of Argo Events is written as that writes it; in ours its text stays as it came.
        """
        road, dialect = self.context.road, self.context.dialect
        if dialect is Dialect.ARGO and data is not None and datacontenttype == "application/json":
            data = marshalled(data)
        return Event(
            namespace=road.namespace,
            source=road.source,
            name=road.name,
            id=id,
            type=self.type,
            time=time,
            datacontenttype=datacontenttype,
            data=data,
            tree=tree,
        )

    def warnings(self) -> Sequence[str]:
        """What works differently from what the declaration may lead its author to expect; to be said loudly, once."""
        return ()

    def stop(self) -> bool:
        """Take in nothing more, so that `run` soon returns with everything acknowledged; False where it has to be cancelled."""
        return False

    @property
    def leaves_something(self) -> bool:
        """Whether `withdrawn` has something to undo."""
        return False

    async def withdrawn(self, others: "Iterable[Source[Any]]") -> None:
        """Undo what is left elsewhere for this source, such as hooks at a provider; after its end, where its declaration is gone.

        Not when the process stops, and not where a changed declaration takes its place. What one of `others`, which run, needs
        is left.
        """

    async def run(self, emit: Emit) -> None:
        """Emit until `stop`, or until cancelled. Leaves nothing open when cancelled.

        Called again after it raised. What passes by itself, such as a connection that is gone, it copes with and says with
        `context.tell`.
        """
        raise NotImplementedError(f"the {self.key} source has no loop of its own: it is served by the shared listener")


class SourceKinds:
    """Source kinds by key; a second owner of a key is refused. A test makes its own."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[type[Source], type[Spec], bool]] = {}  # type: ignore[type-arg]

    def register(
        self, key: str, *, spec: type[Spec], event_type: str | None = None, active_passive: bool = False
    ) -> Callable[[type[Source[SpecT]]], type[Source[SpecT]]]:
        """Return a class decorator that registers a source under `key`. Raises `ValueError` where the key is taken."""

        def add(source: "type[Source[SpecT]]") -> "type[Source[SpecT]]":
            if key in self._kinds:
                raise ValueError(f"two owners of the source kind {key!r}")
            source.key = key
            source.type = event_type or key
            self._kinds[key] = (source, spec, active_passive)
            return source

        return add

    def get(self, key: str) -> "type[Source] | None":  # type: ignore[type-arg]
        """The class under `key`, or None."""
        found = self._kinds.get(key)
        return found[0] if found else None

    def kinds(self) -> Iterator[Kind]:
        """What the manifest loader needs to know."""
        for key, (_, spec, active_passive) in self._kinds.items():
            yield Kind(key=key, role="source", spec=spec, active_passive=active_passive)


sources = SourceKinds()
"""The kinds of this service; each kind's module registers itself here when imported."""
