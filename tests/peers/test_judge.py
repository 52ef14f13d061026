"""The judge: what it calls exact, what it blames a peer for, and what it blames us for."""

from typing import Any

import pytest

from tests.peers.judge import Verdict, judged, verdicts_on
from tests.peers.required import faults
from tests.peers.together import miscounts

SERVED = {
    "input_tokens": 1200,
    "cached_tokens": 1000,
    "cache_write_tokens": 0,
    "output_tokens": 80,
}
# 200 x 0.15 + 1000 x 0.075 + 80 x 0.60, over a million: the prices of gpt-4o-mini, 2026-11
LINE = {**SERVED, "status": "priced", "missing": [], "usd": "0.000153000000"}


def a_call(*lines: dict[str, Any], **changed: Any) -> dict[str, Any]:
    spans = [{"attributes": {"costspan.cost.total": float(line["usd"])}} for line in lines]
    call = {"surface": "chat, cached read", "fault": None, "spans": spans, "ledger": list(lines)}
    return {**call, "served": [SERVED], **changed}


def test_the_right_price_is_exact():
    assert str(judged(a_call(LINE))) == "exact"


def test_a_price_that_is_off_in_its_last_digit_is_our_fault():
    verdict = judged(a_call({**LINE, "usd": "0.000153000001"}))

    assert str(verdict) == "our fault: 0.000153000001 USD for 0.000153"


def test_a_count_that_the_span_does_not_tell_is_the_peers_fault():
    verdict = judged(a_call({**LINE, "cached_tokens": None, "usd": "0.000228"}))

    assert str(verdict) == "wrong usage: cache read absent for 1000: +49.0% of the price"


def test_a_partial_cost_names_what_is_missing():
    line = {**LINE, "status": "partial", "missing": ["cache_write_1h_tokens"]}

    assert str(judged(a_call(line))) == "partial: `cache_write_1h_tokens`"


def test_a_partial_cost_hides_no_other_wrong_count():
    line = {**LINE, "status": "partial", "missing": ["cache_read_tokens"], "cached_tokens": None}

    assert str(judged(a_call(line))) == "partial: `cache_read_tokens`"
    assert judged(a_call({**line, "output_tokens": 81})).word == "wrong usage"


def test_a_call_without_a_span_says_so():
    assert str(judged(a_call(spans=[]))) == "no span"


def test_a_span_that_was_not_read_is_our_fault():
    unread = [{"attributes": {"gen_ai.operation.name": "chat"}}]

    assert str(judged(a_call(spans=unread))) == "our fault: its span was not read"


def test_a_call_that_fails_under_a_peer_says_why():
    verdict = judged(a_call(LINE, fault="TypeError: no\nmore"))

    assert str(verdict) == "no span: the call fails, TypeError: no"


@pytest.mark.parametrize("spans", [[], [{"attributes": {"costspan.cost.total": 0.000153}}] * 2])
def test_the_dollars_stand_on_one_span(spans: list[Any]):
    assert judged(a_call(LINE, spans=spans)).word == "our fault"


def test_a_call_counted_twice_is_our_fault():
    call = a_call(LINE, LINE)

    assert str(judged(call)) == "our fault: counted 2 times"
    assert miscounts("openlit", [call]) == ["chat, cached read: counted 2 times"]


def test_with_two_at_once_a_wrong_price_is_found():
    wrong, unserved = a_call({**LINE, "usd": "0.000228"}), a_call(LINE, served=[])

    assert miscounts("openlit", [a_call(LINE)]) == []
    assert miscounts("openlit", [wrong]) == ["chat, cached read: 0.000228 USD for 0.000153"]
    assert miscounts("openlit", [unserved]) == ["chat, cached read: 0 requests were served"]


def test_with_ours_among_them_every_price_is_whole():
    call = a_call({**LINE, "status": "partial", "missing": ["x"], "usd": "0.000105"})

    assert miscounts("openlit+openllmetry", [call]) == []
    assert miscounts("costspan+openlit", [call]) == ["chat, cached read: 0.000105 USD for 0.000153"]


def test_an_async_call_is_a_row_of_its_own_only_where_it_differs():
    same = {**a_call(LINE), "surface": "chat, cached read, async"}

    assert list(verdicts_on([a_call(LINE), same])) == ["chat, cached read"]
    assert verdicts_on([a_call(LINE), {**same, "spans": []}])["chat, cached read, async"]


def test_what_has_to_be_exact_is_held_to_it():
    wrong = {"chat": Verdict("wrong usage"), "messages, cache write 1 h": Verdict("partial")}

    assert faults("opentelemetry", "here", wrong) == ["here: opentelemetry: chat: wrong usage"]
    assert faults("openllmetry", "here", wrong) == []
    assert faults("openllmetry", "here", {"chat": Verdict("our fault")}) != []
