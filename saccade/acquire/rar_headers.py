"""What a RAR says about its members and libarchive doesn't tell: checksums, whether they are encrypted, whether the
archive has more volumes.

libarchive 3.6, as Debian 12 has it, compares no checksum of members that are stored as they are, and gives encrypted
ones of RAR 5 as if they weren't. Layout of the headers: RAR 5, https://www.rarlab.com/technote.htm; RAR 4, the
technote.txt that came with rarlab's programs up to version 4.20.
"""

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from saccade.acquire.members import PASSWORD, RAR4, RAR5
from saccade.acquire.parts import Parts
from saccade.acquire.writing import DamagedError
from saccade.records import SaccadeError

MAIN4, FILE4, SERVICE4, END4 = 0x73, 0x74, 0x7A, 0x7B  # types of header
MAIN5, FILE5, ENCRYPTION5, END5 = 1, 2, 4, 5
ENCRYPTED5 = 1  # a file's note that it is
NOT_WHOLE = "it ends early, or one of its headers isn't whole"


class Stored(NamedTuple):
    """A member as its header has it; no checksum where it has another than CRC-32."""

    size: int  # bytes
    crc32: int | None


def stored_members(parts: Sequence[Path], kind: str) -> list[Stored]:
    """Files, folders and links, in the archive's order, of a `rar` or `rar5`. Raises DamagedError where a header isn't
    as its checksum says or a RAR 5 has no end mark, both of which unar overlooks; SaccadeError where it is encrypted or
    one volume of several."""
    with io.BufferedReader(Parts(parts), 4096) as stream:  # a larger one would read all that lies between the headers
        try:
            return list(_rar4(stream) if kind == "rar" else _rar5(stream))
        except (struct.error, IndexError, OverflowError):  # the last: of a place that no file is long enough for
            raise DamagedError(NOT_WHOLE) from None


def _rar4(stream: BinaryIO) -> Iterator[Stored]:
    place = len(RAR4)
    while True:
        stream.seek(place)
        start = stream.read(7)
        if not start:  # early writers of RAR gave no end mark; what was cut off between two files, only counting finds
            return
        crc, kind, flags, length = struct.unpack("<HBHH", start)
        header = stream.read(max(length - 7, 0))
        _check(7 + len(header) == length and zlib.crc32(start[2:] + header) & 0xFFFF == crc)
        if kind == END4:
            return
        data = struct.unpack_from("<I", header)[0] if flags & 0x8000 else 0
        if kind == MAIN4:
            _refuse(encrypted=flags & 0x80, volume=flags & 0x01)
        elif kind in (FILE4, SERVICE4):
            size, _system, crc = struct.unpack_from("<IBI", header, 4)
            if flags & 0x100:  # sizes of more than 32 bits: the rest stands behind
                more_data, more_size = struct.unpack_from("<II", header, 25)
                data, size = data + (more_data << 32), size + (more_size << 32)
            if kind == FILE4:
                _refuse(encrypted=flags & 0x04, volume=flags & 0x03)
                yield Stored(size, crc)
        place += length + data


def _rar5(stream: BinaryIO) -> Iterator[Stored]:
    place = len(RAR5)
    while True:
        stream.seek(place)
        begin = stream.read(7)
        length, start = _number(begin, 4)  # behind the header's own checksum
        stream.seek(place + start)
        header = stream.read(length)
        crc = struct.unpack_from("<I", begin)[0]
        _check(len(header) == length and zlib.crc32(begin[4:start] + header) == crc)
        kind, at = _number(header, 0)
        if kind == END5:
            return
        flags, at = _number(header, at)
        extra, at = _number(header, at) if flags & 0x01 else (0, at)
        data, at = _number(header, at) if flags & 0x02 else (0, at)
        if kind in (MAIN5, ENCRYPTION5):
            _refuse(encrypted=kind == ENCRYPTION5, volume=kind == MAIN5 and _number(header, at)[0] & 0x01)
        elif kind == FILE5:
            _refuse(encrypted=ENCRYPTED5 in _notes(header[len(header) - extra :]), volume=flags & 0x18)
            yield _file5(header, at)
        place += start + length + data


def _file5(header: bytes, at: int) -> Stored:
    flags, at = _number(header, at)
    size, at = _number(header, at)
    _attributes, at = _number(header, at)
    at += 4 if flags & 0x02 else 0  # its time
    return Stored(size, struct.unpack_from("<I", header, at)[0] if flags & 0x04 else None)


def _notes(extra: bytes) -> Iterator[int]:
    """The types of the notes behind a file's header."""
    at = 0
    while at < len(extra):
        length, at = _number(extra, at)
        yield _number(extra, at)[0]
        at += length


def _check(whole: bool) -> None:
    if not whole:
        raise DamagedError(NOT_WHOLE)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """The number that stands there, seven bits a byte while the eighth is set, and the place behind it."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at
        _check(shift < 64)


def _refuse(encrypted: int, volume: int) -> None:
    if encrypted:
        raise SaccadeError(f"it {PASSWORD}")
    if volume:
        raise SaccadeError("it is one volume of several; unpack them yourself")
