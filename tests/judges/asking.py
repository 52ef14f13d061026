"""One question to a judge's API, by the standard library."""

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def asked(url: str, body: Any = None) -> Any:
    """The JSON of the answer to a GET, or to a POST of `body`; None where there is nothing yet."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except HTTPError as refusal:
        with refusal:
            if refusal.code != 404:
                raise
        return None
