"""The axes of the matrix, and which of their combinations exist."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.matrix.methods import METHODS, MODULES, Method

MODES = ("sync", "async")


@dataclass(frozen=True, slots=True)
class Form:
    """A way of making a call.

    `via` is `direct`, `raw` (`with_raw_response`) or `unread` (`with_streaming_response`, then
    read by `reader`).
    """

    name: str
    streamed: bool
    via: str = "direct"
    reader: str = ""

    def __str__(self) -> str:
        return self.name


FORMS = (
    Form("plain", False),
    Form("stream", True),
    Form("raw", False, "raw"),
    Form("raw_stream", True, "raw"),
    *(Form(f"unread_{reader}", False, "unread", reader) for reader in ("parse", "lines", "read")),
    *(
        Form(f"unread_{reader}_stream", True, "unread", reader)
        for reader in ("parse", "lines", "read")
    ),
)
WRAPPERS = {"raw": "with_raw_response", "unread": "with_streaming_response"}

STATUSES = {
    "http_400": 400,
    "http_401": 401,
    "http_404": 404,
    "http_429": 429,
    "http_500": 500,
}
LEFT_EARLY = ("broken_off", "closed_early", "never_read", "dropped")
BROKEN_LATE = ("cut", "error_event", "stalled", "cancelled")
REFUSED = (*STATUSES, "connection_refused")
ENDINGS = (
    "read",
    *LEFT_EARLY,
    *BROKEN_LATE,
    *REFUSED,
    "timeout",
    "third_try",
    "helper_raises",
)
"""`stalled` is a timeout between two chunks, `timeout` one before the answer begins."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination that exists."""

    method: Method
    mode: str
    form: Form
    ending: str

    def __str__(self) -> str:
        return f"{self.method}-{self.mode}-{self.form}-{self.ending}"

    @property
    def is_async(self) -> bool:
        """Whether the async client is used."""
        return self.mode == "async"

    @property
    def pieces(self) -> bool:
        """Whether the caller takes the answer in pieces, chunk by chunk or line by line."""
        return self.form.streamed and self.form.reader != "read"


@cache
def client_of(sdk: str, mode: str) -> Any:
    """A client that is only looked at."""
    module = MODULES[sdk]
    kind = {"openai": "OpenAI", "anthropic": "Anthropic"}[sdk]
    if mode == "sync":
        http = module.DefaultHttpxClient(verify=False)
        return getattr(module, kind)(api_key="none", http_client=http)
    http = module.DefaultAsyncHttpxClient(verify=False)
    return getattr(module, f"Async{kind}")(api_key="none", http_client=http)


def lacking(method: Method, mode: str) -> str | None:
    """Why the installed SDK cannot run a row at all."""
    if method.resource(client_of(method.sdk, mode)) is None:
        return f"{method.name} is not in {method.sdk} {MODULES[method.sdk].__version__}"
    return None


def _form_fault(method: Method, mode: str, form: Form) -> str | None:
    if method.kind == "helper":
        return None if form.name == "stream" else "a stream helper has one form"
    if method.known_host and not form.streamed:
        return "usage is asked for on streams only"
    if form.streamed and method.streamed is None:
        return "the method does not stream"
    if form.via == "direct":
        return None
    wrapper = getattr(method.resource(client_of(method.sdk, mode)), WRAPPERS[form.via])
    if not hasattr(wrapper, method.verb):
        return f"{WRAPPERS[form.via]} does not have the method"
    return None


def _ending_fault(method: Method, mode: str, form: Form, ending: str) -> str | None:
    if ending == "cancelled" and mode == "sync":
        return "a sync call cannot be cancelled"
    if ending == "helper_raises":
        return _raise_fault(method, form)
    if ending in ("error_event", "stalled") and not form.streamed:
        return "a plain answer comes at once"
    if method.kind == "runner" and ending in ("closed_early", "never_read"):
        return "a tool runner is not closed, and sends nothing until it is read"
    if ending in LEFT_EARLY and form.via != "unread" and not form.streamed:
        return "the answer is whole when the call returns"
    if form.via == "unread":
        return _unread_fault(form, ending)
    return None


def _raise_fault(method: Method, form: Form) -> str | None:
    if method.parsing is None:
        return "nothing is parsed"
    if form.via == "unread" and form.reader != "parse":
        return "nothing is parsed"
    return None


def _unread_fault(form: Form, ending: str) -> str | None:
    """The readers differ only once something is read."""
    if ending == "never_read" and form.reader != "read":
        return "nothing is read, so the reader does not matter: see read()"
    if form.streamed and form.reader != "read":
        return None
    if ending == "broken_off":
        return "the body is taken whole"
    if ending in ("closed_early", "dropped") and form.reader != "read":
        return "nothing is read, so the reader does not matter: see read()"
    return None


@dataclass(frozen=True, slots=True)
class Matrix:
    """All cells, and why the others are not among them: reason -> number of combinations."""

    cells: tuple[Cell, ...]
    impossible: dict[str, int]
    skipped: dict[str, int]


@cache
def matrix() -> Matrix:
    """The matrix of the installed SDKs."""
    cells: list[Cell] = []
    no: dict[str, int] = {}
    skipped: dict[str, int] = {}
    for method in METHODS:
        for mode in MODES:
            absent = lacking(method, mode)
            for form in FORMS:
                fault = None if absent else _form_fault(method, mode, form)
                for ending in ENDINGS:
                    if absent is not None:
                        skipped[absent] = skipped.get(absent, 0) + 1
                        continue
                    reason = fault or _ending_fault(method, mode, form, ending)
                    if reason is None:
                        cells.append(Cell(method, mode, form, ending))
                    else:
                        no[reason] = no.get(reason, 0) + 1
    return Matrix(tuple(cells), no, skipped)
