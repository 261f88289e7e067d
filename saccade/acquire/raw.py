"""What lies below a published dataset's raw/, however it came there: fetched and unpacked by `acquire`, or linked to
where a user already has it. No torch."""

import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from saccade.records import SaccadeError
from saccade.temporary import PREFIX

DOWNLOADS = "downloads"  # of raw/: the files as their publisher offers them
VIDEOS = "videos"  # of raw/: where most cards unpack them
VIDEO_SUFFIXES = (".mp4", ".avi", ".webm", ".mkv", ".mov", ".m4v", ".flv", ".mpg")


class RawFiles:
    """Every file below raw/, by name; links to folders are followed, each folder once. Folders whose name `frames`
    matches hold a video's frames: they are noted and not entered, as they may have a hundred thousand files."""

    def __init__(self, raw: Path, frames: str = "") -> None:
        self.raw = raw
        self._frames = re.compile(frames) if frames else None
        self._by_name: dict[str, list[Path]] = {}
        self._folders: dict[str, list[Path]] = {}
        for path in self._below(raw, set()):
            self._by_name.setdefault(path.name.casefold(), []).append(path)

    def named(self, name: str) -> Path:
        """The one file of this name: an annotation. Of several the one in downloads/, else the one in the fewest
        folders. Raises SaccadeError where there is none."""
        found = self._by_name.get(name.casefold(), [])
        if not found:
            raise self._lacking(name)
        return min(found, key=lambda path: (path.parent != self.raw / DOWNLOADS, len(path.parts), str(path)))

    def matching(self, pattern: str, what: str) -> list[Path]:
        """The files whose whole name matches the regular expression, one per name, sorted by name. Raises SaccadeError,
        which calls them `what`, where there are none."""
        wanted = re.compile(pattern)
        found = [min(paths) for _, paths in sorted(self._by_name.items()) if wanted.fullmatch(paths[0].name)]
        if not found:
            raise self._lacking(what)
        return found

    def video(self, tail: str, preferred: str = "") -> Path | None:
        """The video whose path ends so, its suffix and the case of letters aside: `v_Diving_g01_c01`, or with as many
        folders as tell it from others, `P03/cam01/P03_tea`. Of several the first by name; those below a folder named
        `preferred` go before."""
        wanted = PurePosixPath(tail.casefold())
        found = [path for path in self._by_stem.get(wanted.name, []) if _ends(path, wanted)]
        if not found:
            return None
        return min(found, key=lambda path: (preferred not in path.parts, str(path)))

    def folder(self, name: str, holds: str = "") -> Path | None:
        """The folder of this name that holds a video's frames; of several the first, those with a file `holds`
        before."""
        found = self._folders.get(name.casefold(), [])
        return min(found, key=lambda path: (not (path / holds).is_file(), path), default=None)

    def unlisted(self, known: set[Path]) -> list[str]:
        """The videos below raw/ that aren't among these, as paths below it, sorted."""
        return sorted(path.relative_to(self.raw).as_posix() for path in self.videos() if path not in known)

    def _lacking(self, what: str) -> SaccadeError:
        return SaccadeError(
            f"{self.raw} has no {what}, neither in {DOWNLOADS}/ nor in another folder; `saccade acquire "
            f"{self.raw.parent.name}` brings it, or tells where to get it"
        )

    def videos(self) -> list[Path]:
        """Every video below raw/."""
        return [path for paths in self._by_stem.values() for path in paths]

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for name, paths in self._by_name.items():
            stem, dot, suffix = name.rpartition(".")
            if dot + suffix in VIDEO_SUFFIXES:
                found.setdefault(stem, []).extend(paths)
        return found

    def _below(self, folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
        try:
            about = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            return  # gone meanwhile, a link that leads nowhere, or not ours to read: what is missed is said later
        if (about.st_dev, about.st_ino) in seen:
            return
        seen.add((about.st_dev, about.st_ino))
        for entry in entries:
            if entry.name.startswith((PREFIX, ".")):
                continue
            if not _is_folder(entry):
                yield Path(entry.path)
            elif self._frames and self._frames.fullmatch(entry.name):
                self._folders.setdefault(entry.name.casefold(), []).append(Path(entry.path))
            else:
                yield from self._below(Path(entry.path), seen)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself, say: whoever reads it is told, as of a link that leads nowhere


def _ends(path: Path, wanted: PurePosixPath) -> bool:
    count = len(wanted.parts)
    own = [part.casefold() for part in path.parts[-count:]]
    return [*own[:-1], own[-1].rpartition(".")[0]] == list(wanted.parts)
