"""The custom trigger on a real gRPC service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from servers.certificates import make_certificates
from trigger_rig import PAYLOAD, RigValues, TriggerRig, a_bound, parameter, ref, rig_of

from clients.grpc_library import grpc
from eventbus.chain import Chain
from manifests.objects import TocsinTriggerHead
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.certificates import Certificates
from sensors.triggers.custom import CustomKind
from sensors.triggers.custom_calls import LARGEST_BYTES, REMEMBERED, CustomServices
from sensors.triggers.custom_wire import EXECUTE, FETCH, JUDGE, Rpc

Fault = tuple[grpc.StatusCode, str]


class Service(grpc.GenericRpcHandler):
    """A user's service. It answers as a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.resource: bytes = b'{"kind": "x", "n": 1}'
        self.response: bytes = b"done"
        self.success, self.message = True, ""
        self.faults: dict[str, Fault] = {}
        self.hold: dict[str, asyncio.Event] = {}
        self.held = asyncio.Event()
        self.calls: list[tuple[str, Any]] = []
        self.metadata: list[dict[str, str]] = []
        self.left_s: list[float] = []

    def service(self, call: Any) -> Any:
        answers: dict[str, tuple[Rpc, Callable[[], Any]]] = {
            FETCH.path: (FETCH, lambda: FETCH.answer(resource=self.resource)),
            EXECUTE.path: (EXECUTE, lambda: EXECUTE.answer(response=self.response)),
            JUDGE.path: (JUDGE, lambda: JUDGE.answer(success=self.success, message=self.message)),
        }
        rpc, answer = answers[call.method]

        async def handle(request: Any, context: Any) -> Any:
            self.calls.append((rpc.name, request))
            self.metadata.append({str(name): str(text) for name, text in context.invocation_metadata()})
            self.left_s.append(context.time_remaining())
            if rpc.name in self.hold:
                self.held.set()
                await self.hold[rpc.name].wait()
            if rpc.name in self.faults:
                await context.abort(*self.faults[rpc.name])
            return answer()

        return grpc.unary_unary_rpc_method_handler(
            handle, request_deserializer=rpc.request.FromString, response_serializer=rpc.answer.SerializeToString
        )

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


ALL = ["FetchResource", "Execute", "ApplyPolicy"]


@asynccontextmanager
async def serving(service: Service, *, port: int = 0, certificates: Path | None = None) -> AsyncIterator[int]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((service,))
    if certificates is None:
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        pair = ((certificates / "leaf.key").read_bytes(), (certificates / "leaf.pem").read_bytes())
        bound = server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([pair]))
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(0)


@pytest.fixture
async def rig() -> AsyncIterator[TriggerRig]:
    async with rig_of(CustomKind) as made:
        yield made


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def here(service: Service) -> AsyncIterator[dict[str, Any]]:
    async with serving(service) as port:
        yield {"serverURL": f"127.0.0.1:{port}", "spec": {"b": "2", "a": "one"}}


async def test_the_resource_is_fetched_executed_and_judged(rig: TriggerRig, here: dict[str, Any], service: Service) -> None:
    service.message = "all\nwell"
    assert (await rig.fire(rig.trigger(here | {"payload": PAYLOAD}))).detail == "all well"
    assert service.names == ALL
    fetch, execute, judge = (request for _, request in service.calls)
    assert fetch.resource == b'"a": "one"\n"b": "2"\n'
    assert (execute.resource, execute.payload) == (b'{"kind": "x", "n": 1}', b'{"who":"me"}')
    assert judge.request == b"done"


async def test_every_call_carries_the_key_the_chain_and_the_deadline(
    rig: TriggerRig, here: dict[str, Any], service: Service
) -> None:
    head = TocsinTriggerHead.model_validate({"timeout": "20s"})
    trigger = rig.trigger(here, head=head)
    await trigger.fire(trigger.render(a_bound()), idempotency_key="f-1", chain=Chain("c-1", "f-1", 3))
    told = {"idempotency-key": "f-1", "tocsin-correlation-id": "c-1", "tocsin-causation-id": "f-1", "tocsin-hops": "3"}
    assert [told.items() <= metadata.items() for metadata in service.metadata] == [True] * 3
    assert trigger.timeout_s == 20
    assert all(15 < left_s < 25 for left_s in service.left_s), service.left_s  # on the wire it is rounded
    assert rig.trigger(here).timeout_s == 60


async def test_parameters_change_the_resource_that_was_fetched(rig: TriggerRig, here: dict[str, Any], service: Service) -> None:
    parameters = [parameter("for", dataKey="who"), parameter("n", dataKey="n", useRawData=True)]
    await rig.fire(rig.trigger(here | {"parameters": parameters}), {"who": "me", "n": 5})
    assert service.calls[1][1].resource == b'{"kind": "x", "n": 5,"for":"me"}'


