"""The parts of a split file, read as one file that nobody has to join on the disk."""

import io
import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Parts(io.RawIOBase):
    """The bytes of the files, one file after the other."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [io.FileIO(path) for path in paths]
        self._starts = [0, *accumulate(os.fstat(file.fileno()).st_size for file in self._files)]
        self._position = 0

    @property
    def size(self) -> int:
        return self._starts[-1]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if position < 0:
            raise ValueError(f"byte {position} lies before the beginning")
        self._position = position
        return position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """How many bytes were read: none beyond the end of a part, 0 at the end of all."""
        if self._position >= self.size:
            return 0
        number = bisect_right(self._starts, self._position) - 1
        file = self._files[number]
        file.seek(self._position - self._starts[number])
        read = file.readinto(buffer) or 0
        self._position += read
        return read

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()
