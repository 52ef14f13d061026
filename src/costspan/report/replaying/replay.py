"""Replays stored calls or spans: batch by batch, and from where an earlier run came to.

A batch is noted as taken once the receiver has said so. So a run that is killed, and then goes on,
sends at most the batch again that was under way; its spans have the same ids.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.sdk.resources import OTELResourceDetector, Resource

from costspan.report.passed_over import Noted, PassedOver
from costspan.report.replaying.pieces import (
    CallsSource,
    Piece,
    Source,
    SpansSource,
    Window,
    pieces_of,
)
from costspan.report.replaying.receiver import Receiver, Stopped, TooLarge
from costspan.report.replaying.spans import spans_in
from costspan.report.replaying.state import Reached

BATCH = 512
"""Spans of a request at most, unless one line holds more."""

_INSTANCE = "service.instance.id"
_BATCH_BYTES = 1 << 20
_BATCH_LINES = 10_000
"""Lines of a batch at most, most of which have nothing to send."""

Told = Callable[[int], object]


class Sent(Struct, frozen=True):
    """What a replay did.

    Attributes:
        files: how many were read.
        spans: how many were sent, or would be; `rejected` of them the receiver did not want.
        requests: how many requests were taken.
        said: what the receiver last said of spans that it did not want.
        stopped: why the replay ended before its end; None if it did not.
        passed_over: lines and files that hold nothing to send.
    """

    files: int
    spans: int
    rejected: int
    requests: int
    said: str
    stopped: str | None
    passed_over: PassedOver


def source_of(kind: str, window: Window, noted: Noted, service: str | None) -> Source:
    """What makes spans of the lines of `calls` or `spans` files.

    Args:
        service: the name of the service of calls; else what OTEL_SERVICE_NAME says.
    """
    if kind == "spans":
        return SpansSource(window)
    return CallsSource(window, noted, _resource(service), version("costspan"))


def _resource(service: str | None) -> Resource:
    """As the SDK makes it, but for the instance: that would be this run, and not who called."""
    made = Resource.create({"service.name": service} if service else {})
    told = OTELResourceDetector().detect().attributes
    return Resource({k: v for k, v in made.attributes.items() if k != _INSTANCE or k in told})


class Replay:
    """One run.

    Args:
        receiver: None to count only.
        rate: spans a second at most.
        told: is told after each request how many spans were sent so far.
    """

    def __init__(
        self,
        source: Source,
        state: Reached,
        receiver: Receiver | None,
        noted: Noted,
        rate: float | None = None,
        told: Told = lambda spans: None,
    ) -> None:
        self._source = source
        self._state = state
        self._receiver = receiver
        self._noted = noted
        self._rate = rate
        self._told = told
        self._spans = self._rejected = self._requests = 0
        self._said = ""

    def run(self, files: Sequence[Path]) -> Sent:
        """Send what is in the files and was not sent before."""
        begun, stopped = time.monotonic(), None
        pieces = (
            piece
            for path in files
            for piece in pieces_of(path, self._source, self._state, self._noted)
        )
        try:
            for batch in _batches(pieces):
                self._send(batch)
                self._pace(begun)
        except Stopped as why:
            stopped = str(why)
        counts = len(files), self._spans, self._rejected, self._requests
        return Sent(*counts, self._said, stopped, self._noted.found())

    def _send(self, batch: list[Piece]) -> None:
        count = sum(piece.number for piece in batch)
        if self._receiver is not None:
            if count:
                self._post(self._receiver, self._source.grouped(batch))
            self._state.note({piece.file: piece.taken for piece in batch})
        self._spans += count
        self._told(self._spans)

    def _post(self, receiver: Receiver, groups: list[ResourceSpans]) -> None:
        request = ExportTraceServiceRequest(resource_spans=groups)
        try:
            answer = receiver.send(request.SerializeToString())
        except TooLarge as fault:
            if spans_in(groups) == 1:
                self._rejected += 1
                self._said = str(fault)
                return
            for half in _halves(groups):
                self._post(receiver, half)
            return
        self._requests += 1
        self._rejected += answer.rejected
        self._said = answer.message or self._said

    def _pace(self, begun: float) -> None:
        if self._rate and self._receiver is not None:
            early = begun + self._spans / self._rate - time.monotonic()
            if early > 0:
                time.sleep(early)


def _batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    batch: list[Piece] = []
    spans = size = 0
    for piece in pieces:
        grown = size + piece.size if piece.number else size
        is_full = spans + piece.number > BATCH or grown > _BATCH_BYTES
        if batch and (is_full or len(batch) >= _BATCH_LINES):
            yield batch
            batch, spans, grown = [], 0, grown - size
        batch.append(piece)
        spans, size = spans + piece.number, grown
    if batch:
        yield batch


def _halves(groups: list[ResourceSpans]) -> tuple[list[ResourceSpans], list[ResourceSpans]]:
    """The same spans in two parts, each with its resource and scope."""
    halves: tuple[list[ResourceSpans], list[ResourceSpans]] = ([], [])
    half, seen = spans_in(groups) // 2, 0
    for group in groups:
        for scope in group.scope_spans:
            cut = min(max(half - seen, 0), len(scope.spans))
            seen += len(scope.spans)
            for part, spans in zip(halves, (scope.spans[:cut], scope.spans[cut:]), strict=True):
                if spans:
                    one = ResourceSpans(resource=group.resource, schema_url=group.schema_url)
                    one.scope_spans.add(scope=scope.scope, schema_url=scope.schema_url, spans=spans)
                    part.append(one)
    return halves
