"""Go templates: pure, bounded, and closed to the machine."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest

from sensors.languages.document import Document
from sensors.languages.gotemplate import TemplateError, compile_template, says_nothing

NOW = datetime(2024, 7, 5, 15, 0, tzinfo=timezone(timedelta(hours=2)))
INPUT = Document(b'{"name":"Tom","n":5,"big":1000000,"l":[1,2],"o":{"k":1},"z":null}')


def render(text: str, seed: bytes = b"seed") -> str:
    return compile_template(text).render(INPUT.floats, now=NOW, seed=seed)


def test_numbers_are_floats_as_go_decodes_them() -> None:
    assert render("{{ .Input.n }} {{ .Input.big }} {{ .Input.o }} {{ .Input.big | int64 }}") == "5 1e+06 map[k:1] 1000000"


def test_what_is_missing_survives_a_pipe() -> None:
    assert render("{{ .Input.nope }}|{{ .Input.nope | default `d` }}|{{ .Input.a.b.c | empty }}") == "<no value>|d|true"


def test_rendering_depends_on_its_arguments_only(monkeypatch: pytest.MonkeyPatch) -> None:
    template = (
        '{{ uuidv4 }} {{ randAlphaNum 8 }} {{ randInt 0 1000000 }} {{ shuffle "abcdefgh" }} {{ now }} {{ now | date "15:04" }}'
    )
    first = render(template)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert render(template) == first
    assert render(template, b"other") != first
    assert "2024-07-05 13:00:00 +0000 UTC" in first
    assert first.endswith(" 13:00")


def test_times_have_the_methods_that_go_has() -> None:
    assert (
        render('{{ now.Year }} {{ now.Month }} {{ now.Weekday }} {{ now.Unix }} {{ now.UTC.Format "Jan 2" }}')
        == "2024 July Friday 1720184400 Jul 5"
    )


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ('{{ printf "%08.3f|%5t|%.3v|% x" -3.0 true "abcd" "hi" }}', "-003.000| true|abc|68 69"),
        ('{{ printf "%5d|%q" .Input.l .Input.z }}', "[%!d(float64=    1) %!d(float64=    2)]|%!q(<nil>)"),
        ("{{ .Input.n | int64 | duration }} {{ duration .Input.n }}", "5s 0s"),
        ('{{ add 1 2 | typeOf }} {{ splitList "," "a" | typeOf }}', "int64 []string"),
        ('{{ list 1 nil | toJson }} {{ first (list nil) }} {{ dict "k" nil }}', "[1,null] <no value> map[k:<nil>]"),
        ('{{ regexFindAll "x" "abc" -1 }} {{ regexMatch "(" "x" }} {{ regexSplit "a{" "xa{y" -1 }}', "[] false [x y]"),
        ('{{ nospace "日本" }} {{ trunc 4 "日本" }}', "日本 日\ufffd"),
        (
            '{{ toDate "2006-01-02T15:04:05Z07:00" "2024-07-05T13:04:05.123456789+02:00" }}',
            "2024-07-05 13:04:05.123456789 +0200 +0200",
        ),
        ('{{ ((toDate "2006-01-02" "2024-01-31").AddDate 0 1 0).Format "Jan 2" }}', "Mar 2"),
        ('{{ ((toDate "2006" "2024").Sub (toDate "2006" "2023")).Hours }}', "8760"),
        ('{{ trunc 2.0 "abc" }} {{ round 2.675 2 }}', "ab 2.68"),
    ],
)
def test_functions_take_and_give_what_gos_do(template: str, printed: str) -> None:
    assert render(template) == printed


@pytest.mark.parametrize(
    "template",
    [
        '{{ repeat (add 1 1) "a" }}',
        "{{ until (.Input.n | int64) }}",
        '{{ keys (split "," "a") }}',
        "{{ upper .Input.n }}",
        '{{ set .Input.z "k" 1 }}',
    ],
)
def test_functions_take_the_very_types_of_go(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template)


def test_a_template_cannot_change_its_input_for_others() -> None:
    assert render('{{ $_ := set .Input "name" "x" }}{{ .Input.name }}') == "x"
    assert render("{{ .Input.name }}") == "Tom"


@pytest.mark.parametrize("name", ["env", "expandenv", "getHostByName", "genPrivateKey", "genCA", "bcrypt", "derivePassword"])
def test_functions_that_read_the_machine_or_make_keys_are_not_there(name: str) -> None:
    with pytest.raises(TemplateError, match=name):
        compile_template(f'{{{{ {name} "x" }}}}')


@pytest.mark.parametrize(
    "path", [".Input.name.format", ".Input.name.__class__", ".Input.l.append", ".Input.n.real", "(now).tzinfo"]
)
def test_python_attributes_are_out_of_reach(path: str) -> None:
    with pytest.raises(TemplateError, match="can't evaluate field"):
        render(f"{{{{ {path} }}}}")


@pytest.mark.parametrize(
    "template",
    [
        "{{ until 100000000 }}",
        "{{ untilStep 0 100000000 1 }}",
        "{{ seq 0 1 100000000 }}",
        '{{ repeat 100000000 "ab" }}',
        '{{ printf "%1000000000d" 1 }}',
        '{{ printf "%*d" 1000000000 1 }}',
        '{{ printf "%.1000000000f" 1.0 }}',
        '{{ $x := "ab" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}',
        "{{ $l := list 1 }}{{ range until 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}",
        '{{ join (repeat 1000 "x") (until 5000) }}',
        '{{ $x := repeat 100000 "a" }}{{ replace "a" $x $x }}',
        '{{ $x := repeat 100000 "a" }}{{ regexReplaceAll "a" $x $x }}',
        "{{ range until 1000 }}{{ range until 1000 }}{{ end }}{{ end }}",
        '{{ define "t" }}{{ template "t" . }}{{ end }}{{ template "t" . }}',
        '{{ randAlpha 100000000 }}',
        '{{ indent 100000000 "x" }}',
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    ],
)  # fmt: skip
def test_a_template_that_asks_for_too_much_fails_soon(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template)


def test_errors_name_the_place() -> None:
    with pytest.raises(TemplateError, match=r"1:\d+"):
        compile_template("{{ nope }}")
    with pytest.raises(TemplateError, match="boom"):
        render('{{ fail "boom" }}')


@pytest.mark.parametrize(("output", "nothing"), [("", True), ("<no value>", True), ("x <no value>", False), (" ", False)])
def test_what_counts_as_no_value(output: str, nothing: bool) -> None:
    assert says_nothing(output) is nothing


def test_the_engine_is_imported_only_when_a_template_is_compiled() -> None:
    code = (
        "import sys, sensors.languages.gotemplate as g; assert 'gotpl' not in sys.modules; "
        "g.compile_template('x'); assert 'gotpl' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_naive_seed_and_utc_now_are_enough() -> None:
    assert compile_template("{{ now.Hour }}").render(None, now=datetime(2024, 1, 1, 7, tzinfo=UTC), seed=b"") == "7"
