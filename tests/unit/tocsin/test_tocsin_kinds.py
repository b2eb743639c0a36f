"""The kinds of this version."""

import subprocess
import sys

import pytest

from manifests.kinds import Kind, Kinds
from manifests.known import known_kinds, with_known
from tocsin.kinds import MODULES, BuiltKinds


@pytest.mark.parametrize(("role", "key"), MODULES)
def test_every_built_kind_registers_itself_under_its_key(role: str, key: str) -> None:
    kind = BuiltKinds().get(role, key)  # type: ignore[arg-type]
    assert kind is not None
    assert kind.supported
    assert kind.spec is not None
    assert kind.spec.model_json_schema()


def test_every_known_kind_is_there_and_the_rest_is_not_supported() -> None:
    kinds = BuiltKinds()
    for known in known_kinds():
        kind = kinds.get(known.role, known.key)
        assert kind is not None
        assert kind.supported is ((known.role, known.key) in MODULES)
        assert (kind.dialects, kind.active_passive, kind.checked_parameters) == (
            known.dialects,
            known.active_passive,
            known.checked_parameters,
        )


def test_the_loader_takes_it_as_complete_and_completes_others() -> None:
    kinds = BuiltKinds()
    assert with_known(kinds) is kinds
    assert with_known(Kinds([Kind(key="mine", role="source", spec=None)])).get("source", "kafka") is not None


def test_looking_at_kinds_imports_none_of_them() -> None:
    program = (
        "import sys; from tocsin.kinds import BuiltKinds, MODULES; k = BuiltKinds();"
        "[kind.supported for role in ('source', 'trigger') for kind in k.all(role)];"
        "print([m for m in (*MODULES.values(), 'aiohttp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
