"""What an `awsLambda` trigger lets a user write."""

from pydantic import Field

from manifests.fields import SecretRef
from manifests.objects import Parameter
from sensors.triggers.rewriting import ParametrisedSpec

INVOCATIONS = ("RequestResponse", "Event", "DryRun")


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
    invocation_type: str = Field(default="RequestResponse", json_schema_extra={"enum": [*INVOCATIONS]})
    """`RequestResponse` waits for the function, `Event` until it is queued, `DryRun` asks whether it may be invoked."""
    payload: list[Parameter] = Field(min_length=1)
    """Builds what the function gets."""


def complete(spec: AwsLambdaSpec) -> AwsLambdaSpec:
    """`spec` where it can be asked for; raises `ValueError` naming what cannot."""
    # It becomes part of a host's name.
    if not all(part.isascii() and part.isalnum() for part in spec.region.split("-")):
        raise ValueError(f"region: {spec.region!r} is no region; write one such as us-east-1")
    if spec.invocation_type not in INVOCATIONS:
        raise ValueError(f"invocationType: {spec.invocation_type!r} is none of {', '.join(INVOCATIONS)}")
    if (spec.access_key is None) != (spec.secret_key is None):
        raise ValueError("accessKey and secretKey come together")
    if spec.role_arn and not (spec.role_arn.startswith("arn:") and ":role/" in spec.role_arn):
        raise ValueError(f"roleARN: {spec.role_arn!r} is no role; write arn:aws:iam::ACCOUNT:role/NAME")
    return spec
