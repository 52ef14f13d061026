"""Whose bill a call of the OpenAI SDK lands on: told by the client's class, then by its host.

`asks_usage` marks hosts whose documentation describes `stream_options.include_usage` (read
2026-11). Azure understands it from api-version 2024-09-01-preview on, and on its v1 path.
"""

from __future__ import annotations

from typing import Any

from costspan.providers.operation import Endpoint, remembered

_HOSTS: tuple[tuple[str, str, bool], ...] = (
    ("api.openai.com", "openai", True),
    (".api.openai.com", "openai", True),
    (".openai.azure.com", "azure.ai.openai", False),
    (".cognitiveservices.azure.com", "azure.ai.openai", False),
    (".services.ai.azure.com", "azure.ai.openai", False),
    ("openrouter.ai", "openrouter", True),
    ("api.groq.com", "groq", True),
    ("api.deepseek.com", "deepseek", True),
    ("api.x.ai", "x_ai", True),
    ("api.together.xyz", "together", True),
    ("api.together.ai", "together", True),
    ("api.fireworks.ai", "fireworks", True),
    ("api.cerebras.ai", "cerebras", True),
    ("api.mistral.ai", "mistral_ai", False),
    ("api.perplexity.ai", "perplexity", False),
    ("api.moonshot.ai", "moonshot_ai", False),
    ("router.huggingface.co", "huggingface", False),
    ("generativelanguage.googleapis.com", "gcp.gemini", False),
    ("aiplatform.googleapis.com", "gcp.vertex_ai", False),
    ("-aiplatform.googleapis.com", "gcp.vertex_ai", False),
)
_RUNTIMES = {"bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai"}
_LOCAL_PORTS = {11434: ("ollama", True), 8000: ("vllm", True), 1234: ("lm_studio", False)}
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal"})
PROVIDERS = frozenset(name for _, name, _ in _HOSTS) | {one for one, _ in _LOCAL_PORTS.values()}
"""Every provider that a host can tell."""

_DEFAULT_PORTS = {"https": 443, "http": 80}
_AZURE_SINCE = "2024-09-01"


def _endpoint(client: Any, url: Any) -> Endpoint:
    host, port = url.host, url.port or _DEFAULT_PORTS.get(url.scheme)
    named = _by_class(client)
    provider, asks = _by_host(host, port)
    if named is not None:
        provider = named
    if provider == "azure.ai.openai":
        asks = _azure_asks(client, url.path)
    return Endpoint(provider, host, port, asks)


def _by_class(client: Any) -> str | None:
    runtime = getattr(getattr(client, "_provider_runtime", None), "name", None)
    if runtime in _RUNTIMES:
        return _RUNTIMES[runtime]
    names = {kind.__name__ for kind in type(client).__mro__}
    if "AzureOpenAI" in names or "AsyncAzureOpenAI" in names:
        return "azure.ai.openai"
    if "BedrockOpenAI" in names or "AsyncBedrockOpenAI" in names:
        return "aws.bedrock"
    return None


def provider_at(host: str, port: int | None = None) -> str:
    """Who bills a call to a host, as far as the host alone tells; `openai` where it does not."""
    return _by_host(host, port)[0]


def _by_host(host: str, port: int | None) -> tuple[str, bool]:
    for suffix, provider, asks in _HOSTS:
        if host == suffix or (suffix[0] in ".-" and host.endswith(suffix)):
            return provider, asks
    if host.endswith((".amazonaws.com", ".api.aws")):
        return "aws.bedrock", False
    if host in _LOCAL_NAMES and port in _LOCAL_PORTS:
        return _LOCAL_PORTS[port]
    return "openai", False


def _azure_asks(client: Any, path: str) -> bool:
    if "/openai/v1" in path:
        return True
    version = getattr(client, "_api_version", None)
    return isinstance(version, str) and version[:10] >= _AZURE_SINCE


def biller(host: str, port: int | None) -> str:
    """Who bills the calls to a server that speaks OpenAI's API: OpenAI, where nobody is known."""
    return _by_host(host, port)[0]


locate = remembered(_endpoint)
