"""JSON out."""

from contextlib import suppress


def dumps(value: object, *, indent: bool = False) -> bytes:
    """JSON bytes of `value`; integers of any size and lone surrogates included."""
    import orjson  # noqa: PLC0415 - `tocsin version` starts without it

    option = orjson.OPT_INDENT_2 if indent else 0
    # Keys that are more than plain text, such as names of headers, cost more: they are asked for where there are any.
    for keys in (0, orjson.OPT_NON_STR_KEYS):
        with suppress(TypeError):
            return orjson.dumps(value, option=option | keys)
    import json  # noqa: PLC0415

    return json.dumps(value, indent=2 if indent else None).encode()
