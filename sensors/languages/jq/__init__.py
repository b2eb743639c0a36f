"""jq programs that change the data of an event: the first output is the new data.

Semantics: Argo Events' `transform.jq`, which runs gojq 0.12.19. The engine is purejq (`program` compiles and runs). What it does
otherwise than gojq is replaced when it is first imported (`engine`): numbers and JSON as text (`text`), operators (`operators`),
patterns (`patterns`, `replacing`), functions (`functions`). A run is bounded (`bounds`); it sees no environment, files or further
inputs.
"""

from typing import TYPE_CHECKING

from sensors.languages.jq.errors import JqCutOff, JqFailed

if TYPE_CHECKING:
    from sensors.languages.jq.program import JqProgram

__all__ = ["JqCutOff", "JqFailed", "compile_program"]


def compile_program(text: str) -> "JqProgram":
    """Compile `text`; the same text gives the same object. Raises `JqFailed` with the reason."""
    # Loaded where a program is declared: the engine takes a twentieth of a start without one.
    from sensors.languages.jq.program import compiled  # noqa: PLC0415

    return compiled(text)
