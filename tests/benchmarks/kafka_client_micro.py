"""CPU per record written to Kafka: by the library, by our writer, and a whole firing without a bus. A real broker, idempotent.

Run: `PYTHONPATH=tests python -m benchmarks.kafka_client_micro [--records N] [--parallel N]`.
"""

import argparse
import asyncio
from functools import partial

import uvloop
from aiokafka import AIOKafkaProducer

from benchmarks.topics import OUT, a_broker
from benchmarks.without_bus import PAYLOAD, Cost, compare, drive, firings
from clients.kafka.connection import Connection
from sensors.triggers.kafka import AT_A_TIME, KafkaKind
from sensors.triggers.kafka_partitions import Partitioner
from sensors.triggers.kafka_producers import Producers, Way
from sensors.triggers.kafka_record import Record
from sensors.triggers.kafka_writer import BATCH_BYTES
from sensors.triggers.shared import Shared

_VALUE = b'{"ref":"refs/heads/main","by":"someone"}'
_HEADERS = [("Idempotency-Key", b"0" * 32), ("Tocsin-Causation-Id", b"0" * 32), ("Tocsin-Hops", b"1")]


async def library(records: int, *, broker: str, parallel: int) -> Cost:
    """The library's own batches, each record under a deadline; those without a key stay together for a while, as ours."""
    partitioner = Partitioner()

    def together(key: bytes | None, partitions: list[int], available: list[int]) -> int:
        kept = partitioner.kept(OUT)
        return partitioner.choose(OUT, key, partitions, available) if kept is None else kept

    producer = AIOKafkaProducer(
        bootstrap_servers=broker, enable_idempotence=True, partitioner=together, max_batch_size=BATCH_BYTES
    )
    await producer.start()

    async def one() -> None:
        async with asyncio.timeout(10):
            await (await producer.send(OUT, _VALUE, headers=_HEADERS))

    cost = await drive(one, records, parallel)
    await producer.stop()
    return cost


async def ours(records: int, *, broker: str, parallel: int) -> Cost:
    """Our writer, from the pool that triggers share."""
    producers, way = Producers(), Way(Connection((broker,)), -1)

    async def one() -> None:
        await producers.send(way, Record(OUT, None, None, _VALUE, _HEADERS))

    cost = await drive(one, records, parallel)
    await producers.aclose()
    return cost


async def firing(records: int, *, broker: str, parallel: int) -> Cost:
    """The dispatcher with a kafka trigger and two parameters."""
    shared = Shared()
    cost = await firings(KafkaKind(), {"url": broker, "topic": OUT, "payload": PAYLOAD}, records, parallel, shared=shared)
    await shared.aclose()
    return cost


def main() -> None:
    """Measure against a broker of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--parallel", type=int, default=AT_A_TIME)
    options = parser.parse_args()
    with a_broker() as broker:
        ways = {"aiokafka": library, "our writer": ours, "dispatcher + kafka trigger": firing}
        named = {name: partial(way, broker=broker.plain, parallel=options.parallel) for name, way in ways.items()}
        uvloop.run(compare(named, options.records))


if __name__ == "__main__":
    main()
