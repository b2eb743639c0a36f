"""Dependencies that nothing waits for, and those that no event can match."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from manifests.conditions import Names
from manifests.objects import ContextFilter, Sensor
from manifests.words import quoted
from sensors.filters.never import Never, doubtful, never
from tocsin.checks.finding import Finding, usable

_WORD = re.compile(r"[\w.-]+")
_IGNORED = ("id", "specversion", "time")


def impossible(sensor: Sensor) -> Mapping[str, list[Never]]:
    """The dependencies that no event can match, and why."""
    return {dependency.name: why for _, dependency in usable(sensor) if (why := never(dependency))}


def dependency_findings(sensor: Sensor, dead: Mapping[str, list[Never]]) -> Iterator[Finding]:
    """What is odd about the dependencies of `sensor`, of which `dead` can never match."""
    mentioned = _mentioned(sensor)
    for path, dependency in usable(sensor):
        if dependency.name not in mentioned:
            message = f"the dependency {quoted(dependency.name)} is in no trigger's condition: nothing waits for it"
            yield Finding(sensor.ref, f"{path}.name", message)
        for where, why in dead.get(dependency.name, ()):
            if why:
                yield Finding(sensor.ref, f"{path}.{where}", f"can never hold: {why}")
        if dependency.filters is None:
            continue
        for index, clause in enumerate(dependency.filters.data):
            if odd := doubtful(clause):
                yield Finding(sensor.ref, f"{path}.filters.data[{index}].path", odd)
        for index, item in enumerate(dependency.filters.exprs):
            names = [field.name for field in item.fields]
            for place, name in enumerate(names):
                if name in names[:place]:
                    message = f"another field is named {quoted(name)}; the last of them counts"
                    yield Finding(sensor.ref, f"{path}.filters.exprs[{index}].fields[{place}].name", message)
        if dependency.filters.context is not None:
            yield from _context(sensor, path, dependency.filters.context)


def _context(sensor: Sensor, path: str, wanted: ContextFilter) -> Iterator[Finding]:
    for name in _IGNORED:
        if getattr(wanted, name):
            message = "is not compared, as in Argo Events; type, subject, source and datacontenttype are"
            yield Finding(sensor.ref, f"{path}.filters.context.{name}", message)


def _mentioned(sensor: Sensor) -> set[str]:
    """The dependencies that any trigger waits for, those included that do not run: their text is what counts here."""
    names = Names(one.name for one in sensor.dependencies)
    found: set[str] = set()
    for text in _conditions(sensor.content["spec"].get("triggers")):
        if not text.strip():
            return set(names.all)
        for word in _WORD.findall(text):
            meant = names.meant_by(word)
            if not meant:
                return set(names.all)  # a word that is wrong may have meant any of them
            found.update(meant)
    return found


def _conditions(triggers: Any) -> Iterator[str]:
    for trigger in triggers if isinstance(triggers, list) else ():
        template = trigger.get("template") if isinstance(trigger, Mapping) else None
        text = template.get("conditions") if isinstance(template, Mapping) else None
        yield text if isinstance(text, str) else ""
