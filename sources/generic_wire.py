"""The messages that a `generic` event source and a user's gRPC service exchange, as Argo Events has them on the wire.

```proto
syntax = "proto3";
package generic;
service Eventing { rpc StartEventSource(EventSource) returns (stream Event); }
message EventSource { string name = 1; bytes config = 2; }
message Event { string name = 1; bytes payload = 2; }
```
"""

from clients.protobuf import Scalar, message_classes

METHOD = "/generic.Eventing/StartEventSource"

_NAME = Scalar("name", "string")
_classes = message_classes(
    "generic", {"EventSource": (_NAME, Scalar("config", "bytes")), "Event": (_NAME, Scalar("payload", "bytes"))}
)
EventSourceMessage, EventMessage = _classes["EventSource"], _classes["Event"]
