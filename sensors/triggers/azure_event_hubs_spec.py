"""What an `azureEventHubs` trigger lets a user write."""

from typing import NamedTuple

from manifests.fields import SecretRef
from manifests.objects import Parameter
from sensors.triggers.azure_connection import check_host
from sensors.triggers.rewriting import ParametrisedSpec


class AzureEventHubsSpec(ParametrisedSpec):
    """One event to one hub."""

    fqdn: str = ""
    """Of the namespace: `NAME.servicebus.windows.net`."""
    hub_name: str = ""
    shared_access_key_name: SecretRef | None = None
    shared_access_key: SecretRef | None = None
    payload: list[Parameter] = []
    """Builds the event's body."""


class Login(NamedTuple):
    """Where a key and its name are."""

    name: SecretRef
    key: SecretRef


def complete(spec: AzureEventHubsSpec) -> Login:
    """The login of `spec`, which makes an event; raises `ValueError` naming what it lacks."""
    for name, value in (("fqdn", spec.fqdn), ("hubName", spec.hub_name), ("payload", spec.payload)):
        if not value:
            raise ValueError(f"{name} is missing: an event needs it")
    try:
        check_host(spec.fqdn)
    except ValueError as exc:
        raise ValueError(f"fqdn: {exc}") from None
    if spec.shared_access_key_name is None or spec.shared_access_key is None:
        raise ValueError("sharedAccessKeyName and sharedAccessKey: name the secrets with a key's name and with the key")
    return Login(spec.shared_access_key_name, spec.shared_access_key)
