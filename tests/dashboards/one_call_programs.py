"""Processes that make one call each, send their metrics by OTLP and end.

    python -m tests.dashboards.one_call_programs OTLP_HTTP_ENDPOINT HOW_MANY

They are forked from one that has imported all, as each would take seconds for that.
"""

from __future__ import annotations

import os
import sys

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

from costspan import Instrumentor, attribution, record_call


def one_call(endpoint: str) -> None:
    """30,000 tokens at 5 USD and 4,000 at 25 USD for a million: 0.15 + 0.10 = 0.25 USD."""
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{endpoint}/v1/metrics"))
    meters = MeterProvider([reader])
    Instrumentor().instrument(meter_provider=meters)
    whose = attribution(agent="nightly")
    with whose, record_call(model="claude-opus-4-5", provider="anthropic") as call:
        call.set_usage(input_tokens=30_000, output_tokens=4_000)
    meters.shutdown()  # as at the end of any program: it sends what there is


def main(endpoint: str, how_many: str) -> int:
    """Run so many, and give the number of those that failed."""
    children = []
    for _ in range(int(how_many)):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                one_call(endpoint)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
