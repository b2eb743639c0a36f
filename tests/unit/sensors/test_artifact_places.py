"""Where objects may be read from, without reading them: what is accepted, refused and shown."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes_rig import Given, a_bound, compiled, set_from

from sensors.artifacts.content import MAX_BYTES, NotAnObject, to_json, to_object
from sensors.artifacts.s3_signature import Keys, Unsigned, escaped, signed
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.k8s.trigger import K8sKind

EXAMPLE = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
"""The keys of Amazon's own examples of signatures."""


LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 10)) for n in range(9)
)
"""Ten times ten times ten aliases."""


APP = {"appID": 7, "installationID": 42, "privateKey": {"name": "s", "key": "app"}}


def shown(source: Any, *parameters: Any) -> Any:
    trigger = compiled(K8sKind, {"source": source, "parameters": list(parameters)})
    return trigger.show(trigger.render(a_bound(who="me")))


def refused(source: Any) -> str:
    with pytest.raises(ValueError) as caught:
        compiled(K8sKind, {"source": source})
    return str(caught.value)


# Content


def test_the_first_document_counts_as_json_or_yaml() -> None:
    assert to_object(to_json(b"apiVersion: v1\nkind: A\n---\nkind: B\n")) == {"apiVersion": "v1", "kind": "A"}
    assert to_object(to_json(b'{\n\t"apiVersion": "v1", "kind": "A"}')) == {"apiVersion": "v1", "kind": "A"}
    assert to_object(to_json(b"{apiVersion: v1, kind: A, on: yes}")) == {"apiVersion": "v1", "kind": "A", "true": True}


def test_numbers_are_those_that_kubernetes_keeps() -> None:
    text = b'{"apiVersion":"v1","kind":"A","spec":[5.0,5.5,9223372036854775807,9223372036854775808,true,-0.0,1e21]}'
    spec = to_object(text)["spec"]
    assert spec == [5, 5.5, 9223372036854775807, 9223372036854776000, True, 0, 1e21]
    assert [type(one) for one in spec] == [int, float, int, int, bool, int, float]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"- 1", "is a mapping"),
        (b"kind: A", "apiVersion is missing"),
        (b"apiVersion: v1", "kind is missing"),
        (b"{apiVersion: a/b/c, kind: A}", "is no apiVersion"),
        (b"{apiVersion: v1, kind: 5}", "kind is missing"),
        (b"{apiVersion: v1, kind: A, metadata: x}", "metadata is no mapping"),
        (b"a: [", "not YAML"),
        (b"\xff\xfe", "not YAML"),
        (b"a: " + b"x" * MAX_BYTES, "larger than 3 MiB"),
        (b"[" * 100_000, "nested deeper|not YAML"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested deeper|not JSON|not YAML"),
        (LAUGHS, "larger than"),
    ],
)
def test_what_is_no_object_says_why(text: bytes, why: str) -> None:
    with pytest.raises(NotAnObject, match=why):
        to_object(to_json(text))


# What is shown, and what is refused


def test_a_place_is_shown_with_what_is_set_in_the_object_that_is_read_there() -> None:
    creds = {"username": {"name": "s", "key": "user"}, "password": {"name": "s", "key": "password"}}
    assert shown(
        {"git": {"url": "https://me@example.com/a.git", "filePath": "x.yaml", "tag": "v1", "creds": creds}},
        set_from("who", "data.who"),
    ) == {
        "operation": "create",
        "source": {"git": {"url": "https://example.com/a.git", "ref": "refs/tags/v1", "filePath": "x.yaml"}},
        "parameters": [{"dest": "data.who", "value": "me"}],
    }
    assert shown({"url": {"path": "https://me:secret@example.com/x"}})["source"] == {
        "url": {"path": "https://me:***@example.com/x"}
    }


