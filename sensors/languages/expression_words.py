"""The words of a filter expression, and which may follow which.

Semantics: govaluate at the version that Argo Events pins, oddities included: a backslash takes the next character in any
word, either quote ends a string, adjoining operators are one word, a string that looks like a date is a number.
"""

import unicodedata
from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from sensors.languages.gonumbers import parse_float
from sensors.languages.gotimes import unix_seconds
from sensors.languages.patterns import Pattern, PatternError, compile_pattern


class ExpressionError(ValueError):
    """The expression cannot be read, or cannot be computed with these values."""


class Kind(Enum):
    """What a word is."""

    START = "the beginning"
    PREFIX = "prefix"
    NUMBER = "number"
    TRUTH = "truth value"
    TEXT = "text"
    TIME = "time"
    NAME = "name"
    ACCESS = "access"
    OPEN = "opening parenthesis"
    CLOSE = "closing parenthesis"
    SEPARATOR = "comma"
    MODIFIER = "arithmetic operator"
    COMPARATOR = "comparison"
    LOGIC = "logical operator"
    TERNARY = "ternary operator"


Value = float | bool | str | Pattern | tuple[str, ...]


class Word(NamedTuple):
    """One word: what it is, and its value or its operator."""

    kind: Kind
    value: Value


_OPERATORS: dict[str, Kind] = {
    **dict.fromkeys(("+", "-", "*", "/", "%", "**", "&", "|", "^", ">>", "<<"), Kind.MODIFIER),
    **dict.fromkeys(("==", "!=", ">", ">=", "<", "<=", "=~", "!~"), Kind.COMPARATOR),
    **dict.fromkeys(("&&", "||"), Kind.LOGIC),
    **dict.fromkeys(("?", ":", "??"), Kind.TERNARY),
}
_PREFIXES = frozenset("-!~")
_OPERANDS = frozenset((Kind.NUMBER, Kind.TRUTH, Kind.TEXT, Kind.TIME, Kind.NAME, Kind.ACCESS, Kind.OPEN, Kind.PREFIX))
_AFTER_VALUE = frozenset((Kind.MODIFIER, Kind.COMPARATOR, Kind.LOGIC, Kind.CLOSE, Kind.SEPARATOR, Kind.TERNARY))
_FOLLOWS: dict[Kind, frozenset[Kind]] = {
    Kind.START: _OPERANDS,
    Kind.OPEN: _OPERANDS | {Kind.CLOSE},
    Kind.CLOSE: (_AFTER_VALUE | _OPERANDS) - {Kind.ACCESS, Kind.PREFIX},
    Kind.NUMBER: _AFTER_VALUE,
    Kind.TRUTH: _AFTER_VALUE,
    Kind.TEXT: _AFTER_VALUE,
    Kind.TIME: _AFTER_VALUE - {Kind.TERNARY},
    Kind.NAME: _AFTER_VALUE,
    Kind.ACCESS: _AFTER_VALUE | {Kind.OPEN},
    Kind.MODIFIER: (_OPERANDS | {Kind.CLOSE}) - {Kind.TIME},
    Kind.COMPARATOR: _OPERANDS | {Kind.CLOSE},
    Kind.LOGIC: _OPERANDS | {Kind.CLOSE},
    Kind.PREFIX: (_OPERANDS | {Kind.CLOSE}) - {Kind.PREFIX, Kind.TEXT, Kind.TIME},
    Kind.TERNARY: _OPERANDS | {Kind.SEPARATOR},
    Kind.SEPARATOR: _OPERANDS,
}
_MAY_END = frozenset((Kind.NUMBER, Kind.TRUTH, Kind.TEXT, Kind.TIME, Kind.NAME, Kind.ACCESS, Kind.CLOSE))
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def read_words(text: str) -> list[Word]:
    """Split `text`, and check what follows what. Raises `ExpressionError`."""
    words = _Reader(text).words()
    _check_order(words)
    return _with_patterns(words)


def _check_order(words: list[Word]) -> None:
    if sum((word.kind is Kind.OPEN) - (word.kind is Kind.CLOSE) for word in words):
        raise ExpressionError("the parentheses do not match")
    former = Word(Kind.START, "")
    for word in words:
        if word.kind not in _FOLLOWS[former.kind]:
            if former.kind is Kind.NAME and word.kind is Kind.OPEN:
                raise ExpressionError(f"{former.value!r} is no function: there are none in filter expressions")
            after = f"{former.kind.value} {former.value!r}" if former.value else former.kind.value
            raise ExpressionError(f"{word.kind.value} {_spelled(word)} cannot stand after {after}")
        former = word
    if former.kind not in _MAY_END:
        raise ExpressionError("it ends where a value is expected")


def _spelled(word: Word) -> str:
    return ".".join(word.value) if isinstance(word.value, tuple) else repr(word.value)


def _with_patterns(words: list[Word]) -> list[Word]:
    """What stands literally behind `=~` and `!~` is a pattern, compiled now."""
    for index, word in enumerate(words[:-1]):
        following = words[index + 1]
        if word.kind is Kind.COMPARATOR and word.value in ("=~", "!~") and following.kind is Kind.TEXT:
            try:
                words[index + 1] = Word(Kind.TEXT, compile_pattern(str(following.value)))
            except PatternError as exc:
                raise ExpressionError(f"{following.value!r} is no pattern: {exc}") from None
    return words


