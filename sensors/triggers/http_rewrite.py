"""An `http` trigger's declaration as parameters rewrote it, checked again."""

import re
from collections.abc import Sequence

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from manifests.checked import check
from manifests.report import Report
from sensors.triggers.http_spec import HttpSpec
from sensors.triggers.rewriting import faults_text

METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def parse_spec(spec: bytes, *, lenient: bool) -> HttpSpec:
    """Check a rewritten declaration. Raises `ValueError` saying where it is wrong, without the values.

    `lenient` reads it as the original does: unknown fields and nulls are nothing, a method is any word.
    """
    try:
        return HttpSpec.model_validate_json(spec)
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
    if lenient and (read := _read_leniently(spec, errors)) is not None:
        return read
    raise ValueError(faults_text(errors))


def _read_leniently(spec: bytes, errors: Sequence[ErrorDetails]) -> HttpSpec | None:
    fields = msgspec.json.decode(spec)
    method = fields.get("method")
    odd = any(error["loc"] == ("method",) for error in errors) and isinstance(method, str)
    if odd and not METHOD.fullmatch(method):
        return None
    if odd:
        del fields["method"]
    read = check(HttpSpec, fields, (), Report("")).value
    # What the model would refuse is what the original sends: it checks methods only where they are declared.
    return read.model_copy(update={"method": method}) if read is not None and odd else read