@pytest.mark.parametrize("resource", [b"kind: x", b"[1]", b"", b"\xff"])
async def test_parameters_need_a_json_object(rig: TriggerRig, here: dict[str, Any], service: Service, resource: bytes) -> None:
    service.resource = resource
    await rig.fire(rig.trigger(here))
    with pytest.raises(TriggerRefused, match="fetched resource is no JSON object"):
        await rig.fire(rig.trigger(here | {"parameters": [parameter("a", dataKey="who")]}))
    assert service.names == [*ALL, "FetchResource"]


@pytest.mark.parametrize("rpc", ALL)
@pytest.mark.parametrize(
    ("code", "error"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, TriggerRefused),
        (grpc.StatusCode.PERMISSION_DENIED, TriggerRefused),
        (grpc.StatusCode.UNIMPLEMENTED, TriggerRefused),
        (grpc.StatusCode.UNAVAILABLE, TriggerUnavailable),
        (grpc.StatusCode.UNKNOWN, TriggerUnavailable),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, TriggerUnavailable),
        (grpc.StatusCode.CANCELLED, TriggerUnavailable),
    ],
    ids=lambda value: getattr(value, "name", None),
)
async def test_a_status_is_worth_another_try_or_is_not(
    rig: TriggerRig, here: dict[str, Any], service: Service, rpc: str, code: grpc.StatusCode, error: type[Exception]
) -> None:
    service.faults[rpc] = (code, "out\nof cheese")
    with pytest.raises(error, match=rf"service at 127\.0\.0\.1:\d+: {rpc}: {code.name}: out of cheese$"):
        await rig.fire(rig.trigger(here))


async def test_what_is_no_success_is_a_failure_and_executed_again(
    rig: TriggerRig, here: dict[str, Any], service: Service
) -> None:
    service.success, service.message = False, "only half"
    trigger = rig.trigger(here)
    for _ in range(2):
        with pytest.raises(TriggerUnavailable, match="ApplyPolicy: not a success: only half"):
            await rig.fire(trigger)
    assert service.names == ALL * 2


async def test_what_was_executed_is_not_executed_again_when_only_the_judgement_failed(
    rig: TriggerRig, here: dict[str, Any], service: Service
) -> None:
    service.faults["ApplyPolicy"] = (grpc.StatusCode.UNAVAILABLE, "")
    trigger = rig.trigger(here)
    with pytest.raises(TriggerUnavailable, match=r"ApplyPolicy: UNAVAILABLE$"):
        await rig.fire(trigger)
    service.faults.clear()
    service.response = b"another"
    await rig.fire(trigger)
    assert service.names == [*ALL, "ApplyPolicy"]
    assert service.calls[-1][1].request == b"done"
    await rig.fire(trigger)  # a judged one is forgotten
    assert service.names[4:] == ALL


async def test_what_is_remembered_is_bounded(rig: TriggerRig, here: dict[str, Any], service: Service) -> None:
    service.faults["ApplyPolicy"] = (grpc.StatusCode.UNAVAILABLE, "")
    trigger = rig.trigger(here)
    for n in range(REMEMBERED + 2):
        with pytest.raises(TriggerUnavailable):
            await rig.fire(trigger, key=f"f-{n}")
    assert len(rig.shared.get(CustomServices)._executed) == REMEMBERED


async def test_an_answer_that_is_too_large_is_refused_and_others_go_on(
    rig: TriggerRig, here: dict[str, Any], service: Service
) -> None:
    trigger = rig.trigger(here)
    service.resource = b"x" * (LARGEST_BYTES + 1)
    with pytest.raises(TriggerRefused, match="message larger than max"):
        await rig.fire(trigger)
    service.resource = b"{}"
    await rig.fire(trigger)


async def test_a_request_that_is_too_large_for_the_service_is_refused(
    rig: TriggerRig, here: dict[str, Any], service: Service
) -> None:
    with pytest.raises(TriggerRefused, match="message larger than max"):
        await rig.fire(rig.trigger(here | {"payload": PAYLOAD}), {"who": "x" * (5 * 1024 * 1024)})


async def test_a_service_that_hangs_is_left_at_the_deadline_and_knows(
    rig: TriggerRig, here: dict[str, Any], service: Service
) -> None:
    service.hold["Execute"] = asyncio.Event()
    with pytest.raises(TriggerUnavailable, match="Execute: DEADLINE_EXCEEDED"):
        await rig.fire(rig.trigger(here, head=TocsinTriggerHead.model_validate({"timeout": "300ms"})))
    service.hold.clear()
    await rig.fire(rig.trigger(here))


async def test_a_cancelled_attempt_cancels_the_call_and_leaves_the_connection(
    rig: TriggerRig, here: dict[str, Any], service: Service
) -> None:
    service.hold["Execute"] = asyncio.Event()
    task = asyncio.create_task(rig.fire(rig.trigger(here)))
    await service.held.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    service.hold.clear()
    await rig.fire(rig.trigger(here))
    assert len(rig.shared.get(CustomServices)) == 1


