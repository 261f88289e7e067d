"""A web server on this machine that serves files and has, for each, the faults that a test asks for."""

import hashlib
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote, urlsplit


@dataclass
class Fault:
    """What the next `times` answers for a path do wrong; None: all of them."""

    times: int | None = None
    status: int = 0  # answered in place of the file
    retry_after: str = ""
    location: str = ""  # with a status of 3xx
    cut_after: int | None = None  # bytes of the body, then the connection is closed
    hang_after: int | None = None  # bytes of the body, then nothing more comes
    longer: int = 0  # so many bytes more than come are announced
    without_length: bool = False  # neither a length nor chunks: the body ends with the connection
    chunked: bool = False
    ignores_range: bool = False
    ignores_if_range: bool = False
    without_sign: bool = False  # no ETag
    etag: str = ""
    content_type: str = ""
    refuses_head: bool = False


@dataclass
class Asked:
    """One request, and how many bytes of the file were sent."""

    method: str
    path: str
    headers: dict[str, str]
    status: int = 0
    sent: int = 0

    @property
    def range(self) -> str | None:
        return self.headers.get("Range")


@dataclass
class Loopback:
    """Serves a mapping of paths to bytes, or a folder. Inside `with`, `url(path)` is where a file is, and `asked` what
    was asked for. `pause_s` lies between two pieces of 1,000 bytes."""

    files: Mapping[str, bytes] | Path
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    pause_s: float = 0.0

    def __enter__(self) -> "Loopback":
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.site = self
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def url(self, path: str) -> str:
        return f"{self.address}/{quote(path)}"

    def fault(self, path: str, **what) -> None:
        """After those that were asked for before."""
        self.faults.setdefault(path, []).append(Fault(**what))

    def sent(self, path: str) -> int:
        return sum(asked.sent for asked in self.asked if asked.path == path)

    def content(self, path: str) -> bytes | None:
        if isinstance(self.files, Path):
            file = self.files / path
            return file.read_bytes() if file.is_file() else None
        return self.files.get(path)

    def next_fault(self, path: str) -> Fault:
        waiting = self.faults.get(path, [])
        if not waiting:
            return Fault()
        fault = waiting[0]
        if fault.times is not None:
            fault.times -= 1
            if not fault.times:
                waiting.pop(0)
        return fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Loopback

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: who is asked for may go in the middle."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer on an open connection takes 40 ms
    server: _Server

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: the test reads `asked`."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        site, address = self.server.site, urlsplit(self.path)
        # as a proxy it is asked for whole addresses
        path = self.path if address.scheme else unquote(address.path).lstrip("/")
        self.asked = Asked(self.command, path, dict(self.headers))
        site.asked.append(self.asked)
        content, fault = site.content(path), site.next_fault(path)
        if fault.refuses_head and self.command == "HEAD":
            fault = Fault(status=405)
        if fault.status or content is None:
            self._say(fault.status or 404, fault, b"<html>no file</html>", {"Content-Type": "text/html"})
        else:
            self._send_file(content, fault)

    def _send_file(self, content: bytes, fault: Fault) -> None:
        etag = fault.etag or f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {"Content-Type": fault.content_type or "application/octet-stream", "Accept-Ranges": "bytes"}
        headers |= {} if fault.without_sign else {"ETag": etag}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        same = fault.ignores_if_range or self.headers.get("If-Range", etag) == etag
        if not wanted or not same or fault.ignores_range:
            return self._say(200, fault, content, headers)
        start, end = int(wanted[1]), int(wanted[2] or len(content) - 1)
        if start >= len(content):
            return self._say(416, fault, b"", headers | {"Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{min(end, len(content) - 1)}/{len(content)}"
        self._say(206, fault, content[start : end + 1], headers)

    def _say(self, status: int, fault: Fault, body: bytes, headers: dict[str, str]) -> None:
        self.asked.status = status
        self.send_response(status)
        extra = {"Retry-After": fault.retry_after, "Location": fault.location}
        if fault.chunked:
            extra["Transfer-Encoding"] = "chunked"
        elif not fault.without_length:
            extra["Content-Length"] = str(len(body) + fault.longer)
        for name, value in (headers | extra).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        stop = fault.cut_after if fault.cut_after is not None else fault.hang_after
        whole = stop is None and not fault.longer and not fault.without_length
        try:
            self._send_body(body[:stop], fault.chunked)
            if whole and fault.chunked:
                self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            whole = False
        if fault.hang_after is not None:
            self.server.site.closing.wait(10)
        self.close_connection = not whole

    def _send_body(self, body: bytes, chunked: bool) -> None:
        pause = self.server.site.pause_s
        step = 1000 if pause else max(len(body), 1)
        for start in range(0, len(body), step):
            piece = body[start : start + step]
            self.asked.sent += len(piece)  # first: the test may look as soon as it is there
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            time.sleep(pause)
