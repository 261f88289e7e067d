"""RAR archives for tests: members stored as they are, for which no program is needed that writes RAR.

The layout of version 5 is https://www.rarlab.com/technote.htm, that of 4 the technote.txt of rarlab's programs up to
4.20; bsdtar, unar and libarchive read both.
"""

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

MAIN, FILE, END = 0x73, 0x74, 0x7B  # headers of version 4
ENCRYPTED = {MAIN: 0x80, FILE: 0x04}  # flags of these
MODE = 0o100644
DAY = 1 << 21 | 1 << 16  # of 1980: its first


def has_libarchive() -> bool:
    """Whether the system's library is here."""
    try:
        import libarchive  # noqa: F401
    except (ImportError, OSError, AttributeError, TypeError):
        return False
    return True


def write_rar(
    path: Path, files: Mapping[str, bytes], version: int = 4, flags: Mapping[int, int] = MappingProxyType({})
) -> Path:
    """Writes `{name: content}`, with / between folders and file, as RAR 4 or 5; the path. `flags` claims things of
    version 4's headers that aren't so."""
    with path.open("wb") as archive:
        if version == 4:
            archive.write(b"Rar!\x1a\x07\x00" + _header4(MAIN, flags.get(MAIN, 0), bytes(6)))
            for name, content in files.items():
                archive.write(_file4(name, content, flags.get(FILE, 0)) + content)
            archive.write(_header4(END, 0x4000, b""))
        else:
            archive.write(b"Rar!\x1a\x07\x01\x00" + _header5(bytes([1, 0, 0])))
            for name, content in files.items():
                archive.write(_file5(name, content) + content)
            archive.write(_header5(bytes([5, 0, 0])))
    return path


def _file4(name: str, content: bytes, flags: int) -> bytes:
    letters, size, crc = name.replace("/", "\\").encode("utf-8"), len(content), zlib.crc32(content)
    flags |= 0x8000 if letters.isascii() else 0x8200
    return _header4(
        FILE, flags, struct.pack("<IIBIIBBHI", size, size, 3, crc, DAY, 20, 0x30, len(letters), MODE) + letters
    )


def _header4(kind: int, flags: int, rest: bytes) -> bytes:
    header = struct.pack("<BHH", kind, flags, 7 + len(rest)) + rest
    return struct.pack("<H", zlib.crc32(header) & 0xFFFF) + header


def _file5(name: str, content: bytes) -> bytes:
    letters, size = name.encode("utf-8"), _number(len(content))
    crc = struct.pack("<I", zlib.crc32(content))
    stored, unix = b"\x00", b"\x01"
    return _header5(
        b"\x02\x02" + size + b"\x04" + size + _number(MODE) + crc + stored + unix + _number(len(letters)) + letters
    )


def _header5(header: bytes) -> bytes:
    sized = _number(len(header)) + header
    return struct.pack("<I", zlib.crc32(sized)) + sized


def _number(value: int) -> bytes:
    low = value & 0x7F
    return bytes([low]) if value < 0x80 else bytes([low | 0x80]) + _number(value >> 7)
