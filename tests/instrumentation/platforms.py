"""The places a client can call: who bills there, by which address, at what price.

Every answer is 1,000 tokens in and 200 out; the dollars are worked out by hand from the rows of
genai-prices 0.2.3, read 2026-11-22 (USD per million tokens in, out).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anthropic
import openai
from openai.providers import bedrock, vertex

from tests.instrumentation import answers


@dataclass(frozen=True, kw_only=True)
class Platform:
    """One place.

    `answered` is the model that the answer names, `asks` whether streams are asked for their usage,
    `usd` None a model that no row has.
    """

    kinds: tuple[Any, Any]
    options: dict[str, Any]
    provider: str
    address: str
    port: int | None = None
    model: str
    answered: str
    asks: bool = True
    usd: str | None
    answer: Any = field(default=answers.chat)

    @property
    def sdk(self) -> str:
        """The SDK that is used."""
        return "openai" if self.answer is answers.chat else "anthropic"


def _host(base_url: str, provider: str, model: str, usd: str | None, **more: Any) -> Platform:
    """An OpenAI-compatible host."""
    host, _, port = base_url.partition("://")[2].partition("/")[0].partition(":")
    return Platform(
        kinds=(openai.OpenAI, openai.AsyncOpenAI),
        options={"api_key": "k", "base_url": base_url},
        provider=provider,
        address=host,
        port=int(port) if port else None,
        usd=usd,
        **{"model": model, "answered": model, **more},
    )


def _azure(api_version: str, *, asks: bool) -> Platform:
    return Platform(
        kinds=(openai.AzureOpenAI, openai.AsyncAzureOpenAI),
        options={
            "api_key": "k",
            "azure_endpoint": "https://example.openai.azure.com",
            "api_version": api_version,
        },
        provider="azure.ai.openai",
        address="example.openai.azure.com",
        model="our-deployment",
        answered="gpt-4o-mini-2024-07-18",
        asks=asks,
        usd="0.00027",  # openai/gpt-4o-mini: 0.15, 0.6
    )


def _claude(kind: str, options: dict[str, Any], **more: Any) -> Platform:
    """A class of the Anthropic SDK; claude-opus-4-5: 5, 25."""
    return Platform(
        kinds=(getattr(anthropic, kind), getattr(anthropic, f"Async{kind}")),
        options=options,
        **{
            "model": "claude-opus-4-5",
            "answered": "claude-opus-4-5-20251101",
            "usd": "0.01",
            "answer": answers.message,
            "asks": False,
            **more,
        },
    )


_AWS = {"aws_access_key": "AKIA", "aws_secret_key": "s", "aws_region": "us-east-1"}
_MINI = "gpt-4o-mini-2024-07-18"

OPENAI_PLATFORMS: dict[str, Platform] = {
    "openai": _host("https://api.openai.com/v1", "openai", _MINI, "0.00027"),
    "openai eu": _host("https://eu.api.openai.com/v1", "openai", _MINI, "0.00027"),
    "azure": _azure("2024-10-21", asks=True),
    "azure old": _azure("2024-08-01-preview", asks=False),
    "azure v1": _host(
        "https://example.openai.azure.com/openai/v1/",
        "azure.ai.openai",
        "our-deployment",
        "0.00027",
        answered=_MINI,
    ),
    # groq/llama-3.3-70b-versatile: 0.59, 0.79
    "groq": _host("https://api.groq.com/openai/v1", "groq", "llama-3.3-70b-versatile", "0.000748"),
    # openrouter/openai/gpt-4o-mini: 0.15, 0.6
    "openrouter": _host(
        "https://openrouter.ai/api/v1", "openrouter", "openai/gpt-4o-mini", "0.00027"
    ),
    # deepseek/deepseek-v3.1-terminus: 0.27, 0.95
    "deepseek": _host("https://api.deepseek.com", "deepseek", "deepseek-v3.1-terminus", "0.00046"),
    # x-ai/grok-3: 3, 15
    "x.ai": _host("https://api.x.ai/v1", "x_ai", "grok-3", "0.006"),
    # together/meta-llama/Llama-3.3-70B-Instruct-Turbo: 0.88, 0.88
    "together": _host(
        "https://api.together.xyz/v1",
        "together",
        "meta-llama/Llama-3.3-70B-Instruct-Turbo",
        "0.001056",
    ),
    # fireworks/gpt-oss-120b: 0.15, 0.6
    "fireworks": _host(
        "https://api.fireworks.ai/inference/v1",
        "fireworks",
        "accounts/fireworks/models/gpt-oss-120b",
        "0.00027",
    ),
    # cerebras/llama3.1-8b: 0.1, 0.1
    "cerebras": _host("https://api.cerebras.ai/v1", "cerebras", "llama3.1-8b", "0.00012"),
    # mistral/mistral-large: 2, 6
    "mistral": _host(
        "https://api.mistral.ai/v1", "mistral_ai", "mistral-large-latest", "0.0032", asks=False
    ),
    "ollama": _host("http://localhost:11434/v1", "ollama", "llama3.2", None),
    "vllm": _host("http://localhost:8000/v1", "vllm", "my-finetune", None),
    "lm studio": _host("http://localhost:1234/v1", "lm_studio", "my-finetune", None, asks=False),
    "gateway": _host("https://llm.example.com/v1", "openai", _MINI, "0.00027", asks=False),
    # aws/openai.gpt-oss-120b-1:0: 0.15, 0.6
    "bedrock class": Platform(
        kinds=(openai.BedrockOpenAI, openai.AsyncBedrockOpenAI),
        options={"api_key": "k", "aws_region": "us-west-2"},
        provider="aws.bedrock",
        address="bedrock-mantle.us-west-2.api.aws",
        model="openai.gpt-oss-120b-1:0",
        answered="openai.gpt-oss-120b-1:0",
        asks=False,
        usd="0.00027",
    ),
    "bedrock provider": Platform(
        kinds=(openai.OpenAI, openai.AsyncOpenAI),
        options={"provider": bedrock(endpoint="runtime", region="us-west-2", api_key="k")},
        provider="aws.bedrock",
        address="bedrock-runtime.us-west-2.amazonaws.com",
        model="openai.gpt-oss-120b-1:0",
        answered="openai.gpt-oss-120b-1:0",
        asks=False,
        usd="0.00027",
    ),
    "vertex provider": Platform(
        kinds=(openai.OpenAI, openai.AsyncOpenAI),
        options={
            "provider": vertex(
                base_url="https://proxy.example.com/v1", token_provider=lambda: "token"
            )
        },
        provider="gcp.vertex_ai",
        address="proxy.example.com",
        model="my-finetune",
        answered="my-finetune",
        asks=False,
        usd=None,
    ),
}

ANTHROPIC_PLATFORMS: dict[str, Platform] = {
    "anthropic": _claude(
        "Anthropic", {"api_key": "k"}, provider="anthropic", address="api.anthropic.com"
    ),
    # aws/regional.anthropic.claude-opus-4-5-v1:0: 5.5, 27.5
    "bedrock us": _claude(
        "AnthropicBedrock",
        _AWS,
        provider="aws.bedrock",
        address="bedrock-runtime.us-east-1.amazonaws.com",
        model="us.anthropic.claude-opus-4-5-20251101-v1:0",
        usd="0.011",
        answer=answers.bedrock_message,
    ),
    # aws/global.anthropic.claude-opus-4-5-v1:0: 5, 25; the answer leaves the profile out
    "bedrock global": _claude(
        "AnthropicBedrock",
        _AWS,
        provider="aws.bedrock",
        address="bedrock-runtime.us-east-1.amazonaws.com",
        model="global.anthropic.claude-opus-4-5-20251101-v1:0",
        answer=answers.bedrock_message,
    ),
    # aws/regional.anthropic.claude-opus-4-5-v1:0, which the name without a profile falls to
    "bedrock mantle": _claude(
        "AnthropicBedrockMantle",
        {"api_key": "k", "aws_region": "us-east-1"},
        provider="aws.bedrock",
        address="bedrock-mantle.us-east-1.api.aws",
        model="anthropic.claude-opus-4-5",
        usd="0.011",
    ),
    "vertex": _claude(
        "AnthropicVertex",
        {"region": "us-east5", "project_id": "p", "access_token": "t"},
        provider="gcp.vertex_ai",
        address="us-east5-aiplatform.googleapis.com",
        model="claude-opus-4-5@20251101",
    ),
    "foundry": _claude(
        "AnthropicFoundry",
        {"api_key": "k", "resource": "example"},
        provider="anthropic",
        address="example.services.ai.azure.com",
    ),
}
