"""Bearer tokens for brokers, whoever gives them. Never shows one.

Semantics: SASL OAUTHBEARER, RFC 7628.
"""

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError


class TokenUnavailable(KafkaError):  # type: ignore[misc]  # the library has no types
    """There is no token now; trying again may help. The message says why."""

    def __str__(self) -> str:
        return str(self.args[0])  # the library would put the name of the class before it


class Tokens(AbstractTokenProvider):  # type: ignore[misc]  # the library has no types
    """Gives tokens."""

    def refused(self) -> None:
        """A broker does not take the last one. Nothing follows where each connection gets another one anyway."""


def usable(token: str, what: str) -> str:
    """`token` where it can be sent; the brokers' grammar has no room for anything else (RFC 6750, 2.1).

    Raises `TokenUnavailable` otherwise.
    """
    if not token or not token.isascii() or any(char <= " " or char == "\x7f" for char in token):
        raise TokenUnavailable(f"{what} is no bearer token: {'it is empty' if not token else 'it holds more than one word'}")
    return token
