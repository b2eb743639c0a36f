"""TLS of outgoing connections: from PEM bytes to a context, made once for the same bytes."""

import os
import ssl
import tempfile
from functools import lru_cache
from typing import NamedTuple


class TLSMaterial(NamedTuple):
    """What a declaration asks of TLS; equal material shares connections. It never prints its key."""

    ca: bytes = b""
    """PEM; empty: the machine's own certificate authorities."""
    certificate: bytes = b""
    """PEM of the client's certificate and its chain; empty: none."""
    key: bytes = b""
    insecure: bool = False
    """Accept whatever certificate the server shows."""

    def __repr__(self) -> str:
        return f"TLSMaterial(insecure={self.insecure})"


@lru_cache(maxsize=256)
def tls_context(material: TLSMaterial) -> ssl.SSLContext:
    """A client context. Raises `ValueError` where the material cannot be used, without showing it."""
    try:
        # Reading the machine's own authorities takes some 20 ms: only where they are asked for.
        context = ssl.create_default_context(cadata=material.ca.decode("ascii") or None)
        if material.certificate:
            _load_pair(context, material)
    except (ssl.SSLError, UnicodeDecodeError) as exc:
        raise ValueError(f"the TLS certificates or key cannot be used ({type(exc).__name__}); expected PEM text") from None
    if material.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _load_pair(context: ssl.SSLContext, material: TLSMaterial) -> None:
    # Python's ssl reads a client certificate from files only. The file is ours alone and gone at once.
    handle, path = tempfile.mkstemp(prefix="tocsin-", suffix=".pem")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(material.certificate + b"\n" + material.key + b"\n")
        context.load_cert_chain(path)
    finally:
        os.unlink(path)
