"""Names of files: what is built is what is read, and what is not ours is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costspan.export.naming import FileName, parsed

NAMES = {
    "llm_trace_2026-11-21.jsonl": FileName("llm_trace_", "2026-11-21"),
    "llm_trace_2026-11-21T14.jsonl": FileName("llm_trace_", "2026-11-21T14"),
    "llm_trace_2026-11-21.0003.jsonl": FileName("llm_trace_", "2026-11-21", part=3),
    "llm_trace_2026-11-21.41-0a1b2c.jsonl": FileName("llm_trace_", "2026-11-21", "41-0a1b2c"),
    "llm_trace_2026-11-21.41-0a1b2c.12345.jsonl.zst": FileName(
        "llm_trace_", "2026-11-21", "41-0a1b2c", 12345, ".zst"
    ),
    "llm_trace_2026-11-21.jsonl.gz": FileName("llm_trace_", "2026-11-21", compressed=".gz"),
    "llm_trace_2026-11-21.jsonl.gz.tmp": FileName(
        "llm_trace_", "2026-11-21", compressed=".gz", unfinished=True
    ),
}


@pytest.mark.parametrize("text", NAMES)
def test_a_name_and_its_parts(text: str):
    assert parsed("llm_trace_", text) == NAMES[text]
    assert str(NAMES[text]) == text


@pytest.mark.parametrize(
    "text",
    [
        "spans_2026-11-21.jsonl",
        "llm_trace_2026-11-21.json",
        "llm_trace_2026-11-21.jsonl.bak",
        "llm_trace_today.jsonl",
        "my_llm_trace_2026-11-21.jsonl",
        "llm_trace_2026-11-21.1.jsonl",
        "",
    ],
)
def test_what_is_not_ours(text: str):
    assert parsed("llm_trace_", text) is None


@given(
    st.builds(
        FileName,
        st.just("p_"),
        st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2})?", fullmatch=True),
        st.from_regex(r"([0-9]{1,7}-[0-9a-f]{6})?", fullmatch=True),
        st.integers(0, 99_999),
        st.sampled_from(["", ".gz", ".zst"]),
        st.booleans(),
    )
)
def test_any_name_is_read_as_it_was_built(name: FileName):
    assert parsed("p_", str(name)) == name
    assert parsed("p_", str(name.plain)) == name.plain
    assert name.plain.series == name.series
