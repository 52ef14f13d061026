"""The text of requests and chunks: all of it, in the APIs' own shapes, and nothing else."""

from __future__ import annotations

from typing import Any

import openai.types.chat as chats
import pytest

from costspan.providers import anthropic_texts, gemini, openai_texts

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
TOOL_JSON = '[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}]'


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"messages": [{"role": "user", "content": "Hello"}]}, ["Hello"]),
        (
            {
                "messages": (
                    {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
                    {"role": "assistant", "content": None},
                    {"role": "tool", "tool_call_id": "c1", "content": "42"},
                )
            },
            ["Be brief.", "42"],
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "look"}}]}]},
            ['[{"function":{"name":"look"}}]'],
        ),
        ({"messages": [{"role": "user", "content": "Hi"}], "tools": [TOOL]}, ["Hi", TOOL_JSON]),
        ({"messages": iter([{"role": "user", "content": "Hi"}]), "tools": [TOOL]}, [None]),
        ({"messages": [{"role": "user", "content": iter(["Hi"])}]}, [None]),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            [None],
        ),
        ({"messages": [{"role": "user", "content": "Hi"}], "tools": [object()]}, ["Hi", None]),
        ({}, [None]),
    ],
)
def test_the_prompt_of_a_chat(body: Any, texts: list[str | None]):
    assert list(openai_texts.chat_prompt(body)) == texts


def test_an_iterator_in_a_request_is_left_to_the_sdk():
    messages = iter([{"role": "user", "content": "Hi"}])
    list(openai_texts.chat_prompt({"messages": messages}))
    assert len(list(messages)) == 1


def test_an_sdks_own_message_is_text_too():
    said = chats.ChatCompletionMessage(role="assistant", content="Hi there")
    assert list(openai_texts.chat_prompt({"messages": [said]})) == ["Hi there"]


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("Hello", ["Hello"]),
        (["Hello", "you"], ["Hello", "you"]),
        ([9906, 499], [None, None]),
        (None, [None]),
    ],
)
def test_the_prompt_of_a_completion(prompt: Any, texts: list[str | None]):
    assert list(openai_texts.completion_prompt({"prompt": prompt})) == texts


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"input": "Hello"}, ["Hello"]),
        ({"instructions": "Be brief.", "input": "Hello"}, ["Be brief.", "Hello"]),
        ({"input": [{"role": "user", "content": "Hello"}]}, ["Hello"]),
        (
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
                    {"type": "function_call", "name": "look", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "c1", "output": "42"},
                ]
            },
            ["Hello", "look", "{}", "42"],
        ),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, [None]),
        ({"input": [{"type": "reasoning", "id": "rs_1"}]}, [None]),
        ({"input": "Hello", "previous_response_id": "resp_1"}, [None]),
        ({"input": "Hello", "conversation": {"id": "conv_1"}}, [None]),
        ({"prompt": {"id": "pmpt_1"}}, [None]),
        ({"input": iter([])}, [None]),
    ],
)
def test_the_prompt_of_a_response(body: Any, texts: list[str | None]):
    assert list(openai_texts.response_prompt(body)) == texts


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        ({"messages": [{"role": "user", "content": "Hello"}]}, ["Hello"]),
        ({"system": "Be brief.", "messages": []}, ["Be brief."]),
        ({"system": [{"type": "text", "text": "Be brief."}], "messages": []}, ["Be brief."]),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "Let me see", "signature": "EqQ="},
                            {"type": "tool_use", "id": "t1", "name": "look", "input": {"a": 1}},
                        ],
                    },
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "42"}],
                    },
                ]
            },
            ["Hello", "Let me see", "look", '{"a":1}', "42"],
        ),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, [None]),
        ({"messages": iter([])}, [None]),
        ({"messages": [{"role": "user", "content": iter([])}]}, [None]),
    ],
)
def test_the_prompt_of_a_message(body: Any, texts: list[str | None]):
    assert list(anthropic_texts.message_prompt(body)) == texts


@pytest.mark.parametrize(
    ("delta", "texts"),
    [
        ({"role": "assistant", "content": ""}, []),
        ({"content": "Hi"}, ["Hi"]),
        ({"refusal": "No"}, ["No"]),
        ({"reasoning": "Hm", "reasoning_content": "Hm"}, ["Hm"]),
        (
            {"tool_calls": [{"function": {"name": "look"}}, {"function": {"arguments": "{}"}}]},
            ["look", "{}"],
        ),
        ({"audio": {"data": "UklGRg=="}}, []),
    ],
)
def test_a_chunk_of_a_chat(delta: Any, texts: list[str]):
    assert openai_texts.chat_chunk({"choices": [{"index": 0, "delta": delta}]}) == texts


def test_a_chunk_of_a_completion_and_of_several_choices():
    assert openai_texts.chat_chunk({"choices": [{"text": "Hi"}, {"text": "Yo"}]}) == ["Hi", "Yo"]
    assert openai_texts.chat_chunk({"choices": [], "usage": {"prompt_tokens": 1}}) == []


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("output_text", ["Hi"]),
        ("refusal", ["Hi"]),
        ("function_call_arguments", ["Hi"]),
        ("custom_tool_call_input", ["Hi"]),
        ("code_interpreter_call_code", ["Hi"]),
        ("reasoning_text", ["Hi"]),
        ("reasoning_summary_text", ["Hi"]),
        ("audio", []),
        ("audio.transcript", []),
    ],
)
def test_an_event_of_a_response(kind: str, texts: list[str]):
    assert openai_texts.response_chunk({"type": f"response.{kind}.delta", "delta": "Hi"}) == texts
    assert openai_texts.response_chunk({"type": f"response.{kind}.done", "text": "Hi"}) == []


@pytest.mark.parametrize(
    ("delta", "texts"),
    [
        ({"type": "text_delta", "text": "Hi"}, ["Hi"]),
        ({"type": "thinking_delta", "thinking": "Hm"}, ["Hm"]),
        ({"type": "input_json_delta", "partial_json": '{"a"'}, ['{"a"']),
        ({"type": "signature_delta", "signature": "EqQBCg=="}, []),
    ],
)
def test_an_event_of_a_message(delta: Any, texts: list[str]):
    event = {"type": "content_block_delta", "index": 0, "delta": delta}
    assert anthropic_texts.message_chunk(event) == texts


def test_a_tools_name_opens_its_block():
    block = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
    opened = {"type": "content_block_start", "index": 1, "content_block": block}
    assert anthropic_texts.message_chunk(opened) == ["look"]
    assert anthropic_texts.message_chunk({"type": "message_start", "message": {}}) == []


def test_a_chunk_of_gemini():
    parts = [{"text": "Hm", "thought": True}, {"text": "Hi"}, {"inlineData": {"data": "UklG"}}]
    assert gemini.chunk_texts({"candidates": [{"content": {"parts": parts}}]}) == ["Hm", "Hi"]
    assert gemini.chunk_texts({"usageMetadata": {"promptTokenCount": 1}}) == []
