"""The words of an expression."""

import unicodedata
from enum import Enum
from typing import NamedTuple

MAX_CHARACTERS = 65_536


class ExprError(ValueError):
    """The expression cannot be compiled, or cannot be computed with these values."""


class At(NamedTuple):
    """A place in the text, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


class Kind(Enum):
    """What a word is."""

    NAME = "name"
    NUMBER = "number"
    TEXT = "text"
    OPERATOR = "operator"
    BRACKET = "bracket"
    END = "end of the expression"


class Word(NamedTuple):
    """One word: what it is, what it says, where it begins."""

    kind: Kind
    value: str
    at: At

    def __str__(self) -> str:
        return self.kind.value if self.kind is Kind.END else f"{self.kind.value} {self.value!r}"


_WORD_OPERATORS = frozenset(("not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let"))
_SINGLE = frozenset(",:;%+-^")
_DOUBLE = frozenset("&!=*<>")
_DECIMAL = frozenset("0123456789_")
_DIGITS = {"x": frozenset("0123456789abcdefABCDEF_"), "o": frozenset("01234567_"), "b": frozenset("01_")}
_PLAIN_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_HEXADECIMAL = {"x": 2, "u": 4, "U": 8}


def is_letter(character: str) -> bool:
    """Whether a name may begin with it."""
    return character in "_$" or unicodedata.category(character)[0] == "L"


def is_name_part(character: str) -> bool:
    """Whether it may stand in a name."""
    return is_letter(character) or unicodedata.category(character) == "Nd"


def is_name(text: str) -> bool:
    """Whether `text` is a name."""
    return bool(text) and is_letter(text[0]) and all(map(is_name_part, text))


def read_words(text: str) -> list[Word]:
    """Split `text`; the last word is the end. Raises `ExprError`."""
    if len(text) > MAX_CHARACTERS:
        raise ExprError(f"an expression of {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    return _Reader(text).words()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._line_start = 1, 0
        self._words: list[Word] = []

    def words(self) -> list[Word]:
        while self._at < len(self._text):
            self._one()
        self._add(Kind.END, "", self._at)
        return self._words

    def _place(self, at: int) -> At:
        newlines = self._text.count("\n", self._line_start, at)
        if newlines:
            self._line += newlines
            self._line_start = self._text.rindex("\n", 0, at) + 1
        return At(self._line, at - self._line_start + 1)

    def _add(self, kind: Kind, value: str, start: int) -> None:
        self._words.append(Word(kind, value, self._place(start)))

    def _fail(self, message: str, at: int) -> ExprError:
        return ExprError(f"{self._place(at)}: {message}")

    def _peek(self, ahead: int = 0) -> str:
        return self._text[self._at + ahead : self._at + ahead + 1]

    def _one(self) -> None:
        start, character = self._at, self._peek()
        if character.isspace() and character not in "\x1c\x1d\x1e\x1f":
            self._at += 1
        elif character in "'\"":
            self._quoted(character)
        elif "0" <= character <= "9" or (character == "." and "0" <= (self._peek(1) or " ") <= "9"):
            self._number()
        elif character == "/" and self._peek(1) in ("/", "*"):
            self._comment()
        elif character == "#":
            self._pointer()
        elif character in "([{)]}":
            self._take(Kind.BRACKET, 1)
        elif character in _SINGLE or character == "/":
            self._take(Kind.OPERATOR, 1)
        elif character in _DOUBLE:
            self._take(Kind.OPERATOR, 2 if self._peek(1) and self._peek(1) in "&=*" else 1)
        elif character in "?.|":
            follows = {"?": (".", "?"), ".": (".",), "|": ("|",)}[character]
            self._take(Kind.OPERATOR, 2 if self._peek(1) in follows else 1)
        elif is_name_part(character):
            self._name(start)
        else:
            raise self._fail(f"the character {character!r} means nothing here", start)

    def _take(self, kind: Kind, length: int) -> None:
        self._add(kind, self._text[self._at : self._at + length], self._at)
        self._at += length

    def _while_name(self) -> None:
        while self._at < len(self._text) and is_name_part(self._text[self._at]):
            self._at += 1

    def _name(self, start: int) -> None:
        self._while_name()
        word = self._text[start : self._at]
        self._add(Kind.OPERATOR if word in _WORD_OPERATORS else Kind.NAME, word, start)

    def _pointer(self) -> None:
        self._take(Kind.OPERATOR, 2 if self._peek(1) == "#" else 1)
        start = self._at
        self._while_name()
        if self._at > start:
            self._add(Kind.NAME, self._text[start : self._at], start)

    def _comment(self) -> None:
        start = self._at
        ending = "\n" if self._peek(1) == "/" else "*/"
        end = self._text.find(ending, self._at + 2)
        if end < 0 and ending == "*/":
            raise self._fail("a comment that does not end", start)
        self._at = len(self._text) if end < 0 else end + len(ending)

    def _run(self, characters: frozenset[str]) -> None:
        while self._peek() and self._peek() in characters:
            self._at += 1

    def _number(self) -> None:
        start, digits = self._at, _DECIMAL
        if self._peek() == "0":
            self._at += 1
            if (base := self._peek().lower()) in _DIGITS:
                self._at += 1
                digits = _DIGITS[base]
        self._run(digits)
        if self._peek() == ".":
            if self._peek(1) == ".":  # a range, such as 1..2
                self._add(Kind.NUMBER, self._text[start : self._at], start)
                return
            self._at += 1
            self._run(digits)
        if self._peek() and self._peek() in "eE":
            self._at += 1
            if self._peek() and self._peek() in "+-":
                self._at += 1
            self._run(digits)
        if self._peek() and is_name_part(self._peek()):
            raise self._fail(f"{self._text[start : self._at + 1]!r} is no number", start)
        self._add(Kind.NUMBER, self._text[start : self._at], start)

    def _quoted(self, quote: str) -> None:
        start, made = self._at, []
        self._at += 1
        while (character := self._peek()) != quote:
            if not character or character == "\n":
                raise self._fail("a text that does not end", start)
            self._at += 1
            made.append(self._escaped(quote) if character == "\\" else "\n" if character == "\r" else character)
        self._at += 1
        self._add(Kind.TEXT, "".join(made), start)

    def _escaped(self, quote: str) -> str:
        start, letter = self._at - 1, self._peek()
        self._at += 1
        if letter == quote or letter in _PLAIN_ESCAPES:
            return _PLAIN_ESCAPES.get(letter, letter) if letter else letter
        length, base = (3, 8) if letter and letter in "0123" else (_HEXADECIMAL.get(letter, 0), 16)
        first = self._at - 1 if base == 8 else self._at
        digits = self._text[first : first + length]
        allowed = "01234567" if base == 8 else "0123456789abcdefABCDEF"
        if not length or len(digits) < length or any(digit not in allowed for digit in digits) or int(digits, base) > 0x10FFFF:
            raise self._fail(f"the escape {self._text[start : start + 2]} is unknown or incomplete", start)
        self._at = first + length
        number = int(digits, base)
        return "\ufffd" if 0xD800 <= number <= 0xDFFF else chr(number)
