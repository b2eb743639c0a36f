"""Amazon MSK as far as it judges tokens: the signature is worked out anew, by the words of AWS' documentation (SigV4)."""

import hashlib
import hmac
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, urlsplit

NOBODY = hashlib.sha256(b"").hexdigest()


def judged(token: str, *, keys: dict[str, str], region: str, at: datetime) -> str:
    """The access key that signed `token`. Raises `ValueError` saying why MSK would refuse it."""
    url = urlsplit(urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
    told = dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=True))
    if (url.scheme, url.netloc, url.path) != ("https", f"kafka.{region}.amazonaws.com", "/"):
        raise ValueError(f"another service: {url.scheme}://{url.netloc}{url.path}")
    if told["Action"] != "kafka-cluster:Connect" or told["X-Amz-Algorithm"] != "AWS4-HMAC-SHA256":
        raise ValueError("another action")
    if told["X-Amz-SignedHeaders"] != "host":
        raise ValueError("other headers are signed than the broker knows")
    signed_at = datetime.strptime(told["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if not timedelta(minutes=-5) <= at - signed_at <= timedelta(seconds=int(told["X-Amz-Expires"])):
        raise ValueError("expired, or not yet good")
    key, *scope = told["X-Amz-Credential"].split("/")
    if scope != [f"{signed_at:%Y%m%d}", region, "kafka-cluster", "aws4_request"]:
        raise ValueError(f"signed for something else: {scope}")
    signature = told.pop("X-Amz-Signature")
    told.pop("User-Agent")  # MSK wants to know it, and leaves it out of the signature
    if not hmac.compare_digest(signature, _signature(told, url.netloc, keys[key], scope)):
        raise ValueError("the signature is another one")
    return key


def _signature(told: dict[str, str], host: str, secret: str, scope: list[str]) -> str:
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(told.items()))
    canonical = "\n".join(["GET", "/", query, f"host:{host}\n", "host", NOBODY])
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", told["X-Amz-Date"], "/".join(scope), hashed])
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
