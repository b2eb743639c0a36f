"""Connection strings of Azure's messaging, checked before anything connects. No message quotes one."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

EXPECTED = "expected Endpoint=sb://NAME.servicebus.windows.net/;SharedAccessKeyName=…;SharedAccessKey=…"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_KEYS = {
    key.lower(): key
    for key in (
        "Endpoint",
        "SharedAccessKeyName",
        "SharedAccessKey",
        "SharedAccessSignature",
        "EntityPath",
        "UseDevelopmentEmulator",
        "TransportType",
        "OperationTimeout",
    )
}


class Connection(NamedTuple):
    """What a connection string says. It never prints its secret."""

    text: str
    host: str
    """With its port, where it has one."""
    entity: str = ""
    """The queue, topic or hub that it is for; empty: any."""
    plain: bool = False
    """Without TLS, as an emulator is spoken to."""
    secret: str = ""

    def __repr__(self) -> str:
        return f"Connection({self.host})"


def read_connection(text: str) -> Connection:
    """What `text` says. Raises `ValueError` saying what is missing or wrong."""
    given = dict(_part(part) for part in text.strip().rstrip(";").split(";"))
    endpoint, signature = given.get("Endpoint", ""), given.get("SharedAccessSignature", "")
    host = urlsplit(endpoint).netloc
    if not endpoint.startswith("sb://") or not host:
        raise ValueError(f"the connection string has no Endpoint=sb://…; {EXPECTED}")
    name, key = given.get("SharedAccessKeyName", ""), given.get("SharedAccessKey", "")
    if bool(name) != bool(key):
        raise ValueError(f"the connection string has only one of SharedAccessKeyName and SharedAccessKey; {EXPECTED}")
    if bool(key) == bool(signature):
        how = "both a key and a signature" if key else "neither a key nor a signature"
        raise ValueError(f"the connection string has {how}; {EXPECTED}")
    plain = given.get("UseDevelopmentEmulator", "").lower() == "true"
    joined = ";".join(f"{name}={value}" for name, value in given.items() if name != "UseDevelopmentEmulator")
    joined += ";UseDevelopmentEmulator=true" if plain else ""
    return Connection(joined, host, given.get("EntityPath", ""), plain, key or signature)


def key_connection(host: str, name: str, key: str) -> Connection:
    """How to connect with a shared access key. Raises `ValueError` where name or key cannot be one."""
    for what, text in (("name", name), ("key", key)):
        if not text or ";" in text or any(character.isspace() for character in text):
            raise ValueError(f"the shared access key's {what} is empty, or has characters that no such {what} has")
    return read_connection(f"Endpoint=sb://{host}/;SharedAccessKeyName={name};SharedAccessKey={key}")


def check_host(host: str) -> str:
    """`host` where it is one; raises `ValueError`."""
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is no host; write NAME.servicebus.windows.net")
    return host


def _part(part: str) -> tuple[str, str]:
    name, separator, value = part.partition("=")
    known = _KEYS.get(name.strip().lower())
    if not separator or known is None:
        raise ValueError(f"the connection string has a part that is none of {', '.join(_KEYS.values())}; {EXPECTED}")
    return known, value.strip()
