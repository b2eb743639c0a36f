"""The pages say what is there: links lead somewhere, named modules exist, the changelog is open."""

import re
import subprocess
from pathlib import Path

import pytest

from manifests.known import known_kinds
from tocsin.kinds import MODULES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
MODULE = re.compile(r"`((?:manifests|clients|eventbus|cluster|sources|sensors|tocsin|tests|deploy|examples|docs)/[\w./-]*)`")


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    dead = []
    for target in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        if not found.exists() or (anchor and anchor not in anchors(found.read_text())):
            dead.append(target)
    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_module_that_a_page_names_exists(page: Path) -> None:
    missing = [name for name in MODULE.findall(page.read_text()) if not (ROOT / name).exists()]
    assert not missing


@pytest.mark.parametrize("page", [path for path in PAGES if "docs" in path.parts], ids=ids)
def test_every_page_is_reached_from_the_index(page: Path) -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target.split("#")[0]).resolve() for target in LINK.findall(index.read_text())}
    assert page == index or page in linked


def test_the_page_about_the_bus_says_what_each_module_of_the_store_is_about() -> None:
    table = (ROOT / "docs" / "bus.md").read_text().partition("## For who changes it")[2]
    modules = {path.name for path in (ROOT / "eventbus" / "sqlite").glob("*.py")} - {"__init__.py"}
    assert modules - set(re.findall(r"`(\w+\.py)`", table)) == set()


def test_the_changelog_has_an_open_section_with_known_headings() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(r"^## \[?Unreleased", text, re.MULTILINE)
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_readme_begins_with_a_manifest_the_guarantee_and_how_to_stop_and_watch() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:60])
    for fact in ("kind: Sensor", "at least once", "Ctrl-C", "make run", "make test", "/metrics"):
        assert fact in first_screen


def test_the_readme_names_the_kinds_that_work_and_no_other() -> None:
    text = (ROOT / "README.md").read_text().partition("## What works today")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", text))
    known = {kind.key for kind in known_kinds()} | {key for _, key in MODULES}
    assert named & known == {key for _, key in MODULES}


@pytest.fixture
def tracked(tmp_path: Path) -> list[Path]:
    """Every file that is not ignored. An empty repository knows as well, and there is one where this is not a checkout, too."""
    git = ["git", f"--git-dir={tmp_path}"]
    subprocess.run([*git, "init", "--quiet", "--bare"], check=True)
    listing = [*git, f"--work-tree={ROOT}", "ls-files", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_place_on_somebodys_machine(tracked: list[Path]) -> None:
    assert ROOT / "README.md" in tracked
    place = re.compile(rb"(?<![\w.])/(?:home|root|Users|work|opt/wheels)/\w|/tmp/[a-z]\w+/")
    found = [str(path.relative_to(ROOT)) for path in tracked if path != Path(__file__) and place.search(path.read_bytes())]
    assert not found
