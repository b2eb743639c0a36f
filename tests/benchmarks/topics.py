"""Kafka on either end, beside HTTP on both: a real broker, on the same machine."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from servers.cache import Missing
from servers.kafka import KafkaBroker

from benchmarks.accepting import Figures
from benchmarks.acting import MAIN, all_the_way
from benchmarks.declare import Object, http_trigger, on_ref, sensor, source
from benchmarks.processes import ROOT, environment, free_port, get, load, module
from benchmarks.scale import Scale
from benchmarks.service import Service, helper, middle, serving, target_stats, wait_quiet, work_folder
from benchmarks.table import Row

_IN, OUT = "bench-in", "bench-out"


def topics(scale: Scale) -> list[Row]:
    """Three roads at full speed, each until every outcome, round by round: webhook → HTTP, Kafka → HTTP, webhook → Kafka."""
    ports = {"http": free_port(), "kafka": free_port()}
    rounds: dict[str, list[Figures]] = {"http": [], "in": [], "out": []}
    with (
        a_broker() as broker,
        helper("target") as (_, target_port),
        serving(_roads(broker.plain, ports, target_port)) as service,
    ):
        for scaled in (1_000, *[scale.events] * scale.rounds):
            rounds["http"].append(all_the_way(service, ports["http"], target_port, scaled))
            wait_quiet(service.process)
            rounds["in"].append(_from_topic(service, broker.plain, target_port, scaled))
            wait_quiet(service.process)
            rounds["out"].append(_to_topic(service, ports["kafka"], scaled))
            wait_quiet(service.process)
    http, taken, written = (middle(rounds[road][1:]) for road in ("http", "in", "out"))
    return [
        _row("Kafka → filter → HTTP trigger", taken, http, wanted=1.0),
        _row("webhook → filter → Kafka trigger", written, http, wanted=2.0),
    ]


def _row(measure: str, own: Figures, http: Figures, *, wanted: float) -> Row:
    ratio = own["rate"] / http["rate"]
    return Row(
        measure=f"{measure}, until every outcome",
        result=f"{own['rate']:,.0f}/s = {ratio:.2f} × webhook → HTTP ({http['rate']:,.0f}/s); "
        f"{own['cpu_us']:.0f} µs an event ({http['cpu_us']:.0f} µs)",
        goal=f"≥ {wanted:.0f} × webhook → HTTP",
        met=ratio >= wanted,
        figures=own | {"ratio": ratio, "http_rate": http["rate"], "http_cpu_us": http["cpu_us"]},
    )


def _roads(broker: str, ports: dict[str, int], target_port: int) -> list[Object]:
    url = f"http://127.0.0.1:{target_port}/act"
    group = {"groupName": "bench", "oldest": True}
    records = {"records": {"url": broker, "topic": _IN, "jsonBody": True, "consumerGroup": group}}
    reading: Object = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "EventSource",
        "metadata": {"name": "topic"},
        "spec": {"kafka": records},
    }
    on_record = on_ref("main", MAIN, source_name="topic") | {"eventName": "records"}
    return [
        source("hooks", {"push": ("/push", ports["http"])}),
        sensor("http-to-http", [on_ref("main", MAIN)], [http_trigger("call", url, "main")]),
        reading,
        sensor("kafka-to-http", [on_record], [http_trigger("call", url, "main")]),
        source("published", {"push": ("/push", ports["kafka"])}),
        sensor("http-to-kafka", [on_ref("main", MAIN, source_name="published")], [_kafka_trigger(broker)]),
    ]


def _kafka_trigger(broker: str) -> Object:
    """A record with two values of the event, as the HTTP trigger sends them."""
    template = http_trigger("write", "", "main")["template"]
    assert isinstance(template, dict)
    payload = template["http"]["payload"]
    return {"template": {"name": "write", "kafka": {"url": broker, "topic": OUT, "payload": payload}}}


def _from_topic(service: Service, broker: str, target_port: int, count: int) -> Figures:
    """Write `count` records; time and CPU until each has its recorded outcome."""
    get(f"http://127.0.0.1:{target_port}/reset")
    before = service.process.cpu_s()
    command = module("kafka_load", broker=broker, topic=_IN, count=count)
    filled = subprocess.run(command, check=True, timeout=300, cwd=ROOT, env=environment(), capture_output=True, text=True)
    began = float(filled.stdout)  # its start-up is not the service's
    while target_stats(target_port)["keys"] < count and time.monotonic() - began < 300:
        time.sleep(0.1)
    service.drain()
    return _figures(service, count, before, began)


def _to_topic(service: Service, port: int, count: int) -> Figures:
    """Send `count` events; time and CPU until each is in the topic and has its recorded outcome."""
    before, began = service.process.cpu_s(), time.monotonic()
    load(port, count=count)
    service.drain(every_s=0.1)  # as often as the target of the other roads is asked
    return _figures(service, count, before, began)


def _figures(service: Service, count: int, cpu_before_s: float, began: float) -> Figures:
    return {"rate": count / (time.monotonic() - began), "cpu_us": 1e6 * (service.process.cpu_s() - cpu_before_s) / count}


@contextmanager
def a_broker() -> Iterator[KafkaBroker]:
    """A broker with the two topics."""
    with work_folder() as folder:
        try:
            broker = KafkaBroker(folder)
        except Missing as missing:
            raise RuntimeError(str(missing)) from missing
        try:
            broker.start()
            asyncio.run(_make_topics(broker.plain))
            yield broker
        finally:
            broker.stop()


async def _make_topics(broker: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    try:
        await admin.start()
        await admin.create_topics([NewTopic(name, 4, 1) for name in (_IN, OUT)])
    finally:
        await admin.close()
