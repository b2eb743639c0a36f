"""What an `argoWorkflow` trigger lets a user write."""

from typing import Literal

from manifests.fields import Spec
from manifests.objects import Parameter
from sensors.artifacts.spec import Location

Operation = Literal["submit", "submit-from", "resubmit", "resume", "retry", "suspend", "terminate", "stop"]


class ArgoWorkflowSpec(Spec):
    """One operation on one workflow."""

    source: Location
    """The workflow, or where it is read; for all but `submit` its name and namespace are what counts."""
    operation: Operation
    parameters: list[Parameter] = []
    """Applied to the workflow."""
    args: list[str] = []
    """As the `argo` program takes them after the name."""
