"""What a file must be, and whether it is: its size and its checksums. No torch."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from saccade.records import SaccadeError

CHUNK = 1 << 17  # bytes


@dataclass(frozen=True)
class Wanted:
    """A file as its card describes it.

    `name` may hold `/`. `urls` are tried in their order. `bytes` is None where nobody says. `hashes` are hexadecimal,
    by kind: sha256, md5, git_blob (by which git knows a file: SHA-1 of `blob <bytes>`, a zero byte and the content).
    """

    name: str
    urls: tuple[str, ...] = ()
    bytes: int | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fetched:
    """A file that is here and right. `url` is None where the user put it there."""

    name: str
    bytes: int
    sha256: str
    url: str | None = None


class Sums:
    """SHA-256, and MD5 where it is among `kinds`, of bytes as they come."""

    def __init__(self, kinds: Iterable[str] = ()):
        self.bytes = 0
        self._kinds = {kind: hashlib.new(kind, usedforsecurity=False) for kind in {"sha256", *kinds} - {"git_blob"}}

    def add(self, chunk: bytes) -> None:
        self.bytes += len(chunk)
        for one in self._kinds.values():
            one.update(chunk)

    def add_file(self, file: Path, tell: Callable[[int], object] = lambda count: None) -> None:
        """Adds what the file holds, and tells how many bytes each time."""
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                self.add(chunk)
                tell(len(chunk))

    def why_wrong(self, wanted: Wanted, file: Path) -> str:
        """What isn't as wanted, found and right; '' where everything is. `file` is where these bytes lie."""
        if wanted.bytes not in (None, self.bytes):
            return f"it has {self.bytes:,} bytes, and {wanted.bytes:,} are right"
        for kind, right in wanted.hashes.items():
            found = git_blob(file) if kind == "git_blob" else self._kinds[kind].hexdigest()
            if found != right.lower():
                return f"its {kind} is {found}, and {right.lower()} is right"
        return ""

    def fetched(self, name: str, url: str | None) -> Fetched:
        return Fetched(name, self.bytes, self._kinds["sha256"].hexdigest(), url)


def git_blob(file: Path) -> str:
    """What `git hash-object` prints."""
    found = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()


def verify(wanted: Wanted, file: Path, tell: Callable[[int], object] = lambda count: None) -> Fetched:
    """The file that the user put there, if it is what is wanted; `tell` hears how many bytes were read each time.
    Raises SaccadeError that says what was found, where a link leads, and what is right."""
    named = f"{file}, a link to {file.resolve()}," if file.is_symlink() else f"{file}"
    try:
        size, sums = file.stat().st_size, Sums(wanted.hashes)
        if wanted.bytes not in (None, size):
            wrong = f"it has {size:,} bytes, and {wanted.bytes:,} are right"
        else:
            sums.add_file(file, tell)
            wrong = sums.why_wrong(wanted, file) if size or wanted.bytes == 0 else "it is empty"
    except OSError as error:
        raise SaccadeError(f"{named} can't be read: {error.strerror or error}") from None
    if wrong:
        raise SaccadeError(f"{named} isn't the file that is wanted: {wrong}; remove it, or put the right one there")
    return sums.fetched(wanted.name, None)
