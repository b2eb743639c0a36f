"""Rules that would take the machine for themselves, and rules that reach for what is not theirs: one corpus for every language.

Each ends as an error of its own dependency, within its time, named, while the others decide the same event.
Where the other promises about rules are tested:

- a rule reaches the host: `OUT_OF_REACH` here; `test_filters_script.py`, `test_transforms.py`, `test_languages_expr.py`, and
  `test_languages_gotemplate.py` for attributes and methods
- event data is run as a template, expression or script: `test_data_that_looks_like_a_program_stays_data` here
- patterns that backtrack: `LINEAR` here; `test_languages_patterns.py`
- a missing key puts the whole payload in: `test_parameters_tables.py`
- JSON or YAML injected into a request: `test_a_value_is_set_and_never_spliced_into_text` here; `test_artifact_places.py`
- secrets in templates, requests, answers, logs, metrics, dead letters and errors: `tests/e2e/test_faults_leaks.py`;
  `test_a_template_sees_the_event_and_nothing_else` here
- calls to metadata addresses under any name, by a redirect or a changed answer; credentials sent on to another origin:
  `test_http_trigger_egress.py`, `tests/integration/test_http_trigger_on_the_wire.py`,
  `tests/integration/test_artifact_reading.py`
- paths and links out of a folder; options and helpers for git (archives are not unpacked): `test_artifact_places.py`,
  `tests/integration/test_artifact_reading.py`
- kinds, verbs and namespaces that are not allowed, also where parameters rewrote them:
  `tests/unit/cluster/test_cluster_rules.py`, `tests/integration/test_k8s_trigger.py`
- pod settings change how this process runs: `test_pod_settings_are_read_by_nobody` here
- the API without a token, by odd paths, methods or SQL: `tests/integration/test_faults_api_access.py`
"""

import json
import time
from typing import Any

import pytest
from deciding_helpers import KINDS, a_dependency, a_sensor, an_event, bound_to, recorded

from eventbus.contract import DependencyRef
from manifests.objects import Parameter
from manifests.problems import Severity
from manifests.secrets import SecretMissing, SecretValue
from sensors.bound import EventView
from sensors.compile import CompiledSensor, compile_sensor
from sensors.decide import Decider
from sensors.filters.held import Held
from sensors.parameters import ParameterError, compile_payload

DATA = {"s": "a" * 10_000, "n": 1e9, "l": list(range(1000)), "o": {"a": {"b": 1}}, "t": "x", "many": ["x" * 100] * 300}
CUT_OFF_S = 0.1
"""Processor time after which a rule is cut off at the latest."""
NOISE_S = 0.1
"""What a busy machine may add to a measured time."""


def expr(text: str, **paths: str) -> dict[str, Any]:
    fields = [{"name": name, "path": path} for name, path in (paths or {"s": "s"}).items()]
    return {"filters": {"exprs": [{"expr": text, "fields": fields}]}}


def template(text: str) -> dict[str, Any]:
    return {"filters": {"data": [{"path": "s", "type": "string", "value": ["^never$"], "template": text}]}}


def path(text: str) -> dict[str, Any]:
    return {"filters": {"data": [{"path": text, "type": "string", "value": ["^never$"]}]}}


def script(text: str) -> dict[str, Any]:
    return {"filters": {"script": text}}


def jq(text: str) -> dict[str, Any]:
    return {"transform": {"jq": text}}


def lua(text: str) -> dict[str, Any]:
    return {"transform": {"script": text}}


