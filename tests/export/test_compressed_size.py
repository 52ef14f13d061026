"""How small closed files become: realistic lines of agents' sessions, with ids that are random."""

import random
import string
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from costspan.call import Call
from costspan.cost.pricing.prices import Prices
from costspan.export.compression import compressor
from costspan.export.schema import encoded
from tests.cost.calls import AT, finished

CALLS = 30_000
BASE_62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
BASE_58 = "".join(char for char in BASE_62 if char not in "0OIl")
MODELS = (("openai", "gpt-4o-mini"), ("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5"))


class Session:
    """A conversation that an agent has for a user: its input grows with each call."""

    def __init__(self, chance: random.Random, number: int) -> None:
        self.facts = {
            "session": f"ticket-{number}",
            "user": f"u{chance.randrange(500)}",
            "agent": chance.choice(["code_reviewer", "summarizer", "planner", "search"]),
            "endpoint": chance.choice(["/ask", "/summarize"]),
        }
        self.left = 1 + int(chance.expovariate(0.1))
        self.input_tokens = int(chance.lognormvariate(7, 0.7))


def sessions(chance: random.Random) -> Iterator[Session]:
    """The session of each call, thirty being open at a time."""
    open_ones: list[Session] = []
    number = 0
    while True:
        while len(open_ones) < 30:
            number += 1
            open_ones.append(Session(chance, number))
        session = chance.choice(open_ones)
        yield session
        session.left -= 1
        if not session.left:
            open_ones.remove(session)


def numeral(number: int, digits: str, width: int) -> str:
    """A number in as many digits as the alphabet has."""
    found = ""
    for _ in range(width):
        number, digit = divmod(number, len(digits))
        found = digits[digit] + found
    return found


def ids(chance: random.Random, provider: str, at: datetime) -> tuple[str, str]:
    """A response id and a request id, made as those that the providers answer with.

    OpenAI's begins with the second, in base 62 (since 2019-12-19), and its request id is a UUID of
    version 4; both of Anthropic's are UUIDs of version 7, which begin with the millisecond, in base
    58. Read off recorded responses: decoded so, their ids give the times at which they were made.
    """
    if provider == "openai":
        second = numeral(int(at.timestamp()) - 1_576_800_000, BASE_62, 5)
        answer = f"chatcmpl-{second}{''.join(chance.choices(BASE_62, k=24))}"
        return answer, f"req_{UUID(int=chance.getrandbits(128), version=4).hex}"
    answer, request = (
        numeral(milliseconds << 80 | 7 << 76 | chance.getrandbits(76), BASE_58, 22)
        for milliseconds in [int(at.timestamp() * 1000)] * 2
    )
    return f"msg_01{answer}", f"req_01{request}"


def call_of(chance: random.Random, session: Session, at: Any, with_ids: bool) -> Call:
    provider, model = chance.choices(MODELS, [5, 2, 3])[0]
    output = int(chance.lognormvariate(5, 1))
    seconds = 0.3 + output * 0.01 * chance.uniform(0.8, 1.3)
    first = seconds * chance.uniform(0.1, 0.3) if chance.random() < 0.4 else None
    cached = session.input_tokens // 128 * 128 if chance.random() < 0.5 else 0
    response, request = ids(chance, provider, at) if with_ids else (None, None)
    call = finished(
        model, provider, at=at, runtime_seconds=seconds, time_to_first_token=first,
        time_to_first_chunk=first, stream=first is not None, http_status=200, server_port=443,
        server_address=f"api.{provider}.com", service_tier="default",
        trace_id=chance.getrandbits(128), span_id=chance.getrandbits(64), request_id=request,
        input_tokens=session.input_tokens, output_tokens=output,
        cache_read_tokens=cached if provider == "openai" else 0, **session.facts,
    )  # fmt: skip
    session.input_tokens += output + int(chance.lognormvariate(5, 1))
    answer = structs.replace(call.response, id=response, finish_reasons=("stop",))
    return structs.replace(call, response=answer)


def lines(with_ids: bool) -> bytes:
    chance, prices, at = random.Random(1), Prices(), AT
    found = []
    for _, session in zip(range(CALLS), sessions(chance), strict=False):
        at += timedelta(microseconds=int(chance.expovariate(1 / 864_000)))
        call = call_of(chance, session, at, with_ids)
        found.append(encoded(call, prices.cost(call)))
    return b"".join(found)


def megabytes(kind: str, with_ids: bool) -> float:
    """Of 100,000 calls."""
    packed = BytesIO()
    with compressor(kind)(packed) as file:
        file.write(lines(with_ids))
    return len(packed.getvalue()) / CALLS * 100_000 / 10**6


@pytest.mark.parametrize(
    ("kind", "with_ids", "most"),
    [("zstd", False, 8.0), ("zstd", True, 12.0), ("gzip", False, 10.2), ("gzip", True, 14.8)],
)
def test_a_closed_file_is_small(kind: str, with_ids: bool, most: float):
    assert megabytes(kind, with_ids) <= most
