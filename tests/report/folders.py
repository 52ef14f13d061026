"""Folders of calls files, written by hand."""

import gzip
import json
from pathlib import Path
from typing import Any

LINE: dict[str, Any] = {
    "schema": 1,
    "timestamp": "2026-11-21T10:00:00.000000Z",
    "provider": "openai",
    "operation": "chat",
    "model": "gpt-4o-mini",
    "request_model": "gpt-4o-mini",
    "agent": None,
    "session_id": None,
    "endpoint": None,
    "user_id": None,
    "tags": {},
    "latency_ms": 1000.0,
    "time_to_first_token_ms": None,
    "time_to_first_chunk_ms": None,
    "runtime_seconds": 1.0,
    "error": None,
    "error_code": None,
    "http_status": 200,
    "outcome": "complete",
    "stream": False,
    "retries": 0,
    "input_tokens": 100,
    "output_tokens": 10,
    "total_tokens": 110,
    "cached_tokens": None,
    "cache_write_tokens": None,
    "cache_write_1h_tokens": None,
    "reasoning_tokens": None,
    "web_searches": None,
    "estimated_input_tokens": None,
    "estimated_output_tokens": None,
    "cost_usd": "0.5",
    "input_usd": "0.3",
    "cache_read_usd": "0",
    "cache_write_usd": "0",
    "output_usd": "0.2",
    "tools_usd": "0",
    "status": "priced",
    "missing": [],
    "prices_as_of": None,
    "service_tier": None,
    "finish_reasons": ["stop"],
    "response_id": None,
    "request_id": None,
    "server_address": None,
    "server_port": None,
    "trace_id": None,
    "span_id": None,
    "corrects": None,
    "response_preview": None,
}
"""Dollars are strings here and numbers in the file, so that every digit is as it was written."""

GAP = (
    '{"schema":1,"kind":"gap","timestamp":"2026-11-21T10:00:00.000000Z","lost":3,'
    '"from":"2026-11-21T09:59:00.000000Z","to":"2026-11-21T09:59:30.000000Z",'
    '"reason":"No space left on device"}'
)


def line(**fields: Any) -> str:
    """A line of a call, without its newline."""
    found = LINE | fields
    for name, value in found.items():
        if name.endswith("_usd") and value is not None:
            found[name] = f"<{value}>"
    return json.dumps(found).replace('"<', "").replace('>"', "")


def write(
    folder: Path, *lines: str, name: str = "llm_trace_2026-11-21.jsonl", end: str = "\n"
) -> Path:
    """A file of these lines; its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{one}\n" for one in lines).removesuffix("\n") + end if lines else ""
    data = text.encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder
