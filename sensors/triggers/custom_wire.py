"""The calls that a `custom` trigger makes, as Argo Events has them on the wire.

```proto
syntax = "proto3";
package triggers;
service Trigger {
  rpc FetchResource(FetchResourceRequest) returns (FetchResourceResponse);
  rpc Execute(ExecuteRequest) returns (ExecuteResponse);
  rpc ApplyPolicy(ApplyPolicyRequest) returns (ApplyPolicyResponse);
}
message FetchResourceRequest { bytes resource = 1; }
message FetchResourceResponse { bytes resource = 1; }
message ExecuteRequest { bytes resource = 1; bytes payload = 2; }
message ExecuteResponse { bytes response = 1; }
message ApplyPolicyRequest { bytes request = 1; }
message ApplyPolicyResponse { bool success = 1; string message = 2; }
```
"""

from typing import Any, NamedTuple

from clients.protobuf import Scalar, message_classes

_RESOURCE = Scalar("resource", "bytes")
_classes = message_classes(
    "triggers",
    {
        "FetchResourceRequest": (_RESOURCE,),
        "FetchResourceResponse": (_RESOURCE,),
        "ExecuteRequest": (_RESOURCE, Scalar("payload", "bytes")),
        "ExecuteResponse": (Scalar("response", "bytes"),),
        "ApplyPolicyRequest": (Scalar("request", "bytes"),),
        "ApplyPolicyResponse": (Scalar("success", "bool"), Scalar("message", "string")),
    },
)


class Rpc(NamedTuple):
    """One call of the service, and the classes of its messages."""

    name: str
    request: Any
    answer: Any

    @property
    def path(self) -> str:
        """The call's full name."""
        return f"/triggers.Trigger/{self.name}"


def _rpc(name: str) -> Rpc:
    return Rpc(name, _classes[f"{name}Request"], _classes[f"{name}Response"])


FETCH, EXECUTE, JUDGE = _rpc("FetchResource"), _rpc("Execute"), _rpc("ApplyPolicy")
