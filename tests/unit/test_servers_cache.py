"""The cache of programs that tests run."""

from pathlib import Path

import pytest
from servers.cache import Missing, cached, need
from servers.process import free_ports


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_TEST_CACHE", str(tmp_path))


def test_a_program_is_made_once() -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "program").write_text("x")

    assert cached("server-1", make) == cached("server-1", make)
    assert len(made) == 1
    assert (cached("server-1", make) / "program").read_text() == "x"


def test_one_that_could_not_be_made_is_made_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise Missing("no network")

    with pytest.raises(Missing, match="no network"):
        cached("server-1", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["server-1.lock"]
    assert list(cached("server-1", lambda folder: None).iterdir()) == []


def test_what_is_not_installed_is_named_with_its_package() -> None:
    with pytest.raises(Missing, match="no-such-program not found; on Debian and Ubuntu: apt-get install some-package"):
        need(["sh", "no-such-program"], packages="some-package")


def test_ports_are_all_different() -> None:
    assert len(set(free_ports(20))) == 20
