"""Three agents work through two files; every call of theirs becomes a priced span.

    make demo                          against a local server, without any key
    python examples/demo.py --real     against OpenAI and Anthropic, with your keys

The story is in this file. `demo_bill.py` holds what the local server shall answer and what that
costs, worked out by hand; `demo_checks.py` compares the printed table, the spans that a receiver
got, the file, the server's tally and that bill; `demo_receiver.py` is the receiver;
`demo_report.py` shows what `costspan report` makes of the file.
"""

import argparse
import asyncio
import os
import sys
from uuid import uuid4

from anthropic import Anthropic, AsyncAnthropic
from demo_bill import ALERT_USD, BILL, Script, forget_settings, local_provider
from demo_checks import by_agent, check, from_bill, from_lines, from_spans, from_tally, read_lines
from demo_receiver import SpanReceiver
from demo_report import report
from demo_table import print_alert, print_table
from openai import AsyncOpenAI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from costspan import Budget, CostTracker, Instrumentor, attribution

OPUS, HAIKU, GPT = "claude-opus-4-5", "claude-haiku-4-5", "gpt-5.2"
FILES = ("billing.py", "auth.py")
FOLDER = "logs"


def said(text):
    return [{"role": "user", "content": text}]


@attribution(agent="code_reviewer", endpoint="review")
def review(name, script):
    """The sync Anthropic client: a whole answer, then a stream."""
    ask = script.of("code_reviewer")  # tells the local server what to answer; empty with --real
    with Anthropic() as claude:
        claude.messages.create(
            model=OPUS, max_tokens=300, messages=said(f"List the risks in {name}."), **ask()
        )
        with claude.messages.stream(
            model=OPUS, max_tokens=300, messages=said(f"Review {name}."), **ask()
        ) as stream:
            return stream.get_final_text()


@attribution(agent="test_writer", endpoint="tests")
async def write_tests(name, script):
    """The async OpenAI client, chat completions: a whole answer, then a stream."""
    ask = script.of("test_writer")
    async with AsyncOpenAI() as gpt:
        await gpt.chat.completions.create(
            model=GPT,
            messages=said(f"Which cases of {name} need a test?"),
            max_completion_tokens=300,
            **ask(),
        )
        stream = await gpt.chat.completions.create(
            model=GPT,
            messages=said(f"Write tests for {name}."),
            max_completion_tokens=300,
            stream=True,
            stream_options={"include_usage": True},  # costspan adds it for api.openai.com
            **ask(),
        )
        return [chunk async for chunk in stream]


@attribution(agent="docs_generator", endpoint="docs")
async def write_docs(name, script):
    """Two async streams: OpenAI's responses, then Anthropic's messages."""
    ask = script.of("docs_generator")
    async with AsyncOpenAI() as gpt, AsyncAnthropic() as claude:
        events = await gpt.responses.create(
            model=GPT,
            input=f"Write a page about {name}.",
            max_output_tokens=300,
            stream=True,
            **ask(),
        )
        page = [event async for event in events]
        events = await claude.messages.create(
            model=HAIKU, max_tokens=300, messages=said("Shorten it."), stream=True, **ask()
        )
        return page, [event async for event in events]


async def work(script):
    """The loop: each file is reviewed in a thread, then tested and documented side by side."""
    for name in FILES:
        await asyncio.to_thread(review, name, script)
        await asyncio.gather(write_tests(name, script), write_docs(name, script))


def run(script, receiver, server=None):
    """Instrument, work, print and compare: what does not agree, what was compared, the session."""
    alerts = []
    costs = CostTracker(
        budgets=[Budget("single call", usd="0.05", per="call", alerts=[alerts.append])]
    )
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(receiver.url)))
    Instrumentor().instrument(tracer_provider=spans, costs=costs, local=FOLDER)

    session = f"demo-{uuid4().hex[:8]}"
    with attribution(session=session, user="you", tags={"example": "demo"}) as spent:
        asyncio.run(work(script))

    spans.shutdown()  # sends what is still waiting
    costs.flush()  # likewise the alerts
    Instrumentor().uninstrument()
    lines, files = read_lines(FOLDER, session)
    table = by_agent(costs)

    print_table(table, spent)
    print_alert(alerts)
    print(f"  spans  {len(receiver.spans)} arrived at the OTLP receiver")
    print(f"  file   {len(lines)} lines in {', '.join(files)}")

    books = {
        "table": table,
        "session": {"all": spent},
        "spans": from_spans(receiver.spans),
        "file": from_lines(lines),
    }
    if server is not None:
        books["server's tally"] = from_tally(server.tally)
        books["bill by hand"] = from_bill(BILL)
    faults = check(books, receiver.spans, lines, alerts, ALERT_USD if server else None)
    return faults, list(books), session


def main():
    """Run against the local server, or with --real against the providers."""
    parser = argparse.ArgumentParser(description="costspan's demo")
    parser.add_argument("--real", action="store_true", help="call OpenAI and Anthropic")
    real = parser.parse_args().real
    if real and not (os.environ.get("OPENAI_API_KEY") and os.environ.get("ANTHROPIC_API_KEY")):
        sys.exit("--real needs OPENAI_API_KEY and ANTHROPIC_API_KEY")

    forget_settings()
    print(f"\n  Three agents, two files, {'OpenAI and Anthropic' if real else 'a local server'}.\n")
    with SpanReceiver() as receiver:
        if real:
            faults, books, session = run(Script({}), receiver)
        else:
            with local_provider() as server:
                faults, books, session = run(Script(BILL), receiver, server)
    if faults:
        sys.exit("\n".join(["", "  These do not agree:", *(f"  - {fault}" for fault in faults)]))
    print(f"  agree  {', '.join(books)}\n")
    report(FOLDER, session)


if __name__ == "__main__":
    main()
