"""What an `azureServiceBus` trigger lets a user write."""

from pydantic import Field, model_validator

from manifests.fields import SecretRef
from manifests.objects import Parameter
from manifests.tls import Tls
from sensors.triggers.rewriting import ParametrisedSpec


class AzureServiceBusSpec(ParametrisedSpec):
    """One message to one queue or topic."""

    connection_string: SecretRef
    """`Endpoint=sb://NAME.servicebus.windows.net/;SharedAccessKeyName=…;SharedAccessKey=…`."""
    queue_name: str = ""
    """It counts where there is a topic, too."""
    topic_name: str = ""
    subscription_name: str = ""
    """Without effect: who subscribes to a topic gets what is sent to it."""
    tls: Tls = None
    """Without it, the machine's own certificate authorities are trusted."""
    payload: list[Parameter] = Field(min_length=1)
    """Builds the message."""

    @property
    def entity(self) -> str:
        """Where the message goes."""
        return self.queue_name or self.topic_name

    @model_validator(mode="after")
    def _addressed(self) -> "AzureServiceBusSpec":
        if not self.entity:
            raise ValueError("write queueName or topicName: where the message is to go")
        return self
