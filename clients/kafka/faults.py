"""What went wrong with a Kafka cluster, in words that say what to do. Never shows a credential."""

import asyncio
import ssl

from clients.kafka.connection import Connection, UnknownTopic
from clients.kafka.declared import BEARER

_PROBE_S = 5.0


async def why(exc: BaseException, connection: Connection) -> str:
    """One line about `exc`. Where the library says only that it cannot connect, it is found out by trying once more."""
    from aiokafka.errors import KafkaConnectionError  # noqa: PLC0415 - heavy

    if isinstance(exc, (KafkaConnectionError, TimeoutError)):
        found = await _probe(connection)
        exc = found if found is not None else exc
    return f"{connection.where}: {plainly(exc, connection)}"


async def _probe(connection: Connection) -> Exception | None:
    """The error of a connection to the first broker; None where it can be had now."""
    from aiokafka.conn import create_conn  # noqa: PLC0415 - heavy

    host, _, port = connection.brokers[0].rpartition(":")
    told = {key: value for key, value in connection.arguments().items() if key != "bootstrap_servers"}
    try:
        async with asyncio.timeout(_PROBE_S):
            made = await create_conn(host.strip("[]"), int(port), **told)
    except Exception as exc:  # that it fails is what is asked for, and how
        return exc
    made.close()
    return None


def _refused(connection: Connection) -> str:
    if connection.region:
        return f"AWS does not let us in; may this identity do kafka-cluster:Connect, and is {connection.region} its region?"
    if connection.endpoint is not None:
        return "the token is not accepted; check sasl.oauth: the broker may want another scope or issuer"
    if connection.mechanism == BEARER:
        return "the token is not accepted; check sasl.passwordSecret, and whether it has expired"
    return "the user or password is not accepted; check sasl.userSecret and sasl.passwordSecret"


def plainly(exc: BaseException, connection: Connection) -> str:
    """`exc` in words."""
    from clients.kafka.bearer import TokenUnavailable  # noqa: PLC0415 - heavy

    if isinstance(exc, UnknownTopic):
        return f"{exc}; make it, or correct the name"
    if type(exc) is ValueError or isinstance(exc, TokenUnavailable):
        return str(exc)  # ours, about a certificate or a token
    cause = exc.__cause__ or exc.__context__
    for one in (exc, cause):
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"the broker's certificate is not accepted: {one.verify_message}; set tls.caCertSecret to its authority"
        if isinstance(one, ssl.SSLError):
            return f"TLS failed ({one.reason or type(one).__name__}); does the port speak TLS and want a client certificate?"
    return next(
        (line for kind, line in _lines(exc, connection) if isinstance(exc, kind)),
        f"{type(exc).__name__}: {exc}".removesuffix(": "),
    )


Kinds = type[BaseException] | tuple[type[BaseException], ...]


def _lines(exc: BaseException, connection: Connection) -> tuple[tuple[Kinds, str], ...]:
    """What each kind of error means; the first that fits counts."""
    from aiokafka import errors  # noqa: PLC0415 - heavy

    return (
        ((errors.SaslAuthenticationFailed, errors.AuthenticationFailedError), _refused(connection)),
        (
            (errors.UnsupportedSaslMechanismError, errors.AuthenticationMethodNotSupported),
            "the broker does not take this sasl.mechanism",
        ),
        (errors.TopicAuthorizationFailedError, "this user may not use the topic"),
        (errors.GroupAuthorizationFailedError, "this user may not use the consumer group"),
        (errors.MessageSizeTooLargeError, "the record is larger than the broker takes"),
        (errors.InvalidTopicError, "the broker does not take this name of a topic"),
        (errors.UnknownTopicOrPartitionError, "there is no such topic or partition"),
        (errors.UnsupportedCodecError, "records are compressed in a way that needs more: pip install 'tocsin[kafka]'"),
        (errors.CorruptRecordException, "a batch of records is damaged: its checksum does not fit"),
        (ConnectionRefusedError, "cannot connect: connection refused"),
        (
            (ConnectionError, errors.KafkaConnectionError),
            "the connection ended or cannot be had; is a broker there, and does it speak the same protocol (TLS, SASL)?",
        ),
        ((TimeoutError, errors.KafkaTimeoutError, errors.RequestTimedOutError), "no answer in time"),
        (OSError, f"cannot connect: {getattr(exc, 'strerror', None) or exc}"),
    )
