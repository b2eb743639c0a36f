"""A declaration made ready once, or anew for each firing where parameters rewrite it."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Generic, TypeVar

import msgspec

from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from manifests.ours import ONLY_OURS, ours_in
from manifests.words import path_text
from sensors.bound import Bound
from sensors.errors import RenderError
from sensors.parameters import ParameterError
from sensors.triggers.rewriting import ParametrisedSpec, Rewriting, Settle, TemplateRewriting, honoured, parse_rewritten

SpecT = TypeVar("SpecT", bound=Spec)
PartsT = TypeVar("PartsT")


class Fitted(Generic[PartsT]):
    """What `make` makes of a kind's spec. Rewritten specs travel as JSON in the stored request, and are made again from it."""

    def __init__(
        self,
        declared: DeclaredTrigger,
        model: type[SpecT],
        make: Callable[[SpecT], PartsT],
        *,
        dialect: Dialect,
        settle: Settle = honoured,
        parse: Callable[[bytes], SpecT] | None = None,
    ) -> None:
        """`settle` says what the kind's own parameters may change, `parse` checks what they made; None: by the model.

        Raises `ValueError` naming what cannot work.
        """
        if not isinstance(declared.spec, model):
            raise TypeError(f"a spec of {model.__name__} was declared, got {type(declared.spec).__name__}")
        parse = parse or partial(parse_rewritten, model, lenient=dialect is Dialect.ARGO)
        # The parameters of other kinds change what they send, not the declaration.
        own = isinstance(declared.spec, ParametrisedSpec)
        self._rewriting = Rewriting(declared, parse, settle) if own else TemplateRewriting(declared)
        # A declaration that parameters rewrite may be wrong as it stands and right in each request.
        self._parts = None if self._rewriting else make(_known(declared.spec, dialect))
        self._rewritten = lru_cache(maxsize=64)(lambda text: make(_known(parse(text), dialect)))

    @property
    def plain(self) -> PartsT | None:
        """The parts that serve every firing; None where parameters rewrite the declaration for each."""
        return self._parts

    def for_firing(self, bound: Bound) -> tuple[PartsT, bytes | None]:
        """The parts for this firing, and the rewritten spec as it is to be stored; None where nothing rewrites it.

        Raises `RenderError`.
        """
        if self._parts is not None:
            return self._parts, None
        try:
            text = self._rewriting.apply(bound)
            return self._rewritten(text), text
        except (ParameterError, ValueError) as exc:
            raise RenderError(str(exc)) from exc

    def stored(self, text: bytes | None) -> PartsT:
        """The parts that a stored request was made with."""
        return self._parts if self._parts is not None else self._rewritten(text or b"")


def _known(spec: SpecT, dialect: Dialect) -> SpecT:
    """`spec` where `dialect` knows all its fields; raises `ValueError` naming one that it does not."""
    if dialect is Dialect.ARGO and (path := next(ours_in(spec), None)) is not None:
        raise ValueError(f"{path_text(path)}: {ONLY_OURS}")
    return spec


def readable(body: bytes | None) -> object:
    """A body as it is shown: as JSON where it is JSON, else as text; None where there is none."""
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body.decode("utf-8", "replace")
