"""A stream that is dropped ends there and then: by its last reference, with no collector's help."""

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from costspan import Call, Cost, CostTracker, Instrumentor, attributed, attribution, record_call
from costspan.instrumentation.settlement import settlement
from costspan.testing import capture
from tests.instrumentation.app import run_app
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    PATIENCE,
    answer_chat,
    answer_message,
    anthropic_client,
    async_anthropic_client,
    async_openai_client,
    attributes_of,
    openai_client,
    watched,
)

READ = [0, 1, 2]


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """Cycles are not found during these tests."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def expect_abandoned(span: Any, read: int, input_tokens: int | None) -> None:
    found = attributes_of(span)
    assert found["costspan.stream.outcome"] == "abandoned"
    assert "error.type" not in found
    assert span.status.status_code.name == "UNSET"
    assert ("gen_ai.response.time_to_first_chunk" in found) == (read > 0)
    assert found.get("gen_ai.usage.input_tokens") == input_tokens
    assert "gen_ai.usage.output_tokens" not in found


@pytest.mark.parametrize("read", READ)
def test_openai(read: int) -> None:
    """The span comes when the stream goes."""
    with openai_client(answer_chat) as client, watched() as spans:
        stream = client.chat.completions.create(**ASK, stream=True)
        for _ in range(read):
            next(stream)
        assert spans.all() == []
        del stream
        expect_abandoned(spans.one(), read, None)


@pytest.mark.parametrize("read", READ)
def test_anthropic(read: int) -> None:
    """The same, and what had arrived of its usage is kept."""
    with anthropic_client(answer_message) as client, watched() as spans:
        stream = client.messages.create(**ASK_CLAUDE, stream=True)
        for _ in range(read):
            next(stream)
        assert spans.all() == []
        del stream
        expect_abandoned(spans.one(), read, 1000 if read else None)


@pytest.mark.parametrize("read", READ)
async def test_async_openai(read: int) -> None:
    """In a task, as soon as the loop has taken the SDK's generator down."""
    async with async_openai_client(answer_chat) as client:
        with watched() as spans:
            stream = await client.chat.completions.create(**ASK, stream=True)
            for _ in range(read):
                await anext(stream)
            assert spans.all() == []
            del stream
            await asyncio.to_thread(spans.wait, 1)
            expect_abandoned(spans.one(), read, None)


@pytest.mark.parametrize("read", READ)
async def test_async_anthropic(read: int) -> None:
    """The same for the other SDK."""
    async with async_anthropic_client(answer_message) as client:
        with watched() as spans:
            stream = await client.messages.create(**ASK_CLAUDE, stream=True)
            for _ in range(read):
                await anext(stream)
            assert spans.all() == []
            del stream
            await asyncio.to_thread(spans.wait, 1)
            expect_abandoned(spans.one(), read, 1000 if read else None)


def test_a_raw_response_that_is_never_parsed() -> None:
    """`with_raw_response` with a stream inside, dropped unread."""
    with openai_client(answer_chat) as client, watched() as spans:
        raw = client.chat.completions.with_raw_response.create(**ASK, stream=True)
        assert raw.headers["x-request-id"] == "r1"
        del raw
        expect_abandoned(spans.one(), 0, None)


FORK = """
import json, os, sys
from costspan import Instrumentor
from tests.instrumentation import rig

spans = rig.Spans()
Instrumentor().instrument(tracer_provider=rig.provider_into(spans), local=sys.argv[-1])
client = rig.openai_client(rig.answer_chat)
dropped = client.chat.completions.create(**rig.ASK, stream=True)
del dropped
spans.wait(1)
stream = client.chat.completions.create(**rig.ASK, stream=True)
next(stream)
read, write = os.pipe()
child = os.fork()
if child == 0:
    import gc
    spans.clear()
    del stream
    gc.collect()
    client.chat.completions.create(**rig.ASK)
    mine = client.chat.completions.create(**rig.ASK, stream=True)
    next(mine)
    del mine
    ended = [dict(s.attributes).get("costspan.stream.outcome", "") for s in spans.wait(2)]
    os.write(write, json.dumps(ended).encode())
    os._exit(0)
os.waitpid(child, 0)
assert len(spans.all()) == 1
rest = len(list(stream))
ended = [dict(s.attributes).get("costspan.stream.outcome", "") for s in spans.all()]
summary = Instrumentor().costs.summary()
print(json.dumps([json.loads(os.read(read, 1000)), rest, ended, summary.calls]))
"""


