"""What the project depends on is locked, and each dependency says why it is there."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text()
PROJECT = tomllib.loads(PYPROJECT)
BASE: list[str] = PROJECT["project"]["dependencies"]
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]
EXTRAS = [one for extra in PROJECT["project"]["optional-dependencies"].values() for one in extra if not one.startswith("tocsin[")]


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def locked(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text().splitlines()
    return {name_of(line): line.split("==")[1].split()[0] for line in lines if re.match(r"[A-Za-z0-9._-]+==", line)}


@pytest.mark.parametrize("requirement", [*BASE, *EXTRAS, *GROUPS["dev"]])
def test_every_dependency_says_why_it_is_there(requirement: str) -> None:
    line = next(line for line in PYPROJECT.splitlines() if f'"{requirement}"' in line)
    assert re.search(r'"[],]*\s+# \S.{3,}', line), f"{requirement}: no reason beside it"


@pytest.mark.parametrize("requirement", [*BASE, *EXTRAS, *GROUPS["dev"]])
def test_every_dependency_has_a_lowest_and_a_highest_version(requirement: str) -> None:
    version = requirement.partition(";")[0]
    assert ("==" in version) or (">=" in version and ("<" in version or name_of(version) == "tzdata")), requirement


def test_every_dependency_is_locked() -> None:
    assert {name_of(requirement) for requirement in [*BASE, *EXTRAS]} <= set(locked("requirements.lock"))
    assert {name_of(requirement) for requirement in [*BASE, *EXTRAS, *GROUPS["dev"]]} <= set(locked("requirements-dev.lock"))


def test_tests_run_with_the_versions_that_users_get() -> None:
    base, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    assert base == {name: dev.get(name) for name in base}


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_version_has_a_hash(file: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / file).read_text().strip())
    bare = [entry.splitlines()[0] for entry in entries if "==" in entry.splitlines()[0] and "--hash=sha256:" not in entry]
    assert not bare


def test_the_locked_versions_satisfy_what_the_project_asks_for() -> None:
    from packaging.requirements import Requirement

    versions = locked("requirements-dev.lock")
    wrong = [
        f"{requirement}: {versions[name_of(requirement)]}"
        for requirement in [*BASE, *EXTRAS, *GROUPS["dev"]]
        if not Requirement(requirement).specifier.contains(versions[name_of(requirement)], prereleases=True)
    ]
    assert not wrong


def test_every_extra_that_is_named_to_users_exists() -> None:
    packages = ("clients", "cluster", "sources", "sensors", "tocsin")
    code = "".join(path.read_text() for package in packages for path in (ROOT / package).rglob("*.py"))
    named = set(re.findall(r'needs_extra\("[^"]+", "(\w+)"', code)) | set(re.findall(r"tocsin\[(\w+)\]", code))
    assert named - PROJECT["project"]["optional-dependencies"].keys() == set()
    assert {"kafka", "grpc", "k8s"} <= named
