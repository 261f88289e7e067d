"""RAR through libarchive, whose data are compared with the checksums of the archive."""

import logging
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO

from saccade.acquire.members import Opened
from saccade.acquire.rar_headers import Stored
from saccade.acquire.writing import BLOCK_BYTES, DamagedError, Member
from saccade.files import NO_LETTERS
from saccade.records import SaccadeError, one_line


def opened_rar(stream: BinaryIO, kind: str, stored: Sequence[Stored]) -> Opened:
    """Of a `rar` or `rar5` with these members. Raises ImportError where libarchive isn't here, DamagedError where it
    can't read the archive."""
    return Opened(_members(_libarchive(), stream, kind, stored), sum(each.size for each in stored))


def _libarchive() -> Any:
    try:
        import libarchive
    except (OSError, AttributeError, TypeError) as error:  # no such library on this machine, or an old one
        raise ImportError(str(error)) from error
    logging.getLogger("libarchive").setLevel(logging.ERROR)  # its warnings are errors here, and said there
    return libarchive


def _members(libarchive: Any, stream: BinaryIO, kind: str, stored: Sequence[Stored]) -> Iterator[Member]:
    try:
        with libarchive.stream_reader(stream, kind, "none", BLOCK_BYTES) as archive:
            for header, entry in zip(stored, archive, strict=True):
                yield _member(libarchive, header, entry)
    except libarchive.ArchiveError as error:
        raise DamagedError(str(error.msg)) from error
    except ValueError as error:
        raise DamagedError("libarchive finds other members than its headers name") from error


def _member(libarchive: Any, header: Stored, entry: Any) -> Member:
    name = entry.pathname
    if name is None:
        raise SaccadeError(f"a file's name can't be read: {NO_LETTERS}")
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    if entry.isdir:
        return Member(name, "folder")
    if entry.issym or entry.islnk:
        return Member(name, "link" if entry.issym else "hard link", target=entry.linkpath)
    if not entry.isreg:
        return Member(name, "device")
    return Member(name, "file", header.size, partial(_blocks, libarchive, entry, name, header))


def _blocks(libarchive: Any, entry: Any, name: str, header: Stored) -> Iterator[bytes]:
    crc32 = 0
    try:
        for block in entry.get_blocks(max(1, min(header.size, BLOCK_BYTES))):
            crc32 = zlib.crc32(block, crc32)
            yield block
    except libarchive.ArchiveError as error:
        raise DamagedError(f"{one_line(name)}: {error.msg}") from error
    if header.crc32 not in (None, crc32):
        raise DamagedError(f"{one_line(name)}: its bytes don't have the checksum that the archive states")
