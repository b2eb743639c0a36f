"""A plain client of AMQP 1.0, on Apache Qpid Proton: `amqp_client.py send|receive HOST:PORT ADDRESS COUNT [TOKEN]`.

Prints one line for each message: what became of it, or what came.
"""

import json
import sys

from azure_double import shown
from proton import Message
from proton.utils import BlockingConnection


def put_token(connection: BlockingConnection, audience: str, token: str) -> None:
    """Say who this is, as Azure wants it."""
    answers, asked = connection.create_receiver("$cbs"), connection.create_sender("$cbs")
    properties = {"operation": "put-token", "type": "servicebus.windows.net:sastoken", "name": audience}
    asked.send(Message(id="t", reply_to="cbs", properties=properties, body=token))
    answer = answers.receive(timeout=10)
    answers.accept()
    assert answer.correlation_id == "t"
    print(json.dumps({"status": answer.properties["status-code"]}))


def send(connection: BlockingConnection, address: str, count: int) -> None:
    """Send messages that differ."""
    sender = connection.create_sender(address)
    for n in range(count):
        told = Message(id=f"m-{n}", properties={"n": str(n), "Idempotency-Key": f"m-{n}"}, body=bytes(range(n)), inferred=True)
        print(json.dumps({"outcome": str(sender.send(told).remote_state)}))


def receive(connection: BlockingConnection, address: str, count: int) -> None:
    """Take messages."""
    receiver = connection.create_receiver(address, credit=count)
    for _ in range(count):
        print(json.dumps(shown(address, receiver.receive(timeout=10))))
        receiver.accept()


if __name__ == "__main__":
    what, server, address, count, *token = sys.argv[1:]
    connection = BlockingConnection(server, timeout=10, allowed_mechs="ANONYMOUS")
    if token:
        put_token(connection, f"amqp://{server}/{address}", token[0])
    {"send": send, "receive": receive}[what](connection, address, int(count))
    connection.close()
