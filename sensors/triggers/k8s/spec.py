"""What a `k8s` trigger lets a user write."""

from typing import Literal

from cluster.api import PatchType
from manifests.fields import Spec
from manifests.objects import Parameter
from sensors.artifacts.spec import Location

Operation = Literal["", "create", "update", "patch", "delete"]


class K8sSpec(Spec):
    """One write to one object of a cluster."""

    source: Location
    """The object, or where it is read."""
    operation: Operation = ""
    """`create` unless set."""
    parameters: list[Parameter] = []
    """Applied to the object."""
    patch_strategy: str = ""
    """Merge patch unless set."""
    live_object: bool = False
    """With `update`: parameters are applied to the object as the cluster has it, not to the one in `source`."""

    @property
    def verb(self) -> str:
        """The operation that counts."""
        return self.operation or "create"

    def patch_type(self) -> PatchType:
        """How the object is meant as a patch. Raises `ValueError` on what is none of the four."""
        try:
            return PatchType(self.patch_strategy or PatchType.MERGE)
        except ValueError:
            known = ", ".join(PatchType)
            raise ValueError(f"patchStrategy {self.patch_strategy!r} is none of {known}") from None


def check_usable(spec: K8sSpec) -> None:
    """Raise `ValueError` naming the field that cannot work."""
    spec.patch_type()
    if spec.live_object and spec.verb != "update":
        raise ValueError(f"liveObject goes with the operation update, not with {spec.verb}")


__all__ = ["K8sSpec", "check_usable"]