async def test_a_service_that_is_away_is_worth_another_try_and_used_when_it_is_back(rig: TriggerRig, service: Service) -> None:
    async with serving(service) as port:
        trigger = rig.trigger({"serverURL": f"127.0.0.1:{port}", "spec": {}})
        await rig.fire(trigger)
    with pytest.raises(TriggerUnavailable, match="FetchResource: UNAVAILABLE: "):
        await rig.fire(trigger)
    async with serving(service, port=port):
        async with asyncio.timeout(20):
            while True:
                try:
                    await rig.fire(trigger)
                    break
                except TriggerUnavailable:
                    continue
    assert service.names == ALL * 2


@pytest.fixture
def secured(tmp_path: Path, openssl: None) -> RigValues:
    values = RigValues()
    values.add_files(make_certificates(tmp_path), "ca.pem", "other.pem")
    return values


async def test_a_service_is_known_by_its_certificate(secured: RigValues, tmp_path: Path, service: Service) -> None:
    async with serving(service, certificates=tmp_path) as port, rig_of(CustomKind, secured) as rig:
        fields = {"serverURL": f"127.0.0.1:{port}", "spec": {}, "secure": True, "certSecret": ref("ca.pem")}
        await rig.fire(rig.trigger(fields))
        with pytest.raises(TriggerUnavailable, match=r"UNAVAILABLE: .*CERTIFICATE_VERIFY_FAILED"):
            await rig.fire(rig.trigger(fields | {"certSecret": ref("other.pem")}))
        with pytest.raises(TriggerUnavailable, match="UNAVAILABLE"):
            await rig.fire(rig.trigger(fields | {"serverURL": f"localhost:{port}"}))
        await rig.fire(rig.trigger(fields | {"serverURL": f"localhost:{port}", "serverNameOverride": "127.0.0.1"}))
        with pytest.raises(TriggerUnavailable, match="UNAVAILABLE"):
            await rig.fire(rig.trigger(fields | {"secure": False}))
        with pytest.raises(TriggerUnavailable, match="'gone' is missing"):
            await rig.fire(rig.trigger(fields | {"certSecret": ref("gone")}))
    assert service.names == ALL * 2


async def test_the_library_says_nothing_by_itself(
    secured: RigValues, tmp_path: Path, service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    async with serving(service, certificates=tmp_path) as port, rig_of(CustomKind, secured) as rig:
        fields = {"serverURL": f"localhost:{port}", "spec": {}, "secure": True, "certSecret": ref("other.pem")}
        with pytest.raises(TriggerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await rig.fire(rig.trigger(fields))
    assert capfd.readouterr().err == ""


async def test_a_renewed_certificate_is_used_and_one_that_is_none_leaves_the_former_in_use(
    secured: RigValues, tmp_path: Path, service: Service
) -> None:
    async with serving(service, certificates=tmp_path) as port, rig_of(CustomKind, secured) as rig:
        secured.values["now"] = secured.values["other.pem"]
        fields = {"serverURL": f"127.0.0.1:{port}", "spec": {}, "secure": True, "certSecret": ref("now")}
        trigger = rig.trigger(fields)
        with pytest.raises(TriggerUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await rig.fire(trigger)
        secured.values["now"] = secured.values["ca.pem"]
        await rig.fire(trigger)
        for broken in (b"half a certif", b""):
            secured.values["now"] = broken
            await rig.fire(trigger)
            (kept,) = rig.shared.get(Certificates).problems()
            assert str(kept.ref) == "default/shop/tell"


async def test_a_service_without_tls_is_not_spoken_to_where_tls_is_declared(
    secured: RigValues, tmp_path: Path, service: Service
) -> None:
    async with serving(service) as port, rig_of(CustomKind, secured) as rig:
        fields = {"serverURL": f"127.0.0.1:{port}", "spec": {}, "secure": True, "certSecret": ref("ca.pem")}
        with pytest.raises(TriggerUnavailable, match="UNAVAILABLE"):
            await rig.fire(rig.trigger(fields))
    assert service.names == []


async def test_triggers_of_one_service_share_a_connection_and_nothing_is_sent_after_the_end(
    rig: TriggerRig, here: dict[str, Any], service: Service
) -> None:
    triggers = [rig.trigger(here | {"spec": {"n": str(n)}}) for n in range(3)]
    await asyncio.gather(*(rig.fire(triggers[n % 3], key=f"f-{n}") for n in range(60)))
    assert len(rig.shared.get(CustomServices)) == 1
    await rig.shared.aclose()
    services = CustomServices()
    await services.aclose()
    rig.shared.put(services)
    with pytest.raises(TriggerUnavailable, match="stopping"):
        await rig.fire(triggers[0])
