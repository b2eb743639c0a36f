"""Where values are looked for, and in which order."""

from pathlib import Path

import pytest

from manifests.objects import ObjectRef, ValueObject
from manifests.secrets import SecretMissing
from tocsin.secrets import HiddenValues, LocalValues, known_secrets, variable_name


def document(kind: str, name: str, **data: bytes) -> ValueObject:
    return ValueObject(ref=ObjectRef(kind, "default", name), data=data)  # type: ignore[arg-type]


def test_a_document_wins_over_the_environment_and_the_environment_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "github").mkdir()
    (tmp_path / "github" / "token").write_bytes(b"from a file")
    environ = {"TOCSIN_SECRETS_DIR": str(tmp_path)}
    values = LocalValues(environ)
    assert values.secret("default", "github", "token").reveal() == b"from a file"
    environ["TOCSIN_SECRET_GITHUB_TOKEN"] = "from the environment"
    assert values.secret("default", "github", "token").reveal() == b"from the environment"
    values.replace([document("Secret", "github", token=b"from a document")])
    assert values.secret("default", "github", "token").reveal() == b"from a document"


def test_a_document_belongs_to_its_namespace() -> None:
    values = LocalValues({}, [document("Secret", "github", token=b"x")])
    with pytest.raises(SecretMissing):
        values.secret("other", "github", "token")


def test_a_secret_is_no_config_map() -> None:
    with pytest.raises(SecretMissing):
        LocalValues({}, [document("Secret", "a", b=b"x")]).config("default", "a", "b")


@pytest.mark.parametrize(
    ("kind", "name", "key", "variable"),
    [
        ("Secret", "github", "token", "TOCSIN_SECRET_GITHUB_TOKEN"),
        ("Secret", "my-app.prod", "tls.crt", "TOCSIN_SECRET_MY_APP_PROD_TLS_CRT"),
        ("ConfigMap", "ünï", "a b", "TOCSIN_CONFIG__N__A_B"),
    ],
)
def test_the_variable_is_upper_case_with_underscores(kind: str, name: str, key: str, variable: str) -> None:
    assert variable_name(kind, name, key) == variable  # type: ignore[arg-type]


@pytest.mark.parametrize(("stored", "read"), [(b"x", b"x"), (b"x\n", b"x"), (b"x\n\n", b"x\n"), (b"\n", b""), (b"x\r\n", b"x\r")])
def test_exactly_one_trailing_newline_is_removed(tmp_path: Path, stored: bytes, read: bytes) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "k").write_bytes(stored)
    assert LocalValues({"TOCSIN_SECRETS_DIR": str(tmp_path)}).secret("default", "s", "k").reveal() == read


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    file = tmp_path / "s" / "k"
    values = LocalValues({"TOCSIN_SECRETS_DIR": str(tmp_path)})
    for text in ("one", "two", "three!"):
        file.unlink(missing_ok=True)
        file.write_text(text)
        assert values.secret("default", "s", "k").text() == text


def test_config_maps_have_a_folder_and_variables_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "k").write_text("v\n")
    assert LocalValues({"TOCSIN_CONFIG_DIR": str(tmp_path)}).config("default", "c", "k") == "v"
    assert LocalValues({"TOCSIN_CONFIG_C_K": "w"}).config("default", "c", "k") == "w"


@pytest.mark.parametrize(
    ("name", "key"), [("..", "k"), ("s", ".."), ("a/b", "k"), ("s", "../../etc/passwd"), ("s", "a\0b"), ("s", "")]
)
def test_a_name_never_leaves_the_folder(tmp_path: Path, name: str, key: str) -> None:
    (tmp_path / "k").write_text("outside")
    folder = tmp_path / "inside"
    (folder / "s").mkdir(parents=True)
    with pytest.raises(SecretMissing, match="cannot be a file"):
        LocalValues({"TOCSIN_SECRETS_DIR": str(folder)}).secret("default", name, key)


def test_a_missing_value_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing) as caught:
        LocalValues({"TOCSIN_SECRETS_DIR": str(tmp_path)}).secret("default", "github", "token")
    message = str(caught.value)
    assert "Secret default/github key 'token'" in message
    assert "$TOCSIN_SECRET_GITHUB_TOKEN" in message
    assert str(tmp_path / "github" / "token") in message


def test_values_never_print() -> None:
    values = LocalValues({"TOCSIN_SECRET_A_B": "canary"})
    assert "canary" not in repr(values.secret("default", "a", "b"))
    assert "canary" not in str(values.secret("default", "a", "b"))
    assert HiddenValues().secret("default", "no", "such").text() == "***"


def test_the_secrets_that_can_be_listed_are_those_of_documents_the_environment_and_files(tmp_path: Path) -> None:
    (tmp_path / "github").mkdir()
    (tmp_path / "github" / "token").write_bytes(b"from a file\n")
    environ = {"TOCSIN_SECRETS_DIR": str(tmp_path), "TOCSIN_SECRET_A_B": "from the environment", "TOCSIN_CONFIG_A_B": "no secret"}
    documents = [document("Secret", "a", b=b"from a document"), document("ConfigMap", "c", d=b"no secret")]
    assert list(known_secrets(documents, environ)) == ["from a document", "from the environment", "from a file"]
