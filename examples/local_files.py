"""A folder of lines for a team without a collector: kept for 30 days, packed, users hashed.

Needs no key: the call is recorded by hand. Run it twice, and the file goes on.
"""

import json
from decimal import Decimal
from pathlib import Path

from costspan import Instrumentor, LocalFiles, attribution, record_call

files = LocalFiles(
    "logs",
    rotate=("day", "50 MB"),  # another file each day, and where one is full
    keep=("30d", "1 GB"),  # closed files go when they are older, or all together larger
    compress="gzip",  # closed files; "zstd" is smaller, and needs costspan[zstd]
    identify=b"a key of your own, 32 bytes long",  # users and sessions as hashes
)
Instrumentor().instrument(local=files)

with (
    attribution(agent="reviewer", user="ann@example.org"),
    record_call(model="gpt-5.2", provider="openai") as call,
):
    call.set_usage(input_tokens=1000, output_tokens=100)

for path in Path("logs").glob("llm_trace_*.jsonl"):
    for text in path.read_text().splitlines():
        line = json.loads(text, parse_float=Decimal)
        if "kind" not in line:  # a record about the file itself, such as what a full disk lost
            print(f"{line['agent']}: ${line['cost_usd']}, user {line['user_id']}")
