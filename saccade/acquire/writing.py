"""Writes what an archive holds into one folder, and nothing anywhere else, whoever made the archive.

Files are new files in folders that were made here; links are made last, when nothing is written any more, and must lead
to something inside. Owners, permissions and times of the archive are left out.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from saccade.records import SaccadeError, one_line

BLOCK_BYTES = 1 << 20
SPARE_BYTES = 1 << 28  # of the disk, which stay free for others
MOST_FILES = 20_000_000  # the frames of all Charades videos are 7 million
BOMB_BYTES, BOMB_RATIO = 10**9, 200  # videos hardly shrink, tables of numbers by 20: who exceeds both holds nothing


class DamagedError(SaccadeError):
    """The archive isn't as whoever made it left it, or in no form that is known here."""


class Member(NamedTuple):
    """What stands in an archive under one name. `kind`: file, folder, link, hard link; anything else is refused by that
    name. `blocks` gives a file's bytes and may be called until the next member is asked for."""

    name: str
    kind: str
    size: int = 0  # bytes
    blocks: Callable[[], Iterator[bytes]] = lambda: iter(())
    target: str = ""  # of a link, beside the link; of a hard link, another member's name


@dataclass
class Allowance:
    """How much may still be written below a folder, out of an archive of so many bytes."""

    folder: Path
    packed_bytes: int
    files: int = 0
    bytes: int = 0

    def need(self, size: int, files: int = 0) -> None:
        """Raises SaccadeError where so many more bytes have no room on the disk, or are more than videos ever take."""
        free = shutil.disk_usage(self.folder).free - SPARE_BYTES
        if size > free:
            raise SaccadeError(
                f"it needs {size / 1e9:.1f} GB, and {max(free, 0) / 1e9:.1f} GB are free on the disk of {self.folder} "
                f"({SPARE_BYTES / 1e9:.1f} GB are left alone); make room and run again"
            )
        whole = self.bytes + size
        if whole > BOMB_BYTES and whole > BOMB_RATIO * self.packed_bytes:
            raise SaccadeError(
                f"it holds at least {whole / 1e9:.1f} GB in {self.packed_bytes / 1e6:.1f} MB, more than {BOMB_RATIO} "
                "times its size: such are made to fill disks; unpack it yourself if you trust it"
            )
        if self.files + files > MOST_FILES:
            raise SaccadeError(f"it holds more than {MOST_FILES:,} files; unpack it yourself if you trust it")

    def take(self, size: int) -> None:
        """For one more file."""
        self.need(size, 1)
        self.files += 1
        self.bytes += size


class Writer:
    """Writes members below `folder`, which is made. `written` is called after each block. Raises SaccadeError at what
    mustn't be written, DamagedError at files that aren't as long as they say, OSError."""

    def __init__(self, folder: Path, allowance: Allowance, written: Callable[[], None]) -> None:
        folder.mkdir()
        self._root, self._allowance, self._written = os.fspath(folder), allowance, written
        self._folders: set[str] = set()
        self._links: list[tuple[str, Member]] = []

    def write(self, member: Member) -> None:
        path = self._path(member.name)
        if path == self._root and member.kind != "folder":
            raise SaccadeError(f"{one_line(member.name)!r} names no file")
        try:
            self._make_folder(path if member.kind == "folder" else os.path.dirname(path))
        except (FileExistsError, NotADirectoryError):
            raise SaccadeError(f"{one_line(member.name)}: a file and a folder have this name") from None
        if member.kind == "file":
            self._write_file(path, member)
        elif member.kind == "hard link":
            self._link_to_file(path, member)
        elif member.kind == "link":
            beside = os.path.dirname(path)
            if not os.path.join(os.path.normpath(os.path.join(beside, member.target)), "").startswith(self._root + "/"):
                raise _leads_out(member)
            self._links.append((path, member))
        elif member.kind != "folder":
            raise SaccadeError(f"{one_line(member.name)} is a {member.kind}, which has no place among videos")

    def finish(self) -> None:
        """Makes the links. Only then one may lead through another, so where they lead is looked up when all are
        there."""
        root = Path(self._root).resolve()
        for path, member in self._links:
            if os.path.lexists(path):
                raise _given_twice(member)
            os.symlink(member.target, path)
        for path, member in self._links:
            try:
                inside = Path(path).resolve(strict=True).is_relative_to(root)
            except (OSError, RuntimeError):  # it leads nowhere, or in a circle
                inside = False
            if not inside:
                raise _leads_out(member)

    def _path(self, name: str) -> str:
        return os.path.join(self._root, *parts_of(name))

    def _make_folder(self, folder: str) -> None:
        if folder not in self._folders:
            os.makedirs(folder, exist_ok=True)
            self._folders.add(folder)

    def _write_file(self, path: str, member: Member) -> None:
        try:
            with open(path, "xb") as file:
                self._allowance.take(member.size)
                self._copy(member, file)
        except FileExistsError:
            self._compare(path, member)

    def _copy(self, member: Member, file: BinaryIO) -> None:
        written = 0
        for block in member.blocks():
            written += len(block)
            if written > member.size:
                raise DamagedError(f"{one_line(member.name)} is longer than it says")
            file.write(block)
            self._written()
        if written < member.size:
            raise DamagedError(f"{one_line(member.name)} ends early")

    def _compare(self, path: str, member: Member) -> None:
        """The same file once more changes nothing."""
        if not os.path.isfile(path):
            raise SaccadeError(f"{one_line(member.name)}: a file and a folder have this name")
        with open(path, "rb") as file:
            equal = all(file.read(len(block)) == block for block in member.blocks()) and not file.read(1)
        if not equal:
            raise _given_twice(member)

    def _link_to_file(self, path: str, member: Member) -> None:
        self._allowance.take(0)
        try:
            os.link(self._path(member.target), path)
        except FileNotFoundError:
            raise _leads_out(member) from None
        except FileExistsError:
            raise _given_twice(member) from None


def parts_of(name: str) -> list[str]:
    """The folders and the file that a member's name means, with / or \\ between them. Raises SaccadeError at a name
    that leads elsewhere."""
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name or re.match("[A-Za-z]:", name):
        raise SaccadeError(f"{one_line(name)!r} leads out of the folder that it is unpacked into; it isn't unpacked")
    return parts


def _leads_out(member: Member) -> SaccadeError:
    return SaccadeError(f"{one_line(member.name)} is a link to {one_line(member.target)}, which isn't in the archive")


def _given_twice(member: Member) -> SaccadeError:
    return SaccadeError(
        f"{one_line(member.name)} is in it twice, with different content (or, where the disk takes A for a, two names "
        "that differ in nothing else: unpack to another disk then)"
    )