GROW = "{{ $x := list 1 }}{{ range until 40 }}{{ $x = list $x $x }}{{ end }}"
HOSTILE: dict[str, dict[str, Any]] = {
    "Lua: a loop": script("while true do end"),
    "Lua: a loop behind pcall": script("while true do pcall(error) end"),
    "Lua: a long text": script("return ('x'):rep(1e9)"),
    "Lua: many texts": script("local t = {} for i = 1, 1e7 do t[i] = ('x'):rep(1e5) .. i end"),
    "Lua: a text that doubles": script("local s = 'x' while true do s = s .. s end"),
    "Lua: a pattern": script("return event.s:find(('a*'):rep(10) .. 'b')"),
    "Lua: lazy patterns": script("return event.s:match('(.-)(.-)(.-)(.-)b')"),
    "Lua: replacing by itself": script("return event.s:gsub('.', function() return event.s end)"),
    "Lua: a wide format": script("return ('%99999999d'):format(1)"),
    "Lua: sorting": script("local t = {} for i = 1, 1e5 do t[i] = i end while true do table.sort(t) end"),
    "Lua: coroutines": script("local function f() return coroutine.wrap(f)() end f()"),
    "Lua: metatables in a circle": script("local a, m = {}, setmetatable m(a, {__index = m({}, {__index = a})}) return a.x"),
    "Lua: __tostring of itself": script("return tostring(setmetatable({}, {__tostring = function(t) return tostring(t) end}))"),
    "Lua: unpacking": script("return select('#', unpack({}, 1, 1e8))"),
    "Lua: inserting in front": script("local t = {} for i = 1, 1e6 do table.insert(t, 1, i) end"),
    "Lua: bytes": script("while true do local a = {event.s:byte(1, -1)} end"),
    "Lua: a transform's loop": lua("while true do end"),
    "Lua: a transform's many tables": lua("local t = {} for i = 1, 1e7 do t[i] = {i} end return t"),
    "Lua: a transform's depth": lua("local t = {} local c = t for i = 1, 1e6 do c.x = {} c = c.x end return t"),
    "jq: a function that calls itself": jq("def f: f; f"),
    "jq: a range": jq("{a: [range(1e9)]}"),
    "jq: repeating": jq("{a: [repeat(1)]}"),
    "jq: recursing": jq("{a: [recurse(.)]}"),
    "jq: a long text": jq('{a: ("x" * 1e9)}'),
    "jq: a text that doubles": jq('{a: (reduce range(60) as $i ("x"; . + .))}'),
    "jq: a limit": jq("{a: [limit(1e9; repeat(1))]}"),
    "jq: until never": jq("{a: (0 | until(false; . + 1))}"),
    "jq: a far index": jq('setpath(["a", 100000000]; 1)'),
    "jq: codes": jq("{a: ([range(3000000)] | implode)}"),
    "jq: replacing": jq('{a: (.s | gsub("a"; "' + "b" * 1000 + '"))}'),
    "jq: replacing by ever more": jq('{a: ("x" * 900 | gsub("x"; "' + "b" * 10_000 + '"))}'),
    "jq: one value a million times": jq("[.l | range(1000) as $i | .] | {a: .}"),
    "jq: a value that doubles": jq("{a: (reduce range(40) as $i (.o; [., .]) | tojson | length)}"),
    "jq: jumping out": jq("{a: [label $f | range(1e9) | if . > 1e8 then ., break $f else . end]}"),
    "template: a range": template("{{ until 100000000 }}"),
    "template: ranges": template("{{ range until 100000 }}{{ range until 100000 }}x{{ end }}{{ end }}"),
    "template: repeating": template('{{ repeat 100000000 "ab" }}'),
    "template: a text that doubles": template('{{ $x := "ab" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}'),
    "template: calling itself": template('{{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" . }}'),
    "template: hashing": template("{{ $x := .Input }}{{ range until 100000 }}{{ $x = $x | sha256sum }}{{ end }}"),
    "template: encoding": template("{{ $x := .Input }}{{ range until 60 }}{{ $x = $x | b64enc }}{{ end }}"),
    "template: a wide format": template('{{ printf "%1000000000d" 1 }}'),
    "template: a pattern": template('{{ range until 10000 }}{{ regexMatch "(a+)+$b" $.Input }}{{ end }}'),
    "template: words": template("{{ range until 10000 }}{{ snakecase $.Input }}{{ end }}"),
    "template: splitting": template('{{ range until 100000 }}{{ splitList "a" $.Input | len }}{{ end }}'),
    "template: sorting": template('{{ range until 100000 }}{{ splitList "" $.Input | sortAlpha | len }}{{ end }}'),
    "template: random letters": template("{{ randAlphaNum 100000000 }}"),
    "template: a value that doubles": template(GROW + "{{ toJson $x }}"),
    "template: a copy of it": template(GROW + "{{ deepCopy $x }}"),
    "template: comparing it": template(GROW + "{{ deepEqual $x (list $x) }}{{ deepEqual $x $x }}{{ toJson $x }}"),
    "expression: powers": expr("n ** n ** n ** n > s", n="n", s="s"),
    "expression: a text that grows": expr(" + ".join(["s"] * 5000) + " == 5"),
    "pattern: too large": {"filters": {"data": [{"path": "s", "type": "string", "value": ["((a{1,100}){1,100}){1,100}"]}]}},
    "path: escapes of escapes": path("@this|@pretty|@ugly|@pretty" + "|@tostr" * 20),
    "path: all of everything": path("[@this,@this,@this,@this]" + "|[@this,@this,@this,@this]" * 10),
}  # fmt: skip
LINEAR: dict[str, dict[str, Any]] = {
    "template: all that a pattern finds": template('{{ range until 100 }}{{ regexFindAll "(a|b|ab)*c" $.Input -1 }}{{ end }}'),
    "pattern: backtracking": {"filters": {"data": [{"path": "s", "type": "string", "value": ["(a+)+$b"]}]}},
    "pattern: of an expression": expr("s =~ '(a+)+$b'"),
    "path: wildcards": path("*a*a*a*a*a*a*a*b"),
    "path: wildcards in a query": path('many.#(%"*x*x*x*x*x*x*x*x*xy")#'),
    "jq: backtracking": jq('if (.s | test("(a+)+$b")) then . else error("no") end'),
}
"""What takes long elsewhere, and here as long as the text."""
OUT_OF_REACH: dict[str, dict[str, Any]] = {
    **{f"Lua: {name}": script(f"return {name}('x') ~= nil") for name in ("require", "load", "loadstring", "dofile", "loadfile")},
    **{
        f"Lua: {name}": script(f"return {name} ~= nil and {name}.x == nil") for name in ("os", "io", "debug", "package", "python")
    },
    "Lua: the metatable of texts": script("return getmetatable('') ~= nil"),
    "Lua: byte code": script("return string.dump(function() end) ~= nil"),
    "jq: the environment": jq('if (env | length) > 0 or ($ENV | length) > 0 then . else error("none") end'),
    "jq: further inputs": jq("{a: input}"),
    "jq: the file's name": jq('{a: input_filename} | if .a == null then error("none") else . end'),
    "jq: where it stands": jq("{a: $__loc__}"),
    "jq: a module": jq('import "a" as a; {b: a::c}'),
    **{
        f"template: {name}": template(f'{{{{ {name} "x" }}}}')
        for name in ("env", "expandenv", "getHostByName", "genPrivateKey", "genCA", "genSelfSignedCert", "bcrypt", "htpasswd")
    },
    "template: derived passwords": template('{{ derivePassword 1 "long" "x" "y" "z" }}'),
    "template: encryption": template('{{ encryptAES "secret" .Input }}'),
    "template: attributes": template("{{ .Input.__class__ }}"),
    "template: methods": template("{{ .Input.upper }}"),
    "template: files": template('{{ .Files.Get "/etc/passwd" }}'),
    "expression: attributes": expr("s.__class__ == 1"),
    "expression: methods": expr("s.upper() == 'X'"),
    "expression: functions": expr("exec('x') == 1"),
    "expression: dunders": expr("__import__('os') == 1"),
}


