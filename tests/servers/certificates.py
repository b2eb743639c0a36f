"""Certificates made for a test run."""

import subprocess
from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_certificates(folder: Path) -> Path:
    """Write `ca.pem`, `leaf.pem` and `leaf.key` (PKCS 8, for 127.0.0.1, of servers and clients), and `other.pem`, an authority
    that signed nothing. Return `folder`.
    """
    (folder / "leaf.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    for name in ("ca", "other"):
        _openssl(
            folder, "req", "-x509", *_CURVE, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}"
        )
    _openssl(folder, "req", *_CURVE, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf")
    signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "leaf.ext")
    _openssl(folder, "x509", "-req", "-in", "leaf.csr", "-out", "leaf.pem", *signing)
    return folder


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
