"""Price tables in genai-prices' JSON format: the bundled one and small ones, in files or served."""

import copy
import dataclasses
import datetime
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from genai_prices.data import providers
from genai_prices.types import ModelPrice

Json = Any

BUNDLED = Decimal("0.00015")
"""1,000 tokens of gpt-4o-mini at 0.15 USD per million: its row in genai-prices 0.2.3."""
NEWER = Decimal("0.0002")
"""The same at 0.20 USD, as `newer` has it."""

SERVED = ("openai", "groq")
"""The providers of which the tests of refreshing have rows: enough, and quickly read."""


def row(model: str, prices: Json, **more: Json) -> Json:
    """A model that its own id finds."""
    return {"id": model, "match": {"equals": model}, "prices": prices} | more


def provider(name: str, *rows: Json) -> Json:
    """A provider with these models."""
    return {"id": name, "name": name.title(), "api_pattern": f"https://api.{name}", "models": rows}


def written(folder: Path, table: Json, name: str = "table.json") -> Path:
    """The table as a file."""
    path = folder / name
    path.write_text(json.dumps(table), encoding="utf-8")
    return path


def bundled(*names: str) -> Json:
    """The rows of the installed package, as its published JSON has them; a copy to change."""
    return [copy.deepcopy(one) for one in _bundled() if not names or one["id"] in names]


def newer(*names: str) -> Json:
    """The bundled table, in which a price went up by a third and a model is new."""
    table = bundled(*(names or SERVED))
    found(table, "openai", "gpt-4o-mini")["prices"]["input_mtok"] = 0.2
    tomorrow = row("gpt-of-tomorrow", {"input_mtok": 1, "output_mtok": 2})
    models(table, "openai").insert(0, tomorrow)
    return table


@cache
def _bundled() -> Json:
    return [_plain(one) for one in providers]


def _plain(value: Any) -> Json:
    if isinstance(value, ModelPrice):
        return {name: _plain(price) for name, price in vars(value).items() if price is not None}
    if dataclasses.is_dataclass(value):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        fields.pop("extractors", None)  # how to read answers: no prices
        return {name.rstrip("_"): _plain(v) for name, v in fields.items() if v is not None}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else value


def named(table: Json, name: str) -> Json:
    """A provider of the table, to change it in place."""
    return next(one for one in table if one["id"] == name)


def models(table: Json, name: str) -> Json:
    """Its rows, likewise."""
    return named(table, name)["models"]


def found(table: Json, name: str, model: str) -> Json:
    """The row of a model, likewise."""
    return next(one for one in models(table, name) if one["id"] == model)


def until(what: Callable[[], object]) -> None:
    """Wait for something that a thread does."""
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)


class Source:
    """Where a test's table is fetched from: `answer` gives the status and the body."""

    def __init__(self) -> None:
        self.answer: Callable[[], tuple[int, bytes]] = lambda: (200, b"[]")
        self.asked = 0
        self.url = ""

    def serve(self, table: Json) -> None:
        """Answer with `table` from now on."""
        body = json.dumps(table).encode()
        self.answer = lambda: (200, body)


@contextmanager
def source() -> Iterator[Source]:
    """A server on 127.0.0.1."""
    here = Source()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            here.asked += 1
            status, body = here.answer()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.url = f"http://127.0.0.1:{server.server_port}/data.json"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
