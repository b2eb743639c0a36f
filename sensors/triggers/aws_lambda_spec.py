"""What an `awsLambda` trigger lets a user write."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from manifests.fields import SecretRef
from manifests.objects import Parameter
from sensors.triggers.rewriting import ParametrisedSpec

Invocation = Literal["RequestResponse", "Event", "DryRun"]


class AwsLambdaSpec(ParametrisedSpec):
    """One invocation of one function."""

    function_name: str = Field(min_length=1, max_length=256)
    """Name or ARN; `NAME:VERSION` or `NAME:ALIAS` for another version than the newest."""
    region: str = Field(min_length=1)
    access_key: SecretRef | None = None
    """Id of a key; it and `secretKey` come together. Without them, credentials are looked for where AWS's programs look."""
    secret_key: SecretRef | None = None
    role_arn: str = Field(default="", alias="roleARN")
    """A role to take on for the call."""
    invocation_type: Invocation = "RequestResponse"
    """`RequestResponse` waits for the function, `Event` until it is queued, `DryRun` asks whether it may be invoked."""
    payload: list[Parameter] = Field(min_length=1)
    """Builds what the function gets."""

    @field_validator("region")
    @classmethod
    def _is_region(cls, region: str) -> str:
        # It becomes part of a host's name.
        if not all(part.isascii() and part.isalnum() for part in region.split("-")):
            raise ValueError(f"{region!r} is no region; write one such as us-east-1")
        return region

    @field_validator("role_arn")
    @classmethod
    def _is_role(cls, role: str) -> str:
        if role and not (role.startswith("arn:") and ":role/" in role):
            raise ValueError(f"{role!r} is no role; write arn:aws:iam::ACCOUNT:role/NAME")
        return role

    @model_validator(mode="after")
    def _key_is_whole(self) -> "AwsLambdaSpec":
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("accessKey and secretKey come together")
        return self
