"""A user's program: it asks two models, and knows nothing of costspan or OpenTelemetry."""

import sys

from anthropic import Anthropic
from openai import OpenAI

HELLO = [{"role": "user", "content": "Hello"}]

with OpenAI() as openai:
    openai.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
with Anthropic() as anthropic:
    anthropic.messages.create(model="claude-opus-4-5", max_tokens=200, messages=HELLO)
sys.stdout.write("answered twice\n")
