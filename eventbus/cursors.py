"""Where a list goes on: opaque to callers, checked when it comes back."""

import base64
import struct

_PACKER = struct.Struct(">cqq")


def encode_cursor(list_name: bytes, first: int, second: int = 0) -> str:
    """A cursor of the list with this one-letter name."""
    return base64.urlsafe_b64encode(_PACKER.pack(list_name, first, second)).decode("ascii").rstrip("=")


def decode_cursor(list_name: bytes, cursor: str) -> tuple[int, int]:
    """What `encode_cursor` took. Raises `ValueError` on any other text."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        name, first, second = _PACKER.unpack(packed)
    except (ValueError, struct.error) as exc:
        raise ValueError(f"{cursor[:100]!r} is no cursor of this list; use `next` of the page before") from exc
    if name != list_name:
        raise ValueError(f"{cursor[:100]!r} is a cursor of another list; use `next` of the page before")
    return first, second


def check_limit(limit: int) -> int:
    """`limit`, at most `MAX_PAGE`. Raises `ValueError` below 1."""
    if limit < 1:
        raise ValueError(f"a page has at least 1 item, not {limit}")
    return min(limit, MAX_PAGE)


MAX_PAGE = 1000
