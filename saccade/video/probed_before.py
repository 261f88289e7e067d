"""Each file is probed once: what is found is kept as soon as it is found, for whoever prepares the dataset next. No
torch."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from saccade.processes import processes
from saccade.records import SaccadeError, canonical

_TOGETHER = 4  # files that a process takes at a time: what is lost where it is killed
_WORTH_A_PROCESS = 64  # files; in the time in which it starts it would probe about as many


@dataclass(frozen=True)
class Found:
    """What was found of a video. columns: those of the index that are measured. peculiar: the names of
    `records.PECULIARITIES` that hold. Where it can't be used columns are empty, and `kind` and `reason` say why."""

    columns: dict[str, Any] = field(default_factory=dict)
    peculiar: list[str] = field(default_factory=list)
    kind: str = ""
    reason: str = ""


class ProbedBefore:
    """What was found of the files below `root` that can be used, in a file of lines to which several may add at once.

    A line is the sum of an entry, and the entry as JSON; one that is torn or damaged counts as none, and a later one
    replaces an earlier. An entry holds as long as the file has the size and the time of change that it had, and is
    `way`'s: it names how, by which code and with which decoder files are probed.
    """

    def __init__(self, file: Path, root: Path, way: str) -> None:
        self._file, self._root, self._way = file, root, way
        self._entries: dict[str, dict[str, Any]] = {}
        for entry in _entries(file):
            if entry["way"] == way:
                self._entries[entry["path"]] = entry

    def get(self, path: str) -> Found | None:
        """What is known of the file as it is now."""
        entry = self._entries.get(path)
        return Found(**entry["found"]) if entry and entry["stamp"] == self.stamp(path) else None

    def stamp(self, path: str) -> list[int] | None:
        """The file's size and the time of its last change; None where it isn't there."""
        try:
            now = os.stat(self._root / path)
        except OSError:
            return None
        return [now.st_size, now.st_mtime_ns]

    def add(self, found: Iterable[tuple[str, list[int] | None, Found]]) -> None:
        """Keeps what was found of (path, its stamp before it was looked at). What can't be used isn't kept: it may have
        been the disk's fault."""
        lines = []
        for path, stamp, one in found:
            if stamp and one.columns:
                text = canonical({"path": path, "stamp": stamp, "way": self._way, "found": asdict(one)})
                lines.append(f"{_sum(text.encode())} {text}\n")
        if lines:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            torn = _is_torn(self._file)
            with self._file.open("ab", buffering=0) as stream:  # one write, so that others' lines stay whole
                stream.write(("\n" * torn + "".join(lines)).encode())


def probe_each(paths: Sequence[str], known: ProbedBefore, look: Callable[[str], Found], workers: int) -> list[Found]:
    """What is known of each path, or what `look` finds; in the given order. `look` must be known by name to other
    processes."""
    found = {number: one for number, path in enumerate(paths) if (one := known.get(path))}
    missing = [number for number in range(len(paths)) if number not in found]
    parts = [missing[at : at + _TOGETHER] for at in range(0, len(missing), _TOGETHER)]
    stamps = {number: known.stamp(paths[number]) for number in missing}
    looked = _look([[paths[number] for number in part] for part in parts], look, workers)
    with tqdm(total=len(paths), initial=len(found), desc="probe", unit="video", mininterval=1.0) as progress:
        for place, answers in looked:
            known.add((paths[number], stamps[number], one) for number, one in zip(parts[place], answers, strict=True))
            found |= zip(parts[place], answers, strict=True)
            progress.update(len(answers))
    return [found[number] for number in range(len(paths))]


def _look(
    parts: Sequence[Sequence[str]], look: Callable[[str], Found], workers: int
) -> Iterator[tuple[int, list[Found]]]:
    """(number of the part, what was found of it), as they are done."""
    workers = min(workers, sum(map(len, parts)) // _WORTH_A_PROCESS)
    if workers < 2:
        yield from ((number, _look_at(look, part)) for number, part in enumerate(parts))
        return
    with processes(workers) as pool:
        waiting = {pool.submit(_look_at, look, part): number for number, part in enumerate(parts)}
        try:
            for done in as_completed(waiting):
                yield waiting.pop(done), done.result()
        except BrokenProcessPool:
            raise SaccadeError(
                "a process died while it looked at videos: memory ran out, or the decoder failed on one of them; what "
                "was found of the others is kept, so run it again; --workers 1 takes least memory"
            ) from None


def _look_at(look: Callable[[str], Found], part: Sequence[str]) -> list[Found]:
    return [look(path) for path in part]


def _entries(file: Path) -> Iterator[dict[str, Any]]:
    if file.is_file():
        with file.open("rb") as stream:
            for line in stream:
                digest, _, text = line.rstrip(b"\n").partition(b" ")
                if digest.decode("ascii", "replace") == _sum(text):
                    yield json.loads(text)


def _sum(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def _is_torn(file: Path) -> bool:
    """Whether its last line has no end: whoever wrote it was killed."""
    if not file.is_file() or not file.stat().st_size:
        return False
    with file.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read() != b"\n"
