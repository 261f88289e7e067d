"""Unpacks what publishers pack: zip, tar (plain, gz, bz2, xz) and RAR, in parts or with archives inside.

The folder appears under its name once everything is in it, so one that is there is whole. Errors name the archive, the
member and what would be right.
"""

import io
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

from saccade.acquire.members import Opened, kind_of, opened_tar, opened_zip
from saccade.acquire.parts import Parts
from saccade.acquire.rar import opened_rar
from saccade.acquire.rar_headers import stored_members
from saccade.acquire.unar import has_unar, unar
from saccade.acquire.writing import BLOCK_BYTES, Allowance, DamagedError, Writer
from saccade.records import SaccadeError, first_few, one_line
from saccade.temporary import work_folder

DEEPEST = 2  # archives inside, and archives inside those
ARCHIVE_ENDINGS = (".zip", ".rar", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
GET_UNAR = "`apt-get install unar` (Debian, Ubuntu), `brew install unar` (macOS)"
GET_LIBARCHIVE = "`conda install -c conda-forge libarchive` or `apt-get install libarchive-tools`"


Stream: TypeAlias = "io.BufferedReader[Parts]"


class Unpacked(NamedTuple):
    """What lies in the folder."""

    files: int
    bytes: int


def unpack(
    archive: Path | Sequence[Path],
    into: Path,
    *,
    nested: bool = False,
    dataset: str = "",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Unpacked:
    """Makes the folder `into` out of an archive, or out of the parts of one in their order.

    nested: archives inside are unpacked, too, each into a folder of its name, and removed.
    dataset: whose archive it is, for the command that an error names.
    progress: is told how many bytes of archives were read, and of how many; these become more by archives inside.

    Raises SaccadeError where the archive is damaged, encrypted, unsafe or too large for the disk, and leaves nothing
    behind; FileExistsError where `into` is there, before or because another process made it meanwhile.
    """
    parts = [archive] if isinstance(archive, Path) else list(archive)
    if os.path.lexists(into):
        raise FileExistsError(into)
    names = first_few([one_line(part) for part in parts], 2)
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        with work_folder(into.parent) as work:
            unpacking = _Unpacking(work, parts, progress)
            unpacking.fill(parts, work / "whole")
            if nested:
                unpacking.open_archives_in(work / "whole")
            if not unpacking.result.files:
                raise DamagedError("it holds no file")
            _appear(work / "whole", into)
    except DamagedError as error:
        which = "the file" if len(parts) == 1 else "the files"
        again = f"run `saccade acquire {dataset}`" if dataset else "download again"
        raise SaccadeError(f"{names} can't be unpacked: {error}; remove {which} and {again}") from error
    except SaccadeError as error:
        raise SaccadeError(f"{names}: {error}") from error
    except FileExistsError:
        raise
    except OSError as error:
        raise SaccadeError(
            f"cannot unpack {names} into {one_line(into)}: {error.strerror or error}; is the folder writable and is "
            "there room on the disk?"
        ) from error
    return unpacking.result


def _appear(whole: Path, into: Path) -> None:
    try:
        os.rename(whole, into)
    except OSError:
        if os.path.lexists(into):
            raise FileExistsError(into) from None
        raise


class _Unpacking:
    """What one call of `unpack` may still write, and how far it is."""

    def __init__(self, work: Path, parts: Sequence[Path], progress: Callable[[int, int], None]) -> None:
        self._work, self._progress = work, progress
        self._done, self._of = 0, _bytes_of(parts)
        self._allowance = Allowance(work.parent, self._of)
        self._removed = Unpacked(0, 0)  # archives that were inside

    @property
    def result(self) -> Unpacked:
        return Unpacked(self._allowance.files - self._removed.files, self._allowance.bytes - self._removed.bytes)

    def fill(self, parts: Sequence[Path], folder: Path) -> None:
        """Unpacks one archive into `folder`, which is made."""
        with io.BufferedReader(Parts(parts), BLOCK_BYTES) as stream:
            kind = kind_of(stream)
            if kind == "zip":
                self._write(opened_zip(stream), stream, folder)
            elif kind == "tar":
                self._write(opened_tar(stream), stream, folder)
            elif kind in ("rar", "rar5"):
                self._write_rar(parts, kind, stream, folder)
            else:
                raise DamagedError(_what_else(stream))
        self._done += _bytes_of(parts)
        self._progress(self._done, self._of)

    def _write(self, opened: Opened, stream: Stream, folder: Path) -> None:
        self._allowance.need(max(opened.bytes, stream.raw.size))  # a tar doesn't say; what is in it shrank at best
        writer = Writer(folder, self._allowance, lambda: self._progress(self._done + stream.raw.tell(), self._of))
        for member in opened.members:
            writer.write(member)
        writer.finish()

    def _write_rar(self, parts: Sequence[Path], kind: str, stream: Stream, folder: Path) -> None:
        """Through libarchive; by unar where there is no libarchive, or where it can't."""
        stored = stored_members(parts, kind)
        before = replace(self._allowance)
        try:
            return self._write(opened_rar(stream, kind, stored), stream, folder)
        except ImportError:
            if not has_unar():
                raise SaccadeError(
                    f"a RAR needs unar or libarchive, and neither is here: {GET_UNAR}, or {GET_LIBARCHIVE}"
                ) from None
            reason = "libarchive isn't here"
        except DamagedError as error:
            reason = str(error)
        if len(parts) > 1:
            raise DamagedError(reason)
        if not has_unar():
            raise DamagedError(f"{reason} (libarchive; unar can unpack more, and isn't here: {GET_UNAR})")
        shutil.rmtree(folder, ignore_errors=True)
        self._allowance = before
        try:
            unar(parts[0], folder, self._allowance, sum(each.size for each in stored))
        except DamagedError as error:
            raise DamagedError(f"{reason} (unar: {error})") from error

    def open_archives_in(self, folder: Path, depth: int = 1) -> None:
        found = list(_archives_in(folder))
        if found and depth > DEEPEST:
            raise SaccadeError(f"{one_line(found[0].name)} is an archive in an archive in an archive in it")
        self._of += _bytes_of(found)
        for archive in found:
            apart = self._work / "inside"
            os.rename(archive, apart)
            own = archive.with_name(stem_of(archive.name))
            place = archive if os.path.lexists(own) else own
            try:
                self.fill([apart], place)
            except SaccadeError as error:
                raise type(error)(f"{one_line(archive.name)} inside: {error}") from error
            self._removed = Unpacked(self._removed.files + 1, self._removed.bytes + _bytes_of([apart]))
            apart.unlink()
            self.open_archives_in(place, depth + 1)


def _archives_in(folder: Path) -> Iterator[Path]:
    """Files that are archives by their name's ending, and those in .gz that hold a tar."""
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            if path.is_symlink() or not name.lower().endswith((*ARCHIVE_ENDINGS, ".gz")):
                continue
            if name.lower().endswith(ARCHIVE_ENDINGS) or _is_tar(path):
                yield path


def _is_tar(path: Path) -> bool:
    with io.BufferedReader(Parts([path]), BLOCK_BYTES) as stream:
        return kind_of(stream) == "tar"


def stem_of(name: str) -> str:
    """`a` of a.zip and a.tar.gz; the name itself where it has no archive's ending."""
    ending = max((one for one in (*ARCHIVE_ENDINGS, ".gz") if name.lower().endswith(one)), key=len, default="")
    return name.removesuffix(name[len(name) - len(ending) :]) or name


def _bytes_of(paths: Sequence[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _what_else(stream: Stream) -> str:
    """Of what is no archive that is known here."""
    head = stream.read(64)
    if not head:
        return "it is empty"
    if head.lstrip().startswith(b"<"):
        return "it is a web page, with which servers answer who must log in, or asks for a file that has moved"
    return "it is no zip, tar or RAR"
