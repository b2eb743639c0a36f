"""Writes the load generator's bodies to a Kafka topic, as fast as the broker takes them.

Run as a process of its own (`python -m benchmarks.kafka_load`), so that its work is not counted as the service's. Prints when it
began to write, in seconds of `time.monotonic`.
"""

import argparse
import asyncio
import time

import uvloop
from aiokafka import AIOKafkaProducer

from benchmarks.load import Requests

_AT_ONCE = 500


async def fill(broker: str, topic: str, count: int) -> None:
    """Write `count` records of 1 KiB."""
    requests = Requests("127.0.0.1", "/", "refs/heads/main")
    producer = AIOKafkaProducer(bootstrap_servers=broker, max_batch_size=256 * 1024)
    await producer.start()
    print(time.monotonic(), flush=True)
    try:
        for start in range(0, count, _AT_ONCE):
            bodies = (requests.make(n).split(b"\r\n\r\n", 1)[1] for n in range(start, min(count, start + _AT_ONCE)))
            await asyncio.gather(*[await producer.send(topic, body) for body in bodies])
    finally:
        await producer.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--broker", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--count", type=int, required=True)
    args = parser.parse_args()
    uvloop.run(fill(args.broker, args.topic, args.count))
