"""Random triggers: every kind, its payload, and parameters at both levels."""

import random
from collections.abc import Sequence
from typing import Any

from answers import DIFFERENT_TEMPLATES
from cases import DESTS
from sensor_events import Event
from sensor_rules import LISTED_TEMPLATES, Json, Rules

UNSTEADY = ("now", "uuid", "rand", "gen", "bcrypt", "htpasswd", "encryptAES", "ago", "env", "getHostByName", "shuffle", "date")
STEADY_TEMPLATES = [text for text in LISTED_TEMPLATES if text not in DIFFERENT_TEMPLATES and "%#v" not in text and not any(word in text for word in UNSTEADY)]
CONTEXT_KEYS = ["id", "source", "type", "subject", "time", "datacontenttype", "specversion", "traceparent", "nope", "@keys", "@this", "[id,type]", "t*"]
CONTEXT_TEMPLATES = [
    "{{ .Input.id }}", "{{ .Input.time }}", "{{ .Input.type | upper }}", "{{ .Input.nope }}", "{{ .Input }}", "{{ .Input.source }}/{{ .Input.subject }}", "{{ .Input.datacontenttype }}", "{{ .Input.time | toDate \"2006-01-02T15:04:05Z\" | date \"2006\" }}",
    "{{ .Input.specversion }}", "", "{{", "{{ .Input.traceparent }}", "{{ toJson .Input }}",
]  # fmt: skip
TOP_TEMPLATES = ["{{ .Input }}", "{{ . }}", "{{ toJson .Input }}", "{{ .Input.k }}", "{{ .Input.n }}-{{ .Input.nope }}", "{{ len .Input }}", "{{ range $k, $v := .Input }}{{ $k }}={{ $v }};{{ end }}", "{{ .Input | kindOf }}", "static", "{{ index .Input 0 }}", "{{ .Input.name | default \"d\" }}"]  # fmt: skip
PLAIN_DESTS = ["a", "b", "c", "a.b", "a.c", "list.-1", "list.0", "x.y.z", "é", "a b", "k\\.dot", "n", "deep.er.0.x"]
VALUES = ["", "fallback", "5", "true", "null", '{"k":1}', "é", "a\nb", "<&>", "{{ .Input }}", " ", "\u2028", "\x7f", 'q"q', "back\\slash", "😀"]
METHODS = ["", "", "POST", "PUT", "GET", "DELETE", "PATCH"]
OBJECTS = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "x", "b.c": "y"}},
    {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "w-", "labels": {"app.io/name": "n"}}, "spec": {"arguments": {"parameters": [{"name": "p", "value": "none"}, {"name": "q", "value": 5}]}, "n": 1.0, "big": 12345678901234567890, "whole": 9007199254740991, "f": 2.5, "e": 1e21, "z": None, "t": True}},
    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "other"}, "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "main", "image": "i:1"}]}}}},
]  # fmt: skip
INLINE = [
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  on: yes\n  n: 0x1f\n  f: 1e3\n  m: |\n    two\n    lines\n",
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"x","n":1.50,"big":12345678901234567890}}',
    "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata:\n  generateName: w-\nspec:\n  arguments:\n    parameters:\n    - {name: p, value: none}\n    - name: q\n      value: 010\n",
]
OBJECT_DESTS = ["metadata.name", "metadata.annotations.app\\.io/name", "data.a", "data.b\\.c", "spec.arguments.parameters.0.value", "spec.arguments.parameters.-1", 'spec.arguments.parameters.#(name=="q").value', "spec.replicas", "spec.template.spec.containers.0.image", "metadata.annotations.x", "data.new", "spec.n", "metadata.namespace"]  # fmt: skip
WORKFLOW_OPERATIONS = ["submit", "submit", "submit", "submit-from", "resubmit", "resume", "retry", "suspend", "terminate", "stop"]


