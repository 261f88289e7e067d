"""Fetching as tests do it: without long waits, and with a file large enough to be cut."""

from pathlib import Path

from saccade.acquire.checksums import Fetched, Wanted
from saccade.acquire.download import fetch
from saccade.acquire.download_bar import DownloadBar
from saccade.acquire.web_sources import Patience

QUICK = Patience(connect_s=2, silence_s=0.2, tries=3, unreached_tries=5, backoff_s=0)
CONTENT = bytes(range(256)) * 1200  # more than two chunks
OTHER = CONTENT[::-1]


def get(wanted: Wanted, folder: Path, **more) -> Fetched:
    with DownloadBar() as bar:
        return fetch(wanted, folder, bar, patience=QUICK, **more)


def names(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
