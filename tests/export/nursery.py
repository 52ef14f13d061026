"""The processes of the torture test: workers that settle calls until somebody kills them.

usage: python -m tests.export.nursery FOLDER COUNT DURABILITY SIZE COMPRESS

The first process forks the workers, and another one for each that dies. Their lines on the one
pipe, each a single write: `begin NAME PID`, and `NAME NUMBER` when that call has returned. All end
when nobody reads the pipe any more.
"""

import os
import sys
from itertools import count
from typing import NoReturn

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from costspan import Instrumentor, LocalFiles, attribution, record_call

NOBODY_READS = 3
"""The exit code of a worker that could not say anything."""


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def settle(name: str, number: int) -> None:
    """One call that returns, then says so."""
    tags = {"long": "x" * (number * 37 % 3000)}
    with (
        attribution(agent=f"{name} {number}", tags=tags),
        record_call(model="gpt-4o-mini") as call,
    ):
        call.set_usage(input_tokens=1000 + number % 7, output_tokens=number % 300)
    say(f"{name} {number}")


def work(name: str) -> NoReturn:
    try:
        say(f"begin {name} {os.getpid()}")
        for number in count():
            settle(name, number)
    except BrokenPipeError:
        os._exit(NOBODY_READS)
    raise AssertionError


def main() -> None:
    """Keep as many workers alive as were asked for."""
    folder, workers, durability, size, compress = sys.argv[1:]
    files = LocalFiles(folder, durability=durability, rotate=size, compress=compress)
    provider = TracerProvider(sampler=TraceIdRatioBased(0.1), shutdown_on_exit=False)
    Instrumentor().instrument(tracer_provider=provider, local=files, providers=())
    settle(f"{os.getpid()}.0", 0)
    alive = 0
    for life in count(1):
        if alive == int(workers):
            _, status = os.wait()
            if os.waitstatus_to_exitcode(status) == NOBODY_READS:
                return
            alive -= 1
        if not os.fork():
            work(f"{os.getppid()}.{life}")
        alive += 1


if __name__ == "__main__":
    main()
