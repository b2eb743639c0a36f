"""A request as the original would send it and as `simulate` shows it, brought to one form."""

import json
from base64 import b64decode
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

Json = dict[str, Any]

LABELS = ("events.argoproj.io/sensor", "events.argoproj.io/trigger", "events.argoproj.io/action-timestamp")


def sent_there(request: Json) -> Json:
    """Of the original's request what both have."""
    kind = request["kind"]
    if kind == "http":
        headers = {name: values[-1] for name, values in request["headers"].items()}
        return {"method": request["method"], "url": address(request["url"]), "headers": dict(sorted(headers.items())), "body": readable(request["body"])}
    if kind == "k8s":
        if "resource" not in request:
            return {"operation": request["operation"], "name": request["name"]}
        return {"operation": request["operation"], "resource": plain(request["resource"])}
    if kind == "argoWorkflow":
        if "resource" in request:
            return {"operation": request["operation"], "resource": plain(request["resource"])}
        target, *more = request["args"][4:]
        return {"operation": request["operation"], "name": more[0].partition("/")[2] if target == "--from" else target}
    if kind == "kafka":
        return {"topic": request["topic"], "key": request["key"], "headers": dict(sorted(request["headers"].items())), "body": readable(request["body"])}
    if kind == "nats":
        return {"subject": request["subject"], "body": readable(request["body"])}
    if kind == "openWhisk":
        body = json.loads(request["body"]["text"])
        return {"actionName": unquote(request["url"].split("/actions/")[1].split("?")[0]).removeprefix("./"), "body": None if body is None else readable({"text": b64decode(body).decode()})}
    if kind == "awsLambda":
        name = unquote(request["url"].split("/functions/")[1].removesuffix("/invocations"))
        how = request["headers"].get("X-Amz-Invocation-Type", ["RequestResponse"])[0]
        return {"functionName": name, "invocationType": how, "body": readable(request["body"])}
    if kind in ("pulsar", "azureEventHubs", "azureServiceBus"):
        return {"body": readable(request["body"])}
    if kind == "custom":
        return {"payload": readable(request["body"])}
    if kind == "slack":
        return {"channel": request["recipient"], "message": request["message"], "attachments": request["attachments"], "blocks": request["blocks"], "thread": request["thread"]}
    if kind == "email":
        mails = request["mails"]
        return {"to": [mail["recipient"] for mail in mails], "subject": mails[0]["subject"], "body": mails[0]["message"], "from": request["from"]}
    if kind == "log":
        return {"lines": {name: line["message"] for name, line in sorted(request["events"].items())}}
    return request


def sent_here(request: Json) -> Json:
    """What `simulate` shows, with the members that `sent_there` gives."""
    made = dict(request)
    if "method" in made:
        made["url"] = address(made["url"])
    if isinstance(made.get("headers"), dict):
        # The original sets the host apart from its headers.
        made["headers"] = {name: text for name, text in sorted(made["headers"].items()) if name != "Host"}
    if "resource" in made:
        name = (made["resource"].get("metadata") or {}).get("name")
        made["name"] = name if isinstance(name, str) else ""
        made["resource"] = plain(made["resource"])
    if "channel" in made:
        made |= {"attachments": made.get("attachments", ""), "blocks": made.get("blocks", ""), "thread": (made.get("thread") or {}).get("messageAggregationKey", "")}
    if "lines" in made:
        made["lines"] = {line["dependencyName"]: line["message"] for line in made["lines"]}
    return made


def address(url: str) -> str:
    """Without the fragment, which is not sent, and with characters instead of escapes: some are escaped here only."""
    return unquote(url.partition("#")[0].replace("+", " "))


def readable(body: Json) -> Any:
    """A body as JSON where it is that, else as text; None where there is none."""
    text = body["text"] if "text" in body else b64decode(body["base64"]).decode("utf-8", "replace")
    if not text:
        return None
    try:
        return whole(json.loads(text, parse_constant=_refuse))
    except ValueError:
        return text


def _refuse(name: str) -> Any:
    raise ValueError(name)


def whole(value: Any) -> Any:
    """`value` with U+FFFD for each half of a surrogate pair, as every decoder but Python's has it."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {whole(key): whole(item) for key, item in value.items()}
    return [whole(item) for item in value] if isinstance(value, list) else value


def plain(resource: Json) -> Json:
    """An object without what the original adds when it acts, its members in order of their names."""
    metadata = dict(resource.get("metadata") or {})
    labels = {name: text for name, text in (metadata.get("labels") or {}).items() if name not in LABELS}
    metadata = {name: item for name, item in metadata.items() if name not in ("labels", "namespace")} | ({"labels": labels} if labels else {})
    text = json.dumps(whole({**resource, "metadata": metadata}), sort_keys=True)
    made: Json = json.loads(text, parse_int=_as_double)
    return made


def _as_double(digits: str) -> int:
    """A whole number as a double has it: the original reads an object's source so, and here all digits are kept."""
    number = int(digits)
    return number if abs(number) <= 2**53 else int(Decimal(repr(float(number))))
