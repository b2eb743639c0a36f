"""Messages of other people's gRPC services, made from their fields: no generated code, and no conflict with another copy."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_TYPES = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "bool": FieldDescriptorProto.TYPE_BOOL,
}


class Scalar(NamedTuple):
    """One field of a message."""

    name: str
    type: Literal["string", "bytes", "bool"]


def message_classes(package: str, messages: Mapping[str, Sequence[Scalar]]) -> dict[str, Any]:
    """A class for each of `messages`, by name; fields are numbered from 1 in their order. Syntax: proto3."""
    file = FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, field in enumerate(fields, 1):
            message.field.add(name=field.name, number=number, type=_TYPES[field.type], label=FieldDescriptorProto.LABEL_OPTIONAL)
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}
