"""An app that settles one call for each request and answers with its number; WSGI and ASGI.

`FILES` is the folder, `DURABILITY` its durability; with `UNINSTRUMENT` the app switches costspan
off when its server shuts it down.
"""

import os

from opentelemetry.sdk.trace import TracerProvider

from costspan import Instrumentor, LocalFiles, attribution, record_call

Instrumentor().instrument(
    tracer_provider=TracerProvider(shutdown_on_exit=False),
    local=LocalFiles(os.environ["FILES"], durability=os.environ["DURABILITY"]),
    providers=(),
)


def settle(path: str) -> bytes:
    with attribution(agent=path), record_call(model="gpt-4o-mini") as call:
        call.set_usage(input_tokens=1000, output_tokens=100)
    return path.encode()


def wsgi(environ, start_response):
    body = settle(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        if "UNINSTRUMENT" in os.environ:
            Instrumentor().uninstrument()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = settle(scope["path"])
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
