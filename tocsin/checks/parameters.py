"""Parameters that have no value, whose value goes nowhere, or part of which is not looked at."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from manifests.checked import aliases
from manifests.objects import DeclaredTrigger, Parameter, ParameterSource, Sensor
from manifests.words import did_you_mean, quoted
from sensors.languages.gjson_path import object_step
from sensors.languages.gotemplate import compile_template
from sensors.languages.sjson import SjsonError, compile_dest
from sensors.triggers.rewriting import ParametrisedSpec
from tocsin.checks.destinations import wrong_dest
from tocsin.checks.finding import Finding, awaited
from tocsin.checks.shapes import Shape, Shapes

_CONTEXT = ("id", "source", "specversion", "type", "datacontenttype", "subject", "time")
Said = tuple[str, str]
"""Where, below the parameter, and what."""


class _List(NamedTuple):
    """One list of parameters of a trigger."""

    path: str
    parameters: Sequence[Parameter]
    edits: str
    """What it changes: `template`, `spec`, or nothing where it makes something new."""


def parameter_findings(sensor: Sensor, shapes: Shapes) -> Iterator[Finding]:
    """What is odd about the parameters of `sensor`."""
    known = shapes.by_dependency(sensor)
    for trigger in sensor.triggers:
        names = awaited(sensor, trigger)
        for acting in filter(None, (trigger, trigger.dlq)):
            for listed in _lists(acting):
                for index, parameter in enumerate(listed.parameters):
                    for where, message in _said(parameter, listed, acting, names, known):
                        yield Finding(sensor.ref, f"{listed.path}[{index}].{where}", message)
                for index, message in _not_built(listed):
                    yield Finding(sensor.ref, f"{listed.path}[{index}].dest", message)


def _lists(trigger: DeclaredTrigger) -> Iterator[_List]:
    yield _List(f"{trigger.path}.parameters", trigger.head.parameters, "template")
    for name, info in type(trigger.spec).model_fields.items():
        value = getattr(trigger.spec, name)
        if isinstance(value, list) and value and isinstance(value[0], Parameter):
            alias = info.alias or name
            own = alias == "parameters" and isinstance(trigger.spec, ParametrisedSpec)
            edits = "spec" if own else "object" if alias == "parameters" else ""
            yield _List(f"{trigger.path}.template.{trigger.kind}.{alias}", value, edits)


def _said(
    parameter: Parameter, listed: _List, trigger: DeclaredTrigger, names: Sequence[str], known: Mapping[str, Shape]
) -> Iterator[Said]:
    source = parameter.src
    if source is None:
        return  # said elsewhere
    yield from _source(source, names, edits=bool(listed.edits))
    shape = known.get(source.dependency_name)
    if source.data_key and not source.data_template and shape is not None and (why := shape.wrong(source.data_key)):
        yield "src.dataKey", f"{quoted(source.data_key)} {why}"
    if not listed.edits:
        if parameter.operation in ("append", "prepend"):
            yield "operation", f"{quoted(parameter.operation)} is not looked at here: there is nothing yet to add to"
    elif parameter.dest and (why := _dest(parameter, listed, trigger)):
        yield "dest", why


def _source(source: ParameterSource, names: Sequence[str], *, edits: bool) -> Iterator[Said]:
    yield from _dependency(source, names, edits=edits)
    on_data = bool(source.data_key or source.data_template)
    yield from _context_key(source, on_data=on_data)
    key, template = (source.data_key, source.data_template) if on_data else (source.context_key, source.context_template)
    if source.use_raw_data and not key:
        yield "src.useRawData", "does nothing without dataKey or contextKey: what a template prints is text"
    if template and (key or source.value is not None) and (why := _bad_template(template)):
        yield "src.dataTemplate" if on_data else "src.contextTemplate", f"cannot work, and what stands in is always taken: {why}"


def _dependency(source: ParameterSource, names: Sequence[str], *, edits: bool) -> Iterator[Said]:
    if names and source.dependency_name not in names:
        then = "it is left out" if edits else "the request cannot be built"
        then = then if source.value is None else "its 'value' is always taken"
        why = f"the condition of this trigger does not wait for {quoted(source.dependency_name)}: no event of it, so {then}"
        yield "src.dependencyName", why


def _context_key(source: ParameterSource, *, on_data: bool) -> Iterator[Said]:
    if on_data and (source.context_key or source.context_template):
        place = "src.contextKey" if source.context_key else "src.contextTemplate"
        yield place, "is not looked at beside dataKey or dataTemplate"
    elif source.context_key and source.context_key[0] not in "@{[#!":
        first = object_step(source.context_key)
        if first.key not in _CONTEXT and not first.wild:
            yield "src.contextKey", f"an event's context has no {quoted(first.key)}{did_you_mean(first.key, _CONTEXT)}"


def _bad_template(text: str) -> str:
    try:
        compile_template(text)
    except ValueError as exc:
        return str(exc)
    return ""


def _not_built(listed: _List) -> Iterator[tuple[int, str]]:
    """The parameters of a new document that set nothing in it, tried with a text in the place of each value."""
    if listed.edits or listed.path.endswith(".dynamicHeaders"):
        return
    text = ""
    for index, parameter in enumerate(listed.parameters):
        if not parameter.dest:
            return  # it may be the whole payload
        try:
            made = compile_dest(parameter.dest).edit(text, '"x"')
        except SjsonError as exc:
            yield index, f"nothing can be set there: {exc}"
            continue
        if made == text:
            yield index, "sets nothing: such a path replaces what is there already, and the payload begins empty"
        text = made


def _dest(parameter: Parameter, listed: _List, trigger: DeclaredTrigger) -> str:
    steps = compile_dest(parameter.dest).steps
    if steps is None or listed.edits == "object":
        return ""
    raw = parameter.src is not None and parameter.src.use_raw_data
    text = not raw or parameter.operation in ("append", "prepend")
    spec = type(trigger.spec)
    if listed.edits == "spec":
        return wrong_dest(spec, steps, text=text)
    if steps[0].key != trigger.kind:
        if steps[0].key in aliases(spec):
            hint = f" (did you mean {quoted(f'{trigger.kind}.{parameter.dest}')}?)"
        else:
            hint = did_you_mean(steps[0].key, [trigger.kind])
        return f"changes nothing: the template has {quoted(trigger.kind)}, not {quoted(steps[0].key)}{hint}"
    return wrong_dest(spec, steps[1:], text=text)
