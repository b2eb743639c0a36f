"""What an `azureServiceBus` trigger lets a user write."""

from manifests.fields import SecretRef
from manifests.objects import Parameter
from manifests.tls import Tls
from sensors.triggers.rewriting import ParametrisedSpec


class AzureServiceBusSpec(ParametrisedSpec):
    """One message to one queue or topic."""

    connection_string: SecretRef | None = None
    """`Endpoint=sb://NAME.servicebus.windows.net/;SharedAccessKeyName=…;SharedAccessKey=…`."""
    queue_name: str = ""
    """It counts where there is a topic, too."""
    topic_name: str = ""
    subscription_name: str = ""
    """Without effect: who subscribes to a topic gets what is sent to it."""
    tls: Tls = None
    """Without it, the machine's own certificate authorities are trusted."""
    payload: list[Parameter] = []
    """Builds the message."""

    @property
    def entity(self) -> str:
        """Where the message goes."""
        return self.queue_name or self.topic_name


def complete(spec: AzureServiceBusSpec) -> SecretRef:
    """Where the connection string of `spec` is, which makes a message; raises `ValueError` naming what it lacks."""
    if spec.connection_string is None:
        raise ValueError("connectionString is missing: name the secret with the connection string")
    if not spec.entity:
        raise ValueError("queueName or topicName is missing: where the message is to go")
    if not spec.payload:
        raise ValueError("payload is missing: what the message is made of")
    return spec.connection_string
