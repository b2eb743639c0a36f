"""Reading what a declaration refers to: Secrets as they are now, each time."""

from clients.tls import TLSMaterial
from manifests.fields import SecretRef, TLSConfig
from manifests.secrets import Values


class Credentials:
    """The Secrets of one namespace."""

    def __init__(self, namespace: str, values: Values) -> None:
        self._namespace = namespace
        self._values = values

    def bytes(self, ref: SecretRef | None) -> bytes:
        """The bytes behind `ref`; none where it is not set. Raises `SecretMissing`."""
        return b"" if ref is None else self._values.secret(self._namespace, ref.name, ref.key).reveal()

    def text(self, ref: SecretRef | None) -> str:
        """The text behind `ref`, empty where it is not set. Raises `SecretMissing`, and `ValueError` where it is no text."""
        if ref is None:
            return ""
        try:
            return self._values.secret(self._namespace, ref.name, ref.key).text()
        except ValueError as exc:
            raise ValueError(f"Secret {self._namespace}/{ref.name}, key {ref.key}: {exc}") from None

    def tls(self, tls: TLSConfig) -> TLSMaterial:
        """What `tls` asks for. Raises `SecretMissing`."""
        return TLSMaterial(
            ca=self.bytes(tls.ca_cert_secret),
            certificate=self.bytes(tls.client_cert_secret),
            key=self.bytes(tls.client_key_secret),
            insecure=tls.insecure_skip_verify,
        )