def test_a_forked_child_leaves_its_parents_stream_alone(tmp_path: Any) -> None:
    """The child drops its copy of an open stream and makes calls: each call is settled once."""
    script = FORK.replace("sys.argv[-1]", repr(str(tmp_path)))
    of_child, rest, of_parent, calls = run_app(script).said

    assert of_child == ["", "abandoned"]
    assert (rest, of_parent, calls) == (2, ["abandoned", ""], 2)
    (file,) = tmp_path.iterdir()
    assert file.read_text().count("\n") == 4


ENDING = """
import multiprocessing, time
from costspan import CostTracker, Instrumentor, record_call
from costspan.instrumentation.settlement import settlement

def until(is_so):
    while not is_so():
        time.sleep(0.001)

begun = []

def at_the_end(call, cost):
    begun.append(call)
    until(lambda: not settlement.queue.empty())  # somebody waits for this to be done
    print('"settled"', flush=True)

def drop():
    with record_call(model="m", provider="p") as call:
        stream = call.stream(iter([{}]))
    del stream
    until(lambda: begun)  # by the worker
    print('"dropped"', flush=True)

costs = CostTracker()
costs.writers = (at_the_end,)
Instrumentor().instrument(costs=costs, providers=())
"""

IN_A_CHILD = """
child = multiprocessing.get_context("fork").Process(target=drop)
child.start()
child.join()
"""


@pytest.mark.parametrize("ending", ["drop()", IN_A_CHILD], ids=["exit", "multiprocessing"])
def test_the_end_of_a_process_waits_for_what_the_worker_has_begun(ending: str) -> None:
    """It is the worker's alone, and the worker ends with the process."""
    assert run_app(ENDING + ending, sys.executable).said == "settled"


LEFT_OPEN = """
import asyncio, json, multiprocessing, sys
from openai import AsyncOpenAI, OpenAI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from costspan import Instrumentor, record_call
from costspan.testing import LLMServer

provider = TracerProvider()
shown = ConsoleSpanExporter(formatter=lambda span: json.dumps(dict(span.attributes)) + "\\n")
provider.add_span_processor(BatchSpanProcessor(shown))
trace.set_tracer_provider(provider)
Instrumentor().instrument()
server = LLMServer().__enter__()
ask = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
client = OpenAI(base_url=server.openai_url, api_key="none")
"""

LEFT = {
    "broken off": "kept = client.chat.completions.create(**ask); next(kept)",
    "unread": "kept = client.chat.completions.with_raw_response.create(**ask)",
    "async": """
async def main():
    global kept
    client = AsyncOpenAI(base_url=server.openai_url, api_key="none")
    kept = await client.chat.completions.create(**ask)
    await anext(kept)
asyncio.run(main())
""",
    "recorded": """
with record_call(model="gpt-4o-mini") as call:
    kept = call.stream(iter([{}]))
""",
    "multiprocessing": """
def work():
    global kept
    provider.add_span_processor(SimpleSpanProcessor(shown))  # a batch is not sent at this end
    kept = client.chat.completions.create(**ask)
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
""",
}


@pytest.mark.parametrize("how", LEFT)
def test_a_stream_that_is_open_to_the_end_of_its_process_is_abandoned(how: str) -> None:
    """As in a script that breaks off a loop over one: its span leaves with the others."""
    said = run_app(LEFT_OPEN + LEFT[how], sys.executable).said

    assert said["costspan.stream.outcome"] == "abandoned"
    assert said["gen_ai.request.model"] == "gpt-4o-mini"


