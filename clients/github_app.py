"""How a GitHub App says who it is.

Semantics: GitHub, "Generating a JSON Web Token (JWT) for a GitHub App". The library is the extra `github`.
"""

from datetime import datetime, timedelta
from importlib.util import find_spec

from clients.extras import needs_extra

NOT_INSTALLED = needs_extra("githubApp", "github")
RENEW_BEFORE = timedelta(minutes=5)
"""How long before its end a token is asked for again, so that none expires under way."""
_SKEW, _LIFETIME = timedelta(seconds=60), timedelta(minutes=9)
"""How far back an assertion is dated, because clocks differ, and how long it holds from now; GitHub takes 10 minutes in all."""


def is_installed() -> bool:
    """Whether assertions can be signed."""
    return find_spec("jwt") is not None and find_spec("cryptography") is not None


def tokens_path(installation_id: int) -> str:
    """Where the API gives tokens of an installation."""
    return f"/app/installations/{installation_id}/access_tokens"


def assertion(app_id: int, key: str, now: datetime) -> str:
    """Signed by the app's `key`, PEM. Raises `ValueError` where that is none, without showing it."""
    import jwt  # noqa: PLC0415 - an extra, and heavy

    # `iss` as text: the library wants it so, and GitHub takes both.
    claims = {"iat": int((now - _SKEW).timestamp()), "exp": int((now + _LIFETIME).timestamp()), "iss": str(app_id)}
    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        raise ValueError("githubApp.privateKey: is no RSA key in PEM; download one from the app's settings") from None
