"""docs/judges.md: what each judge read of one run, in tables that the run fills."""

from collections.abc import Callable, Sequence

from tests.judges.seen import Seen
from tests.judges.trial import Call, Trial

HEAD = """# Independent readers

Two programs that know nothing of costspan take the spans of one real run over OTLP and are asked,
through their own APIs, what they read: with nothing set but the endpoint (and, for MLflow, the
experiment's header), from attributes alone, with `capture_content="on"`. This page is written by
`WRITE_DOCS=1 make judges`, and `make judges` fails where a token, a message or a dollar differs.

Made on {day} with {judges}.

## What is read
| what we send | {columns} |
|---|{rule}|
"""

Row = tuple[str, Callable[[Sequence[tuple[Call, Seen]]], str]]


def page(trials: dict[str, Trial], day: str) -> str:
    """The page as Markdown.

    Args:
        trials: by a judge's name and release.
        day: of the run, such as `2026-11-22`.
    """
    names = list(trials)
    head = HEAD.format(
        day=day,
        judges=" and ".join(names),
        columns=" | ".join(names),
        rule="|".join(["---"] * len(names)),
    )
    pairs = [_pairs(trial) for trial in trials.values()]
    table = [_row(what, [tell(one) for one in pairs]) for what, tell in ROWS]
    return head + "\n".join(table) + "\n\n" + _calls(trials) + TAIL


def _pairs(trial: Trial) -> list[tuple[Call, Seen]]:
    run, verdict = trial
    return [(call, verdict.spans[call["span_id"]]) for call in run["calls"]]


def _row(first: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join([first, *cells])} |"


def _all(tell: Callable[[Call, Seen], bool]) -> Callable[[Sequence[tuple[Call, Seen]]], str]:
    """In how many of the calls that it applies to something was read."""

    def count(pairs: Sequence[tuple[Call, Seen]]) -> str:
        right = sum(tell(call, seen) for call, seen in pairs)
        return f"read, {right} of {len(pairs)}" if right else "not read"

    return count


def _kept(name: str) -> Callable[[Sequence[tuple[Call, Seen]]], str]:
    """Whether an attribute that means nothing to the judge comes back under its own name."""

    def tell(pairs: Sequence[tuple[Call, Seen]]) -> str:
        kept = sum(name in seen.attributes for _, seen in pairs)
        return f"kept as an attribute, {kept} of {len(pairs)}"

    return tell


def _their_cost(pairs: Sequence[tuple[Call, Seen]]) -> str:
    theirs = [(call, seen) for call, seen in pairs if seen.their_cost is not None]
    equal = sum(abs(seen.their_cost - call["cost_usd"]) < 1e-9 for call, seen in theirs)
    return f"works out its own for {len(theirs)} of {len(pairs)}; {equal} equal ours"


ROWS: list[Row] = [
    ("the model", _all(lambda call, seen: seen.model == call["model"])),
    ("input tokens", _all(lambda call, seen: seen.input_tokens == call["input_tokens"])),
    ("output tokens", _all(lambda call, seen: seen.output_tokens == call["output_tokens"])),
    ("cached tokens (1,024 and 1,500)", _all(lambda _, seen: bool(seen.cache_read_tokens))),
    ("input messages", _all(lambda _, seen: bool(seen.asked))),
    ("output messages, a tool call among them", _all(lambda _, seen: bool(seen.answered))),
    ("an error", _all(lambda _, seen: seen.failed)),
    ("`session.id`, `user.id`", _kept("session.id")),
    ("`gen_ai.agent.name`", _kept("gen_ai.agent.name")),
    ("`costspan.tag.KEY`", _kept("costspan.tag.team")),
    ("`costspan.cost.total`", _kept("costspan.cost.total")),
    ("`gen_ai.usage.cost.amount`", _kept("gen_ai.usage.cost.amount")),
    ("the cost", _their_cost),
]


def _calls(trials: dict[str, Trial]) -> str:
    """Each call's tokens and dollars, ours and theirs."""
    lines = [
        "## Call by call",
        _row("call", ["tokens in/out", "ours, USD", *(f"{name}, USD" for name in trials)]),
        "|---" * (3 + len(trials)) + "|",
    ]
    runs = [_pairs(trial) for trial in trials.values()]
    for pairs in zip(*runs, strict=True):
        call = pairs[0][0]
        tokens = f"{_known(call['input_tokens'])}/{_known(call['output_tokens'])}"
        theirs = [_dollars(seen.their_cost) for _, seen in pairs]
        name = f"{call['operation']} {call['model']}"
        lines.append(_row(name, [tokens, _dollars(call["cost_usd"]), *theirs]))
    sums = [_dollars(verdict.total_cost) for _, verdict in trials.values()]
    ours = sum(call["cost_usd"] or 0 for call, _ in runs[0])
    lines.append(_row("all", ["", _dollars(ours), *sums]))
    return "\n".join(lines) + "\n"


def _known(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _dollars(amount: float | None) -> str:
    return "-" if amount is None else f"{amount:.9f}".rstrip("0").rstrip(".")


TAIL = """
`-` is what is not told. The calls are a chat with cached input, a streamed chat, one that answers
with a tool call, one of the Responses API, an Anthropic message with cached input, a model that
`Prices(overrides=...)` prices, an embedding, and one that was refused with HTTP 429.

## What follows
- Both work a cost out by themselves, from our counts and price tables of their own, and pass by
  the one that we wrote. For models of the public tables it is ours to a billionth of a dollar. A
  rate of your own, a discount or a fee that tokens do not tell is not in it: sums in dollars are to
  be made over `costspan.cost.total`, which both keep.
- Both show the session and the user as the trace's own. The agent and the tags mean nothing to
  either: they can be searched as attributes.
"""
