"""Connection strings of Azure's messaging, checked before anything connects. No message quotes one."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

EXPECTED = "expected Endpoint=sb://NAME.servicebus.windows.net/;SharedAccessKeyName=…;SharedAccessKey=…"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_ENDPOINT, _NAME, _KEY = "Endpoint", "SharedAccessKeyName", "SharedAccessKey"
_SIGNATURE, _ENTITY, _EMULATOR = "SharedAccessSignature", "EntityPath", "UseDevelopmentEmulator"


class Connection(NamedTuple):
    """What a connection string says. It never prints its secret."""

    text: str
    """For the provider's library: the host, the login, and whether to do without TLS."""
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
    """What `text` says; what else is in it does not matter. Raises `ValueError` saying what is missing or wrong."""
    given = dict(_part(part) for part in text.strip().rstrip(";").split(";"))
    endpoint, name, key, signature = (given.get(part.lower(), "") for part in (_ENDPOINT, _NAME, _KEY, _SIGNATURE))
    host = urlsplit(endpoint).netloc
    if not endpoint.startswith("sb://") or not host:
        raise ValueError(f"the connection string has no {_ENDPOINT}=sb://…; {EXPECTED}")
    if bool(name) != bool(key):
        raise ValueError(f"the connection string has only one of {_NAME} and {_KEY}; {EXPECTED}")
    if bool(key) == bool(signature):
        how = "both a key and a signature" if key else "neither a key nor a signature"
        raise ValueError(f"the connection string has {how}; {EXPECTED}")
    plain = given.get(_EMULATOR.lower(), "").lower() == "true"
    login = f"{_NAME}={name};{_KEY}={key}" if key else f"{_SIGNATURE}={signature}"
    told = f"{_ENDPOINT}=sb://{host}/;{login}" + (f";{_EMULATOR}=true" if plain else "")
    return Connection(told, host, given.get(_ENTITY.lower(), ""), plain, key or signature)


def check_fits(connection: Connection, entity: str, *, encrypted: bool) -> None:
    """Raise `ValueError` where the connection string contradicts what is declared: the entity, or TLS."""
    if connection.entity not in ("", entity):
        raise ValueError(f"the connection string is for another queue or topic than {entity!r}: see its EntityPath")
    if encrypted and connection.plain:
        raise ValueError("tls is declared, and UseDevelopmentEmulator in the connection string asks for none")


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
    if not separator:
        raise ValueError(f"the connection string has a part without an equals sign; {EXPECTED}")
    return name.strip().lower(), value.strip()
