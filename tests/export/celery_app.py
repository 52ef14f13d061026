"""A Celery app whose task settles one call; its queue is a folder.

`FILES` is the folder of lines, `DURABILITY` its durability, `QUEUE` the folder of the queue, `DONE`
the file that each task that has returned is noted in.
"""

import os

from celery import Celery
from opentelemetry.sdk.trace import TracerProvider

from costspan import Instrumentor, LocalFiles, attribution, record_call

app = Celery("app", broker="filesystem://")
app.conf.broker_transport_options = dict.fromkeys(
    ("data_folder_in", "data_folder_out", "control_folder"), os.environ["QUEUE"]
)
app.conf.worker_max_tasks_per_child = int(os.environ["TASKS_PER_CHILD"])

Instrumentor().instrument(
    tracer_provider=TracerProvider(shutdown_on_exit=False),
    local=LocalFiles(os.environ["FILES"], durability=os.environ["DURABILITY"]),
    providers=(),
)


@app.task
def settle(number: int) -> None:
    with attribution(agent=f"task {number}"), record_call(model="gpt-4o-mini") as call:
        call.set_usage(input_tokens=1000, output_tokens=100)
    with open(os.environ["DONE"], "a") as done:
        done.write(f"task {number}\n")


if __name__ == "__main__":
    for each in range(12):
        app.signature("tests.export.celery_app.settle", args=(each,)).delay()
