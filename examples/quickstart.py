"""One call, priced: needs OPENAI_API_KEY. Its line is in logs/llm_trace_<date>.jsonl."""

from openai import OpenAI

from costspan import Instrumentor

Instrumentor().instrument(local="logs")

messages = [{"role": "user", "content": "Name three uses of a span."}]
answer = OpenAI().chat.completions.create(model="gpt-5.2", messages=messages)
print(answer.choices[0].message.content)
print(Instrumentor().costs.summary())