class NoSecrets:
    """Would be told if a rule asked for one."""

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        raise SecretMissing(name)

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(name)


def sensor(name: str, dependency: dict[str, Any]) -> CompiledSensor:
    return compile_sensor(a_sensor(a_dependency("d", **dependency), name=name), KINDS, NoSecrets())


def clause_of(dependency: dict[str, Any]) -> Any:
    (compiled,) = sensor("bad", dependency).dependencies
    return compiled.clause


def asked(dependency: dict[str, Any]) -> tuple[Held, float, str]:
    """What a dependency makes of the event, the least processor time of three that it took, and why."""
    clause, taken = clause_of(dependency), []
    clause.holds(EventView(an_event({"s": "warm"})))  # engines are imported when they are first needed
    for _ in range(3):
        view, began = EventView(an_event(DATA)), time.process_time()
        held = clause.holds(view)
        taken.append(time.process_time() - began)
    return held, min(taken), "" if held is Held.YES else clause.why(EventView(an_event(DATA)))


@pytest.mark.parametrize("dependency", HOSTILE.values(), ids=HOSTILE)
def test_a_rule_past_its_budget_is_an_error_within_its_time(dependency: dict[str, Any]) -> None:
    held, seconds, why = asked(dependency)
    assert held is Held.ERROR
    assert seconds < CUT_OFF_S + NOISE_S
    assert why


@pytest.mark.parametrize("dependency", LINEAR.values(), ids=LINEAR)
def test_what_backtracks_elsewhere_takes_as_long_as_the_text(dependency: dict[str, Any]) -> None:
    assert asked(dependency)[1] < 0.05 + NOISE_S


