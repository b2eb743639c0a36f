"""Values of events put where a request needs them: resolving, building payloads, editing documents, headers."""

from sensors.parameters.edit import Parameters, compile_parameters
from sensors.parameters.headers import Headers, compile_headers
from sensors.parameters.payload import Payload, compile_payload
from sensors.parameters.resolve import BadParameter, ParameterError

__all__ = [
    "BadParameter",
    "Headers",
    "ParameterError",
    "Parameters",
    "Payload",
    "compile_headers",
    "compile_parameters",
    "compile_payload",
]
