"""What an open stream holds, measured in a process where nothing else happens.

`python -m tests.instrumentation.open_streams openai|anthropic` prints two numbers of bytes: held by
a stream of the bare SDK, and by one that is observed. In a process that has run other tests both
are larger by chance: there, objects of the SDK's classes no longer share the keys of their
dictionaries, and other threads are at work.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import NoOpTracerProvider

from costspan.instrumentation.settlement import settlement
from tests.instrumentation.rig import (
    ASK,
    ASK_CLAUDE,
    answer_chat,
    answer_message,
    anthropic_client,
    openai_client,
    watched,
)

STREAMS = 100


def held(open_stream: Callable[[], Any]) -> float:
    """Bytes that one open stream holds: the least of some looks."""
    return min(_held(open_stream) for _ in range(3))


def _held(open_stream: Callable[[], Any]) -> float:
    open_stream()
    gc.collect()
    settlement.drain()  # those of the look before are settled, and kept among the last calls
    tracemalloc.start()
    try:
        streams = [open_stream() for _ in range(STREAMS)]
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del streams
    return size / STREAMS


def main(sdk: str) -> None:
    asked = {**ASK, "stream_options": {"include_usage": True}}
    with openai_client(answer_chat) as chat, anthropic_client(answer_message) as claude:

        def open_stream() -> Any:
            if sdk == "openai":
                stream: Any = chat.chat.completions.create(**asked, stream=True)
            else:
                stream = claude.messages.create(**ASK_CLAUDE, stream=True)
            next(stream)
            return stream

        bare = held(open_stream)
        with watched(tracer_provider=NoOpTracerProvider()):
            sys.stdout.write(f"{bare} {held(open_stream)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
