"""Two agents in two services, one trace, one cost, and one limit over both.

    pip install 'costspan[openai,report]'
    python examples/two_services.py
    costspan report logs --by trace

The writer plans with a model and asks the researcher over HTTP; that one looks passages up in a
vector store and asks a model. Both count against what one trace may cost, in a store that both see.
When the trace has used it up, the researcher answers 402 and the writer goes on with what it has.
Spans go to the folder `logs` too, or by OTLP where OTEL_EXPORTER_OTLP_ENDPOINT is set.
"""

import json
import os
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from openai import OpenAI
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

from costspan import (
    Alert,
    Budget,
    BudgetExceeded,
    CostTracker,
    Instrumentor,
    JsonlSpanExporter,
    attribution,
)
from costspan.testing import LLMServer

QUESTIONS = ("what is a span?", "what is a trace?", "what is a metric?")
PASSAGES = {
    "A span is one piece of work.": (1.0, 0.0),
    "A trace is a tree of spans.": (0.8, 0.6),
    "A metric is a number over time.": (0.0, 1.0),
}
# What a call takes on the local server: gpt-5.2 at 1,000 x 1.75 and 500 x 14 USD a million.
HEADERS = {"x-costspan-scenario": "tokens=1000/500"}
tracer = trace.get_tracer("two_services")


def say(line: str) -> None:
    """Print a line in one piece: alerts are told by a thread of their own."""
    print(f"{line}\n", end="", flush=True)


def tell(alert: Alert) -> None:
    """Called once for a trace, by the service that is refused; `SlackAlerts(...)` is another."""
    say(f"alert: {alert.budget} {alert.scope} is {alert.state}")


@contextmanager
def service(name: str):
    """Spans, costs and the calls file of one service; what it does goes into the block."""
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    otlp = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    exporter = OTLPSpanExporter() if otlp else JsonlSpanExporter("logs")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    one_trace = Budget("one trace", usd=0.03, per="trace", action="block")
    costs = CostTracker(budgets=[one_trace], alerts=[tell], store="sqlite:///costs.db")
    Instrumentor().instrument(costs=costs, local="logs")
    yield
    costs.flush()
    provider.shutdown()


def asked(model: OpenAI, text: str) -> str:
    """The answer of a chat model."""
    answer = model.chat.completions.create(
        model="gpt-5.2",
        max_completion_tokens=500,
        messages=[{"role": "user", "content": text}],
    )
    return answer.choices[0].message.content


def nearest(model: OpenAI, question: str) -> str:
    """The passage that is nearest to a question; the store stands in for one of your own."""
    vector = model.embeddings.create(model="text-embedding-3-small", input=question)
    x, y = vector.data[0].embedding[:2]
    with tracer.start_as_current_span("search passages", kind=SpanKind.INTERNAL) as span:
        span.set_attribute("db.system.name", "in_memory")
        span.set_attribute("db.operation.name", "search")
        span.set_attribute("db.collection.name", "passages")
        span.set_attribute("db.response.returned_rows", 1)
        return max(PASSAGES, key=lambda text: PASSAGES[text][0] * x + PASSAGES[text][1] * y)


class Researcher(BaseHTTPRequestHandler):
    """POST /research: a passage that fits the question, and what the model makes of it."""

    model: OpenAI

    def do_POST(self) -> None:
        question = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = {name.lower(): value for name, value in self.headers.items()}
        caller = propagate.extract(sent)
        with (
            tracer.start_as_current_span("POST /research", caller, SpanKind.SERVER) as span,
            attribution(agent="researcher"),
        ):
            status, body = self.researched(question)
            span.set_attribute("http.request.method", "POST")
            span.set_attribute("http.route", "/research")
            span.set_attribute("http.response.status_code", status)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def researched(self, question: str) -> tuple[int, dict]:
        try:
            passage = nearest(self.model, question)
            return 200, {"answer": asked(self.model, f"{passage}\n\n{question}")}
        except BudgetExceeded as stopped:
            spent, limit = float(stopped.spent_usd), float(stopped.limit_usd)
            return 402, {"budget": stopped.budget, "spent_usd": spent, "limit_usd": limit}

    def log_message(self, *_) -> None:
        """Nothing on the terminal."""


def research(where: dict, ports, stop) -> None:
    """The researcher's process: serves until it is told to stop."""
    with service("researcher"), OpenAI(**where) as model:
        Researcher.model = model
        with ThreadingHTTPServer(("127.0.0.1", 0), Researcher) as server:
            server.timeout = 0.1
            ports.put(server.server_port)
            while not stop.is_set():
                server.handle_request()


def ask_researcher(port: int, question: str) -> str:
    """Over HTTP, with the trace context in the headers."""
    url = f"http://127.0.0.1:{port}/research"
    with tracer.start_as_current_span("POST", kind=SpanKind.CLIENT) as span:
        headers: dict[str, str] = {}
        propagate.inject(headers)
        span.set_attribute("http.request.method", "POST")
        span.set_attribute("url.full", url)
        try:
            with urlopen(Request(url, question.encode(), headers)) as answer:
                span.set_attribute("http.response.status_code", answer.status)
                return json.load(answer)["answer"]
        except HTTPError as refused:
            span.set_attribute("http.response.status_code", refused.code)
            span.set_attribute("error.type", str(refused.code))
            with refused:
                told = json.load(refused)
            return f"HTTP {refused.code}: {told['budget']} has used {told['spent_usd']:.5f} USD"


def write(where: dict, port: int) -> None:
    """The writer: one article, which is one trace."""
    with service("writer"), OpenAI(**where) as model:
        with tracer.start_as_current_span("article") as span, attribution(agent="writer"):
            asked(model, "Which questions does an article on tracing answer?")
            for question in QUESTIONS:
                say(f"{question}  {ask_researcher(port, question)}")
        say(f"trace {span.get_span_context().trace_id:032x}")


def main() -> None:
    processes = get_context("spawn")
    ports, stop = processes.Queue(), processes.Event()
    local = not os.environ.get("OPENAI_API_KEY")
    with LLMServer() if local else nullcontext() as server:
        where = {}
        if local:
            where = {"base_url": server.openai_url, "api_key": "none", "default_headers": HEADERS}
        researcher = processes.Process(target=research, args=(where, ports, stop))
        researcher.start()
        try:
            write(where, ports.get(timeout=60))
        finally:
            stop.set()
            researcher.join()


if __name__ == "__main__":
    main()
