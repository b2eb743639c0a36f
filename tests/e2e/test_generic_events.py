"""Events of a user's gRPC service, with the service as a process."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from service_process import free_port, running

from clients.grpc_library import grpc
from sources.generic_wire import METHOD, EventMessage, EventSourceMessage


class Eventing(grpc.GenericRpcHandler):
    """Streams one payload for each connection, then waits."""

    def __init__(self) -> None:
        self.over = Event()

    def service(self, call: grpc.HandlerCallDetails) -> object:
        assert call.method == METHOD
        return grpc.unary_stream_rpc_method_handler(
            self._start, request_deserializer=EventSourceMessage.FromString, response_serializer=EventMessage.SerializeToString
        )

    def _start(self, request: object, context: object) -> object:
        yield EventMessage(payload=b'{"order": 5}')
        self.over.wait(30)


def test_a_service_that_comes_late_is_listened_to(tmp_path: Path) -> None:
    port, manifest, eventing = free_port(), tmp_path / "generic.yaml", Eventing()
    manifest.write_text(f"""
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: orders}}
spec:
  generic:
    placed: {{url: "127.0.0.1:{port}", insecure: true, config: all, jsonBody: true}}
""")
    with running(str(manifest), data=tmp_path / "data") as service, ThreadPoolExecutor(2) as threads:
        service.wait_for("/api/v1/sources", lambda page: "UNAVAILABLE" in str(page))
        server = grpc.server(threads)
        server.add_generic_rpc_handlers((eventing,))
        server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        try:
            (event,) = service.wait_for("/api/v1/events", lambda page: page["items"])["items"]
            assert (event["source"], event["name"], event["type"]) == ("orders", "placed", "generic")
            assert service.stop() == 0
        finally:
            eventing.over.set()
            server.stop(0).wait(10)
