"""One model under several names is one, and two models are two."""

import pytest

from costspan.report.reconciling.names import key_of, undated


@pytest.mark.parametrize(
    "names",
    [
        ("gpt-4o", "gpt-4o-2024-08-06", "GPT-4o"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "Claude Sonnet 4.5", "Claude4.5Sonnet",
         "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5@20250929",
         "anthropic.claude-sonnet-4-5", "global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("NovaLite", "amazon.nova-lite-v1:0", "eu.amazon.nova-lite-v1:0"),
        ("Llama4-Maverick-17B", "us.meta.llama4-maverick-17b-instruct-v1:0"),
        ("gemini-2.5-pro", "models/gemini-2.5-pro", "gemini-2.5-pro-latest"),
    ],
)  # fmt: skip
def test_names_of_one_model(names: tuple[str, ...]):
    assert len({key_of(name) for name in names}) == 1


def test_names_of_different_models():
    names = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4", "o4-mini", "o3", "gpt-5", "gpt-5.2",
             "claude-opus-4-5", "claude-opus-4-6", "claude-sonnet-4-5", "claude-opus-4",
             "text-embedding-3-small", "text-embedding-3-large", "gpt-3.5-turbo"]  # fmt: skip
    assert len({key_of(name) for name in names}) == len(names)


def test_a_name_without_its_date():
    assert undated("gpt-4o-2024-08-06") == "gpt-4o"
    assert undated("us.anthropic.claude-sonnet-4-5-20250929-v1:0") == "claude-sonnet-4-5"
    assert undated("gpt-4-0613") == "gpt-4-0613"
    assert undated("2024-08-06") == "2024-08-06"
