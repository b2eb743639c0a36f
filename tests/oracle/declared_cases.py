"""Random events of event sources, from a seed: does the original take them?

Left out is what differs on purpose, each named in the documentation: what can be seen to fail as soon as it runs (ports and paths
that no request can have, half a certificate, unknown zones, versions and settings, a schedule that is never due) is refused here, and
the original's crashes are not.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Json = dict[str, Any]
Choices = Mapping[str, Sequence[Any]]

_SECRET = {"name": "s", "key": "k"}
_LOGIN = {"userSecret": _SECRET, "passwordSecret": _SECRET}
_TLS = [
    {},
    {"insecureSkipVerify": True},
    {"caCertSecret": _SECRET},
    {"clientCertSecret": _SECRET},
    {"clientCertSecret": _SECRET, "clientKeySecret": _SECRET},
    {"caCertSecret": _SECRET, "clientKeySecret": _SECRET},
    {"enabled": True},
    {"enabled": False},
]
_CRON = [["0", "*/15", "5-59/20", "0,30", "?", "60", "5-1", "1,", "07", "*/0", "0-59/61"], ["*", "2", "0,12", "24", "2/5"]]
_CRON += [["*"] * 3 + ["1", "?", "*/2", "32", "L"], ["*"] * 3 + ["jan", "MAR-APR", "1/3", "13", "1/2/3"]]
_CRON += [["*"] * 3 + ["SUN", "1-5", "sat,sun", "7", "FRI-MON"]]


def declared_cases(seed: int, count: int) -> Iterator[Json]:
    """Each the kind of an event source, and the spec of an event of it."""
    chance = random.Random(f"declared {seed}")
    for _ in range(count):
        kind = chance.choice(list(_SPECS))
        yield {"declared": {"kind": kind, "spec": _SPECS[kind](chance)}}


def _some(chance: random.Random, choices: Choices, share: float = 0.5) -> Json:
    return {name: chance.choice(values) for name, values in choices.items() if chance.random() < share}


def _webhook(chance: random.Random) -> Json:
    faulty = {"endpoint": ["", "/x/{id}", "/a"], "port": ["", "x", " 80", "0", "8080"]}
    plain = {"method": ["POST", "GET", "PUT"], "url": ["", "https://x/"], "authSecret": [_SECRET], "maxPayloadSize": [1, 5_000_000]}
    return {"endpoint": "/a", "port": "12000", **_some(chance, faulty, 0.1), **_some(chance, plain, 0.3)}


def _github(chance: random.Random) -> Json:
    choices: Choices = {
        "repositories": [[{"owner": "o", "names": ["a"]}], [], [{}]],
        "organizations": [["o"]],
        "owner": ["o", ""],
        "repository": ["r", ""],
        "events": [["push"], ["*"], []],
        "apiToken": [_SECRET],
        "githubApp": [{"privateKey": _SECRET, "appID": 1, "installationID": 2}],
        "webhookSecret": [_SECRET],
        "contentType": ["json", "form", "xml", ""],
        "githubBaseURL": ["http://x", ""],
        "githubUploadURL": ["http://x", ""],
        "active": [True, False],
        "id": [5, "5"],
        "filter": [{"expression": "true"}, {}],
    }
    return {"webhook": _webhook(chance), **_some(chance, choices)}


def _gitlab(chance: random.Random) -> Json:
    choices: Choices = {
        "gitlabBaseURL": ["http://x", ""],
        "projects": [["1"], []],
        "projectID": ["5", ""],
        "groups": [["a"], ["b", 1]],
        "secretToken": [_SECRET],
        "enableSSLVerification": [True],
        "deleteHookOnFinish": [True],
    }
    spec = {"webhook": _webhook(chance), "gitlabBaseURL": "http://x", "accessToken": _SECRET, "events": ["PushEvents"]}
    if chance.random() < 0.2:
        del spec[chance.choice(list(spec))]
    return spec | _some(chance, choices, 0.3)


def _bitbucket(chance: random.Random) -> Json:
    choices: Choices = {
        "owner": ["o", ""],
        "repositorySlug": ["r"],
        "projectKey": ["k"],
        "repositories": [[{"owner": "o", "repositorySlug": "r"}], []],
        "events": [["repo:push"], []],
        "deleteHookOnFinish": [True],
    }
    auth = chance.choice([{"oauthToken": _SECRET}, {"basic": {"username": _SECRET, "password": _SECRET}}])
    return {"webhook": _webhook(chance), "auth": auth, **_some(chance, choices, 0.6)}


def _bitbucket_server(chance: random.Random) -> Json:
    choices: Choices = {
        "bitbucketserverBaseURL": [""],
        "projects": [["p"], []],
        "repositories": [[{"projectKey": "p", "repositorySlug": "r"}], []],
        "projectKey": ["p"],
        "repositorySlug": ["r"],
        "events": [["repo:refs_changed"], []],
        "accessToken": [_SECRET],
        "webhookSecret": [_SECRET],
        "checkInterval": ["60s", "", "1h", "1", "soon"],
        "oneEventPerChange": [True],
    }
    return {"webhook": _webhook(chance), "bitbucketserverBaseURL": "http://x/rest", **_some(chance, choices, 0.35)}


def _calendar(chance: random.Random) -> Json:
    fields = [chance.choice(values) for values in _CRON]
    cron = " ".join(fields if chance.random() < 0.9 else fields[:4])
    choices: Choices = {
        "schedule": [cron, cron, cron, "", f" {cron} ", f"CRON_TZ=UTC {cron}"],
        "timezone": ["UTC", "", "Europe/Lisbon"],
        "exclusionDates": [["EXDATE:20240101T000000Z,20240102T000000Z"], []],
        "persistence": [{}, {"catchup": {"enabled": True, "maxDuration": "1h"}, "configMap": {"name": "x"}}],
    }
    spec = _some(chance, choices, 0.7)
    # One that is beside a schedule is not looked at by either.
    interval = {"interval": ["10s", "1h30m", "1.5h", "1d", "1", "soon"]}
    return spec | _some(chance, interval, 0.3 if spec.get("schedule") else 0.8)


def _file(chance: random.Random) -> Json:
    place = {"path": ["x", "/x", "a/b", ""], "pathRegexp": ["x", "(", "a*", "(?i)x", ""], "directory": ["", "rel", "/d"]}
    choices: Choices = {"eventType": ["", "WRITE", "nope", "CREATE|WRITE"], "polling": [True, False]}
    where = {"directory": "/d/", **_some(chance, place, 0.4)}
    return {"eventType": "CREATE", "watchPathConfig": where, **_some(chance, choices, 0.2)}


def _generic(chance: random.Random) -> Json:
    choices: Choices = {"url": ["", "[::1]:5", "dns:///h:1"], "config": ["", "{}"], "authSecret": [_SECRET], "jsonBody": [True]}
    return {"url": "h:1", "config": "x", "insecure": True, **_some(chance, choices, 0.3)}


def _kafka(chance: random.Random) -> Json:
    choices: Choices = {
        "url": ["", "h:1,i:2"],
        "topic": ["", "a.b"],
        "partition": ["0", ""],
        "consumerGroup": [{"groupName": "g"}, {"groupName": "g", "rebalanceStrategy": "odd", "oldest": True}],
        "limitEventsPerSecond": [5, 0, -1],
        "version": ["1.0.0", "2.5.0", ""],
        "config": ["", "consumer: {fetch: {min: 1}}"],
        "schemaRegistry": [{"url": "http://x", "schemaId": 1, "auth": {"username": _SECRET, "password": _SECRET}}],
        "connectionBackoff": [{"duration": "1s", "factor": 2, "jitter": 0.1, "steps": 3}, {}, {"duration": 1000}],
    }
    # Where the original refuses TLS or a login it looks no further.
    login = {"sasl": [_LOGIN, {"mechanism": "PLAIN", **_LOGIN}, {"mechanism": "nope", **_LOGIN}, {"userSecret": _SECRET}, {}]}
    return {"url": "h:1", "topic": "t", **_some(chance, choices), **_some(chance, chance.choice([login, {"tls": _TLS}, {}]))}


_SPECS: dict[str, Callable[[random.Random], Json]] = {
    "webhook": _webhook,
    "github": _github,
    "gitlab": _gitlab,
    "bitbucket": _bitbucket,
    "bitbucketserver": _bitbucket_server,
    "calendar": _calendar,
    "file": _file,
    "generic": _generic,
    "kafka": _kafka,
}
