"""Calls of GitHub's API as an installation of a GitHub App."""

from collections.abc import Callable, Mapping
from datetime import datetime

from clients.github_app import RENEW_BEFORE, assertion, tokens_path
from sources.http.provider_api import HookProblem, NotAuthorised, ProviderApi


class Installation:
    """Tokens of one installation, each asked for with an assertion that the app's key signs.

    Semantics: GitHub, "Authenticating as a GitHub App installation".
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
        path = tokens_path(self._installation_id)
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
        try:
            return assertion(self._app_id, self._key(), self._now())
        except ValueError as exc:
            raise HookProblem(str(exc)) from None
