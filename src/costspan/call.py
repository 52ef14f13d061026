"""What is known of one LLM call, as plain frozen records with no OpenTelemetry in them.

A `Request` is known before the call, a `Response` after it, a `Call` is both with its times, and a
`Cost` is what it cost. `None` always means "not reported": it is never the same as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct, to_builtins

# gc=False: none of these records can be part of a cycle, and thousands of them are kept.

PICOS_PER_USD = 10**12
"""Money is counted in whole picodollars (10^-12 USD), so that sums are exact."""


def usd(picos: int) -> Decimal:
    """`picos` picodollars as an exact number of US dollars."""
    return Decimal(picos).scaleb(-12)


def whole_characters(text: str) -> str:
    """A plain `str` without halves of surrogate pairs: no file can write those, nor a `StrEnum`."""
    is_plain = type(text) is str and text.isascii()
    return text if is_plain else text.encode("utf-8", "replace").decode()


def plain(amount: Decimal) -> str:
    """An amount as a person writes it, without trailing zeros or an exponent."""
    return f"{amount.normalize():f}"


class Request(Struct, frozen=True, kw_only=True, gc=False):
    """What is about to be asked.

    `operation` is a name of the GenAI conventions (`chat`, `embeddings`, ...), `provider` likewise;
    `api` is the wire format that is spoken (`openai`, `anthropic`, ...). `parameters` holds
    the sampling parameters that were set, under the keys that `semconv.PARAMETERS` lists.
    `output_limit` is the request's own limit of output tokens. `billable` is False for operations
    that the provider does not charge for. `input_size` is the request's text in bytes and
    `fingerprint` a hash of what is asked; both only where a budget needs them.
    """

    operation: str
    provider: str
    api: str = ""
    model: str | None = None
    server_address: str | None = None
    server_port: int | None = None
    stream: bool = False
    output_limit: int | None = None
    billable: bool = True
    parameters: Mapping[str, Any] = {}
    input_size: int | None = None
    fingerprint: str | None = None


class Reservation:
    """Leave to make one call; a budget may take it back while a stream is read.

    `allowance` is how many tokens of output may pass before `allows` must be asked; None where it
    never must. `refusal` is what to raise once it said no.
    """

    __slots__ = ()
    allowance: int | None = None
    refusal: Exception | None = None

    def allows(self, tokens: int) -> bool:
        """Whether the stream may go on after about so many tokens of output; may ask a store."""
        return True


class Refused(Reservation):
    """Stands for the reservation of a call that was not made: it takes nothing of any budget.

    `alerts` is how many alerts told of it.
    """

    __slots__ = ("alerts",)

    def __init__(self, alerts: int = 0) -> None:
        self.alerts = alerts


FRACTIONAL = frozenset({"audio_seconds", "input_audio_seconds", "output_audio_seconds"})
"""The fields of `Usage` that need not be whole numbers."""


class Usage(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Counts of one answer, as the provider reported them; `reported` gives those alone.

    `input_tokens` includes cache reads and writes, `output_tokens` includes reasoning and
    citations, for every provider. The audio, image and video counts are parts of those two;
    `cache_write_1h_tokens` is the part of `cache_write_tokens` that was written for an hour
    (`_30m`, `_12h` likewise).

    What is not billed by tokens has a measure of its own: characters of speech, seconds of audio
    (`audio_seconds` is all of a session or a file, in and out), pages of a document (annotated ones
    included), generated images, text messages, searches.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    cache_write_30m_tokens: int | None = None
    cache_write_12h_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_text_tokens: int | None = None
    input_audio_tokens: int | None = None
    input_image_tokens: int | None = None
    cache_audio_read_tokens: int | None = None
    cache_image_read_tokens: int | None = None
    output_text_tokens: int | None = None
    output_audio_tokens: int | None = None
    output_image_tokens: int | None = None
    web_searches: int | None = None
    storage_searches: int | None = None
    code_executions: int | None = None
    input_video_tokens: int | None = None
    cache_video_read_tokens: int | None = None
    output_video_tokens: int | None = None
    citation_tokens: int | None = None
    input_characters: int | None = None
    audio_seconds: float | None = None
    input_audio_seconds: float | None = None
    output_audio_seconds: float | None = None
    input_document_pages: int | None = None
    input_annotated_document_pages: int | None = None
    output_images: int | None = None
    input_text_messages: int | None = None
    social_searches: int | None = None
    rerank_searches: int | None = None

    def reported(self) -> dict[str, int | float]:
        """The counts that were reported, zeros included, by their fields."""
        return to_builtins(self)  # type: ignore[no-any-return]

    @property
    def total(self) -> int | None:
        """Tokens in and out together, None while one of them is not known."""
        if self.total_tokens is not None:
            return self.total_tokens
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return self.input_tokens + self.output_tokens


class Response(Struct, frozen=True, kw_only=True, gc=False):
    """What an answer said of itself.

    `also_billed` are counts that the top-level usage leaves out: pairs of a model (None = the
    answer's own) and its usage. `reported_cost_usd` is a price that the provider itself reported.
    `status` is the state of a response that may run in the background. `incomplete` says that there
    was another billed answer, whose counts are not known. `unseen` names facts that whoever
    reported the call cannot tell; where the price needs one, the cost is partial.
    """

    id: str | None = None
    model: str | None = None
    finish_reasons: tuple[str, ...] | None = None
    usage: Usage | None = None
    also_billed: tuple[tuple[str | None, Usage], ...] = ()
    reported_cost_usd: Decimal | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    system_fingerprint: str | None = None
    status: str | None = None
    background: bool = False
    incomplete: bool = False
    unseen: tuple[str, ...] = ()
    preview: str | None = None


class Call(Struct, frozen=True, kw_only=True, gc=False):
    """One finished call.

    Times: `started_at` and `ended_at` are nanoseconds since the epoch; `runtime_seconds` is from
    the request to the last byte, `time_to_first_chunk` and `time_to_first_token` (the first chunk
    with content) are seconds, for streams only. `outcome` is `complete`, `failed` or `abandoned`.
    `estimated` holds counts that were not reported and are guessed from the text of a stream; it
    never holds one that was. `settles_response` marks the retrieval that pays for a response, and
    `corrects` is the span id of the call that had settled less or more of it: usage and cost are
    the signed difference then.
    """

    request: Request
    response: Response | None = None
    started_at: int
    ended_at: int
    runtime_seconds: float
    time_to_first_chunk: float | None = None
    time_to_first_token: float | None = None
    outcome: str = "complete"
    error: str | None = None
    error_code: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    retries: int = 0
    billed: bool | None = True
    estimated: Usage | None = None
    settles_response: bool = False
    corrects: int = 0
    trace_id: int = 0
    span_id: int = 0
    agent: str | None = None
    session: str | None = None
    user: str | None = None
    endpoint: str | None = None
    tags: Mapping[str, Any] = {}

    @property
    def model(self) -> str | None:
        """The model that answered, else the one that was asked."""
        if self.response is not None and self.response.model:
            return self.response.model
        return self.request.model

    @property
    def usage(self) -> Usage | None:
        """The counts that the provider reported."""
        return None if self.response is None else self.response.usage


class Cost(Struct, frozen=True, kw_only=True, gc=False):
    """What one call cost, in US dollars, and where that figure comes from.

    Attributes:
        status: `priced`; `partial` (something is billed that could not be priced: `missing` names
            it); `estimated` (a part of the total is a guess: `missing` names what was not
            reported); `unpriced` (no figure at all: `missing` says why); `not_billed`.
        missing: names of the counts or facts that were lacking.
        model: the row of the price table that was used.
        match: `exact`, `approximate` (matched by a rule such as a prefix), `override`, `assumed`
            (by `Prices(unknown=Rate(...))`) or `provider` (its response named the price).
        prices_as_of: which price table, and of what date.
    """

    status: str
    total: int | None = None
    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    tools: int | None = None
    missing: tuple[str, ...] = ()
    model: str | None = None
    match: str | None = None
    prices_as_of: str | None = None

    @property
    def total_usd(self) -> Decimal | None:
        """US dollars in all; None when unpriced, never a guess."""
        return None if self.total is None else usd(self.total)

    @property
    def input_usd(self) -> Decimal | None:
        """US dollars for input that was neither read from nor written to a cache."""
        return None if self.input is None else usd(self.input)

    @property
    def cache_read_usd(self) -> Decimal | None:
        """US dollars for input read from the provider's cache."""
        return None if self.cache_read is None else usd(self.cache_read)

    @property
    def cache_write_usd(self) -> Decimal | None:
        """US dollars for input written to the provider's cache."""
        return None if self.cache_write is None else usd(self.cache_write)

    @property
    def output_usd(self) -> Decimal | None:
        """US dollars for output, reasoning included."""
        return None if self.output is None else usd(self.output)

    @property
    def tools_usd(self) -> Decimal | None:
        """US dollars for fees by use, such as web searches."""
        return None if self.tools is None else usd(self.tools)

    def __repr__(self) -> str:
        """Dollars as a person reads them."""
        amount = "unpriced" if self.total is None else f"{plain(usd(self.total))} USD"
        lack = f", missing={self.missing}" if self.missing else ""
        return f"Cost({amount}, status={self.status!r}, model={self.model!r}{lack})"


NOT_BILLED = Cost(
    status="not_billed", total=0, input=0, cache_read=0, cache_write=0, output=0, tools=0
)
"""The cost of a call that the provider does not charge for."""
