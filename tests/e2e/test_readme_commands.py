"""The README's commands, run as they stand there, print what it says; ids, times and durations aside."""

import re
import subprocess
import sys
from pathlib import Path

from chaos.service import Service, free_port

ROOT = Path(__file__).resolve().parents[2]
ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})\b")
VARYING = (
    (ID, "ID"),
    (re.compile(r"revision [0-9a-f]{12}"), "REVISION"),  # the copy has other ports
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?Z?\b"), "TIME"),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:µs|ms|s)\b(?: (?:ago|later))?"), "DURATION"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r" $", re.MULTILINE), ""),
)


def steps() -> list[tuple[str, str]]:
    """Commands of the README's console blocks, each with what it prints."""
    blocks = re.findall(r"^```console\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    found = [part.partition("\n") for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE) if part]
    return [(command, printed) for command, _, printed in found]


def same_in_every_run(text: str) -> str:
    for pattern, stand_in in VARYING:
        text = pattern.sub(stand_in, text)
    return text.strip()


def quickstart(folder: Path) -> tuple[Path, dict[str, str]]:
    """A copy of the quickstart on ports of its own, and the ports by those they stand for."""
    ports = {port: str(free_port()) for port in ("12000", "12001")}
    copy = folder / "examples" / "quickstart"
    (copy / "request").mkdir(parents=True)
    for name in ("manifests.yaml", "request/push.json", "request/send.py"):
        text = (ROOT / "examples" / "quickstart" / name).read_text()
        for port, own in ports.items():
            text = text.replace(port, own)
        (copy / name).write_text(text)
    return copy, ports


def run(command: str, *, cwd: Path, data: Path) -> str:
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "TOCSIN_DATA": str(data), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
    return done.stdout


async def test_the_commands_of_the_readme_print_what_it_says(tmp_path: Path) -> None:
    import aiohttp

    copy, ports = quickstart(tmp_path)
    service = Service(copy, tmp_path / "data", tmp_path / "service.log")
    ids: dict[str, str] = {}
    wrong = []
    try:
        await service.start()
        async with aiohttp.ClientSession() as session:
            await service.ready(session)
            for command, expected in steps():
                printed = run(ID.sub(lambda found: ids[found[0]], command), cwd=tmp_path, data=tmp_path / "data")
                while await service.work_left(session):
                    pass
                for port, own in ports.items():
                    printed = printed.replace(own, port)
                if same_in_every_run(printed) != same_in_every_run(expected):
                    wrong.append(f"$ {command}\nREADME:\n{expected}\nprinted:\n{printed}")
                ids.update(zip(ID.findall(expected), ID.findall(printed), strict=False))
        assert await service.stop() == 0
    finally:
        await service.end()
    assert not wrong, "\n\n".join(wrong)
    assert len(ids) >= 3


def test_the_manifest_on_the_first_screen_is_valid(tmp_path: Path) -> None:
    (manifest,) = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "first.yaml").write_text(manifest)
    assert "valid" in run("tocsin validate first.yaml --strict", cwd=tmp_path, data=tmp_path)
