"""The protocol by which secret and configuration values are read; `tocsin/` implements it."""

from typing import Protocol


class SecretMissing(Exception):
    """A referenced value cannot be found. The message names the object, the key, and where it was looked for."""


class SecretValue:
    """A value that never prints. `reveal()` is the only way to its bytes."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The bytes themselves, with exactly one trailing newline removed, as a mounted file is read upstream."""
        return self._value[:-1] if self._value.endswith(b"\n") else self._value

    def text(self) -> str:
        """The value as UTF-8 text; raises `ValueError` where it is not, without showing it."""
        try:
            return self.reveal().decode()
        except UnicodeDecodeError:
            raise ValueError("the value is not UTF-8 text") from None

    def __repr__(self) -> str:
        return "'***'"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretValue) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class Values(Protocol):
    """Reads Secret and ConfigMap values. Each call reads anew, so a rotated value is seen at once."""

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        """Return the value of `key` in Secret `namespace`/`name`. Raises `SecretMissing`."""

    def config(self, namespace: str, name: str, key: str) -> str:
        """Return the text of `key` in ConfigMap `namespace`/`name`. Raises `SecretMissing`."""
