"""Tokens for Amazon MSK: a signed request that MSK makes to see who we are.

The form is that of AWS' own signers (`aws-msk-iam-sasl-signer`): a `kafka-cluster:Connect` request, signed by query (SigV4),
in base64 without padding. That library takes boto3 along for the same few lines.
"""

import asyncio
from base64 import urlsafe_b64encode

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session

from clients.kafka.bearer import Tokens, TokenUnavailable

LIFE_S = 900
"""Seconds for which a token is good: what MSK allows. Each connection gets a fresh one."""
CREDENTIALS_S = 30.0
"""Seconds for AWS to say who we are; a machine's own service may be slow, or not there."""


class MskTokens(Tokens):
    """Signs as whoever this process is in AWS: the chain of environment, profile, web identity, container and machine."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._credentials: Credentials | None = None

    async def token(self) -> str:
        """A fresh token. Raises `TokenUnavailable` where AWS does not say who we are."""
        try:
            async with asyncio.timeout(CREDENTIALS_S):
                return await asyncio.to_thread(self._signed)  # files, programs and services may be asked
        except TimeoutError as exc:
            raise TokenUnavailable("awsMskIamAuth: AWS gave no credentials in time") from exc
        except BotoCoreError as exc:
            raise TokenUnavailable(f"awsMskIamAuth: {exc}") from exc

    def _signed(self) -> str:
        if self._credentials is None:
            self._credentials = Session().get_credentials()  # renews itself where what it holds ends
        if self._credentials is None:
            raise TokenUnavailable(
                "awsMskIamAuth: there are no AWS credentials; give this process a role, a web identity, a profile, or "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        return signed(self._credentials, self._region)


def signed(credentials: Credentials, region: str) -> str:
    """The token of `credentials` for clusters in `region`, good from now on for `LIFE_S`."""
    request = AWSRequest("GET", f"https://kafka.{region}.amazonaws.com/", params={"Action": "kafka-cluster:Connect"})
    SigV4QueryAuth(credentials, "kafka-cluster", region, expires=LIFE_S).add_auth(request)
    # Added after signing, as MSK expects it.
    request.params = {"User-Agent": "tocsin"}
    return urlsafe_b64encode(request.prepare().url.encode()).decode().rstrip("=")
