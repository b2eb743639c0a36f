"""What our engines say to the questions of `cases`, and whether that is what the original said."""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from eventbus.event import Event
from manifests.clock_rules import time_of_day, zone_fault
from manifests.conditions import ConditionError, parse_conditions
from manifests.objects import TimeFilter
from sensors.bound import EventView
from sensors.filters.held import Held
from sensors.filters.time import Time
from sensors.languages.document import Document, DocumentError
from sensors.languages.expr import ExprError, compile_expr
from sensors.languages.expr import values as expr_values
from sensors.languages.expr.environment import environment
from sensors.languages.expression_values import printed
from sensors.languages.expression_words import ExpressionError
from sensors.languages.expressions import compile_expression
from sensors.languages.gjson import compile_path
from sensors.languages.gonumbers import format_float, parse_bool, parse_float
from sensors.languages.gotemplate import TemplateError, compile_template, moment
from sensors.languages.jq import JqFailed, compile_program
from sensors.languages.jsonwrite import go_json
from sensors.languages.lua import LuaError, compile_script
from sensors.languages.patterns import PatternError, compile_pattern
from sensors.languages.sjson import SjsonError, compile_dest

Case = dict[str, Any]

NOW = datetime(2024, 7, 5, 13, 0, tzinfo=UTC)

DIFFERENT_TEMPLATES = {
    '{{ hasKey .Input.z "k" }}': "a null where a map is wanted: an error there, an empty map here",
}
"""Template → why it cannot be identical."""

DIFFERENT_SCRIPTS = {
    'return ("x"):match("%") == nil': "a pattern that ends with % is an error here, as in Lua 5.1",
    "return loadstring == nil": "programs are not made from texts here",
}
"""Script → why it cannot be identical."""

DIFFERENT_PROGRAMS = {
    "{a: (.l | bsearch(1))?, b: ([1, 2, 3] | bsearch(2))}": "a search in a list that is not sorted finds what it finds",
}
"""jq program → why it cannot be identical."""


def ask_gjson(case: Case) -> Case:
    found = compile_path(case["path"]).get(Document(case["document"].encode()))
    return {
        "exists": found.exists,
        "kind": found.kind.name,
        "raw": found.raw,
        "text": found.text,
        "number": found.number,
        "truth": found.truth,
    }


def ask_sjson(case: Case) -> Case:
    dest = compile_dest(case["path"])
    document = case["document"].encode()
    try:
        edited = dest.set_raw(document, case["raw"]) if "raw" in case else dest.set_text(document, case["text"])
    except SjsonError as exc:
        return {"error": str(exc)}
    return {"document": edited.decode()}


def ask_template(case: Case) -> Case:
    try:
        template = compile_template(case["template"])
        return {"output": template.render(Document(case["document"].encode()).floats, now=NOW, seed=b"seed")}
    except (TemplateError, DocumentError) as exc:
        return {"error": str(exc)}


def ask_regexp(case: Case) -> Case:
    try:
        return {"match": compile_pattern(case["pattern"]).search(case["text"]) is not None}
    except PatternError as exc:
        return {"error": str(exc)}


def ask_strconv(case: Case) -> Case:
    number, truth = parse_float(case["text"]), parse_bool(case["text"])
    return {
        "decimal": format_float(0.0 if number is None else number),
        "syntax": number is not None,
        "truth": "" if truth is None else str(truth).lower(),
    }


def ask_window(case: Case) -> Case:
    if zone_fault(case["zone"]) or time_of_day(case["start"]) is None or time_of_day(case["stop"]) is None:
        return {"error": "not a window"}
    event = Event(namespace="n", source="s", name="e", id="1", type="t", time=case["time"], data=None)
    held = Time(TimeFilter(start=case["start"], stop=case["stop"], timezone=case["zone"])).holds(EventView(event))
    return {"error": "not a time"} if held is Held.ERROR else {"inside": held is Held.YES}


def ask_condition(case: Case) -> Case:
    names = case["names"]
    try:
        condition = parse_conditions(case["conditions"], names)
    except ConditionError as exc:
        return {"error": str(exc)}
    sets = ({name for bit, name in enumerate(names) if chosen >> bit & 1} for chosen in range(1 << len(names)))
    return {"truths": [condition.holds(present) for present in sets]}


