"""Reading manifests from disk: which files, which are left, what cannot be read."""

import io
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from manifests.kinds import Kinds
from manifests.load import load
from manifests.objects import ObjectRef

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
NONE = Kinds()
NOBODY = 65534


def write(folder: Path, name: str, text: str | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CONFIG % path.stem.lower() if text is None else text)
    return path


def test_a_folder_gives_its_manifests_in_name_order_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "c.json", "D.YAML", ".hidden.yaml", "notes.txt", "sub/deep.yaml", "..data/x.yaml"):
        write(tmp_path, name)
    (tmp_path / "folder.yaml").mkdir()
    loaded = load([tmp_path], NONE)
    assert [Path(file).name for file in loaded.files] == ["D.YAML", "a.yml", "b.yaml", "c.json"]
    assert loaded.problems == ()


def test_a_file_named_directly_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    loaded = load([write(tmp_path, "rules.conf"), str(write(tmp_path, ".hidden", CONFIG % "x"))], NONE)
    assert len(loaded.config_maps) == 2


def test_paths_keep_their_order_and_a_file_is_read_once(tmp_path: Path) -> None:
    second, first = write(tmp_path, "b.yaml"), write(tmp_path, "a.yaml")
    (tmp_path / "link.yaml").symlink_to(first)
    loaded = load([second, tmp_path, first], NONE)
    assert [Path(file).name for file in loaded.files] == ["b.yaml", "a.yaml"]
    assert loaded.problems == ()


def test_links_into_a_mounted_folder_are_followed(tmp_path: Path) -> None:
    write(tmp_path, "..data/rules.yaml")
    (tmp_path / "rules.yaml").symlink_to("..data/rules.yaml")
    assert len(load([tmp_path], NONE).config_maps) == 1


def test_the_same_object_in_two_files_names_the_first_file(tmp_path: Path) -> None:
    first = write(tmp_path, "a.yaml", "# one\n" + CONFIG % "x")
    second = write(tmp_path, "b.yaml", CONFIG % "x")
    (problem,) = load([tmp_path], NONE).problems
    assert problem.file == str(second)
    assert f"declared already at {first}:2" in problem.message


def test_problems_of_all_files_come_sorted(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml"):
        write(tmp_path, name, "kind: Sensor\n---\nkind: 5\n")
    found = [(Path(one.file).name, one.line) for one in load([tmp_path / "b.yaml", tmp_path / "a.yaml"], NONE).problems]
    assert found == sorted(found)
    assert len(found) == 6


@pytest.mark.parametrize("name", ["missing.yaml", "missing/deep.yaml", "a\0b", "x" * 300])
def test_a_path_that_cannot_be_opened_is_a_problem(tmp_path: Path, name: str) -> None:
    loaded = load([str(tmp_path / name)], NONE)
    (problem,) = loaded.problems
    assert "cannot be read: " in problem.message
    assert str(problem).isprintable()
    assert loaded.files == ()


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    (problem,) = load([tmp_path / "gone.yaml"], NONE).problems
    assert str(problem) == f"{tmp_path}/gone.yaml:0:0: cannot be read: there is no such file or folder"


def test_a_folder_without_manifests_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path, "sub/deep.yaml")
    (problem,) = load([tmp_path], NONE).problems
    assert problem.message == "no manifests here: expected .yaml, .yml or .json files; subfolders are not read"


def test_a_broken_link_and_a_socket_do_not_stop_the_folder(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml")
    (tmp_path / "broken.yaml").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock.yaml"))
        loaded = load([tmp_path], NONE)
    assert len(loaded.config_maps) == 1
    (problem,) = loaded.problems
    assert problem.file.endswith("broken.yaml")


@pytest.fixture
def not_root() -> Iterator[Path]:
    """A folder, and for the time of the test a user who may not read everything in it, as root may."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as folder:
        if root:
            os.chown(folder, NOBODY, -1)
            os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            if root:
                os.seteuid(0)


def test_a_file_without_permission_is_a_problem(not_root: Path) -> None:
    path = write(not_root, "secret.yaml")
    path.chmod(0)
    (problem,) = load([path], NONE).problems
    assert problem.message == "cannot be read: permission denied"


def test_a_file_past_the_limit_is_refused_unread(tmp_path: Path) -> None:
    big = tmp_path / "big.yaml"
    with big.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    write(tmp_path, "good.yaml")
    loaded = load([tmp_path], NONE)
    assert len(loaded.config_maps) == 1
    (problem,) = loaded.problems
    assert problem.message == "larger than 10,485,760 bytes; split it"
    assert len(load([tmp_path / "good.yaml"], NONE, max_bytes=10).problems) == 1


def test_an_endless_device_is_read_to_the_limit_only() -> None:
    (problem,) = load(["/dev/zero"], NONE, max_bytes=1000).problems
    assert problem.message == "larger than 1,000 bytes; split it"


def test_a_named_pipe_is_read_when_named(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(CONFIG % "x",))
    writer.start()
    loaded = load([pipe], NONE)
    writer.join()
    assert ObjectRef("ConfigMap", "default", "x") in loaded.config_maps


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((CONFIG % "x" + "---\nkind: 5\n").encode())))
    loaded = load(["-"], NONE)
    assert len(loaded.config_maps) == 1
    assert loaded.files == ("<stdin>",)
    assert {one.file for one in loaded.problems} == {"<stdin>"}


def test_other_files_of_a_folder_are_a_warning_and_an_error_when_named(tmp_path: Path) -> None:
    other = write(tmp_path, "package.json", '{"name": "x", "scripts": {}}')
    write(tmp_path, "compose.yaml", "services: !custom {a: 1, a: 2}\n")
    write(tmp_path, "good.yaml")
    loaded = load([tmp_path], NONE)
    assert loaded.errors == ()
    assert len(loaded.problems) == 2
    assert len(load([other], NONE).errors) == 1


def test_a_name_that_is_not_text_is_shown_escaped(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff\x1b.yaml")
    with open(path, "w") as file:
        file.write("kind: 5\n")
    problems = load([tmp_path], NONE).problems
    assert problems
    assert all(str(one).isprintable() for one in problems)
