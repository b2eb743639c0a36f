"""The registry of kinds: what a loader knows about what may stand under a key."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from manifests.fields import Spec

Role = Literal["source", "trigger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of event source or trigger. `spec` is None where the kind is known but not built yet."""

    key: str
    role: Role
    spec: type[Spec] | None
    dialects: frozenset[str] = frozenset({"argoproj.io/v1alpha1", "tocsin.dev/v1"})
    active_passive: bool = False
    """Upstream elects one working replica for these source kinds, and refuses to mix them with the others in one object."""

    checked_parameters: tuple[str, ...] = ()
    """Trigger kinds: lists of parameters under the key; upstream refuses a sensor in which one of them is malformed."""
    checked_policies: tuple[str, ...] = ()
    """Trigger kinds: policies that upstream refuses to take empty."""
    whole_payload: bool = False
    """Trigger kinds: an item of `payload` may leave `dest` empty and so be the whole payload."""

    @property
    def supported(self) -> bool:
        """Whether this version can run it."""
        return self.spec is not None


class Kinds:
    """Kinds by role and key. A second owner of a key is refused."""

    complete = False
    """Whether every known kind is in it already, so that nothing has to be put behind it."""

    def __init__(self, kinds: Iterable[Kind] = ()) -> None:
        self._kinds: dict[tuple[Role, str], Kind] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Add `kind`. A supported kind replaces the note that it is known, and keeps what the note says of upstream.

        Two supported owners raise `ValueError`.
        """
        slot = (kind.role, kind.key)
        present = self._kinds.get(slot)
        if present is not None and present.supported and kind.supported:
            raise ValueError(f"two owners of the {kind.role} kind {kind.key!r}")
        if present is None:
            self._kinds[slot] = kind
        elif kind.supported:
            self._kinds[slot] = replace(
                kind,
                active_passive=kind.active_passive or present.active_passive,
                checked_parameters=kind.checked_parameters or present.checked_parameters,
                checked_policies=kind.checked_policies or present.checked_policies,
                whole_payload=kind.whole_payload or present.whole_payload,
            )

    def get(self, role: Role, key: str) -> Kind | None:
        """The kind under `key`, or None."""
        return self._kinds.get((role, key))

    def all(self, role: Role) -> Iterator[Kind]:
        """Every kind of `role`, in order of registration."""
        return (kind for (owner, _), kind in self._kinds.items() if owner == role)
