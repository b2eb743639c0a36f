"""Commands that need no service, as processes."""

import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from service_process import QUIET_ENV, TOCSIN, tocsin, webhook

from tocsin import __version__
from tocsin.cli.root import COMMANDS

ROOT = Path(__file__).resolve().parents[2]

LIGHT = {"click", "tocsin"}
"""Packages that may be imported when the command line starts, beside the standard library."""


def test_starting_imports_nothing_but_click_and_the_standard_library() -> None:
    program = "import sys, json; sys.argv=['tocsin','version']; from tocsin.cli import main\n"
    program += "try: main()\nexcept SystemExit: pass\n"
    program += "print(json.dumps(sorted(name for name, module in sys.modules.items() if module is not None)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=QUIET_ENV, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}
    foreign = loaded - set(sys.stdlib_module_names) - LIGHT
    assert {name for name in foreign if not name.startswith(("_", "sitecustomize", "usercustomize"))} == set()
    assert "asyncio" not in loaded


def test_the_version_is_the_one_of_the_package() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert declared == __version__
    done = tocsin("version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"tocsin {declared} (Python ")
    assert json.loads(tocsin("version", "-o", "json").stdout)["version"] == declared


@pytest.mark.parametrize("command", [*COMMANDS, "lint"])
def test_every_command_has_help(command: str) -> None:
    done = tocsin(command, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: tocsin {command}")
    assert "--data DIR" in done.stdout


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["validate"],
        ["validate", "--nonsense", "x"],
        ["events", "nonsense"],
        ["events", "--limit"],
        ["simulate", "x"],
        ["run", "--bus", "kafka://somewhere"],
        ["run", "--api", "nowhere"],
        ["run", "--port-offset", "many"],
        ["schema", "Nonsense"],
        ["version", "-o", "xml"],
        ["events", "--server", "http://somewhere:port"],
        ["simulate", "-", "--events", "-"],
    ],
)
def test_wrong_usage_exits_2_and_says_so_on_stderr(args: list[str]) -> None:
    done = tocsin(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_nearest_command_is_named() -> None:
    assert "did you mean 'events'?" in tocsin("event").stderr
    assert "events show abc" in tocsin("events", "abc").stderr


def test_common_options_stand_before_or_after_the_command_and_in_the_environment(tmp_path: Path) -> None:
    for args, env in (
        (["-o", "json", "version"], {}),
        (["version", "-o", "json"], {}),
        (["version"], {"TOCSIN_OUTPUT": "json"}),
        (["-o", "text", "version", "-o", "json"], {"TOCSIN_OUTPUT": "jsonl"}),
    ):
        assert json.loads(tocsin(*args, env=env).stdout)["version"] == __version__
    missing = str(tmp_path / "nowhere")
    for args, env in (
        (["events", "--data", missing], {}),
        (["events", "list", "--data", missing], {}),
        (["--data", missing, "events"], {}),
        (["events"], {"TOCSIN_DATA": missing}),
    ):
        done = tocsin(*args, env=env)
        assert (done.returncode, done.stdout) == (1, "")
        assert missing in done.stderr


def test_the_environment_may_say_yes_instead_of_how_often() -> None:
    for word, code in (("true", 0), ("No", 0), ("2", 0), ("very", 2)):
        assert tocsin("version", env={"TOCSIN_VERBOSE": word}).returncode == code


def test_an_option_of_one_command_is_read_from_the_environment_by_that_command_alone() -> None:
    env = {"TOCSIN_SENSORS_RESUME_RATE": "many", "TOCSIN_VERSION": "7"}
    done = tocsin("sensors", "resume", "deploy", env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'many'" in done.stderr
    assert tocsin("sources", "resume", "--help", env=env).returncode == 0
    assert tocsin("version", env=env).stdout.startswith("tocsin ")


def test_a_reader_that_leaves_early_ends_it_quietly() -> None:
    shell = f"{' '.join(TOCSIN)} schema | head -c 10"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env=QUIET_ENV, check=False)
    assert len(done.stdout) == 10
    assert done.stderr == ""


def test_there_is_no_colour_where_no_terminal_is() -> None:
    assert "\x1b[" not in tocsin("--help").stdout + tocsin("sources", "--help").stdout


def test_nothing_is_written_by_reading_commands(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(webhook("hooks", 12000))
    before = sorted(os.listdir(tmp_path))
    data = str(tmp_path / "data")
    tocsin("validate", str(tmp_path / "m.yaml"), "--data", data)
    tocsin("events", "--data", data)
    assert sorted(os.listdir(tmp_path)) == before


def test_validate_shows_every_problem_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(webhook("hooks", 12000).replace("endpoint: /push", "endpont: /push"))
    (tmp_path / "b.yaml").write_text("a: [1\n")
    done = tocsin("validate", str(tmp_path))
    assert done.returncode == 2
    assert f"{tmp_path / 'a.yaml'}:7:" in done.stdout
    assert "did you mean 'endpoint'?" in done.stdout
    assert f"{tmp_path / 'b.yaml'}:" in done.stdout
    document = json.loads(tocsin("lint", str(tmp_path), "-o", "json").stdout)
    assert {frozenset(problem) for problem in document["problems"]} == {
        frozenset({"file", "line", "column", "path", "severity", "message"})
    }
    lines = tocsin("lint", str(tmp_path), "-o", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == document["problems"]


def test_validate_says_what_is_valid(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(webhook("hooks", 12000))
    done = tocsin("validate", str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 event source valid\n", "")


def test_where_nothing_is_declared_nothing_is_called_valid(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("# to come\n")
    done = tocsin("validate", str(tmp_path / "m.yaml"))
    assert (done.returncode, done.stdout) == (0, "nothing is declared here\n")


def test_a_pattern_that_cannot_work_is_a_problem_at_its_sensor(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        """
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: s}
spec:
  dependencies:
    - {name: d, eventSourceName: a, eventName: b, filters: {data: [{path: x, type: string, value: ["("]}]}}
  triggers:
    - template: {name: t, log: {}}
"""
    )
    done = tocsin("validate", str(tmp_path), "-o", "json")
    assert done.returncode == 2
    (problem, *_) = json.loads(done.stdout)["problems"]
    assert problem["file"].endswith("a.yaml")
    assert problem["line"] > 0


def test_a_schema_is_json_schema() -> None:
    schema = json.loads(tocsin("schema", "EventSource").stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert "webhook" in json.dumps(schema)


def test_version_is_quick() -> None:
    best = min(_seconds() for _ in range(3))
    assert best < 1.0, "far from the goal of 150 ms even on a busy machine"


def _seconds() -> float:
    began = time.monotonic()
    tocsin("version")
    return time.monotonic() - began
