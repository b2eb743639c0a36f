"""The TLS context of a port, from PEM values that must not lie around in files."""

import ssl
import tempfile
from pathlib import Path


def server_context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    """A context that serves `certificate` (PEM, with its chain). Raises `ValueError` where the two are unusable."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # `load_cert_chain` reads files only; the folder is private to this user and gone when the block ends.
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        chain, private = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        chain.write_bytes(certificate)
        private.touch(mode=0o600)
        private.write_bytes(key)
        try:
            context.load_cert_chain(chain, private, password=_no_passphrase)
        except (ssl.SSLError, OSError, ValueError) as exc:
            reason = getattr(exc, "reason", None) or type(exc).__name__
            raise ValueError(f"not a PEM certificate with its unencrypted private key ({reason})") from None
    return context


def _no_passphrase() -> bytes:
    """Answer what OpenSSL would otherwise ask for on the terminal."""
    return b""
