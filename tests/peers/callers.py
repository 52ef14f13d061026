"""How a call is made: by the SDK itself, or by a framework above it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from costspan.testing import LLMServer
from tests.peers.surfaces import CHAT_MODEL, CLAUDE_MODEL, EMBEDDING_MODEL, Surface

Caller = Callable[[Surface, LLMServer], None]
METHODS = ("chat", "responses", "embeddings", "messages")

_QUESTION = "Say hello."
_MESSAGES: Any = [{"role": "user", "content": _QUESTION}]


def _options(surface: Surface, server: LLMServer) -> dict[str, Any]:
    """What a client is made with; the scenario goes with each of its requests."""
    url = server.anthropic_url if surface.sdk == "anthropic" else server.openai_url
    headers = {"x-costspan-scenario": surface.scenario}
    return {"api_key": "sk-none", "base_url": url, "default_headers": headers, "max_retries": 0}


def by_sdk(surface: Surface, server: LLMServer) -> None:
    """Call the SDK's own method, and read the answer to its end."""
    if surface.is_async:
        asyncio.run(_by_async_sdk(surface, server))
        return
    with _client(surface, server) as client:
        answer = _SDK_CALLS[surface.method](client, surface)
        if surface.streamed:
            list(answer)


async def _by_async_sdk(surface: Surface, server: LLMServer) -> None:
    async with _async_client(surface, server) as client:
        answer = await _SDK_CALLS[surface.method](client, surface)
        if surface.streamed:
            async for _ in answer:
                pass


def _client(surface: Surface, server: LLMServer) -> Any:
    module, kind = _sdk(surface)
    # Certificates are not read: it takes most of the time of making a client.
    http = module.DefaultHttpxClient(verify=False)
    return getattr(module, kind)(http_client=http, **_options(surface, server))


def _async_client(surface: Surface, server: LLMServer) -> Any:
    module, kind = _sdk(surface)
    http = module.DefaultAsyncHttpxClient(verify=False)
    return getattr(module, f"Async{kind}")(http_client=http, **_options(surface, server))


def _sdk(surface: Surface) -> tuple[Any, str]:
    """The SDK's module, and what its client is called."""
    if surface.sdk == "anthropic":
        import anthropic

        return anthropic, "Anthropic"
    import openai

    return openai, "OpenAI"


def _chat(client: Any, surface: Surface) -> Any:
    asked = {"model": CHAT_MODEL, "messages": _MESSAGES}
    if surface.streamed:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return client.chat.completions.create(**asked)


def _responses(client: Any, surface: Surface) -> Any:
    more = {"stream": True} if surface.streamed else {}
    return client.responses.create(model=CHAT_MODEL, input=_QUESTION, **more)


def _embeddings(client: Any, surface: Surface) -> Any:
    return client.embeddings.create(model=EMBEDDING_MODEL, input=_QUESTION)


def _messages(client: Any, surface: Surface) -> Any:
    more = {"stream": True} if surface.streamed else {}
    return client.messages.create(model=CLAUDE_MODEL, max_tokens=99, messages=_MESSAGES, **more)


_SDK_CALLS = {
    "chat": _chat,
    "responses": _responses,
    "embeddings": _embeddings,
    "messages": _messages,
}


def by_langchain(surface: Surface, server: LLMServer) -> None:
    """Call a LangChain model."""
    model = _langchain_model(surface, _options(surface, server))
    if surface.streamed:
        list(model.stream(_QUESTION))
    else:
        model.invoke(_QUESTION)


def _langchain_model(surface: Surface, options: dict[str, Any]) -> Any:
    if surface.sdk == "anthropic":
        from langchain_anthropic import ChatAnthropic

        return ChatAnthropic(model=CLAUDE_MODEL, max_tokens=99, **options)
    from langchain_openai import ChatOpenAI

    responses = surface.method == "responses"
    return ChatOpenAI(model=CHAT_MODEL, use_responses_api=responses, stream_usage=True, **options)


def by_pydantic_ai(surface: Surface, server: LLMServer) -> None:
    """Run a pydantic-ai agent of one turn."""
    from pydantic_ai import Agent

    async def run() -> None:
        async with _async_client(surface, server) as client:
            agent = Agent(_pydantic_model(surface, client), name="greeter")
            if not surface.streamed:
                await agent.run(_QUESTION)
                return
            async with agent.run_stream(_QUESTION) as result:
                await result.get_output()

    asyncio.run(run())


def _pydantic_model(surface: Surface, client: Any) -> Any:
    if surface.sdk == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        return AnthropicModel(CLAUDE_MODEL, provider=AnthropicProvider(anthropic_client=client))
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    kind = OpenAIResponsesModel if surface.method == "responses" else OpenAIChatModel
    return kind(CHAT_MODEL, provider=OpenAIProvider(openai_client=client))


def by_openai_agents(surface: Surface, server: LLMServer) -> None:
    """Run an agent of the OpenAI Agents SDK for one turn; usage of streams is asked for."""
    from agents import Agent, ModelSettings, Runner
    from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
    from agents.models.openai_responses import OpenAIResponsesModel

    kind = OpenAIResponsesModel if surface.method == "responses" else OpenAIChatCompletionsModel

    async def run() -> None:
        async with _async_client(surface, server) as client:
            agent = Agent(
                name="greeter",
                model=kind(CHAT_MODEL, openai_client=client),
                model_settings=ModelSettings(include_usage=True),
            )
            if not surface.streamed:
                await Runner.run(agent, _QUESTION)
                return
            async for _ in Runner.run_streamed(agent, _QUESTION).stream_events():
                pass

    asyncio.run(run())
