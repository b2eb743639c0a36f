"""Taking what looks like a credential out of what was recorded, before it goes into a file that people pass on."""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

REDACTED = "REDACTED"
LEAST_SECRET = 6
"""Characters of a known Secret from which on it is looked for in texts; a shorter one would be found everywhere."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CREDENTIALS = frozenset(
    {
        "apikey", "authorization", "bearer", "cookie", "cookies", "credential", "credentials", "hmac", "jwt", "passphrase",
        "passwd", "password", "passwords", "pwd", "secret", "secrets", "signature", "signatures", "token", "tokens",
    }
)  # fmt: skip
_PAIRS = frozenset({(word, "key") for word in ("api", "access", "private", "auth", "signing")} | {("session", "id")})
_LOOKS_SECRET = re.compile(
    r"""
    (?<![A-Za-z0-9])(?:
        gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,} | glpat-[A-Za-z0-9_-]{16,}
      | xox[abeoprs]-[A-Za-z0-9-]{10,} | xapp-[A-Za-z0-9-]{10,}
      | (?:AKIA|ASIA)[A-Z0-9]{16} | AIza[A-Za-z0-9_-]{30,} | [sr]k_live_[A-Za-z0-9]{16,}
      | eyJ[A-Za-z0-9_-]{8,1000}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*
    )
    | -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----.*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_URL = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
_IN_QUERY = re.compile(
    r"([?&;](?:access_token|auth|token|api[_-]?key|key|secret|client_secret|password|signature|sig|x-amz-signature)=)[^&;#\s\"']+",
    re.IGNORECASE,
)
_IN_PATH = re.compile(r"(?<=hooks\.slack\.com/services/)[A-Za-z0-9/_-]+")
_SCHEME = re.compile(r"(?<![A-Za-z])(Bearer|Basic)(\s+)[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE)


class Redactor:
    """Redacts JSON, and remembers where it did."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets` are values that must not be seen, wherever they stand."""
        self._secrets = sorted({one for one in secrets if len(one) >= LEAST_SECRET}, key=len, reverse=True)
        self.found: dict[str, None] = {}
        """The paths where something was taken out, in order."""

    def redact(self, value: Any, path: str) -> Any:
        """`value`, which stands at `path`, without known secrets, what looks like one, and texts under telling names."""
        if isinstance(value, Mapping):
            return {key: self._under(key, item, f"{path}.{key}" if path else key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.redact(item, f"{path}[{index}]") for index, item in enumerate(value)]
        return self.text(value, path) if isinstance(value, str) else value

    def text(self, text: str, path: str) -> str:
        """A text without the credentials in it."""
        clean = text
        for secret in self._secrets:
            clean = clean.replace(secret, REDACTED)
        clean = _LOOKS_SECRET.sub(REDACTED, clean)
        clean = _IN_URL.sub(REDACTED, clean)
        clean = _IN_QUERY.sub(rf"\1{REDACTED}", clean)
        clean = _IN_PATH.sub(REDACTED, clean)
        clean = _SCHEME.sub(rf"\1\2{REDACTED}", clean)
        if clean != text:
            self.found[path] = None
        return clean

    def _under(self, key: str, value: Any, path: str) -> Any:
        return self._all(value, path) if tells_of_a_credential(key) else self.redact(value, path)

    def _all(self, value: Any, path: str) -> Any:
        """Every text in `value` is taken for a credential."""
        if isinstance(value, Mapping):
            return {key: self._all(item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self._all(item, f"{path}[{index}]") for index, item in enumerate(value)]
        if not isinstance(value, str) or value in ("", REDACTED, "***"):
            return value
        self.found[path] = None
        return REDACTED


def tells_of_a_credential(name: str) -> bool:
    """Whether a field or header of this name holds one, such as `X-Hub-Signature-256`, `apiKey` or `client_secret`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return not _CREDENTIALS.isdisjoint(words) or any(pair in _PAIRS for pair in pairwise(words))
