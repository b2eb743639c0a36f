"""Small kinds and texts for tests of the loader, so that they depend on no real kind."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from manifests.fields import Duration, EventFilter, SecretRef, Spec
from manifests.kinds import Kind, Kinds
from manifests.load import Loaded, load_text
from manifests.objects import Parameter
from manifests.ours import OURS as OUR_FIELD
from manifests.problems import Problem

ARGO = "argoproj.io/v1alpha1"
OURS = "tocsin.dev/v1"


class Hook(Spec):
    endpoint: str
    port: str = "12000"
    method: Literal["GET", "POST"] = "POST"
    max_bytes: int = Field(default=0, ge=0)
    json_body: bool = False
    every: Duration | None = None
    filter: EventFilter | None = None
    auth_secret: SecretRef | None = None
    metadata: dict[str, str] = {}

    @model_validator(mode="after")
    def check_endpoint(self) -> "Hook":
        if not self.endpoint.startswith("/"):
            raise ValueError("the endpoint must start with a slash")
        if "\x07" in self.endpoint:
            raise ValueError(f"no bells in {self.endpoint}")
        return self


class Call(Spec):
    url: str
    method: Literal["", "GET", "POST"] = ""
    headers: dict[str, str] = {}
    payload: list[Parameter] = []
    parameters: list[Parameter] = []
    dynamic_headers: list[Parameter] = []
    resource: dict[str, Any] = {}


class Note(Spec):
    interval_seconds: int = 0
    echo: Annotated[str, OUR_FIELD] = ""


class Ring(Spec):
    bell: str = Field(default="b", min_length=1)
    melody: list[str] = Field(default=["c"], min_length=1)
    rhythm: list[str] = Field(default=["4", "4"], min_length=2)


def toy_kinds() -> Kinds:
    return Kinds(
        [
            Kind(key="webhook", role="source", spec=Hook),
            Kind(key="calendar", role="source", spec=Ring),
            Kind(key="bell", role="source", spec=Ring, dialects=frozenset({OURS})),
            Kind(key="http", role="trigger", spec=Call),
            Kind(key="log", role="trigger", spec=Note),
        ]
    )


def read(text: str | bytes, **options: Any) -> Loaded:
    return load_text(text, toy_kinds(), file="shop.yaml", **options)


def where(problem: Problem) -> tuple[int, int, str]:
    return problem.line, problem.column, problem.path


def sensor_text(dependencies: str = "", triggers: str = "", *, version: str = ARGO) -> str:
    return (
        f"apiVersion: {version}\nkind: Sensor\nmetadata: {{name: s}}\nspec:\n"
        f"  dependencies: {dependencies or '[{name: a, eventSourceName: gate, eventName: push}]'}\n"
        f"  triggers: {triggers or '[{template: {name: t, log: {}}}]'}\n"
    )


def source_text(spec: str, *, version: str = ARGO) -> str:
    return f"apiVersion: {version}\nkind: EventSource\nmetadata: {{name: gate}}\nspec: {spec}\n"