class _Reader:
    """Reads words from left to right. What kind an operator is depends on the word before it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def words(self) -> list[Word]:
        words: list[Word] = []
        kind = Kind.START
        while (word := self._next(kind)) is not None:
            words.append(word)
            kind = word.kind
        return words

    def _next(self, former: Kind) -> Word | None:
        while self._at < len(self._text) and _is_space(self._text[self._at]):
            self._at += 1
        if self._at >= len(self._text):
            return None
        character = self._text[self._at]
        if _is_numeric(character):
            return self._number()
        if _is_letter(character):
            return self._name()
        if character in "'\"[":
            self._at += 1
            return self._bracketed() if character == "[" else self._quoted()
        single = {",": Kind.SEPARATOR, "(": Kind.OPEN, ")": Kind.CLOSE}.get(character)
        if single is not None:
            self._at += 1
            return Word(single, character)
        return self._operator(former)

    def _number(self) -> Word:
        text = self._text
        # The last character of all is never looked at for an `x`, so `0x` at the end is 0 and a name.
        if text[self._at] == "0" and self._at + 2 < len(text) and text[self._at + 1] == "x":
            self._at += 2
            digits, _ = self._take(_is_hexadecimal, spaces=False)
            if not digits or not set(digits) <= _HEXADECIMAL or int(digits, 16) >= 1 << 64:
                raise ExpressionError(f"0x{digits} is no hexadecimal number of at most 64 bits")
            return Word(Kind.NUMBER, float(int(digits, 16)))
        digits, _ = self._take(_is_numeric, spaces=False)
        number = parse_float(digits)
        if number is None or number == float("inf"):
            raise ExpressionError(f"{digits!r} is no number")
        return Word(Kind.NUMBER, number)

    def _name(self) -> Word:
        name, _ = self._take(_is_name, spaces=False)
        if name in ("true", "false"):
            return Word(Kind.TRUTH, name == "true")
        if name in ("in", "IN"):
            return Word(Kind.COMPARATOR, "in")
        if name.find(".") > 0:
            return self._access(name)
        return Word(Kind.NAME, name)

    def _access(self, name: str) -> Word:
        if name.endswith("."):
            raise ExpressionError(f"{name!r} ends with a dot")
        parts = tuple(name.split("."))
        for part in parts[1:]:
            if part and len(part[0].upper()) == 1 and part[0].upper() != part[0]:
                raise ExpressionError(f"{name!r}: the parts of a value are not reached with a dot; name a field for its path")
        return Word(Kind.ACCESS, parts)

    def _bracketed(self) -> Word:
        name, closed = self._take(lambda character: character != "]", spaces=True)
        if not closed:
            raise ExpressionError("a [ is not closed")
        self._at += 1
        return Word(Kind.NAME, name)

    def _quoted(self) -> Word:
        text, closed = self._take(lambda character: character not in "'\"", spaces=True)
        if not closed:
            raise ExpressionError("a quote is not closed")
        self._at += 1
        seconds = unix_seconds(text)
        return Word(Kind.TEXT, text) if seconds is None else Word(Kind.TIME, float(seconds))

    def _operator(self, former: Kind) -> Word:
        symbol, _ = self._take(_is_symbol, spaces=False)
        if symbol in _PREFIXES and Kind.PREFIX in _FOLLOWS[former]:
            return Word(Kind.PREFIX, symbol)
        kind = _OPERATORS.get(symbol)
        if kind is None:
            raise ExpressionError(f"{symbol!r} is no operator" + _instead(symbol, former))
        return Word(kind, symbol)

    def _take(self, belongs: Callable[[str], bool], *, spaces: bool) -> tuple[str, bool]:
        """Read while `belongs`; also whether something ended it before the text did.

        Where `spaces` do not belong, they end what has begun and are passed over before that.
        """
        taken: list[str] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character == "\\":
                if self._at >= len(self._text):
                    raise ExpressionError("a backslash at the end stands for nothing")
                taken.append(self._text[self._at])
                self._at += 1
                continue
            if not spaces and _is_space(character):
                if taken:
                    return "".join(taken), True
                continue
            if not belongs(character):
                self._at -= 1
                return "".join(taken), True
            taken.append(character)
        return "".join(taken), False


def _instead(symbol: str, former: Kind) -> str:
    if symbol == "=":
        return "; write == to compare"
    if symbol in _PREFIXES:
        return f" behind {former.value}"
    if len(symbol) > 1 and symbol[:-1] in _OPERATORS and symbol[-1] in _PREFIXES:
        return f"; put a space between {symbol[:-1]!r} and {symbol[-1]!r}"
    return ""


@lru_cache(maxsize=512)
def _category(character: str) -> str:
    return unicodedata.category(character)


def _is_space(character: str) -> bool:
    return character in "\t\n\v\f\r \x85\xa0" or (character > "\x7f" and _category(character) in ("Zs", "Zl", "Zp"))


def _is_letter(character: str) -> bool:
    return _category(character)[0] == "L"


def _is_numeric(character: str) -> bool:
    return character == "." or _category(character) == "Nd"


def _is_hexadecimal(character: str) -> bool:
    return character in _HEXADECIMAL or _category(character) == "Nd"


def _is_name(character: str) -> bool:
    return character in "_." or _is_letter(character) or _category(character) == "Nd"


def _is_symbol(character: str) -> bool:
    return character not in "()[]'\"" and not _is_letter(character) and _category(character) != "Nd"
