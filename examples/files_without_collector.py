"""Keep calls and whole traces in files, and prove that nobody changed them: needs OPENAI_API_KEY.

`logs` gets one line per call and the spans of the trace; the key makes both tamper-evident, and
`checkpoints.jsonl` should lie where those who can write to `logs` cannot.
"""

from openai import OpenAI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from costspan import Instrumentor, JsonlSpanExporter, LocalFiles, attribution
from costspan.export.auditing.keys import Key
from costspan.export.auditing.verifying import verify
from costspan.export.reader import Reading

KEY = "keep-this-out-of-the-code-and-secret"

files = LocalFiles("logs", audit_key=KEY, checkpoints="checkpoints.jsonl")
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(JsonlSpanExporter(files)))
trace.set_tracer_provider(provider)
Instrumentor().instrument(local=files)

with OpenAI() as client, attribution(agent="poet"):
    client.chat.completions.create(
        model="gpt-5.2", messages=[{"role": "user", "content": "Write a line about a trace."}]
    )

Instrumentor().uninstrument()  # closes the file; so does the end of the program
provider.shutdown()

for call in Reading("logs"):
    print(f"{call.agent}: {call.total_tokens} tokens, ${call.cost_usd}")
print(verify("logs", [Key(KEY.encode())], checkpoints=["checkpoints.jsonl"]))
