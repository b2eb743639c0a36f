"""Parts of the installation that not everybody needs: what is said where one is missing."""


def needs_extra(what: str, extra: str, *, than: str = "the base installation") -> str:
    """A line that says how to get what `what` needs."""
    return f"{what} needs more than {than}: pip install 'tocsin[{extra}]'"
