"""A header whose value is a secret."""

from manifests.fields import KeySelector, Spec, ValueFrom
from manifests.secrets import Values


class SecureHeader(Spec):
    """A header whose value is read from a Secret or ConfigMap for every request."""

    name: str = ""
    value_from: ValueFrom | None = None

    def selector(self, n: int) -> KeySelector:
        """Where the value is; raises `ValueError` naming the place where this, the `n`th, says nothing."""
        source = self.value_from
        selector = source and (source.secret_key_ref or source.config_map_key_ref)
        if not selector:
            raise ValueError(f"secureHeaders[{n}].valueFrom: name a secretKeyRef or a configMapKeyRef")
        return selector

    def read(self, n: int, namespace: str, values: Values) -> str:
        """The value as it is now. Raises `SecretMissing`, and `ValueError` where it is no text."""
        selector = self.selector(n)
        if self.value_from is not None and self.value_from.secret_key_ref is selector:
            return values.secret(namespace, selector.name, selector.key).text()
        return values.config(namespace, selector.name, selector.key)