def drop_as_the_worker_is_busy(costs: CostTracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dropped stream that is being settled until somebody waits for it."""
    price, begun = costs.prices.cost, threading.Event()

    def slowly(call: Call) -> Cost:
        begun.set()
        deadline = time.monotonic() + PATIENCE
        while settlement.queue.empty() and time.monotonic() < deadline:
            time.sleep(0.001)
        return price(call)

    monkeypatch.setattr(costs.prices, "cost", slowly)
    with record_call(model="gpt-4o-mini") as call:
        stream = call.stream(iter([{}]))
    del stream
    assert begun.wait(PATIENCE)


def test_switching_off_waits_for_what_the_worker_has_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From then on the tracker writes no lines."""
    costs = CostTracker()
    with watched(costs=costs, local=tmp_path):
        drop_as_the_worker_is_busy(costs, monkeypatch)

    (file,) = tmp_path.iterdir()
    assert file.read_text().count("\n") == 1


def test_what_was_captured_includes_what_the_worker_has_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else a test of the user's would see the call at some times, and at others not."""
    with capture() as captured:
        costs = Instrumentor().costs
        assert costs is not None
        drop_as_the_worker_is_busy(costs, monkeypatch)

        assert len(captured.calls) == 1


BEFORE_OTHERS_END = """
import json, sys, time
from costspan import Budget, CostTracker, Instrumentor, record_call
from costspan.instrumentation.settlement import settlement
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

def told(alert):
    while not any(lane._hurried for lane in costs._watch._courier._lanes.values()):
        time.sleep(0.001)  # until the end
    print(json.dumps(alert.budget), file=outs["alert"])

begun = []

def slowly(call):
    begun.append(call)
    while settlement.queue.empty():  # somebody waits for this to be done
        time.sleep(0.001)
    return price(call)

outs = {"alert": sys.stderr, "span": sys.stderr, WANTED: sys.stdout}
costs = CostTracker(budgets=[Budget("b", calls=1)], alerts=[told])
price, costs.prices.cost = costs.prices.cost, slowly
Instrumentor().instrument(costs=costs, providers=())
provider = TracerProvider()
exporter = ConsoleSpanExporter(out=outs["span"], formatter=lambda span: json.dumps(span.name))
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)
with record_call(model="m") as call:
    stream = call.stream(iter([{}]))
del stream
while not begun:  # by the worker
    time.sleep(0.001)
"""


@pytest.mark.parametrize(("wanted", "said"), [("alert", "b"), ("span", "chat m")])
def test_what_is_settled_at_the_end_is_told_and_sent(wanted: str, said: str) -> None:
    """Alerts and spans have their end after it, whatever was there first."""
    program = BEFORE_OTHERS_END.replace("WANTED", repr(wanted))

    assert run_app(program, sys.executable).said == said


@pytest.fixture
def fresh() -> Iterator[None]:
    """No worker runs, as before the first stream of a process."""
    settlement.finish()
    settlement.forget()
    yield
    settlement.finish()


@pytest.mark.usefixtures("fresh")
def test_the_worker_belongs_to_no_block() -> None:
    """It outlives the one that it starts in."""
    found: list[object] = []

    class Ended:
        def abandoned(self, at: float) -> None:
            found.append(attributed.current())

    with watched(), attribution(agent="ann"), record_call(model="m") as call:
        list(call.stream([{}]))
        settlement.queue.put((Ended(), 0.0))
        until = time.monotonic() + PATIENCE
        while not found and time.monotonic() < until:
            time.sleep(0.001)
    assert found == [attributed.NOBODY]


@pytest.mark.usefixtures("fresh")
def test_without_a_thread_the_next_call_settles_a_dropped_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    costs = CostTracker()
    with watched(costs=costs), monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with record_call(model="m") as call:
            stream = call.stream(iter([{}]))
        del stream
        assert costs.summary().calls == 0
        with record_call(model="m") as call:
            assert costs.summary().calls == 1
            call.set_usage(input_tokens=1)
