"""The messages that a `generic` event source and a user's gRPC service exchange, as Argo Events has them on the wire.

```proto
syntax = "proto3";
package generic;
service Eventing { rpc StartEventSource(EventSource) returns (stream Event); }
message EventSource { string name = 1; bytes config = 2; }
message Event { string name = 1; bytes payload = 2; }
```
"""

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

METHOD = "/generic.Eventing/StartEventSource"

_STRING, _BYTES = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.TYPE_BYTES


def _messages() -> tuple[Any, Any]:
    """Classes in a pool of their own, so that a user's copy of the same file is nobody's conflict."""
    file = FileDescriptorProto(name="generic.proto", package="generic", syntax="proto3")
    for name, second in (("EventSource", "config"), ("Event", "payload")):
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate((("name", _STRING), (second, _BYTES)), 1):
            message.field.add(name=field, number=number, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL)
    pool = DescriptorPool()
    pool.Add(file)
    return (
        GetMessageClass(pool.FindMessageTypeByName("generic.EventSource")),
        GetMessageClass(pool.FindMessageTypeByName("generic.Event")),
    )


EventSourceMessage, EventMessage = _messages()
