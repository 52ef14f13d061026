"""Prints the alerts that Alertmanager sends: `docker compose logs receiver` shows them.

python receiver.py [PORT]
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    """Takes a webhook; the path says for whom it is."""

    def do_POST(self) -> None:
        """Print a line for each alert of the group."""
        group = json.loads(self.rfile.read(int(self.headers["content-length"])))
        for alert in group["alerts"]:
            name, summary = alert["labels"]["alertname"], alert["annotations"]["summary"]
            print(f"{self.path} {alert['status']} {name}: {summary}", flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of requests."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    ThreadingHTTPServer(("", port), Receiver).serve_forever()
