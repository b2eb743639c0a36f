"""The email, slack and openWhisk triggers without a network: what they accept, render and show."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError
from trigger_rig import PAYLOAD, TriggerRig, a_bound, parameter, ref

from manifests.objects import Dialect, TocsinTriggerHead
from sensors.errors import RenderError
from sensors.triggers.email import EmailKind
from sensors.triggers.openwhisk import OpenWhiskKind
from sensors.triggers.slack import SlackKind

MAIL: Mapping[str, Any] = {
    "host": "mail.example.com", "username": "me@example.com", "smtpPassword": ref("password"),
    "to": ["a@example.com", "b+c@example.cloud"], "subject": "It went out", "body": "All of it.",
}  # fmt: skip
POST: Mapping[str, Any] = {"slackToken": ref("token"), "channel": "#alerts", "message": "It went out"}
RUN: Mapping[str, Any] = {"host": "whisk.example.com", "actionName": "tools/tell", "authToken": ref("token"), "payload": PAYLOAD}

MAILED = {
    "host": "mail.example.com", "port": 587, "username": "me@example.com", "from": "me@example.com",
    "to": ["a@example.com", "b+c@example.cloud"], "subject": "It went out", "body": "All of it.",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "fields", "shown"),
    [
        (EmailKind, MAIL, MAILED),
        (SlackKind, POST, {"channel": "alerts", "message": "It went out"}),
        (OpenWhiskKind, RUN, {"host": "whisk.example.com", "version": "v1", "namespace": "_", "actionName": "tools/tell",
                              "body": {"who": "me"}}),
    ],
    ids=["email", "slack", "openWhisk"],
)  # fmt: skip
@pytest.mark.parametrize("dialect", list(Dialect))
def test_what_is_shown_is_what_would_be_sent_and_no_secret_is_read(
    kind: Any, fields: Mapping[str, Any], shown: Mapping[str, Any], dialect: Dialect
) -> None:
    rig = TriggerRig(kind)
    assert rig.shown(fields, dialect=dialect) == shown
    assert rig.values.reads == 0


@pytest.mark.parametrize(
    ("kind", "fields", "dest"),
    [(EmailKind, MAIL, "subject"), (SlackKind, POST, "message"), (OpenWhiskKind, RUN, "actionName")],
    ids=["email", "slack", "openWhisk"],
)
def test_parameters_change_the_declaration(kind: Any, fields: Mapping[str, Any], dest: str) -> None:
    rig = TriggerRig(kind)
    own = {**fields, "parameters": [parameter(dest, dataKey="who")]}
    assert rig.shown(own)[dest] == "me"
    head = TocsinTriggerHead.model_validate({"parameters": [parameter(f"{kind.key}.{dest}", dataKey="who")]})
    for dialect in Dialect:
        assert rig.shown(fields, head=head, dialect=dialect)[dest] == "me"


@pytest.mark.parametrize(("kind", "fields", "dest"), [(EmailKind, MAIL, "subject"), (SlackKind, POST, "message")])
def test_own_parameters_of_argo_manifests_are_worked_out_and_change_nothing(
    kind: Any, fields: Mapping[str, Any], dest: str
) -> None:
    rig = TriggerRig(kind)
    assert rig.shown({**fields, "parameters": [parameter(dest, dataKey="who")]}, dialect=Dialect.ARGO)[dest] == "It went out"
    with pytest.raises(RenderError, match="gone"):
        rig.shown({**fields, "parameters": [parameter(dest, dataKey="gone")]}, dialect=Dialect.ARGO)


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        (EmailKind, {**MAIL, "to": []}, "to is empty"),
        (EmailKind, {**MAIL, "subject": ""}, "subject is empty"),
        (EmailKind, {**MAIL, "subject": "a\nBcc: x@y.z"}, "line break"),
        (EmailKind, {**MAIL, "body": ""}, "body is empty"),
        (EmailKind, {**MAIL, "to": ["nobody"]}, "to: 'nobody' is not a mail address"),
        (EmailKind, {**MAIL, "username": ""}, "from: '' is not a mail address"),
        (EmailKind, {**MAIL, "to": ["a@x.io, b@x.io"]}, "is not a mail address"),
        (SlackKind, {**POST, "channel": "#"}, "channel is empty"),
        (SlackKind, {**POST, "message": ""}, "nothing to say"),
        (SlackKind, {**POST, "blocks": "{}"}, "has to be an array"),
        (SlackKind, {**POST, "attachments": "["}, "attachments is not JSON"),
        (SlackKind, {**POST, "sender": {"icon": "bell"}}, "neither an emoji"),
        (SlackKind, {"channel": "a", "message": "b"}, "slackToken"),
        (OpenWhiskKind, {**RUN, "host": "ftp://x"}, "is no address"),
        (OpenWhiskKind, {**RUN, "actionName": "../x"}, "no name of an action"),
        (OpenWhiskKind, {**RUN, "actionName": ""}, "at least 1 character"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_applied(kind: Any, fields: Mapping[str, Any], message: str) -> None:
    with pytest.raises((ValueError, ValidationError), match=message):
        TriggerRig(kind).trigger(fields)


def test_what_parameters_make_is_checked_for_each_firing() -> None:
    trigger = TriggerRig(EmailKind).trigger({**MAIL, "to": [], "parameters": [parameter("to.0", dataKey="who")]})
    with pytest.raises(RenderError, match="to: 'me' is not a mail address"):
        trigger.render(a_bound())
    assert trigger.show(trigger.render(a_bound({"who": "me@example.com"})))["to"] == ["me@example.com"]


def test_an_icon_that_is_none_is_dropped_from_argo_manifests() -> None:
    assert TriggerRig(SlackKind).trigger({**POST, "sender": {"icon": "bell"}}, Dialect.ARGO)
