"""Calls of GitHub's API as an installation of a GitHub App."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import jwt

from sources.http.provider_api import HookProblem, NotAuthorised, ProviderApi

RENEW_BEFORE = timedelta(minutes=5)
"""How long before its end a token is asked for again, so that none expires under way."""
_SKEW, _LIFETIME = timedelta(seconds=60), timedelta(minutes=9)
"""How far back an assertion is dated, because clocks differ, and how long it holds from now; GitHub takes 10 minutes in all."""


class Installation:
    """Tokens of one installation, each asked for with an assertion that the app's key signs.

    Semantics: GitHub, "Authenticating as a GitHub App installation" and "Generating a JSON Web Token (JWT) for a GitHub App".
    """

    def __init__(self, app_id: int, installation_id: int, key: Callable[[], str], now: Callable[[], datetime]) -> None:
        self._app_id, self._installation_id, self._key, self._now = app_id, installation_id, key, now
        self._token = ""
        self._ends: datetime | None = None

    async def headers(self, api: ProviderApi) -> Mapping[str, str]:
        """See `Authority.headers`."""
        if self._ends is None or self._now() > self._ends - RENEW_BEFORE:
            await self._renew(api)
        return {"Authorization": f"token {self._token}"}

    def refused(self) -> None:
        """See `Authority.refused`."""
        self._ends = None

    async def _renew(self, api: ProviderApi) -> None:
        path = f"/app/installations/{self._installation_id}/access_tokens"
        try:
            answer = await api.call("POST", path, headers={"Authorization": f"Bearer {self._assertion()}"})
        except NotAuthorised as exc:
            raise HookProblem(f"githubApp: {exc}; check appID, privateKey and this machine's clock") from exc
        try:
            token, ends = answer["token"], datetime.fromisoformat(answer["expires_at"])  # type: ignore[index]
        except (TypeError, KeyError, ValueError):
            raise HookProblem(f"githubApp: the answer to {path} has no token; check githubBaseURL") from None
        self._token, self._ends = str(token), ends

    def _assertion(self) -> str:
        now = self._now()
        # `iss` as text: the library wants it so, and GitHub takes both.
        claims = {"iat": int((now - _SKEW).timestamp()), "exp": int((now + _LIFETIME).timestamp()), "iss": str(self._app_id)}
        try:
            return jwt.encode(claims, self._key(), algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError):
            raise HookProblem("githubApp.privateKey: is no RSA key in PEM; download one from the app's settings") from None
