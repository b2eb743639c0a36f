"""`printf`: every verb, flag, width and precision, and what is said of those that do not fit. Semantics: `fmt` of Go."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gotpl._compat.gofmt._core import _quote_rune, _quote_string
from gotpl.funcs.sprig._values import NilSlice
from gotpl.funcs.sprig.semver import Version

from sensors.languages.gonumbers import format_general
from sensors.languages.gotemplate_times import GoDuration, GoTime
from sensors.languages.gotemplate_types import go_type

MAX_NUMBER = 1_000_000
"""The largest width, precision or index that a format may name; a larger one is none."""
_FLAGS: Mapping[str, str] = {"#": "sharp", "0": "zero", "+": "plus", "-": "minus", " ": "space"}


@dataclass(slots=True)
class _Directive:
    """One verb with its flags."""

    sharp: bool = False
    zero: bool = False
    plus: bool = False
    minus: bool = False
    space: bool = False
    go_syntax: bool = False
    """`%#v`."""
    width: int | None = None
    precision: int | None = None
    erring: bool = False
    """A wrong verb is being told: methods are not asked."""

    def pad(self, text: str, *, zeros: bool = True) -> str:
        """`text`, as wide as wanted."""
        missing = (self.width or 0) - len(text)
        if missing <= 0:
            return text
        return text + " " * missing if self.minus else ("0" if self.zero and zeros else " ") * missing + text

    def cut(self, text: str) -> str:
        """`text`, with no more characters than wanted."""
        return text if self.precision is None else text[: self.precision]


def sprintf(format_: str, *values: object) -> str:
    """The text that `format_` makes of the values."""
    return _Printer(format_, values).text()


class _Printer:
    """Reads one format; where it stands, and which value is next."""

    def __init__(self, format_: str, values: Sequence[object]) -> None:
        self._format = format_
        self._values = values
        self._at = 0
        self._next = 0
        self._reordered = False
        self._good_index = True

    def text(self) -> str:
        made = []
        while (percent := self._format.find("%", self._at)) >= 0:
            made.append(self._format[self._at : percent])
            self._at = percent + 1
            made.append(self._directive())
        made += [self._format[self._at :], self._left_over()]
        return "".join(made)

    def _peek(self) -> str:
        return self._format[self._at : self._at + 1]

    def _directive(self) -> str:
        self._good_index = True
        directive = _Directive()
        while (flag := self._peek()) in _FLAGS and flag:
            setattr(directive, _FLAGS[flag], True)
            self._at += 1
        said = self._width(directive) + self._precision(directive)
        verb = self._peek()
        if not verb:
            return f"{said}%!(NOVERB)"
        self._at += 1
        if verb == "%":
            return f"{said}%"
        if not self._good_index:
            return f"{said}%!{verb}(BADINDEX)"
        if self._next >= len(self._values):
            return f"{said}%!{verb}(MISSING)"
        if verb in "vw":
            directive.go_syntax, directive.sharp, directive.plus = directive.sharp, False, False
        self._next += 1
        return said + shown(directive, self._values[self._next - 1], verb)

    def _width(self, directive: _Directive) -> str:
        indexed = self._index()
        self._after_index = indexed
        if self._peek() != "*":
            directive.width = self._number()
            if indexed and directive.width is not None:
                self._good_index = False
            return ""
        self._at += 1
        self._after_index = False
        directive.width = self._taken()
        if directive.width is None:
            return "%!(BADWIDTH)"
        if directive.width < 0:
            directive.width, directive.minus, directive.zero = -directive.width, True, False
        return ""

    def _precision(self, directive: _Directive) -> str:
        said = ""
        if self._peek() == ".":
            self._at += 1
            if self._after_index:
                self._good_index = False
            self._after_index = self._index()
            if self._peek() == "*":
                self._at += 1
                self._after_index = False
                directive.precision = self._taken()
                if directive.precision is None or directive.precision < 0:
                    directive.precision, said = None, "%!(BADPREC)"
            else:
                directive.precision = self._number() or 0
        if not self._after_index:
            self._index()
        return said

    def _index(self) -> bool:
        """Read `[3]`, if it stands here; whether it does and is a number."""
        if self._peek() != "[":
            return False
        self._reordered = True
        end = self._format.find("]", self._at + 1)
        digits = self._format[self._at + 1 : end] if end >= 0 else ""
        self._at = end + 1 if end >= 0 else self._at + 1
        found = _whole(digits) if digits.isascii() and digits.isdigit() else None
        if found is not None and 1 <= found <= len(self._values):
            self._next = found - 1
            return True
        self._good_index = False
        return found is not None

    def _number(self) -> int | None:
        begin = self._at
        while self._peek().isascii() and self._peek().isdigit():
            self._at += 1
        return _whole(self._format[begin : self._at])

    def _taken(self) -> int | None:
        """The next value as a number, where it is one."""
        value = self._values[self._next] if self._next < len(self._values) else None
        self._next += self._next < len(self._values)
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER
        return int(value) if whole else None  # type: ignore[call-overload]

    def _left_over(self) -> str:
        if self._reordered or self._next >= len(self._values):
            return ""
        left = self._values[self._next :]
        said = ["<nil>" if value is None else f"{go_type(value)}={shown(_Directive(), value, 'v')}" for value in left]
        return f"%!(EXTRA {', '.join(said)})"


def _whole(digits: str) -> int | None:
    number = int(digits) if 0 < len(digits) <= len(str(MAX_NUMBER)) else None
    return number if number is None or number <= MAX_NUMBER else None


def shown(directive: _Directive, value: object, verb: str) -> str:
    """One value by one verb."""
    if value is None:
        return directive.pad("<nil>") if verb in "Tv" else _wrong(directive, value, verb)
    if verb == "T":
        return directive.pad(directive.cut(go_type(value)))
    return _element(directive, value, verb)


def _element(directive: _Directive, value: object, verb: str) -> str:
    if value is None:
        return "interface {}(nil)" if directive.go_syntax else "<nil>"
    if verb == "w" and not directive.erring:
        return _wrong(directive, value, verb)
    if isinstance(value, GoTime | GoDuration | Version):
        return _by_its_method(directive, value, verb)
    for kind, show in _BY_KIND:
        if isinstance(value, kind):
            return show(directive, value, verb)
    return _wrong(directive, value, verb)


def _by_its_method(directive: _Directive, value: object, verb: str) -> str:
    if directive.go_syntax and isinstance(value, GoTime):
        return directive.pad(directive.cut(value.time.go_string()))
    return _text(directive, str(value), verb) if verb in "vsxXq" else _wrong(directive, value, verb)


def _wrong(directive: _Directive, value: object, verb: str) -> str:
    if value is None:
        return f"%!{verb}(<nil>)"
    erring, directive.erring = directive.erring, True
    said = f"%!{verb}({go_type(value)}={_element(directive, value, 'v')})"
    directive.erring = erring
    return said


def _truth(directive: _Directive, value: object, verb: str) -> str:
    return directive.pad("true" if value else "false") if verb in "tv" else _wrong(directive, value, verb)


def _text(directive: _Directive, value: str, verb: str) -> str:
    if verb in "xX":
        return _hexadecimal(directive, value.encode("utf-8", "surrogateescape"), verb)
    if verb == "q" or (verb == "v" and directive.go_syntax):
        return directive.pad(_quote_string(directive.cut(value), ascii_only=directive.plus, raw=directive.sharp))
    return directive.pad(directive.cut(value)) if verb in "vs" else _wrong(directive, value, verb)


def _hexadecimal(directive: _Directive, data: bytes, verb: str) -> str:
    data = data if directive.precision is None else data[: directive.precision]
    prefix = f"0{verb}" if directive.sharp and data else ""
    pairs = [f"{byte:02{verb}}" for byte in data]
    return directive.pad(prefix + f" {prefix}".join(pairs) if directive.space else prefix + "".join(pairs))


def _integer(directive: _Directive, value: int, verb: str) -> str:
    if verb in "cq":
        character = chr(value) if 0 <= value <= 0x10FFFF else "\ufffd"
        return directive.pad(character if verb == "c" else _quote_rune(character, ascii_only=directive.plus))
    if verb == "U":
        return _code_point(directive, value % (1 << 64))
    if verb not in _BASES:
        return _wrong(directive, value, verb)
    return _digits(directive, int(value), verb)


_BASES: Mapping[str, str] = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES: Mapping[str, str] = {"b": "0b", "x": "0x", "X": "0X"}


def _digits(directive: _Directive, value: int, verb: str) -> str:
    sign = "-" if value < 0 else "+" if directive.plus else " " if directive.space else ""
    if directive.precision == 0 and value == 0:
        return directive.pad("", zeros=False)
    least = directive.precision or 0
    if directive.precision is None and directive.zero and not directive.minus and directive.width is not None:
        least = directive.width - len(sign)
    digits = format(abs(value), _BASES[verb]).rjust(least, "0")
    prefix = ""
    if directive.sharp:
        prefix = ("" if digits.startswith("0") else "0") if verb in "oO" else _PREFIXES.get(verb, "")
    if verb == "O":
        prefix = f"0o{prefix}"
    return directive.pad(f"{sign}{prefix}{digits}", zeros=False)


def _code_point(directive: _Directive, value: int) -> str:
    said = f"U+{value:0{max(directive.precision or 0, 4)}X}"
    if directive.sharp and value <= 0x10FFFF and chr(value).isprintable():
        said += f" '{chr(value)}'"
    return directive.pad(said, zeros=False)


def _float(directive: _Directive, value: float, verb: str) -> str:
    if verb not in "vbgGxXfFeE":
        return _wrong(directive, value, verb)
    number = _unsigned(directive, abs(value), verb)
    sign = "-" if math.copysign(1.0, value) < 0 else "+" if directive.plus else " " if directive.space else ""
    if math.isnan(value):
        return directive.pad(("+" if directive.plus else " " if directive.space else "") + "NaN", zeros=False)
    if math.isinf(value):
        return directive.pad((sign or "+") + "Inf", zeros=False)
    if directive.sharp and verb != "b":
        number = _with_point(directive, number, verb)
    missing = (directive.width or 0) - len(sign) - len(number)
    if sign and directive.zero and not directive.minus and missing > 0:
        return sign + "0" * missing + number
    return directive.pad(sign + number)


def _unsigned(directive: _Directive, value: float, verb: str) -> str:
    if not math.isfinite(value):
        return ""
    precision = directive.precision
    if verb in "fFeE":
        return format(value, f".{6 if precision is None else precision}{'f' if verb in 'fF' else verb}")
    if verb in "xX":
        return _hexadecimal_float(value, precision).upper() if verb == "X" else _hexadecimal_float(value, precision)
    if verb == "b":
        exponent = max(math.frexp(value)[1] - 53, -1074) if value else -1074
        return f"{int(math.ldexp(value, -exponent))}p{exponent:+d}"
    made = format_general(value) if precision is None else format(value, f".{precision or 1}g")
    return made.upper() if verb == "G" else made


def _hexadecimal_float(value: float, precision: int | None) -> str:
    if value == 0:
        return f"0x0{'.' + '0' * precision if precision else ''}p+00"
    fraction, exponent = math.frexp(value)
    exponent -= 1
    mantissa = int(fraction * (1 << 53))  # the leading 1 and 52 bits
    if precision is None:
        digits = f"{mantissa - (1 << 52):013x}".rstrip("0")
    else:
        shift = max(52 - 4 * precision, 0)
        rounded, below = mantissa >> shift, mantissa & ((1 << shift) - 1)
        half = 1 << shift >> 1
        rounded += below > half or (below == half and shift > 0 and rounded & 1)
        if rounded >> (53 - shift):
            rounded, exponent = rounded >> 1, exponent + 1
        digits = f"{rounded - (1 << (52 - shift)):0{min(precision, 13)}x}".ljust(precision, "0") if precision else ""
    return f"0x1{'.' + digits if digits else ''}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _with_point(directive: _Directive, number: str, verb: str) -> str:
    """`#` on a float: a point always, and the zeros that `%g` leaves out."""
    wanted = 0
    if verb in "vgGx":
        wanted = 6 if directive.precision is None else directive.precision
    exponent = "pP" if verb in "xX" else "eEpP"
    end = next((at for at, letter in enumerate(number) if letter in exponent), len(number))
    number, tail = number[:end], number[end:]
    digits = number.replace(".", "").lstrip("0")
    wanted -= len(digits)
    if "." not in number:
        wanted -= number == "0"
        number += "."
    return number + "0" * max(wanted, 0) + tail


def _list(directive: _Directive, value: Sequence[object], verb: str) -> str:
    if directive.go_syntax:
        if isinstance(value, NilSlice):
            return f"{go_type(value)}(nil)"
        return f"{go_type(value)}{{{', '.join(_element(directive, one, verb) for one in value)}}}"
    return f"[{' '.join(_element(directive, one, verb) for one in value)}]"


def _map(directive: _Directive, value: Mapping[str, object], verb: str) -> str:
    members = [f"{_element(directive, key, verb)}:{_element(directive, value[key], verb)}" for key in sorted(value)]
    return f"{go_type(value)}{{{', '.join(members)}}}" if directive.go_syntax else f"map[{' '.join(members)}]"


_BY_KIND: Sequence[tuple[type | tuple[type, ...], Callable[..., str]]] = (
    (bool, _truth),
    (str, _text),
    (int, _integer),
    (float, _float),
    (Mapping, _map),
    ((list, tuple), _list),
)
