"""The value of one parameter: template first, then key, then the given value, or an error.

Semantics: `ResolveParamValue` of Argo Events' `pkg/sensors/triggers/params.go`.
"""

from base64 import b64encode
from dataclasses import dataclass
from typing import NamedTuple

from manifests.objects import ParameterSource
from sensors.bound import Bound, EventView, context_json
from sensors.languages.document import Document, DocumentError
from sensors.languages.gjson import Path, Result, compile_path
from sensors.languages.gotemplate import Template, TemplateError, compile_template, says_nothing
from sensors.languages.jsontext import Kind
from sensors.parameters.templated import template_input
from sensors.parameters.yamldata import NotYaml, yaml_to_json


class BadParameter(ValueError):
    """A parameter can never work; known before any event comes."""

    def __init__(self, place: str, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.place = place
        """Where it stands, such as `payload[2].src.dataTemplate`."""


class ParameterError(Exception):
    """A parameter has no value, or it cannot be put where it belongs. Permanent for these events."""

    def __init__(self, index: int, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.index = index
        """Place in its list, from 0."""
        self.what = what
        self.why = why


class Unresolved(Exception):
    """Why a source has no value; whoever knows the parameter's place makes a `ParameterError` of it."""


class Resolved(NamedTuple):
    """A value."""

    text: str
    raw: str | None = None
    """The JSON to set as it is, where `useRawData` asks for it and the value is not text; None: set `text` as a string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A compiled `src`."""

    dependency: str
    on_data: bool
    key: Path | None
    template: Template | None
    fallback: Resolved | None
    use_raw: bool
    seed: bytes
    """Keeps what is random in one template apart from another's."""
    broken: str = ""
    """Why the template cannot work, where something else can stand in for it."""

    def resolve(self, bound: Bound) -> Resolved | None:
        """The value, or None where the dependency took no part and nothing stands in. Raises `Unresolved`."""
        view = bound.events.get(self.dependency)
        if view is None:
            return self.fallback
        if self.key is None and self.template is None and not self.broken:
            return self.fallback or Resolved(whole_event(view))
        try:
            document = readable(view) if self.on_data else view.context
            found = bound.found.get((self.dependency, self.key)) if self.on_data and self.key is not None else None
            return self._select(document, bound, found)
        except Unresolved:
            if self.fallback is not None:
                return self.fallback
            raise

    def _select(self, document: Document, bound: Bound, found: Result | None) -> Resolved:
        why = self.broken
        if self.template is not None:
            try:
                text = self.template.render(template_input(document), now=bound.now, seed=bound.seed + self.seed)
            except (TemplateError, DocumentError) as exc:
                why = f"the template failed: {exc}"
            else:
                if not says_nothing(text):
                    return Resolved(text)
                why = "the template printed nothing"
        if self.key is not None:
            found = self.key.get(document) if found is None else found
            if found.exists:
                return self._value(found)
            why = f"{'the event data has' if self.on_data else 'the event context has'} nothing at {self.key.text!r}"
        raise Unresolved(why)

    def _value(self, found: Result) -> Resolved:
        kind = found.kind
        text = "null" if kind is Kind.NULL else found.text
        if not self.use_raw or kind is Kind.STRING:
            return Resolved(text)
        if kind is Kind.NUMBER and text[-1] not in "0123456789.":
            raise Unresolved(f"the number is out of range ({text}); JSON cannot hold it")
        return Resolved(text, text)


def compile_source(source: ParameterSource, *, salt: str) -> Source:
    """Compile once. Raises `ValueError` where it can never have a value."""
    on_data = bool(source.data_key or source.data_template)
    key = source.data_key if on_data else source.context_key
    template_text = source.data_template if on_data else source.context_template
    template: Template | None = None
    broken = ""
    if template_text:
        try:
            template = compile_template(template_text)
        except ValueError as exc:
            broken = f"the template cannot work: {exc}"
            if not key and source.value is None:
                raise ValueError(broken) from exc
    return Source(
        dependency=source.dependency_name,
        on_data=on_data,
        key=compile_path(key) if key else None,
        template=template,
        fallback=None if source.value is None else Resolved(source.value),
        use_raw=source.use_raw_data,
        seed=salt.encode(),
        broken=broken,
    )


def readable(view: EventView) -> Document:
    """The data as JSON by its content type, which is not guessed. Raises `Unresolved`."""
    content_type = view.event.datacontenttype
    if content_type == "application/json":
        if view.document is None or not view.document.valid:
            raise Unresolved("the event data is not valid JSON")
        return view.document
    if content_type == "application/yaml":
        if view.converted is None:
            try:
                view.converted = Document(yaml_to_json(view.event.data or b""))
            except NotYaml as exc:
                raise Unresolved(f"the event data is {exc}") from exc
        return view.converted
    shown = f"content type {content_type!r}" if content_type else "no content type"
    raise Unresolved(f"the event data has {shown}; parameters read application/json and application/yaml")


def whole_event(view: EventView) -> str:
    """The event as the original's JSON text: the context, and the data in base64."""
    data = view.event.data
    encoded = "null" if data is None else f'"{b64encode(data).decode()}"'
    return f'{{"context":{context_json(view.event)},"data":{encoded}}}'
