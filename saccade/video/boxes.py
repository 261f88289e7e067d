"""The boxes of an MP4 or QuickTime file, as far as they name other files or end too late: ISO/IEC 14496-12, Sec. 4.2
and 8.7."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_LARGEST = 256 * 2**20  # of a movie's header that is looked through


def outside_reference(path: Path) -> str:
    """What the first of a movie's data references says that names another file; '' where all pictures and sounds are
    its own, and for files of other kinds or that can't be read."""
    try:
        with path.open("rb") as file:
            movie = _movie(file)
    except OSError:
        return ""
    for dref in _inside(movie, ["trak", "mdia", "minf", "dinf", "dref"]):
        for _, entry in _boxes(dref[8:]):
            own, name = len(entry) < 4 or entry[3] & 1, entry[4:].strip(b"\0 ")
            if not own and name:
                readable = bytes(letter if 32 <= letter < 127 else 32 for letter in name).decode("ascii")
                return " ".join(readable.split())[:200] or "another file"
    return ""


def cut_short(path: Path) -> str:
    """The name of a movie's last box where it is longer than what is there of the file; else '', as for files of other
    kinds or that can't be read."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, 2)
            return next((kind.decode("latin-1") for kind, at, _, size in _outermost(file) if at + size > end), "")
    except OSError:
        return ""


def is_movie(path: Path) -> bool:
    """Whether the file begins as an MP4 or QuickTime file does; False where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(8)[4:] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
    except OSError:
        return False


def _movie(file: BinaryIO) -> bytes:
    """What is in the box `moov`; nothing where there is none."""
    for kind, at, head, size in _outermost(file):
        if kind == b"moov":
            file.seek(at + head)
            return file.read(min(size - head, _LARGEST))
    return b""


def _outermost(file: BinaryIO) -> Iterator[tuple[bytes, int, int, int]]:
    """(name, where it starts, bytes of its head, bytes in all) of each box of the file."""
    at, end = 0, file.seek(0, 2)
    while at + 8 <= end:
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            head, (size,) = 16, struct.unpack(">Q", file.read(8).ljust(8, b"\0"))
        size = size or end - at
        if size < head:
            return
        yield kind, at, head, size
        at += size


def _inside(data: bytes, names: list[str]) -> Iterator[bytes]:
    """What is in each box at this path."""
    for kind, inside in _boxes(data):
        if kind == names[0].encode():
            yield from _inside(inside, names[1:]) if len(names) > 1 else [inside]


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, what is inside) of the boxes one behind the other."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        yield kind, data[at + 8 : at + size]
        at += size
