"""What a server is asked and what its answers mean: which failures are worth another try, and which file it has. TLS is
always verified; proxies and REQUESTS_CA_BUNDLE are taken from the environment. No torch."""

import contextlib
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, HTTPError, InvalidHeader, NewConnectionError
from urllib3.util import Retry

from saccade.acquire.checksums import CHUNK
from saccade.project import version_of
from saccade.records import one_line

BUSY = {408, 425, 429, 500, 502, 503, 504}
NO_SUCH_RANGE = 416
CUT = "connection cut"
PAGE = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)
TITLE = re.compile(rb"<title[^>]*>\s*(.*?)\s*</title>", re.IGNORECASE | re.DOTALL)
HINTS = {
    401: "a log-in is needed",
    403: "a log-in or an agreement may be needed, or your address isn't let in",
    407: "the proxy wants a password: https_proxy=http://user:password@host:port",
}


class RefusedError(Exception):
    """This source doesn't give the file, and would not the next minute. The text says why."""


class WrongFileError(RefusedError):
    """This source gives another file than the card describes, to a browser too. `by_card` is false where the card
    leaves open which file it is, and an earlier one was another."""

    def __init__(self, why: str, by_card: bool = True):
        super().__init__(why)
        self.by_card = by_card


class CutError(Exception):
    """Worth another try: the connection was refused, cut or silent, or the server is busy and may say for how long."""

    def __init__(self, why: str, response: requests.Response | None = None):
        super().__init__(why)
        self.response = response


class UnreachedError(CutError):
    """Nobody was there to ask: the connection was refused, no way leads there, or the name isn't known. That is how a
    network looks that is down, too."""


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, and how often it is tried again with no new byte between: more often where no
    connection comes about, as a router that starts anew needs minutes. `unreached_tries` are 20 minutes."""

    connect_s: float = 15.0
    silence_s: float = 60.0
    tries: int = 6
    unreached_tries: int = 17
    backoff_s: float = 1.0  # none before the second try, 2 before the third, 4 before the fourth
    longest_wait_s: float = 120.0

    def waits(self, tries: int) -> Retry:
        return Retry(tries - 1, backoff_factor=self.backoff_s, backoff_max=self.longest_wait_s)

    def seconds(self, waits: Retry, cut: CutError) -> float:
        """How long to wait before the next try: what the server asks for, else the back-off's."""
        asked = None
        if cut.response is not None:
            with contextlib.suppress(InvalidHeader):
                asked = waits.get_retry_after(cut.response.raw)
        return min(waits.get_backoff_time() if asked is None else asked, self.longest_wait_s)


@dataclass(frozen=True)
class Origin:
    """Which file a server has: what it says to tell one from its successor under the same address. Empty and None where
    it doesn't say."""

    url: str
    etag: str = ""
    last_modified: str = ""
    bytes: int | None = None

    @property
    def sign(self) -> str:
        """What If-Range takes: a strong ETag, else the date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified

    def may_be(self, other: "Origin") -> bool:
        """Whether nothing that both say differs."""
        pairs = ((self.etag, other.etag), (self.last_modified, other.last_modified), (self.bytes, other.bytes))
        return all(one == two for one, two in pairs if one and two)


def session() -> requests.Session:
    made = requests.Session()
    # as stored: lengths and ranges of what a server compresses on the way are of no use
    made.headers.update({"User-Agent": f"saccade/{version_of('saccade')}", "Accept-Encoding": "identity"})
    return made


def need_safe(url: str, checked: bool) -> None:
    """Raises RefusedError unless nobody on the way can put another file in its place: https, or a checksum, or this
    machine itself."""
    try:
        scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
    except ValueError as error:
        raise RefusedError(f"this is no address: {error}") from None
    if scheme not in ("https", "http") or not host:
        raise RefusedError("only https:// addresses are fetched, and http:// ones")
    if scheme == "http" and not checked and not _is_this_machine(host):
        raise RefusedError(
            "it is plain http, on which anybody on the way can change the file, and the card has no checksum; use an "
            "https address, or give the card the file's sha256"
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def ask(
    http: requests.Session,
    url: str,
    checked: bool,
    patience: Patience,
    headers: Mapping[str, str] = MappingProxyType({}),
    method: str = "GET",
) -> requests.Response:
    """The answer, its body still to be read: 200, 206 or 416. Raises CutError or RefusedError for any other."""
    need_safe(url, checked)
    try:
        response = http.request(
            method,
            url,
            headers=headers,
            timeout=(patience.connect_s, patience.silence_s),
            stream=True,
            allow_redirects=True,
        )
    except requests.RequestException as error:
        raise _as_ours(error) from None
    try:
        for step in (*response.history, response):
            need_safe(step.url, checked)
        code = response.status_code
        if code not in (200, 206, NO_SUCH_RANGE):
            words = f"{code} {response.reason or _phrase(code)}".strip()
            words += f" ({HINTS[code]})" if code in HINTS else ""
            raise CutError(words, response) if code in BUSY else RefusedError(words)
    except (CutError, RefusedError):
        response.close()
        raise
    return response


def _phrase(code: int) -> str:
    return HTTPStatus(code).phrase if code in set(HTTPStatus) else ""


def _as_ours(error: requests.RequestException) -> CutError | RefusedError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return RefusedError(
            "its certificate can't be verified, which is never switched off; where a proxy of yours signs for others, "
            "name the file with its certificate in REQUESTS_CA_BUNDLE"
        )
    if any(isinstance(one, (NewConnectionError, ConnectTimeoutError)) for one in _chain(error)):
        return UnreachedError(why(error))
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    return CutError(why(error)) if isinstance(error, passing) else RefusedError(why(error))


def why(error: BaseException) -> str:
    """What is said at the root of a network library's error."""
    if isinstance(error, requests.Timeout) or "timed out" in str(error).lower():
        return "no answer"
    *_, error = _chain(error)
    if "IncompleteRead" in type(error).__name__:
        return CUT
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what led to it."""
    while error:
        yield error
        error = error.__cause__ or error.__context__


def chunks(response: requests.Response) -> Iterator[bytes]:
    """The body as it is sent. Raises CutError where it ends too early."""
    try:
        yield from response.raw.stream(CHUNK, decode_content=False)
    except HTTPError as error:
        raise CutError(why(error)) from None


def origin(url: str, response: requests.Response) -> Origin:
    headers = response.headers
    length = headers.get("Content-Length", "") if response.status_code == 200 else _range(response)[1]
    count = int(length) if length.isdecimal() else None
    return Origin(url, headers.get("ETag", ""), headers.get("Last-Modified", ""), count)


def first_byte(response: requests.Response) -> int | None:
    """At which byte of the file the body begins; None where there is none of the file in it."""
    if response.status_code == 200:
        return 0
    start = _range(response)[0]
    return int(start) if start.isdecimal() else None


def _range(response: requests.Response) -> tuple[str, str]:
    """First byte and size of the file, as `Content-Range` says them; '' or `*` where unknown."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    return (found[1], found[2]) if found and response.status_code == 206 else ("", "")


def ends_unseen(response: requests.Response) -> bool:
    """Whether a body that is cut looks like a whole one: neither its length nor its end is sent."""
    return "Content-Length" not in response.headers and "chunked" not in response.headers.get("Transfer-Encoding", "")


def need_file(name: str, response: requests.Response, beginning: bytes) -> None:
    """Raises RefusedError where a web page is sent in place of the file: a log-in, a licence to agree to, a warning,
    the page of a hotel's network."""
    sent = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if name.lower().endswith((".html", ".htm")) or not (sent == "text/html" or PAGE.match(beginning)):
        return
    title = TITLE.search(beginning)
    named = f", titled '{one_line(title[1].decode(errors='replace'))}'," if title else ""
    raise RefusedError(
        f"a web page{named} came in place of the file: a log-in, a licence to agree to, a warning, or the page of the "
        f"network you are in; open {response.url} in a browser to see it"
    )
