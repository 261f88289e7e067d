"""Files from the network: each from the first of its sources that gives the right one, several at once. No torch."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path, PurePosixPath

from saccade.acquire.checksums import Fetched, Wanted
from saccade.acquire.download_bar import DownloadBar
from saccade.acquire.part_file import PartFile
from saccade.acquire.transfer import Hosts, bring
from saccade.acquire.web_sources import Patience, RefusedError, WrongFileError
from saccade.records import SaccadeError, first_few, size_words

# of name, bytes and sha256; raises SaccadeError where that isn't the file: see `Ledger.check`
Check = Callable[[str, int, str], object]
PATIENCE = Patience()


def anything(name: str, bytes: int, sha256: str) -> None:
    """The check that finds nothing wrong."""


def fetch(
    wanted: Wanted,
    folder: Path,
    bar: DownloadBar,
    check: Check = anything,
    patience: Patience = PATIENCE,
    stop: threading.Event | None = None,
    hosts: Hosts | None = None,
) -> Fetched:
    """Brings the file to `folder/<name>`. It appears there when it is whole and right, and replaces what was there.

    What hasn't the size and the checksums wanted, or is refused by `check`, is removed, and the next source tried.
    Raises SaccadeError where the disk is full (what has come stays), and where no source gives the right file: what
    each of them did, and how to bring it by hand.
    """
    path, refused = place(folder, wanted.name), dict[str, RefusedError]()
    stop, hosts = stop or threading.Event(), hosts or Hosts()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for url in wanted.urls:
            try:
                with PartFile(path, wanted, bar) as part:
                    return _from_source(url, part, check, patience, stop, hosts)
            except RefusedError as error:
                refused[url] = error
    except OSError as error:
        raise SaccadeError(f"{wanted.name}: {error.filename or path}: {error.strerror or error}") from error
    raise SaccadeError(_nobody_gave(wanted, path, refused))


def place(folder: Path, name: str) -> Path:
    """Where the file of that name lies. Raises SaccadeError for a name that leaves the folder."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise SaccadeError(f"'{name}' names no file below {folder}; it must have no '..', and no '/' at its beginning")
    return folder.joinpath(*parts)


def _from_source(
    url: str, part: PartFile, check: Check, patience: Patience, stop: threading.Event, hosts: Hosts
) -> Fetched:
    """Raises RefusedError where that source doesn't give the right file."""
    name, started = part.wanted.name, time.monotonic()
    others = url != part.wanted.urls[-1]
    had = part.take_up(url)
    bring(url, part, patience, stop, hosts, others)
    wrong = _what_is_wrong(part, check)
    if wrong and part.pieced:
        part.bar.say(f"{name}: {wrong}; once more from the beginning, since it came in pieces")
        part.forget()
        had = 0
        bring(url, part, patience, stop, hosts, others)
        wrong = _what_is_wrong(part, check)
    if wrong:
        part.remove()
        raise wrong
    part.keep()
    speed = (part.size - had) / max(time.monotonic() - started, 0.001)
    part.bar.say(f"{name}: {size_words(part.size)}, {size_words(int(speed))}/s")
    return part.sums.fetched(name, url)


def _what_is_wrong(part: PartFile, check: Check) -> RefusedError | None:
    """Of a part that is whole; None where it is the file."""
    if not part.size and part.wanted.bytes != 0:
        return RefusedError("it is empty there")
    part.flush()
    if wrong := part.sums.why_wrong(part.wanted, part.part):
        return WrongFileError(wrong)
    found = part.sums.fetched(part.wanted.name, None)
    try:
        check(found.name, found.bytes, found.sha256)
    except SaccadeError as error:
        return WrongFileError(str(error), by_card=False)
    return None


def _nobody_gave(wanted: Wanted, path: Path, refused: Mapping[str, RefusedError]) -> str:
    """What each source did, and what the user can do: to save a file that the card says is wrong helps nobody."""
    by_hand = f"save it as {path} and run again: it is checked then"
    if not wanted.urls:
        return f"{wanted.name}: its card names no source; where you have it, {by_hand}"
    sources = "its source doesn't give it" if len(refused) == 1 else f"none of its {len(refused)} sources gives it"
    lines = [f"{wanted.name}: {sources}:", *(f"  {url}: {error}" for url, error in refused.items())]
    if unseen := [url for url, error in refused.items() if not isinstance(error, WrongFileError)]:
        lines.append(f"Where {unseen[0]} opens in a browser, {by_hand}")
    if any(isinstance(error, WrongFileError) and error.by_card for error in refused.values()):
        lines.append(
            "The publisher may have changed the file since the card was written: find out what differs, and where the "
            "new one is right, correct its size and checksum in the dataset's card.yml, and tell us"
        )
    return "\n".join(lines)


def fetch_all(
    wanted: Sequence[Wanted],
    folder: Path,
    parallel: int = 4,
    *,
    label: str = "",
    sizes: Mapping[str, int | None] | None = None,
    check: Check = anything,
    done: Callable[[Fetched], object] = lambda fetched: None,
    patience: Patience = PATIENCE,
) -> list[Fetched]:
    """Fetches so many files at a time, under one bar, and gives back what came in the order of `wanted`.

    `sizes`, by name, are for the bar, where the card has none. `done` is called in this thread as each file is there,
    so that what came is known for whole whatever happens to the others. One that fails stops none of the others; then
    a SaccadeError at the end says which, and why.
    """
    stop, hosts, results, errors = threading.Event(), Hosts(), dict[int, Fetched](), dict[int, str]()
    expected = {one.name: one.bytes if one.bytes is not None else (sizes or {}).get(one.name) for one in wanted}

    def job(number: int) -> tuple[int, Fetched | SaccadeError]:
        try:
            return number, fetch(wanted[number], folder, bar, check, patience, stop, hosts)
        except SaccadeError as error:
            return number, error

    # its threads die with the process: a silent server would hold an executor's until its time is out
    with DownloadBar(label, expected) as bar, ThreadPool(parallel) as pool:
        try:
            for number, result in pool.imap_unordered(job, range(len(wanted))):
                if isinstance(result, Fetched):
                    results[number] = result
                    done(result)
                else:
                    bar.say(f"{wanted[number].name}: failed, see the end")
                    errors[number] = str(result)
        finally:
            stop.set()
    if errors:
        said = first_few([errors[number] for number in sorted(errors)], 3, "\n")
        which = f"{len(errors)} of {len(wanted)} files" if len(wanted) > 1 else "1 file"
        raise SaccadeError(f"{which} couldn't be fetched:\n{said}")
    return [results[number] for number in sorted(results)]
