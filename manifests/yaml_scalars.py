"""What unquoted text means: as Kubernetes tools read it, and by the core schema of YAML 1.2.

Semantics: `goyaml.v2` in sigs.k8s.io/yaml (`resolve.go`), whose result goes through JSON; YAML 1.2.2, section 10.3.
"""

import math
import re
from typing import Protocol

Scalar = None | bool | int | float | str


class NotJson(ValueError):
    """The text stands for a value that JSON does not have."""


class Schema(Protocol):
    """One way to read plain text."""

    def value(self, text: str) -> Scalar:
        """Return what plain `text` stands for. Raises `NotJson` for infinities and for what is no number at all."""

    def key(self, text: str) -> str | None:
        """Return plain `text` as a key of a JSON object; None where it stands for nothing."""


_NULLS: dict[str, Scalar] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")
_NON_FINITE = frozenset(
    sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")
) | {".nan", ".NaN", ".NAN"}  # fmt: skip
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_MAX_DIGITS = 400  # a longer run is no number anyone means, and converting it takes quadratic time


class _Kubernetes:
    """YAML 1.1 words, octal by a leading zero, underscores in numbers; no base sixty, no dates."""

    _words = (
        _NULLS
        | dict.fromkeys(("y", "Y", "yes", "Yes", "YES", *_TRUE, "on", "On", "ON"), True)
        | dict.fromkeys(("n", "N", "no", "No", "NO", *_FALSE, "off", "Off", "OFF"), False)
    )
    _integer = re.compile(r"([-+]?)(0[bB][01]+|0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")

    def value(self, text: str) -> Scalar:
        if text in self._words:
            return self._words[text]
        if text in _NON_FINITE:
            raise NotJson(f"{text} is not a number that JSON can hold")
        if text[0] not in "+-.0123456789" or len(text) > _MAX_DIGITS:
            return text
        plain = text if text[0] == "." else text.replace("_", "")
        if found := self._integer.fullmatch(plain):
            number = self._whole(*found.groups())
            if -(2**63) <= number < 2**64:
                return number
        if not _FLOAT.fullmatch(plain):
            return text
        return self._through_json(float(plain), text)

    def key(self, text: str) -> str | None:
        value = self.value(text)
        if isinstance(value, bool):
            return "true" if value else "false"
        return None if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    @staticmethod
    def _whole(sign: str, digits: str) -> int:
        prefix = digits[:2].lower()
        base = {"0b": 2, "0x": 16, "0o": 8}.get(prefix)
        if base is None:
            base = 8 if digits[0] == "0" else 10
        return int(sign + digits, base) if prefix != "0o" or base != 8 else int(sign + digits[2:], 8)

    @staticmethod
    def _through_json(number: float, text: str) -> Scalar:
        if math.isinf(number):
            return text
        # JSON has one kind of number: 1.0 arrives as 1. Minus zero stays that.
        whole = number.is_integer() and abs(number) <= 2**53 and (number != 0 or math.copysign(1.0, number) > 0)
        return int(number) if whole else number


class _Core:
    """YAML 1.2: only true and false are booleans, a leading zero means nothing, keys are text as written."""

    _words = _NULLS | dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
    _integer = re.compile(r"[-+]?[0-9]+")
    _based = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")

    def value(self, text: str) -> Scalar:
        if text in self._words:
            return self._words[text]
        if text in _NON_FINITE:
            raise NotJson(f"{text} is not a number that JSON can hold")
        if text[0] not in "+-.0123456789" or len(text) > _MAX_DIGITS:
            return text
        if self._integer.fullmatch(text):
            return int(text)
        if self._based.fullmatch(text):
            return int(text, 0)
        if not _FLOAT.fullmatch(text):
            return text
        if math.isinf(number := float(text)):
            raise NotJson("the number is too large")
        return number

    def key(self, text: str) -> str | None:
        return text or None


KUBERNETES: Schema = _Kubernetes()
"""As `kubectl` reads a manifest."""
CORE: Schema = _Core()
"""YAML 1.2 core schema."""
