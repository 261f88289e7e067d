"""Which of a dataset's files are here, which are still to be fetched and unpacked, and how much room that takes. No
torch."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from saccade.acquire.archives import stem_of
from saccade.acquire.checksums import Wanted
from saccade.acquire.raw import DOWNLOADS
from saccade.cards.published import PublishedFile
from saccade.records import SaccadeError, size_words

RESERVE = 10**9  # bytes that stay free, for whatever else writes to the disk


@dataclass(frozen=True)
class Inventory:
    """What is below `raw` of the files that are wanted. fetch: those still to be fetched; unpack: the archives whose
    content isn't there."""

    raw: Path
    fetch: tuple[PublishedFile, ...]
    unpack: tuple[PublishedFile, ...]


def inventory(raw: Path, files: Iterable[PublishedFile]) -> Inventory:
    """What there is. A file whose content is unpacked needn't be here itself; nor need its parts."""
    files = tuple(files)
    unpack = tuple(file for file in files if file.unpack and not is_unpacked(raw, file))
    in_parts, packed = {part: file for file in files for part in file.parts}, {file.name for file in unpack}
    fetch = []
    for file in files:
        of = in_parts.get(file.name, file)
        if not file.parts and (not of.unpack or of.name in packed) and not downloaded(raw, file).exists():
            fetch.append(file)
    return Inventory(raw, tuple(fetch), unpack)


def downloaded(raw: Path, file: PublishedFile) -> Path:
    """Where the file lies once it is here."""
    return raw / DOWNLOADS / file.name


def unpacked(raw: Path, file: PublishedFile) -> Path:
    """The folder of what comes out of the archive, which appears when all of it is out."""
    return raw / file.unpack / stem_of(Path(file.name).name)


def is_unpacked(raw: Path, file: PublishedFile) -> bool:
    """Whether the content is there; a folder that leads to where the user has the content counts."""
    return unpacked(raw, file).is_dir() or linked(raw, file) is not None


def is_out(raw: Path, file: PublishedFile) -> bool:
    """Whether the archive was unpacked here, and not found unpacked behind a link."""
    return unpacked(raw, file).is_dir() and linked(raw, file) is None


def members_of(file: PublishedFile) -> tuple[str, ...]:
    """The names of the files that the archive is made of."""
    return file.parts or (file.name,)


def linked(raw: Path, file: PublishedFile) -> Path | None:
    """The link below raw/ in which the content is expected, as the user already had it; None where there is none."""
    folder = raw / file.unpack
    links = (each for each in (folder, *folder.parents) if each != raw and raw in each.parents and each.is_symlink())
    return next(links, None)


def wanted(file: PublishedFile) -> Wanted:
    return Wanted(file.name, file.urls, file.bytes, file.hashes)


def need_room(found: Inventory, sizes: Mapping[str, int | None], keep: bool, at_once: int) -> None:
    """Raises SaccadeError unless the disk has room for what is fetched and for what comes out of it. Videos can't be
    packed any tighter, so an archive is taken to hold as much as it is long; what isn't known counts as nothing."""
    fetched = [sizes.get(file.name) or 0 for file in found.fetch]
    content = sum(_packed(found.raw, file, sizes) for file in found.unpack)
    kept = sum(fetched) if keep else sum(sorted(fetched)[-at_once:])
    needed, free = kept + content + RESERVE, shutil.disk_usage(found.raw).free
    if needed <= free:
        return
    without = content + sum(sorted(fetched)[-at_once:]) + RESERVE
    hint = f"; with --remove-archives {size_words(without)} are enough" if keep and without <= free else ""
    raise SaccadeError(
        f"{found.raw}: {size_words(needed)} are needed ({size_words(kept)} to fetch, {size_words(content)} to unpack, "
        f"{size_words(RESERVE)} to spare), {size_words(free)} are free; make {found.raw} a link to a folder on a "
        f"larger disk, or name fewer files with --only{hint}"
    )


def _packed(raw: Path, file: PublishedFile, sizes: Mapping[str, int | None]) -> int:
    total = 0
    for name in members_of(file):
        path = raw / DOWNLOADS / name
        total += path.stat().st_size if path.exists() else sizes.get(name) or 0
    return total


def in_batches(files: Sequence[PublishedFile], at_once: int) -> list[tuple[PublishedFile, ...]]:
    """So many files at a time; the parts of an archive, which follow it, aren't told apart."""
    return [tuple(files[start : start + at_once]) for start in range(0, len(files), at_once)]
