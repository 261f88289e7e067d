"""What has come of a file so far, kept for the next time. No torch."""

import os
import shutil
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from saccade.acquire.checksums import Sums, Wanted
from saccade.acquire.download_bar import DownloadBar
from saccade.acquire.web_sources import Origin
from saccade.files import read_json, write_json
from saccade.records import SaccadeError, size_words


class PartFile:
    """`<name>.part`, and beside it `<name>.part.json`, which says of which file on the network it is a part.

    Inside `with` its bytes count on the bar; those that weren't kept no longer do afterwards. `size` is how many there
    are; `pieced` says that they came by more than one answer, so that a wrong checksum may be the fault of the joints;
    `begun_again` that some came in vain.
    """

    def __init__(self, path: Path, wanted: Wanted, bar: DownloadBar):
        self.path, self.part = path, path.with_name(path.name + ".part")
        self.side = path.with_name(path.name + ".part.json")
        self.wanted, self.bar = wanted, bar
        self.sums = Sums(wanted.hashes)
        self.origin = Origin("")
        self.pieced = self.begun_again = False
        self._stream: BinaryIO | None = None
        self._kept = False

    def __enter__(self) -> "PartFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._kept:
            self.bar.came(-self.size)
        if self._stream:
            self._stream.close()
            if not self.size:
                self.remove()

    @property
    def size(self) -> int:
        return self.sums.bytes

    @property
    def whole(self) -> bool:
        """Whether as much has come as the server said."""
        return self.origin.bytes is not None and self.size == self.origin.bytes

    def take_up(self, url: str) -> int:
        """Goes on from what an earlier run or another source left, and gives back how many bytes that is: where the
        card has a checksum, which decides in the end, or where it is from the same address and the server will say
        whether its file is still the same one."""
        left = self._left()
        if not left or not (self.wanted.hashes or (left.url == url and left.sign)):
            return 0
        self.sums.add_file(self.part, self.bar.found)
        self.origin = left if left.url == url else Origin(url, bytes=left.bytes)
        self.pieced = True
        self._stream = self.part.open("ab")
        return self.size

    def _left(self) -> Origin | None:
        """Of what the part that lies there is; None where there is none, or nothing that could be true is said."""
        try:
            left = Origin(**read_json(self.side))
            size = self.part.stat().st_size
            return left if 0 < size <= (left.bytes or size) else None
        except (SaccadeError, TypeError, OSError):
            return None

    def range_wanted(self) -> dict[str, str]:
        """The headers that ask for the rest; where no checksum decides, only if the file is still the same."""
        if not self.size or not (self.wanted.hashes or self.origin.sign):
            return {}
        same = {} if self.wanted.hashes else {"If-Range": self.origin.sign}
        return {"Range": f"bytes={self.size}-"} | same

    def goes_on(self, origin: Origin) -> bool:
        """Whether bytes of that file may follow those that are here."""
        if self.wanted.hashes:
            return origin.bytes is None or self.origin.bytes in (None, origin.bytes)
        return self.origin.may_be(origin)

    def go_on(self, origin: Origin) -> None:
        self.pieced = True
        self._note(origin)

    def begin(self, origin: Origin) -> None:
        """From the first byte, of this file."""
        self.forget()
        self.part.unlink(missing_ok=True)  # first: no bytes ever lie beside what is said of others
        self._note(origin)
        self._stream = self.part.open("wb")

    def forget(self) -> None:
        """What is here counts no more."""
        if self._stream:
            self._stream.close()
        self.bar.came(-self.size)
        self.begun_again |= self.size > 0
        self.sums, self.origin, self.pieced, self._stream = Sums(self.wanted.hashes), Origin(""), False, None

    def _note(self, origin: Origin) -> None:
        if origin.bytes is not None:
            self.bar.expect(self.wanted.name, origin.bytes)
            self._need_room(origin.bytes - self.size)
        self.origin = origin
        write_json(self.side, asdict(origin))

    def _need_room(self, missing: int) -> None:
        free = shutil.disk_usage(self.part.parent).free
        if free < missing:
            raise SaccadeError(
                f"{self.wanted.name}: {size_words(missing)} are still to come, and the disk of {self.part.parent} has "
                f"room for {size_words(free)}; make room for {size_words(missing - free)} more and run again: what has "
                "come so far is kept"
            )

    def write(self, chunk: bytes) -> None:
        """Raises SaccadeError where the disk takes no more."""
        assert self._stream
        try:
            self._stream.write(chunk)
        except OSError as error:
            if self.origin.bytes is not None:
                self._need_room(self.origin.bytes - self.size)
            raise SaccadeError(
                f"{self.wanted.name}: cannot write {self.part} after {size_words(self.size)}: "
                f"{error.strerror or error}; mend that and run again: what has come so far is kept"
            ) from None
        self.sums.add(chunk)
        self.bar.came(len(chunk))

    def flush(self) -> None:
        """Into the file, where others can read it."""
        assert self._stream
        self._stream.flush()

    def keep(self) -> None:
        """It is the file."""
        assert self._stream
        os.fsync(self._stream.fileno())
        self._stream.close()
        os.replace(self.part, self.path)
        self._kept = True
        self.side.unlink(missing_ok=True)

    def remove(self) -> None:
        for file in (self.part, self.side):
            file.unlink(missing_ok=True)
