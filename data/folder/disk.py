"""What lies on the disk below raw/: folders, videos, links that lead nowhere, names that can't be read. No torch."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from saccade.files import NO_LETTERS, need_utf8
from saccade.records import SaccadeError

from .names import is_system

SUFFIXES = (".mp4", ".m4v", ".mkv", ".webm", ".mov", ".avi", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ts")


def folders(folder: Path) -> list[Path]:
    """The folders in it, links to folders included; raises SaccadeError where a link leads nowhere."""
    found = []
    for entry in _entries(folder):
        path = Path(entry.path)
        if entry.is_dir():
            found.append(need_utf8(path))
        elif not _names_video(entry.name):  # a video that isn't there is named with those that can't be read
            need_target(path)
    return found


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if not is_system(entry.name)), key=lambda entry: entry.name)


def loose_videos(folder: Path) -> list[Path]:
    """The videos that lie in the folder itself."""
    return [Path(entry.path) for entry in _entries(folder) if _names_video(entry.name) and not entry.is_dir()]


def videos_below(folder: Path) -> Iterator[Path]:
    """At any depth; links to folders are followed, once. Raises OSError where a folder can't be read."""
    seen: set[str] = set()
    for here, below, files in os.walk(folder, followlinks=True, onerror=_raise):
        below[:] = sorted(name for name in below if not is_system(name))
        if (real := os.path.realpath(here)) in seen:
            below.clear()
            continue
        seen.add(real)
        for name in below:
            need_utf8(Path(here, name))
        for name in sorted(files):
            if _names_video(name):
                yield need_utf8(Path(here, name))
            elif not is_system(name):
                need_target(Path(here, name))  # a folder whose link leads nowhere passes for a file


def _raise(error: OSError) -> None:
    raise error


def _names_video(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not is_system(name)


def size(path: Path) -> int:
    """In bytes; -1 where there is no such file, which `prepare` will name."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def spelled_as_on_disk(path: Path) -> Path:
    """The path, or where it is missing, the one that a disk spells in another Unicode form."""
    if os.path.lexists(path):
        return path
    others = (Path(unicodedata.normalize(form, str(path))) for form in ("NFC", "NFD"))
    return next((other for other in others if os.path.lexists(other)), path)


def need_locale(where: str, name: str) -> None:
    """Raises SaccadeError where this process can't ask for a file of that name."""
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        raise SaccadeError(f"{where}: '{name}': {NO_LETTERS}") from None


def need_target(path: Path) -> Path:
    """The path itself; raises SaccadeError where it is a link to what isn't there."""
    if path.is_symlink() and not os.path.exists(path):
        raise SaccadeError(
            f"{path} is a link to {os.readlink(path)}, which isn't there; mount or mend it, or remove the link"
        )
    return path