@pytest.mark.parametrize("dependency", OUT_OF_REACH.values(), ids=OUT_OF_REACH)
def test_what_is_not_the_rules_own_is_out_of_reach(dependency: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("x", "canary")
    held, _, why = asked(dependency)
    assert held is not Held.YES
    assert "canary" not in why


def test_the_others_decide_the_same_event_and_the_bad_one_is_named() -> None:
    healthy = [sensor(f"good-{n}", {"data": [{"path": "t", "type": "string", "value": ["^x$"]}]}) for n in range(20)]
    bad = {name: sensor(f"bad-{n}", dependency) for n, (name, dependency) in enumerate(HOSTILE.items())}
    decider = Decider([*healthy, *bad.values()])
    decided = decider.decide(recorded(an_event(DATA)), now_us=0)
    assert {firing.trigger.sensor for firing in decided.firings} == {f"good-{n}" for n in range(20)}
    compiled = [one for one in bad.values() if not any(problem.severity is Severity.ERROR for problem in one.problems)]
    assert set(decided.errors) == {DependencyRef("default", one.ref.name, "d") for one in compiled}
    assert len(bad) - len(compiled) == 1, "what cannot be compiled is never asked"
    assert set(decider.erring.streaks) == set(decided.errors)


def test_what_keeps_others_waiting_is_named_as_slow() -> None:
    decider = Decider([sensor("slow", HOSTILE["template: ranges"])])
    decider.decide(recorded(an_event(DATA)), now_us=0)
    assert decider.erring.slow[DependencyRef("default", "slow", "d")].longest_s > 0.02


PROGRAMS = (
    "{{ .Input }}",
    "{{ env `HOME` }}",
    "${HOME}",
    "$(id)",
    "{{printf `%s` .}}",
    "return os",
    "env",
    "1 + 1",
    "%s%n",
    "@this",
)


def parameter(**src: Any) -> Parameter:
    return Parameter.model_validate({"src": {"dependencyName": "dep", **src}, "dest": "x"})


@pytest.mark.parametrize("text", PROGRAMS)
def test_data_that_looks_like_a_program_stays_data(text: str) -> None:
    bound = bound_to(an_event({"a": text, "k": {text: "y"}}, datacontenttype="application/json"))
    for one in (parameter(dataKey="a"), parameter(dataTemplate="{{ .Input.a }}"), parameter(dataKey="a", useRawData=True)):
        assert json.loads(compile_payload([one]).build(bound)) == {"x": text}
    view = EventView(an_event({"s": text}))
    assert clause_of(script(f"return event.s == {json.dumps(text)}")).holds(view) is Held.YES
    assert clause_of(expr(f"s == {json.dumps(text)}")).holds(view) is Held.YES


@pytest.mark.parametrize("text", ['","admin":true,"y":"', "\n- evil: true", "}}", "\u2028</script>", "\\", '\\"'])
def test_a_value_is_set_and_never_spliced_into_text(text: str) -> None:
    bound = bound_to(an_event({"a": text}, datacontenttype="application/json"))
    assert json.loads(compile_payload([parameter(dataKey="a")]).build(bound)) == {"x": text}


@pytest.mark.parametrize(
    "text", ["{{ .Secret }}", "{{ .Values }}", "{{ .Env.HOME }}", "{{ .Release }}", "{{ $.Input.none.deep }}"]
)
def test_a_template_sees_the_event_and_nothing_else(text: str) -> None:
    bound = bound_to(an_event({"a": "b"}, datacontenttype="application/json"))
    with pytest.raises(ParameterError):
        compile_payload([parameter(dataTemplate=text)]).build(bound)


def test_pod_settings_are_read_by_nobody() -> None:
    content = {
        "spec": {
            "dependencies": [{"name": "dep"}],
            "template": {"container": {"command": ["sh"], "securityContext": {"privileged": True}}},
        }
    }
    plain, privileged = (compile_sensor(a_sensor(content=one), KINDS, NoSecrets()) for one in ({"name": "s"}, content))
    assert [one.declared for one in privileged.triggers.values()] == [one.declared for one in plain.triggers.values()]
    assert privileged.problems == plain.problems


@pytest.mark.parametrize("name", ["template: ranges", "Lua: many texts", "path: escapes of escapes"])
def test_a_rule_that_is_cut_off_again_and_again_gets_less_time_until_it_answers(name: str) -> None:
    decider = Decider([sensor("slow", HOSTILE[name])])
    ref = DependencyRef("default", "slow", "d")
    taken = []
    for position in range(1, 9):
        began = time.process_time()
        assert decider.decide(recorded(an_event(DATA), position), now_us=0).errors == [ref]
        taken.append(time.process_time() - began)
    assert decider.erring.overruns[ref] >= 3
    assert min(taken[4:]) < 0.5 * min(taken[:3])


def test_a_rule_that_answers_again_has_all_its_time() -> None:
    rule = "if event.t == 'x' then while true do local a = {event.s:byte(1, -1)} end end return false"
    decider = Decider([sensor("at-times", script(rule))])
    ref = DependencyRef("default", "at-times", "d")
    decider.erring.overruns[ref] = 3
    assert decider.erring.share(ref) < 1
    assert decider.decide(recorded(an_event(DATA | {"t": "y"})), now_us=0).errors == []
    assert decider.erring.share(ref) == 1
