"""What Go calls the types of the values in templates."""

from collections.abc import Mapping

from gotpl.funcs.sprig._values import NilSlice, go_kind_of
from gotpl.funcs.sprig.semver import Version
from gotpl.runtime.values import INVALID, UNTYPED_NIL

from sensors.languages.expr.values import Int64, Uint8, type_name
from sensors.languages.gotemplate_times import GoDuration, GoTime


class WholeFloat(float):
    """A number written as `5.0` or `1e3`: a float, and a whole number to a function that takes nothing else."""


class NilTexts(NilSlice):
    """A list of texts that is nil."""


class Chunks(list[object]):
    """`[][]interface {}`."""


def go_type(value: object) -> str:
    """Go's name of the type of a value."""
    if value is None or value is INVALID or value is UNTYPED_NIL:
        return "<nil>"
    return _GO_TYPES.get(type(value)) or type_name(value)


_GO_TYPES: Mapping[type, str] = {
    GoTime: "time.Time",
    GoDuration: "time.Duration",
    Version: "*semver.Version",
    NilSlice: "[]interface {}",
    NilTexts: "[]string",
    Chunks: "[][]interface {}",
    WholeFloat: "float64",
}


def go_kind(value: object) -> str:
    """The kind of a value, as Go's `reflect` has it."""
    return _GO_KINDS.get(type(value)) or go_kind_of(value)


_GO_KINDS: Mapping[type, str] = {Int64: "int64", Uint8: "uint8", GoDuration: "int64", Version: "ptr"}