def ask_lua(case: Case) -> Case:
    data = Document(case["document"].encode()).floats
    try:
        script = compile_script(case["script"])
        if case["transform"]:
            return {"holds": False, "made": json.loads(go_json(script.transform(data)))}
        return {"holds": script.holds(data), "made": None}
    except LuaError as exc:
        return {"error": str(exc)}


def ask_jq(case: Case) -> Case:
    try:
        made = compile_program(case["program"]).transform(Document(case["document"].encode()).floats)
    except JqFailed as exc:
        return {"error": str(exc)}
    return {"made": go_json(made).decode()}


def ask_expr(case: Case) -> Case:
    try:
        with moment(NOW, b"seed"):
            value = compile_expr(case["expression"]).compute(environment(as_floats(case["data"])), datetime.now(UTC))
        return {"type": expr_values.type_name(value).replace("nil", "<nil>"), "text": go_text(value)}
    except ExprError as exc:
        return {"error": str(exc)}


def go_text(value: Any) -> str:
    """What Go prints and JSON carries: bytes that are no UTF-8 are marked."""
    return re.sub("[\udc80-\udcff]", "\ufffd", expr_values.printed(value))


GO_TYPES = {float: "float64", bool: "bool", str: "string", list: "[]interface {}", dict: "map[string]interface {}", type(None): "<nil>"}


def as_floats(value: Any) -> Any:
    """JSON as Go decodes it: every number is a float."""
    if isinstance(value, list):
        return [as_floats(element) for element in value]
    if isinstance(value, dict):
        return {key: as_floats(member) for key, member in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def ask_expression(case: Case) -> Case:
    try:
        value = compile_expression(case["expression"]).compute(as_floats(case["names"]))
    except ExpressionError as exc:
        return {"error": str(exc)}
    return {"type": GO_TYPES.get(type(value), "*regexp.Regexp"), "text": printed(value)}


ASK: dict[str, Callable[[Case], Case]] = {
    "gjson": ask_gjson,
    "sjson": ask_sjson,
    "template": ask_template,
    "regexp": ask_regexp,
    "strconv": ask_strconv,
    "expression": ask_expression,
    "window": ask_window,
    "condition": ask_condition,
    "lua": ask_lua,
    "jq": ask_jq,
    "expr": ask_expr,
}


def same(theirs: Case, ours: Case) -> bool:
    """Whether both mean the same. Where the original fails, so must we, in our own words."""
    if "error" in theirs:
        return "error" in ours
    if theirs.get("type") == ours.get("type") == "float64":  # powers differ in the last digit
        return math.isclose(*(float(one["text"].replace("Inf", "inf")) for one in (theirs, ours)), rel_tol=1e-14) or theirs == ours
    if "number" not in theirs:
        return theirs == ours
    left, right = float(theirs["number"].replace("Inf", "inf")), ours.get("number", math.nan)
    numbers = left == right or (math.isnan(left) and math.isnan(right))
    kind = theirs["kind"].upper()
    return numbers and {**theirs, "number": 0, "kind": kind} == {**ours, "number": 0}


def refused(case: Case, ours: Case) -> bool:
    """Whether we refuse an edit: the original takes wrong places for some paths with `#` and damages the text there, or crashes."""
    return case["engine"] == "sjson" and "#" in case["path"] and "place cannot be told" in ours.get("error", "")


def stray(case: Case) -> bool:
    """Whether the original leaves a truth value behind: its loops from the end do, and the value to the left of them is lost."""
    return case["engine"] == "expr" and re.search(r"findLast|last\(|\[-1\]", case["expression"]) is not None


def disagreement(case: Case, theirs: Case) -> str | None:
    """How our answer differs where it must not; None where all is well."""
    ours = ASK[case["engine"]](case)
    if refused(case, ours):
        return None if theirs.get("document") != case["document"] else f"{json.dumps(case)}\n  refused, but nothing is to be done"
    agree = same(theirs, ours) or stray(case)
    reason = DIFFERENT_TEMPLATES.get(case.get("template", "")) or DIFFERENT_SCRIPTS.get(case.get("script", ""))
    reason = reason or DIFFERENT_PROGRAMS.get(case.get("program", ""))
    if agree and reason is not None:
        return f"{json.dumps(case)}\n  agrees now; take it off the list of differences ({reason})"
    return None if agree or reason is not None else f"{json.dumps(case)}\n  theirs: {theirs}\n  ours:   {ours}"
