"""A worker of the torture test: writes lines until it is killed, and says which are acknowledged.

usage: python -m tests.export.writing_worker FOLDER NAME DURABILITY SIZE COMPRESS

Each line of its standard output is the number of a call that has returned.
"""

import os
import sys

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from costspan import Instrumentor, LocalFiles, record_call


def main() -> None:
    """Settle calls for ever."""
    folder, name, durability, size, compress = sys.argv[1:]
    files = LocalFiles(
        folder,
        durability=durability,
        rotate=size,
        compress=None if compress == "none" else compress,
    )
    provider = TracerProvider(sampler=TraceIdRatioBased(0.1), shutdown_on_exit=False)
    Instrumentor().instrument(tracer_provider=provider, local=files, providers=())
    number = 0
    while True:
        with record_call(model="gpt-4o-mini", provider="openai") as call:
            call.set_usage(input_tokens=1000 + number % 7, output_tokens=number % 300)
            call.request_id = f"{name}/{number}"
        os.write(1, b"%d\n" % number)
        number += 1


if __name__ == "__main__":
    main()