class Sending:
    """Writes triggers over dependencies, each with the event that it takes."""

    def __init__(self, chance: random.Random, seen: dict[str, Event]) -> None:
        self.chance = chance
        self.seen = seen

    def some(self, share: float) -> bool:
        return self.chance.random() < share

    def source(self) -> Json:
        chance = self.chance
        name = chance.choice(list(self.seen))
        rules = Rules(chance, self.seen[name])
        src: Json = {"dependencyName": "absent" if self.some(0.02) else name}
        kind = chance.randrange(20)
        if kind == 0:
            pass
        elif kind < 4:
            src["contextKey"] = chance.choice(CONTEXT_KEYS)
        elif kind < 6:
            src["contextTemplate"] = chance.choice(CONTEXT_TEMPLATES)
        elif kind < 14:
            src["dataKey"] = rules.path()
        else:
            listed = isinstance(rules.seen.tree, dict) and "huge" in rules.seen.tree
            src["dataTemplate"] = chance.choice(STEADY_TEMPLATES if listed or self.some(0.3) else TOP_TEMPLATES)
        if self.some(0.12):
            src[chance.choice(["contextKey", "dataKey"])] = chance.choice(["id", rules.path()])
        if self.some(0.08):
            src[chance.choice(["contextTemplate", "dataTemplate"])] = chance.choice([*CONTEXT_TEMPLATES, *TOP_TEMPLATES])
        if self.some(0.7):
            src["value"] = chance.choice(VALUES)
        if self.some(0.4):
            src["useRawData"] = True
        return src

    def parameter(self, dests: Sequence[str]) -> Json:
        src = self.source()
        made: Json = {"src": src, "dest": self.chance.choice(dests) or "a"}
        if made["dest"] == "name" or made["dest"].startswith(("headers", "http.headers", "kafka.headers")):
            src.pop("useRawData", None)  # null as the value of a map of texts is nothing here, and empty text there
        if self.some(0.3):
            made["operation"] = self.chance.choice(["", "append", "prepend", "overwrite"])
        return made

    def parameters(self, dests: Sequence[str]) -> list[Json]:
        return [self.parameter(dests) for _ in range(self.chance.choice([1, 1, 1, 2, 3]))]

    def payload(self, *, whole: bool = False) -> Json:
        """A `payload`, or where it may be left out, perhaps nothing."""
        if whole and self.some(0.15):
            return {}
        dests = PLAIN_DESTS if self.some(0.7) else [dest for dest in DESTS if dest]
        entries = self.parameters(dests)
        if whole and self.some(0.15):
            entries[-1]["dest"] = ""
        return {"payload": entries}

    def own(self, dests: Sequence[str], share: float = 0.3) -> Json:
        return {"parameters": self.parameters(dests)} if self.some(share) else {}

    def http(self) -> Json:
        chance = self.chance
        made: Json = {"url": chance.choice(["https://example.net/x", "http://example.net:8080/a%20b?q=1", "http://example.net/é", "https://example.net/"])}
        made |= self.payload(whole=True) | self.own(["url", "headers.X-A", "payload.0.src.value", "timeout", "headers.x\\.y", "headers", "nope"])
        if method := chance.choice(METHODS):
            made["method"] = method
        if self.some(0.4):
            made["headers"] = {chance.choice(["Content-Type", "X-A", "x-lower", "X-É"[:3]]): chance.choice(["application/json", "v", "", "5"])}
        if self.some(0.3):
            made["dynamicHeaders"] = self.parameters(["X-A", "X-Id", "x-lower"])
        if self.some(0.1):
            made["host"] = "other.example.net"
        return made

    def kafka(self) -> Json:
        made: Json = {"url": "b1:9092,b2:9092", "topic": "t"} | self.payload() | self.own(["topic", "headers.h", "partitioningKey", "payload.0.src.value", "nope"])
        if self.some(0.4):
            made["partitioningKey"] = self.chance.choice(["key", "é", ""])
        if self.some(0.3):
            made["headers"] = {"h": "v", "é": "é"}
        return made

    def nats(self) -> Json:
        return {"url": "nats://n:4222", "subject": "s.t"} | self.payload() | _text_only(self.own(["subject", "payload.0.src.value"]))

    def cluster(self, *, workflow: bool) -> Json:
        chance = self.chance
        source = {"inline": chance.choice(INLINE)} if self.some(0.25) else {"resource": chance.choice(OBJECTS)}
        made: Json = {"source": source} | self.own(OBJECT_DESTS if self.some(0.8) else [d for d in DESTS if d], 0.8)
        if workflow:
            made["operation"] = chance.choice(WORKFLOW_OPERATIONS)
        elif self.some(0.6):
            made["operation"] = chance.choice(["create", "update", "patch", "delete"])
        return made

    def slack(self) -> Json:
        made: Json = {"slackToken": {"name": "s", "key": "t"}, "channel": self.chance.choice(["#c", "c", "##c"]), "message": "m"}
        if self.some(0.3):
            made["thread"] = {"messageAggregationKey": "k", "broadcastMessageToChannel": True}
        if self.some(0.2):
            made |= {"attachments": '[{"title": "t"}]'}
        return made | _text_only(self.own(["message", "channel"], 0.2))

    def email(self) -> Json:
        return {"host": "mail", "port": 25, "from": "a@example.net", "to": ["b@example.net", "c@example.org"], "subject": "s", "body": "b"} | _text_only(self.own(["subject"], 0.2))

    def whisk(self) -> Json:
        return {"host": "https://whisk.example.net", "actionName": "act"} | self.payload() | self.own(["actionName", "payload.0.src.value"])

    def aws(self) -> Json:
        made: Json = {"functionName": "fn", "region": "eu-west-1"} | self.payload() | self.own(["functionName", "payload.0.src.value"])
        if self.some(0.4):
            made["invocationType"] = self.chance.choice(["RequestResponse", "Event", "DryRun"])
        return made

    def pulsar(self) -> Json:
        return {"url": "pulsar://p:6650", "topic": "t"} | self.payload() | self.own(["topic", "payload.0.src.value"])

    def event_hubs(self) -> Json:
        keys = {name: {"name": "s", "key": name} for name in ("sharedAccessKeyName", "sharedAccessKey")}
        return {"fqdn": "h.example.net", "hubName": "hub"} | keys | self.payload() | _text_only(self.own(["hubName"]))

    def service_bus(self) -> Json:
        return {"connectionString": {"name": "s", "key": "k"}, "queueName": "q"} | self.payload() | self.own(["payload.0.src.value"])

    def custom(self) -> Json:
        return {"serverURL": "c.example.net:9000", "spec": {"k": "v"}} | (self.payload() if self.some(0.8) else {})

    def trigger(self, kinds: Sequence[str]) -> Json:
        kind = self.chance.choice(kinds)
        spec: Any = {
            "http": self.http, "kafka": self.kafka, "nats": self.nats, "k8s": lambda: self.cluster(workflow=False),
            "argoWorkflow": lambda: self.cluster(workflow=True), "slack": self.slack, "email": self.email, "openWhisk": self.whisk, "log": dict,
            "awsLambda": self.aws, "pulsar": self.pulsar, "azureEventHubs": self.event_hubs, "azureServiceBus": self.service_bus, "custom": self.custom,
        }[kind]()  # fmt: skip
        made: Json = {"template": {"name": "t", kind: spec}}
        if self.some(0.25):
            made["parameters"] = self.parameters([f"{kind}.{dest}" for dest in TEMPLATE_DESTS[kind]] + ["name", "nope"])
        return made


def _text_only(own: Json) -> Json:
    """Parameters that are worked out and then ignored: all that could be seen of them is a wrong type."""
    for one in own.get("parameters", ()):
        one["src"].pop("useRawData", None)
    return own


TEMPLATE_DESTS = {
    "http": ["url", "headers.X-B", "payload.0.src.dataKey", "payload.0.src.value", "method", "timeout"],
    "kafka": ["topic", "url", "partitioningKey", "headers.h"],
    "nats": ["subject"],
    "k8s": ["source.resource.metadata.name", "operation", "source.resource.data.a", "source.resource.spec.x", "source.inline"],
    "argoWorkflow": ["source.resource.metadata.name", "operation", "args.0", "source.resource.spec.arguments.parameters.0.value"],
    "slack": ["channel", "message", "thread.messageAggregationKey", "sender.username", "blocks"],
    "email": ["subject", "body", "to.0", "to.-1", "port", "from"],
    "openWhisk": ["actionName", "payload.0.src.value"],
    "log": ["nope"],
    "awsLambda": ["functionName"],
    "pulsar": ["topic"],
    "azureEventHubs": ["hubName"],
    "azureServiceBus": ["queueName"],
    "custom": ["serverURL", "spec.k"],
}

