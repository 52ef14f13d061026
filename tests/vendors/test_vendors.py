"""The variables of docs/vendors.md send what each vendor asks for: path, headers and body."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from costspan import Instrumentor, attribution
from costspan.instrumentation.wiring import otlp_exporter
from tests.instrumentation import rig
from tests.otlp_receiver import Received, receiving

PAGE = (Path(__file__).parents[2] / "docs" / "vendors.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n```sh\n(.*?)^```$", PAGE, re.M | re.S))

# host, path, and the headers with the value of ${...} as they leave
EXPECTED = {
    "Langfuse": (
        "https://cloud.langfuse.com",
        "/api/public/otel/v1/traces",
        {"authorization": "Basic cGs6c2s=", "x-langfuse-ingestion-version": "4"},
    ),
    "LangSmith": (
        "https://api.smith.langchain.com",
        "/otel/v1/traces",
        {"x-api-key": "cGs6c2s=", "langsmith-project": "cGs6c2s="},
    ),
    "Helicone": (
        "https://api.helicone.ai",
        "/v1/trace/log-python",
        {"authorization": "Bearer cGs6c2s="},
    ),
    "Datadog": (
        "https://otlp.datadoghq.com",
        "/v1/traces",
        {"dd-api-key": "cGs6c2s=", "dd-otlp-source": "llmobs"},
    ),
    "Honeycomb": ("https://api.honeycomb.io", "/v1/traces", {"x-honeycomb-team": "cGs6c2s="}),
    "Grafana Cloud": (
        "https://otlp-gateway-prod-eu-west-2.grafana.net",
        "/otlp/v1/traces",
        {"authorization": "Basic cGs6c2s="},
    ),
    "Phoenix": (
        "http://localhost:6006",
        "/v1/traces",
        {"authorization": "Bearer cGs6c2s="},
    ),
    "MLflow": (
        "http://localhost:5000",
        "/v1/traces",
        {"x-mlflow-experiment-id": "cGs6c2s="},
    ),
}
VALUE = "cGs6c2s="
"""A value with the sign that separates a header's name from it: the end of many a base64."""


def test_each_vendor_has_a_section_and_each_section_a_test() -> None:
    assert list(SECTIONS) == list(EXPECTED)


def variables(vendor: str) -> dict[str, str]:
    """The section's variables, with a value for each `${NAME}`."""
    lines = (line.partition("=") for line in SECTIONS[vendor].splitlines())
    return {name: re.sub(r"\$\{\w+\}", VALUE, value) for name, _, value in lines}


def sent(vendor: str, monkeypatch: pytest.MonkeyPatch) -> Received:
    """What leaves for the vendor when one call is made, its host stood for by a receiver."""
    for name in all_variables():
        monkeypatch.delenv(name, raising=False)
    host = EXPECTED[vendor][0]
    with receiving() as receiver:
        for name, value in variables(vendor).items():
            monkeypatch.setenv(name, value.replace(host, receiver.url))
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(otlp_exporter()))
        Instrumentor().instrument(tracer_provider=provider)
        with attribution(agent="reviewer"), rig.openai_client(rig.answer_chat) as client:
            client.chat.completions.create(**rig.ASK)
        Instrumentor().uninstrument()
        provider.shutdown()
        (request,) = receiver.received
    return request


def all_variables() -> set[str]:
    """Every variable that any section sets."""
    return {name for vendor in SECTIONS for name in variables(vendor)}


@pytest.mark.parametrize("vendor", EXPECTED)
def test_the_page_names_the_vendors_host(vendor: str) -> None:
    endpoints = [value for name, value in variables(vendor).items() if name.endswith("_ENDPOINT")]

    (parts,) = map(urlsplit, endpoints)
    assert f"{parts.scheme}://{parts.netloc}" == EXPECTED[vendor][0]


@pytest.mark.parametrize("vendor", EXPECTED)
def test_path_headers_and_body(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, path, headers = EXPECTED[vendor]

    request = sent(vendor, monkeypatch)

    assert request.path == path
    assert {name: request.headers.get(name) for name in headers} == headers
    assert request.headers["content-type"] == "application/x-protobuf"
    (span,) = request.spans()
    told = {one.key: one.value for one in span.attributes}
    assert span.name == "chat gpt-4o-mini"
    assert told["gen_ai.agent.name"].string_value == "reviewer"
    assert told["gen_ai.usage.input_tokens"].int_value == 1000
    assert told["costspan.cost.total"].double_value == 0.00027