def test_the_first_place_in_the_order_of_the_original_counts() -> None:
    both = {"resource": {"apiVersion": "v1", "kind": "A"}, "file": {"path": "/a"}, "inline": "{apiVersion: v1, kind: B}"}
    assert shown(both)["resource"]["kind"] == "B"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({}, "source names no place"),
        ({"file": {"path": "a.yaml"}}, "source.file: path 'a.yaml': expected an absolute path"),
        ({"file": {"path": "/a/../etc/shadow"}}, "without '..'"),
        ({"url": {"path": "file:///etc/passwd"}}, "expected an absolute URL with http or https"),
        ({"url": {"path": "example.com"}}, "expected an absolute URL"),
        ({"configmap": {"key": "k"}}, "name is missing"),
        ({"s3": {"bucket": {"name": "b"}}}, "bucket.name and bucket.key are needed"),
        ({"s3": {"endpoint": "https://u:p@h", "bucket": {"name": "b", "key": "k"}}}, "endpoint holds a login"),
        ({"git": {"url": "https://example.com/a.git", "filePath": "../x"}}, "filePath '../x'"),
        ({"git": {"url": "https://example.com/a.git", "filePath": "/etc/passwd"}}, "filePath '/etc/passwd'"),
        ({"git": {"url": "https://example.com/a.git", "filePath": "a/.GIT/config"}}, "filePath 'a/.GIT/config'"),
        ({"git": {"url": "https://example.com/a.git", "filePath": "~/x"}}, "filePath"),
        ({"git": {"url": "https://example.com/a.git", "filePath": "a\\b"}}, "filePath"),
        ({"git": {"url": "https://example.com/a.git", "filePath": ":(glob)**"}}, "filePath"),
        ({"git": {"url": "https://example.com/a.git", "filePath": "x", "branch": "-x"}}, "branch '-x' is no name"),
        (
            {"git": {"url": "https://example.com/a.git", "filePath": "x", "ref": "--upload-pack=touch /tmp/x"}},
            "ref '--upload-pack",
        ),
        ({"git": {"url": "https://example.com/a.git", "filePath": "x", "tag": "a..b"}}, "tag 'a..b'"),
        ({"git": {"url": "https://example.com/a.git", "filePath": "x", "ref": "a:refs/heads/b"}}, "ref 'a:refs"),
        ({"git": {"url": "--upload-pack=x", "filePath": "x"}}, "url: expected git, http, https, ssh"),
        ({"git": {"url": "-u@host:path", "filePath": "x"}}, "url: expected"),
        ({"git": {"url": "git@host:-oProxyCommand=x", "filePath": "x"}}, "url: expected"),
        ({"git": {"url": "ssh://-oProxyCommand=x/y", "filePath": "x"}}, "url: expected"),
        ({"git": {"url": "ext::sh -c id", "filePath": "x"}}, "url: expected"),
        ({"git": {"url": "file:///etc", "filePath": "x"}}, "url: expected"),
        ({"git": {"url": "file://host/etc", "filePath": "x"}}, "url: expected"),
        ({"git": {"url": "ext://host/sh%20-c%20id", "filePath": "x"}}, "url: expected"),
        ({"git": {"url": "-https://host/a", "filePath": "x"}}, "url: expected"),
        ({"git": {"url": "/srv/a.git", "filePath": "x"}}, "url: expected"),
        ({"git": {"url": "https://me:secret@example.com/a.git", "filePath": "x"}}, "url holds a password"),
        ({"git": {"url": "https://example.com/a.git", "filePath": "x", "remote": {"name": "o"}}}, "remote.urls is empty"),
        ({"git": {"filePath": "x", "remote": {"name": "-o", "urls": ["https://a/b"]}}}, "remote.name '-o'"),
        ({"git": {"filePath": "x", "remote": {"urls": ["https://a/b"]}}}, "remote.name ''"),
        ({"git": {"filePath": "x", "remote": {"name": "o", "urls": ["ext::sh -c id"]}}}, "remote.urls[0]: expected git"),
        (
            {"git": {"filePath": "x", "remote": {"name": "o", "urls": ["https://a:secret@b/c"]}}},
            "remote.urls[0]: holds a password",
        ),
        ({"git": {"url": "git@github.com:a/b", "filePath": "x", "githubApp": APP}}, "githubApp logs in by https"),
    ],
)
def test_a_place_that_cannot_be_or_must_not_be_read_is_refused_when_it_is_declared(source: Any, why: str) -> None:
    assert why in refused(source)
    assert "secret" not in refused(source)


