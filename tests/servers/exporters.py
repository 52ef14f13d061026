"""OTLP exporters over both protocols, as an app makes them."""

from typing import Any

from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as over_grpc
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http import trace_exporter as over_http
from opentelemetry.sdk.trace.export import SpanExporter

PROTOCOLS = ("http", "grpc")


def exporter_to(
    protocol: str, address: str, *, gzip: bool = False, timeout: float = 30, **more: Any
) -> SpanExporter:
    """An exporter of spans to HOST:PORT, without TLS.

    Args:
        protocol: `http` or `grpc`.
        address: where the receiver listens.
        gzip: whether bodies are compressed.
        timeout: seconds within which the exporter tries again.
    """
    if protocol == "http":
        packing = Compression.Gzip if gzip else Compression.NoCompression
        url = f"http://{address}/v1/traces"
        return over_http.OTLPSpanExporter(url, timeout=timeout, compression=packing, **more)
    import grpc

    packed = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression
    return over_grpc.OTLPSpanExporter(
        address, insecure=True, timeout=timeout, compression=packed, **more
    )
