"""Rules of every language that tests ask in the loop and beside it."""

from typing import Any

from deciding_helpers import KINDS, NoValues, a_dependency, a_sensor

from sensors.compile import CompiledSensor, compile_sensor

DATA = {"s": "a" * 2000, "n": 7, "l": list(range(50))}
LOOP = "{{ range until 1000 }}{{ range until 1000 }}{{ range until 1000 }}x{{ end }}{{ end }}{{ end }}"
TEXTS = ("^a+$", "^never$")
RULES: dict[str, dict[str, Any]] = {
    **{f"data: {text}": {"filters": {"data": [{"path": "s", "type": "string", "value": [text]}]}} for text in TEXTS},
    "data: nothing there": {"filters": {"data": [{"path": "x", "type": "number", "value": ["7"]}]}},
    "a template": {"filters": {"data": [{"path": "n", "type": "string", "value": ["^14$"], "template": "{{ mul .Input 2 }}"}]}},
    "a template's moment": {
        "filters": {"data": [{"path": "n", "type": "string", "value": ["^1970$"], "template": '{{ now | date "2006" }}'}]}
    },
    "a template in a loop": {"filters": {"data": [{"path": "s", "type": "string", "value": ["^n$"], "template": LOOP}]}},
    "an expression": {"filters": {"exprs": [{"expr": "n > 6", "fields": [{"name": "n", "path": "n"}]}]}},
    "a script": {"filters": {"script": "return event.n == 7"}},
    "a script that says no": {"filters": {"script": "return event.n == 8"}},
    "a script that fails": {"filters": {"script": "return event.a.b == 1"}},
    "a script in a loop": {"filters": {"script": "while true do end"}},
    "jq": {"transform": {"jq": "{n: (.n * 2), at: now}"}, "filters": {"script": "return event.n == 14"}},
    "jq that fails": {"transform": {"jq": 'error("no")'}},
    "a script's table": {"transform": {"script": "return {m = event.n}"}, "filters": {"script": "return event.m == 7"}},
}


def compiled(rule: dict[str, Any], **options: Any) -> CompiledSensor:
    return compile_sensor(a_sensor(a_dependency(**rule), content=rule, **options), KINDS, NoValues())
