"""Where an `http` trigger's requests go: all of a declaration that is the same for every firing, prepared once."""

import re
import ssl
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache, partial
from importlib.metadata import version

from multidict import CIMultiDict
from yarl import URL

from clients.credentials import Credentials
from clients.kept_tls import KeptTLS
from clients.tls import TLSMaterial, tls_context
from eventbus.chain import Chain
from manifests.fields import TLSConfig
from manifests.secrets import Values
from sensors.triggers.http_spec import HttpSpec
from sensors.web.call import Call

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NOT_IN_HEADERS = re.compile(r"[\0-\x08\x0a-\x1f\x7f]")
_NOT_IN_URLS = re.compile(r"[\0-\x1f\x7f]")
_PLAIN_URL = re.compile(r"[!#-;=?-\[\]_a-z~]+")
# The client writes these itself; Go's ignores them in `headers` too.
_OURS = frozenset({"content-length", "transfer-encoding", "connection"})
MASK = "***"


class HttpTarget:
    """A prepared request without its body, its dynamic headers and its secrets."""

    def __init__(self, spec: HttpSpec, *, namespace: str, kept: KeptTLS | None = None) -> None:
        """`kept` remembers the certificates that could be used last. Raises `ValueError` naming the field that cannot work."""
        self.spec = spec
        self.method = spec.method or "POST"
        url = _url(spec.url)
        self.url = url.with_user(None)
        self._namespace = namespace
        self._kept = kept or KeptTLS()
        self._headers = _static_headers(spec)
        if url.user is not None or url.password is not None:
            self._headers.setdefault("Authorization", _basic(url.user or "", url.password or ""))
        secure = {header_name(header.name, f"secureHeaders[{n}].name") for n, header in enumerate(spec.secure_headers)}
        for n, header in enumerate(spec.secure_headers):
            header.selector(n)
        self._secret_names = frozenset(name.lower() for name in secure)
        self._plain = not spec.secure_headers and spec.basic_auth is None
        _check_tls(spec.tls)

    def call(
        self,
        body: bytes | None,
        dynamic: Sequence[tuple[str, str]],
        key: str,
        values: Values,
        *,
        chain: Chain | None = None,
        repeatable: bool = True,
    ) -> tuple[Call, list[str]]:
        """The request to send now, and the secrets in it, so that no message repeats one. `repeatable`: see `Call`.

        Secrets are read anew. Raises `SecretMissing`, or `ValueError` where one cannot be a header.
        """
        headers = self._headers.copy()
        for name, text in dynamic:
            headers[name] = text
        revealed = [] if self._plain else self._add_secrets(headers, values)
        if "Idempotency-Key" not in headers:
            headers["Idempotency-Key"] = key
        for name, text in chain.headers() if chain is not None else ():
            headers.setdefault(name, text)
        call = Call(
            method=self.method,
            url=self.url,
            headers=headers,
            body=body,
            tls=None if self.spec.tls is None else self._tls(self.spec.tls, values),
            secret_headers=self._secret_names,
            repeatable=repeatable,
        )
        return call, revealed

    def shown_headers(self, dynamic: Sequence[tuple[str, str]]) -> dict[str, str]:
        """The declared headers as people may see them."""
        spec = self.spec
        headers = CIMultiDict(spec.headers)
        for name, text in dynamic:
            headers[name] = text
        for header in spec.secure_headers:
            headers[header.name] = MASK
        if spec.basic_auth is not None or (self._headers.get("Authorization") and "Authorization" not in headers):
            headers["Authorization"] = MASK
        if spec.host:
            headers["Host"] = spec.host
        return dict(headers)

    def _add_secrets(self, headers: CIMultiDict[str], values: Values) -> list[str]:
        revealed = []
        for n, header in enumerate(self.spec.secure_headers):
            text = header.read(n, self._namespace, values)
            if _NOT_IN_HEADERS.search(text):
                raise ValueError(f"the value of the secure header {header.name!r} has a control character, such as a line break")
            headers[header.name] = text
            revealed.append(text)
        auth = self.spec.basic_auth
        if auth is not None:
            read = Credentials(self._namespace, values)
            user, password = read.text(auth.username), read.text(auth.password)
            headers["Authorization"] = _basic(user, password)
            revealed += [password, headers["Authorization"].removeprefix("Basic ")]
        return revealed

    def expect(self, values: Values) -> None:
        """Note where certificates are read, so that good ones are known before the first call."""
        if self.spec.tls is not None:
            self._kept.expect(partial(self._material, self.spec.tls, values))

    def _tls(self, tls: TLSConfig, values: Values) -> ssl.SSLContext | None:
        refs = (tls.ca_cert_secret, tls.client_cert_secret, tls.client_key_secret)
        if not any(refs) and not tls.insecure_skip_verify:
            return None
        return tls_context(self._kept.usable(partial(self._material, tls, values)))

    def _material(self, tls: TLSConfig, values: Values) -> TLSMaterial:
        return Credentials(self._namespace, values).tls(tls)


def header_name(name: str, place: str) -> str:
    """`name` where it can be a header's name; raises `ValueError` naming `place`."""
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{place}: {name!r} cannot be the name of a header")
    return name


def header_value(name: str, text: str) -> str:
    """`text` where it can be a header's value; raises `ValueError` without showing it."""
    if _NOT_IN_HEADERS.search(text):
        raise ValueError(f"the value of the header {name!r} has a control character, such as a line break")
    return text


def _static_headers(spec: HttpSpec) -> CIMultiDict[str]:
    # What aiohttp would add is written out, because telling it to leave it out costs a third of a call. Bodies of answers
    # are not decompressed, so none is asked for compressed.
    headers = CIMultiDict({"User-Agent": _user_agent(), "Accept": "*/*", "Accept-Encoding": "identity"})
    for name, text in spec.headers.items():
        header_name(name, "headers")
        if name.lower() not in _OURS:
            headers[name] = header_value(name, text)
    if spec.host:
        headers["Host"] = header_value("Host", spec.host)
    return headers


@lru_cache(maxsize=1)
def _user_agent() -> str:
    return f"tocsin/{version('tocsin')}"


def _url(text: str) -> URL:
    # A URL of characters that URLs have is sent as written; any other is quoted as browsers do.
    if text != text.lstrip():
        raise ValueError("url: begins with a blank")
    if _NOT_IN_URLS.search(text):
        raise ValueError("url: has a control character, such as a line break")
    url = URL(text, encoded=True) if _PLAIN_URL.fullmatch(text) else URL(text)
    if url.scheme not in ("http", "https"):
        raise ValueError(f"url: {_shown(url)!r} has no http or https scheme; write https://HOST/PATH")
    if not url.raw_host:
        raise ValueError(f"url: {_shown(url)!r} has no host; write https://HOST/PATH")
    return url.with_fragment(None)


def _shown(url: URL) -> str:
    return str(url.with_password(MASK)) if url.raw_host and url.raw_password else str(url)


def _basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _check_tls(tls: TLSConfig | None) -> None:
    if tls is None or tls.insecure_skip_verify or tls.enabled:
        return
    if (tls.client_cert_secret is None) != (tls.client_key_secret is None):
        raise ValueError("tls: clientCertSecret and clientKeySecret come together")
    if tls.ca_cert_secret is None and tls.client_cert_secret is None:
        raise ValueError("tls: set caCertSecret, or a client certificate and its key, or insecureSkipVerify, or enabled")
