"""Any bytes at all: never 500, never a hang, and exactly one event for each 200."""

import asyncio
import gzip
import re

from http_rig import SECRET, Rig, connected, rigged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.http.limits import Limits
from sources.http.signatures import hub_signature

SHORT = Limits(head_timeout_s=0.3, body_timeout_s=0.2, body_rate=100_000_000, idle_timeout_s=0.4, linger_s=0.1)

token = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-_", min_size=1, max_size=20)
header_value = st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n\0"), max_size=40)
header = st.one_of(
    st.tuples(token, header_value),
    st.tuples(
        st.sampled_from(
            ["Content-Type", "Content-Encoding", "Expect", "Connection", "Upgrade", "Transfer-Encoding", "Authorization"]
        ),
        st.sampled_from(
            ["application/json", "application/x-www-form-urlencoded", "gzip", "100-continue", "close", "chunked", "x"]
        ),
    ),
    st.tuples(st.sampled_from(["X-GitHub-Event", "X-GitHub-Delivery"]), token),
)
json_text = st.sampled_from([b"{}", b'{"a":[1,2,{"b":null}]}', b'"x"', b'{"ref":"refs/heads/main"}', b'{"zen":1}', b"[]", b"1e5"])
body = st.one_of(json_text, st.binary(max_size=300), json_text.map(gzip.compress), json_text.map(lambda text: b"payload=" + text))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is mostly well-formed."""
    content = draw(body)
    path = draw(st.sampled_from(["/hook", "/hook", "/github", "/github", "/hook?a=1", "/x/1", "/no", "/health"]))
    lines = [f"{draw(st.sampled_from(['POST', 'POST', 'POST', 'GET', 'PUT', 'HEAD']))} {path} HTTP/1.1", "Host: h"]
    lines += [f"{name}: {value}" for name, value in draw(st.lists(header, max_size=6))]
    lines.append(f"X-Hub-Signature-256: {hub_signature('sha256', SECRET.encode(), content)}")
    chunked = draw(st.booleans())
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        at = sorted(draw(st.lists(st.integers(0, len(content)), max_size=3)))
        pieces = [content[low:high] for low, high in zip([0, *at], [*at, len(content)], strict=True)]
        sent = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"
    else:
        lines.append(f"Content-Length: {len(content) + draw(st.sampled_from([0, 0, 0, 0, 1, -1]))}")
        sent = content
    return ("\r\n".join([*lines, "", ""])).encode("latin-1") + sent


async def _exchange(rig: Rig, sent: bytes, cuts: list[int]) -> list[int]:
    """Send `sent` in pieces, end it, and return the statuses of all answers."""
    async with connected(rig.port) as (reader, writer):
        got = b""
        try:
            at = sorted({cut % (len(sent) + 1) for cut in cuts})
            for low, high in zip([0, *at], [*at, len(sent)], strict=True):
                writer.write(sent[low:high])
                await writer.drain()
                await asyncio.sleep(0)
            async with asyncio.timeout(10):
                while piece := await reader.read(65536):
                    got += piece
        except ConnectionError:
            got += bytes(reader._buffer)  # type: ignore[attr-defined]
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sent=st.lists(st.one_of(requests(), requests(), requests(), st.binary(max_size=100)), min_size=1, max_size=3),
    cuts=st.lists(st.integers(0, 4000), max_size=4),
)
async def test_whatever_is_sent_is_answered_in_time_and_events_match_the_successes(sent: list[bytes], cuts: list[int]) -> None:
    async with rigged(SHORT) as rig:
        await rig.serve(
            rig.webhook(), rig.github(webhookSecret={"name": "hub", "key": "k"}), rig.webhook("any", endpoint="/x/{id}")
        )
        statuses = await _exchange(rig, b"".join(sent), cuts)
        assert 500 not in statuses
        assert set(statuses) <= {100, 200, 400, 401, 404, 405, 408, 413, 415, 417, 431}
        answered = sum(by_status.get(200, 0) for _, by_status in rig.listener.answers())
        assert len(rig.events) <= answered, "no event without a success"
        assert statuses.count(200) <= answered + rig.listener.unrouted()[rig.port].get(200, 0)
        assert rig.listener._budget.used == 0
        assert (await rig.post()).status == 200
