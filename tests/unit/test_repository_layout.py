"""The house: packages say what may live in them, and every exported name exists."""

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("manifests", "clients", "eventbus", "cluster", "sources", "sensors", "tocsin")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_may_live_in_it_and_that_it_is_typed(package: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text()))
    assert docstring
    assert len(docstring) > 40
    assert (ROOT / package / "py.typed").exists()


@pytest.mark.parametrize("module", MODULES, ids=ids)
def test_a_module_begins_by_saying_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))


@pytest.mark.parametrize("module", [path for path in MODULES if "__all__" in path.read_text()], ids=ids)
def test_every_exported_name_is_defined_or_imported_there(module: Path) -> None:
    tree = ast.parse(module.read_text())
    names: set[str] = set()
    exported: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
            names |= set(targets)
            if "__all__" in targets:
                exported = ast.literal_eval(node.value)
    assert exported
    assert set(exported) <= names


@pytest.mark.parametrize("module", MODULES, ids=ids)
def test_a_folder_with_modules_is_a_package(module: Path) -> None:
    assert (module.parent / "__init__.py").exists()


def test_no_two_test_files_share_a_name() -> None:
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []
