"""How much there is to fetch, asked of the servers where the cards don't say. No torch."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import requests

from saccade.acquire import web_sources
from saccade.acquire.checksums import Wanted
from saccade.acquire.web_sources import CutError, Patience, RefusedError

SHORT = Patience(connect_s=10, silence_s=15)


def sizes(wanted: Sequence[Wanted], parallel: int = 16, patience: Patience = SHORT) -> dict[str, int | None]:
    """Bytes of each file by name, in the given order: the card's, else what the first source says that says it; None
    where none does. Each is asked once."""
    with ThreadPoolExecutor(parallel) as pool:
        found = pool.map(lambda one: _size(one, patience) if one.bytes is None else one.bytes, wanted)
        return {one.name: count for one, count in zip(wanted, found, strict=True)}


def _size(wanted: Wanted, patience: Patience) -> int | None:
    with web_sources.session() as http:
        for url in wanted.urls:
            for method, headers in (("HEAD", {}), ("GET", {"Range": "bytes=0-0"})):
                count = _asked(http, url, wanted, patience, method, headers)
                if count is not None:
                    return count
    return None


def _asked(
    http: requests.Session, url: str, wanted: Wanted, patience: Patience, method: str, headers: dict[str, str]
) -> int | None:
    try:
        with web_sources.ask(http, url, bool(wanted.hashes), patience, headers, method) as response:
            web_sources.need_file(wanted.name, response, b"")
            return web_sources.origin(url, response).bytes
    except (CutError, RefusedError):
        return None
