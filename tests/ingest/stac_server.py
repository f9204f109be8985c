"""A small STAC API on loopback with paging and search, and a file server that can break off, for tests of ingest.

`fail` tells what goes wrong: path -> answers in turn, each a status code, "cut" (half of the bytes, then nothing) or
"ok"; afterwards all is well.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

_CONFORMS = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]


@dataclass
class Server:
    """What a running server has and was asked."""

    address: str = ""
    items: list[dict] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    fail: dict[str, list[object]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)  # "GET /path" and, of files, the range that was asked for
    bodies: dict[str, int] = field(default_factory=dict)  # path -> bytes of it that were sent
    secret: str = ""  # when set, files need Authorization: Bearer <secret>
    signature: str = ""  # when set, files need this query
    etags: bool = True


@contextmanager
def stac_server(items: Sequence[dict] = (), files: Mapping[str, bytes] | None = None, **options) -> Iterator[Server]:
    """`{address}` in items becomes the server's own address."""
    server = Server(files=dict(files or {}), **options)

    class Handler(_Handler):
        of = server

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        server.address = f"http://127.0.0.1:{running.server_address[1]}"
        server.items = json.loads(json.dumps(list(items)).replace("{address}", server.address))
        Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        running.shutdown()


class _Handler(BaseHTTPRequestHandler):
    of: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.of.asked.append(" ".join(filter(None, ("GET", url.path, self.headers.get("Range")))))
        plan = self.of.fail.get(url.path) or ["ok"]
        now = plan.pop(0)
        if isinstance(now, int):
            self._send(now, b"sorry")
        elif url.path in self.of.files:
            self._file(url.path, url.query, cut=now == "cut")
        elif url.path == "/":
            self._json(_landing(self.of.address))
        elif url.path == "/search":
            self._json(self._page({k: v[0] for k, v in parse_qs(url.query).items()}, "GET"), cut=now == "cut")
        elif url.path == "/sign":
            self._json({"token": self.of.signature, "msft:expiry": "2099-01-01T00:00:00Z"})
        else:
            self._send(404, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = urlsplit(self.path).path
        self.of.asked.append(f"POST {path}")
        if path == "/token":
            self._json({"access_token": self.of.secret} if b"password=geheim" in body else {"error": "wrong"})
        else:
            self._json(self._page(json.loads(body), "POST"))

    def _page(self, asked: dict, method: str) -> dict:
        """One page of the items that fit collections, bbox and datetime, with the link to the next."""
        wanted = asked["collections"]
        wanted = wanted.split(",") if isinstance(wanted, str) else wanted
        box = asked["bbox"]
        box = [float(v) for v in (box.split(",") if isinstance(box, str) else box)]
        first, last = (datetime.fromisoformat(t) for t in asked["datetime"].split("/"))
        found = [i for i in self.of.items if i["collection"] in wanted and _meets(i["bbox"], box)]
        found = [i for i in found if first <= datetime.fromisoformat(i["properties"]["datetime"]) <= last]
        start, limit = int(asked.get("token", 0)), int(asked.get("limit", 10))
        links = []
        if start + limit < len(found):
            following = asked | {"token": start + limit}
            if method == "GET":
                query = "&".join(f"{k}={v}" for k, v in following.items())
                links = [
                    {"rel": "next", "method": "GET", "href": f"{self.of.address}/search?{query}".replace("+", "%2B")}
                ]
            else:
                links = [{"rel": "next", "method": "POST", "href": f"{self.of.address}/search", "body": following}]
        return {"type": "FeatureCollection", "features": found[start : start + limit], "links": links}

    def _file(self, path: str, query: str, *, cut: bool) -> None:
        if self.of.secret and self.headers.get("Authorization") != f"Bearer {self.of.secret}":
            self._send(401, b"")
            return
        if self.of.signature and query != self.of.signature:
            self._send(403, b"")
            return
        content = self.of.files[path]
        etag = f'"{md5(content, usedforsecurity=False).hexdigest()}"'
        if self.of.etags and self.headers.get("If-None-Match") == etag:
            self._send(304, b"")
            return
        start = 0
        asked = self.headers.get("Range", "")
        if asked and (self.headers.get("If-Range") == etag or not self.of.etags):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        headers = {"ETag": etag} if self.of.etags else {}
        if start >= len(content) and start:
            self._send(416, b"")
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(206 if start else 200, content[start:], headers, cut=cut)

    def _json(self, body: dict, *, cut: bool = False) -> None:
        self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"}, cut=cut)

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = body[: len(body) // 2] if cut else body
        self.wfile.write(sent)
        path = urlsplit(self.path).path
        self.of.bodies[path] = self.of.bodies.get(path, 0) + len(sent)
        self.close_connection = cut

    def log_message(self, *_: object) -> None:
        pass


def _landing(address: str) -> dict:
    search = [
        {"rel": "search", "href": f"{address}/search", "method": m, "type": "application/geo+json"}
        for m in ("GET", "POST")
    ]
    links = [{"rel": "self", "href": f"{address}/"}, {"rel": "root", "href": f"{address}/"}, *search]
    top = {"type": "Catalog", "id": "api", "stac_version": "1.0.0", "description": "test"}
    return top | {"conformsTo": _CONFORMS, "links": links}


def _meets(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] <= other[2] and one[2] >= other[0] and one[1] <= other[3] and one[3] >= other[1]