# Files


def reading(source: Any) -> Any:
    return compiled(K8sKind, {"source": source})._fitted.plain.rendering._reader.read()  # type: ignore[attr-defined]


async def test_a_file_is_read_also_behind_the_links_of_a_mount(tmp_path: Path) -> None:
    real = tmp_path / "..2026"
    real.mkdir()
    (real / "job.yaml").write_text("kind: Job")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "job.yaml").symlink_to("..data/job.yaml")
    assert await reading({"file": {"path": str(tmp_path / "job.yaml")}}) == b"kind: Job"


async def test_a_link_that_leads_out_of_its_folder_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "job.yaml").symlink_to(secret)
    with pytest.raises(TriggerRefused, match="leads out of its folder"):
        await reading({"file": {"path": str(folder / "job.yaml")}})


async def test_what_is_no_regular_file_or_too_large_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * (MAX_BYTES + 1))
    for path, why in (
        (tmp_path / "pipe", "no regular file"),
        (tmp_path, "no regular file"),
        (tmp_path / "large", "larger than 3 MiB"),
        (Path("/dev/zero"), "no file of a disk"),
        (Path("/proc/self/environ"), "no file of a disk|leads out"),
    ):
        with pytest.raises(TriggerRefused, match=why):
            await reading({"file": {"path": str(path)}})
    with pytest.raises(TriggerUnavailable, match="No such file"):
        await reading({"file": {"path": str(tmp_path / "none")}})


async def test_a_configmap_is_read_from_where_all_values_are(tmp_path: Path) -> None:
    trigger = compiled(K8sKind, {"source": {"configmap": {"name": "m", "key": "k"}}}, values=Given(k="kind: Job"))
    assert await trigger._fitted.plain.rendering._reader.read() == b"kind: Job"  # type: ignore[attr-defined]


# Signatures


def test_signatures_are_those_of_amazons_own_examples() -> None:
    now = datetime(2013, 5, 24, tzinfo=UTC)
    host = "examplebucket.s3.amazonaws.com"
    cases = [
        (
            Unsigned("GET", host, "/test.txt"),
            {"range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (Unsigned("GET", host, "/", "lifecycle="), {}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            Unsigned("GET", host, "/", "max-keys=2&prefix=J"),
            {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ]
    for request, more, signature in cases:
        headers = signed(request, EXAMPLE, region="us-east-1", now=now, more=more)
        assert headers["authorization"].endswith(f"Signature={signature}")


def test_keys_are_escaped_once_and_never_printed() -> None:
    assert escaped("a b/ü+(1)~.yaml") == "a%20b/%C3%BC%2B%281%29~.yaml"
    assert "EXAMPLEKEY" not in repr(EXAMPLE)


@pytest.mark.parametrize(
    ("location", "url", "region"),
    [
        ({}, "https://shop.s3.amazonaws.com/a/b.yaml", "us-east-1"),
        ({"endpoint": "s3.eu-west-1.amazonaws.com"}, "https://shop.s3.eu-west-1.amazonaws.com/a/b.yaml", "eu-west-1"),
        ({"endpoint": "minio:9000", "insecure": True}, "http://minio:9000/shop/a/b.yaml", "us-east-1"),
        ({"endpoint": "https://store.example.com", "region": "x"}, "https://store.example.com/shop/a/b.yaml", "x"),
        ({"bucket": {"name": "my.shop", "key": "b"}}, "https://s3.amazonaws.com/my.shop/b", "us-east-1"),
    ],
)
def test_where_an_object_of_a_bucket_is(location: Any, url: str, region: str) -> None:
    source = {"s3": {"bucket": {"name": "shop", "key": "a/b.yaml"}, **location}}
    place = compiled(K8sKind, {"source": source})._fitted.plain.rendering._reader._place  # type: ignore[attr-defined]
    assert (str(place._url), place._region) == (url, region)
