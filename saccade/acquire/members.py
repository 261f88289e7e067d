"""What an archive holds, member by member: which kind it is by its first bytes, never by its name; zip and tar through
Python's own modules."""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any, BinaryIO, NamedTuple, cast

from saccade.acquire.writing import BLOCK_BYTES, DamagedError, Member
from saccade.records import SaccadeError, first_line, one_line

RAR4, RAR5 = b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"
ZIPS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")  # the second is an empty one's, the third one's that was split
COMPRESSED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
PASSWORD = "is encrypted and needs a password, which Saccade doesn't take; unpack it yourself"
UTF8 = "utf-8", "surrogateescape"  # and how bytes that are none pass through
LONGEST_TARGET_BYTES = 4096  # Linux's longest path
NOTES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
LONGEST_NOTE_BYTES = 1 << 20  # of a tar, on the name of its next member; they are read into memory


class Opened(NamedTuple):
    """An archive's members, and how many bytes its files have in all, as far as it says so before."""

    members: Iterator[Member]
    bytes: int = 0


def kind_of(stream: BinaryIO) -> str:
    """`zip`, `tar`, `rar` or `rar5`; `compressed` for a single compressed file; empty for anything else. The stream is
    at its beginning again."""
    head = stream.read(tarfile.BLOCKSIZE)
    stream.seek(0)
    if head.startswith(ZIPS):
        return "zip"
    for kind, magic in (("rar", RAR4), ("rar5", RAR5)):
        if head.startswith(magic):
            return kind
    if unpacked := _unpacked(stream, head):
        with readable(), unpacked:
            first = unpacked.read(tarfile.BLOCKSIZE)
        stream.seek(0)
        return "tar" if _begins_a_tar(first) else "compressed"
    return "tar" if _begins_a_tar(head) else ""


def _unpacked(stream: BinaryIO, head: bytes) -> IO[bytes] | None:
    return next((unpack(stream) for magic, unpack in COMPRESSED.items() if head.startswith(magic)), None)


def _begins_a_tar(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, *UTF8)
    except (tarfile.HeaderError, ValueError):
        return False
    return True


@contextmanager
def readable() -> Iterator[None]:
    """Inside, what libraries raise at an archive that they can't read is DamagedError; what the system says stays."""
    try:
        yield
    except SaccadeError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise DamagedError(first_line(error)) from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        raise DamagedError(first_line(error)) from error
    except (NotImplementedError, RuntimeError) as error:  # zipfile: a compression that it doesn't know
        raise DamagedError(f"{first_line(error)}: in no form that Saccade can read") from error


def opened_zip(stream: BinaryIO) -> Opened:
    with readable():
        archive = zipfile.ZipFile(stream)
    found = sorted(archive.infolist(), key=lambda info: info.header_offset)  # as they lie on the disk
    for info in found:
        if info.flag_bits & 0x1:
            raise SaccadeError(f"{one_line(info.filename)} {PASSWORD}")
    return Opened(map(partial(_zip_member, archive), found), sum(info.file_size for info in found))


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    name, mode = _zip_name(info), info.external_attr >> 16
    if stat.S_ISLNK(mode):
        with _reading(name):
            if info.file_size > LONGEST_TARGET_BYTES:
                raise DamagedError("a link to a name that is too long")
            target = archive.read(info).decode(*UTF8)
        return Member(name, "link", target=target)
    if info.is_dir() or name.endswith("\\"):
        return Member(name, "folder")
    kind = "file" if stat.S_ISREG(mode) or not stat.S_IFMT(mode) else "device"
    return Member(name, kind, info.file_size, partial(_blocks, name, partial(archive.open, info)))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Names that aren't marked as UTF-8 are in the letters of old PCs (code page 437); many are UTF-8 all the same."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def opened_tar(stream: BinaryIO) -> Opened:
    """Of a tar that may be compressed. It says nowhere how many bytes it holds."""
    head = stream.read(tarfile.BLOCKSIZE)
    stream.seek(0)
    return Opened(_tar_members(_unpacked(stream, head) or stream))


def _tar_members(stream: IO[bytes]) -> Iterator[Member]:
    name = ""
    with (
        readable(),
        tarfile.open(fileobj=stream, mode="r:", tarinfo=_Header, encoding=UTF8[0], errors=UTF8[1]) as archive,
    ):
        while True:
            with _reading(f"what follows {name}" if name else "its beginning"):
                info = archive.next()
            if info is None:
                break
            archive.members.clear()  # type: ignore[attr-defined]  # it would keep the headers of millions of frames
            name = _tar_name(info.name)
            if info.size < 0:
                raise DamagedError(f"{one_line(name)}: a file of {info.size} bytes")
            yield _tar_member(archive, info, name)
        while stream.read(BLOCK_BYTES):  # the checksum of what is compressed stands behind it
            pass


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo, name: str) -> Member:
    if info.isreg():
        data = cast(Callable[[], IO[bytes]], partial(archive.extractfile, info))
        return Member(name, "file", info.size, partial(_blocks, name, data))
    if info.issym() or info.islnk():
        return Member(name, "link" if info.issym() else "hard link", target=_tar_name(info.linkname))
    return Member(name, "folder" if info.isdir() else "device")


class _Header(tarfile.TarInfo):
    """The next header of a tar. Where Python's takes one that is damaged or missing for the end, this is an error, as
    are notes too long to be any; the end is a block of zeros."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        header = super().frombuf(buf, encoding, errors)
        if header.type in NOTES and not 0 <= header.size <= LONGEST_NOTE_BYTES:
            raise tarfile.ReadError(f"a name of {header.size} bytes")
        return header

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> "_Header":
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # a block of zeros
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


def _tar_name(name: str) -> str:
    """Bytes that are no UTF-8 are read as Latin-1, in which every byte is a letter."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return name.encode(*UTF8).decode("latin-1")
    return name


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """Names the member that can't be read."""
    try:
        with readable():
            yield
    except DamagedError as error:
        raise DamagedError(f"{one_line(name)}: {error}") from error


def _blocks(name: str, open_member: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    with _reading(name), open_member() as data:
        while block := data.read(BLOCK_BYTES):
            yield block
