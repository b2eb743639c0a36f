"""A declaration made ready once, or anew for each firing where parameters rewrite it."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Generic, TypeVar

import msgspec
from pydantic import ValidationError

from manifests.checked import check
from manifests.objects import DeclaredTrigger, Dialect
from manifests.report import Report
from sensors.bound import Bound
from sensors.errors import RenderError
from sensors.parameters import ParameterError
from sensors.triggers.rewriting import ParametrisedSpec, Rewriting, Settle, honoured

SpecT = TypeVar("SpecT", bound=ParametrisedSpec)
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
    ) -> None:
        """`settle` says what the kind's own parameters may change. Raises `ValueError` naming what cannot work."""
        if not isinstance(declared.spec, model):
            raise TypeError(f"a spec of {model.__name__} was declared, got {type(declared.spec).__name__}")
        parse = partial(parse_rewritten, model, lenient=dialect is Dialect.ARGO)
        self._rewriting = Rewriting(declared, declared.spec, parse, settle)
        # A declaration that parameters rewrite may be wrong as it stands and right in each request.
        self._parts = None if self._rewriting else make(declared.spec)
        self._rewritten = lru_cache(maxsize=64)(lambda text: make(parse(text)))

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


def parse_rewritten(model: type[SpecT], text: bytes, *, lenient: bool) -> SpecT:
    """Check a rewritten declaration. Raises `ValueError` saying where it is wrong, without the values.

    `lenient` reads it as the original does: unknown fields and nulls are nothing.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as exc:
        read = check(model, msgspec.json.decode(text), (), Report("")).value if lenient else None
        if read is not None:
            return read
        faults = [f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in exc.errors(include_url=False)]
        raise ValueError(f"the parameters make a request that cannot be sent: {'; '.join(faults)}") from None


def readable(body: bytes | None) -> object:
    """A body as it is shown: as JSON where it is JSON, else as text; None where there is none."""
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return body.decode("utf-8", "replace")
