"""What is deployed starts the service with options that it has, as nobody, and keeps its data."""

import configparser
import json
import re
import shlex
from pathlib import Path

from tocsin.cli.run import command as run

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def only(word: str) -> str:
    found = [rest for name, rest in instructions() if name == word]
    assert len(found) == 1, f"{word}: {found}"
    return found[0]


def assert_run_knows(arguments: list[str]) -> None:
    known = {option for parameter in run.params for option in parameter.opts}
    assert arguments[0] == "run"
    assert {word for word in arguments if word.startswith("--")} <= known


def test_the_image_starts_from_a_plain_base_image() -> None:
    assert re.fullmatch(r"[a-z]+:[\w.-]+", only("FROM"))


def test_the_image_installs_what_is_locked_by_hash() -> None:
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert "--no-deps" in installs[1]


def test_the_image_copies_only_what_exists() -> None:
    copied = [name for word, rest in instructions() if word == "COPY" for name in rest.split()[:-1]]
    assert {"manifests", "clients", "eventbus", "cluster", "sources", "sensors", "tocsin"} <= set(copied)
    assert all((DEPLOY.parent / name).exists() for name in copied)


def test_the_image_runs_the_service_as_nobody_with_its_data_on_a_volume() -> None:
    arguments = json.loads(only("CMD"))
    assert json.loads(only("ENTRYPOINT")) == ["tocsin"]
    assert_run_knows(arguments)
    assert only("USER") != "root"
    assert only("VOLUME") == arguments[arguments.index("--data") + 1]


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((DEPLOY / "tocsin.service").read_text())
    return parser


def test_the_unit_runs_the_service_with_options_that_it_has() -> None:
    program, *arguments = shlex.split(unit()["Service"]["ExecStart"])
    assert Path(program).name == "tocsin"
    assert_run_knows(arguments)


def test_the_unit_gives_the_drain_its_time_and_keeps_the_data_where_the_service_looks() -> None:
    service = unit()["Service"]
    arguments = shlex.split(service["ExecStart"])
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"].removesuffix("s")) >= 30
    assert arguments[arguments.index("--data") + 1] == f"/var/lib/{service['StateDirectory']}"
    assert service["DynamicUser"] == "yes"
