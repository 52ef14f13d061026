"""ClickHouse's HTTP interface over its engine in this process, chDB: no registry has the server.

    python tests/databases/clickhouse.py PORT    for an interpreter that has chDB

It takes what the collector's exporter and a query by HTTP send: SQL in the body, or SQL in `query=`
with rows in the body, which the engine itself reads and writes in the format that is asked for.
"""

import struct
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

from chdb import session

HELLO = "SELECT displayName(), version(), revision(), timezone()"
"""What a driver asks first, to learn in which revision of the format `Native` it is answered."""


class Handler(BaseHTTPRequestHandler):
    """One request after the other, as an engine has one session."""

    engine: session.Session
    rows: Path
    """Where the rows of an insert lie for the engine to read."""

    def do_POST(self) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        try:
            status, body = 200, self._answer(asked, self._body())
        except RuntimeError as fault:
            status, body = 500, str(fault).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, asked: dict[str, str], body: bytes) -> bytes:
        if "query" in asked:
            return self._inserted(asked["query"], body)
        query = body.decode()
        if query == HELLO:
            return hello()
        return self.engine.query(query, asked["default_format"]).bytes()

    def _inserted(self, query: str, rows: bytes) -> bytes:
        self.rows.write_bytes(rows)
        into = query.rpartition(" FORMAT ")[0]
        return self.engine.query(f"{into} SELECT * FROM file('{self.rows}', 'Native')").bytes()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)


def hello() -> bytes:
    """A block of one row. It tells the driver revision 0, in which chDB writes what follows."""
    version = Handler.engine.query("SELECT version()", "TSV").bytes().decode().strip()
    columns = (
        ("displayName()", "String", text("chDB")),
        ("version()", "String", text(version)),
        ("revision()", "UInt32", struct.pack("<I", 0)),
        ("timezone()", "String", text("UTC")),
    )
    info, shape = b"\x01\x00\x02" + struct.pack("<i", -1) + b"\x00", bytes([len(columns), 1])
    described = (text(name) + text(kind) + b"\x00" + data for name, kind, data in columns)
    return info + shape + b"".join(described)


def text(value: str) -> bytes:
    """A string after its length, which is less than 128."""
    encoded = value.encode()
    assert len(encoded) < 128
    return bytes([len(encoded)]) + encoded


def serve(port: int) -> None:
    """Until the process is ended."""
    with TemporaryDirectory() as folder, session.Session() as Handler.engine:
        Handler.rows = Path(folder) / "rows"
        HTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
