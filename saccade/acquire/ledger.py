"""`raw/acquired.json`: which files came, from where, and with which checksums, which are compared ever after. No
torch."""

import contextlib
import datetime
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field

from saccade.acquire.checksums import Fetched
from saccade.acquire.locks import held
from saccade.cards.validation import Body, read_body
from saccade.files import need_writable, read_json, write_json
from saccade.records import ACQUIRED_FILE, SaccadeError

ACCEPT = "--accept-changed"
PATIENCE_S = 60  # for a lock that is held while a small file is written


class Unpacked(Body):
    """What came out of an archive: so many files of so many bytes, in the folder `into` of raw/."""

    into: str
    files: int = Field(ge=0)
    bytes: int = Field(ge=0)


class Entry(Body):
    """A file of raw/downloads/ that was whole and right. `url` is None where the user put it there; `date` is when it
    was first seen."""

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    url: str | None
    date: str
    unpacked: Unpacked | None = None


class Ledger:
    """The ledger of `raw`. Other processes may write it meanwhile: it is read for every answer, and each change is made
    under a lock. Raises SaccadeError where it is damaged."""

    def __init__(self, raw: Path, accept_changed: Sequence[str] = ()):
        """`accept_changed`: patterns of names: files that may differ from those first seen."""
        self.file, self.accept_changed = raw / ACQUIRED_FILE, tuple(accept_changed)

    def entries(self) -> dict[str, Entry]:
        if not self.file.exists():
            return {}
        found = read_json(self.file)
        if not isinstance(found, dict):
            raise SaccadeError(f"{self.file} holds no mapping of names to files; remove it and run again")
        return {name: read_body(Entry, body, self.file, name) for name, body in found.items()}

    def accepts(self, name: str) -> bool:
        """Whether the file may differ from the one first seen."""
        return any(fnmatchcase(name, pattern) for pattern in self.accept_changed)

    def check(self, name: str, bytes: int, sha256: str) -> None:
        """Raises SaccadeError where a file of that name was seen before and differed, unless changes are accepted."""
        seen = self.entries().get(name)
        if seen is None or self.accepts(name) or (seen.bytes, seen.sha256) == (bytes, sha256):
            return
        source = f"came from {seen.url}" if seen.url else "was put there by hand"
        raise SaccadeError(
            f"{name} has {bytes:,} bytes and sha256 {sha256}, but what {source} on {seen.date} had {seen.bytes:,} "
            f"bytes and sha256 {seen.sha256} ({self.file}); find out who changed it and why, then run again with "
            f"{ACCEPT} {name}"
        )

    def record(self, fetched: Fetched) -> None:
        """Keeps what was fetched or verified. What is known of the same bytes stays; what was unpacked from others no
        longer counts. Raises SaccadeError as `check` does."""
        self.check(fetched.name, fetched.bytes, fetched.sha256)
        with self._changed() as entries:
            seen = entries.get(fetched.name)
            if seen is None or seen.sha256 != fetched.sha256:
                today = datetime.date.today().isoformat()
                entries[fetched.name] = Entry(bytes=fetched.bytes, sha256=fetched.sha256, url=fetched.url, date=today)

    def forget(self, name: str) -> None:
        """The file is no longer known: another one of that name is as good."""
        with self._changed() as entries:
            entries.pop(name, None)

    def record_unpacked(self, name: str, unpacked: Unpacked | None) -> None:
        """Keeps what came out of the file, or with None that nothing did. Raises SaccadeError for a file that isn't in
        the ledger."""
        with self._changed() as entries:
            if name not in entries:
                raise SaccadeError(f"{self.file} has no '{name}': what is unpacked must have been recorded first")
            entries[name] = entries[name].model_copy(update={"unpacked": unpacked})

    @contextlib.contextmanager
    def _changed(self) -> Iterator[dict[str, Entry]]:
        """The entries, written when the block ends well."""
        need_writable(self.file.parent)
        busy = f"another process has been writing {self.file} for {PATIENCE_S} s; end it"
        with held(self.file.with_name(f".{ACQUIRED_FILE}.lock"), PATIENCE_S, lambda: busy):
            entries = self.entries()
            yield entries
            write_json(self.file, {name: entry.model_dump() for name, entry in entries.items()})
