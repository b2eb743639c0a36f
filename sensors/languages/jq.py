"""jq programs that change the data of an event: the first output is the new data. The engine is loaded where one is declared."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sensors.languages.jq_program import JqProgram

MAX_CHARACTERS = 65_536


class JqFailed(ValueError):
    """The program cannot be read, failed, gave no object, or asked for more than it may use."""


class JqCutOff(JqFailed):
    """The program was cut off."""


def compile_program(text: str) -> "JqProgram":
    """Compile `text`; the same text gives the same object. Raises `JqFailed` with the reason."""
    # A twentieth of what a start without any jq program takes.
    from sensors.languages.jq_program import compiled  # noqa: PLC0415

    return compiled(text)
