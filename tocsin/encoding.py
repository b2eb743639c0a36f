"""JSON out."""


def dumps(value: object, *, indent: bool = False) -> bytes:
    """JSON bytes of `value`; integers of any size and lone surrogates included."""
    try:
        import orjson  # noqa: PLC0415 - `tocsin version` starts without it

        return orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0)
    except TypeError:
        import json  # noqa: PLC0415

        return json.dumps(value, indent=2 if indent else None).encode()
