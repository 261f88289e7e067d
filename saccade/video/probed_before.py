"""Each video is probed once: what is found is kept as soon as it is found, for whoever prepares the dataset next. No
torch."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from saccade.processes import as_done, processes
from saccade.records import canonical
from saccade.video.frame_folder import state_of

DIED = (
    "a process died while it looked at videos: memory ran out, or the decoder failed on one of them; what was found of "
    "the others is kept, so run it again; --workers 1 takes least memory"
)
_TOGETHER = 4  # videos that a process takes at a time: what is lost where it is killed
_WORTH_A_PROCESS = 64  # videos; in the time in which it starts it would probe about as many


class Wanted(NamedTuple):
    """A video to look at: the path of its file or folder, relative to the root, and what its dataset says of a folder:
    how many pictures a second, the number of the first and how many they are."""

    path: str
    fps: float | None = None
    first_frame: int | None = None
    frames: int | None = None


@dataclass(frozen=True)
class Found:
    """What was found of a video. columns: those of the index that are measured. peculiar: the names of
    `records.PECULIARITIES` that hold. Where it can't be used columns are empty, and `kind` and `reason` say why."""

    columns: dict[str, Any] = field(default_factory=dict)
    peculiar: list[str] = field(default_factory=list)
    kind: str = ""
    reason: str = ""


class ProbedBefore:
    """What was found of the videos below `root` that can be used, in a file of lines to which several may add at once.

    A line is the sum of an entry, and the entry as JSON; one that is torn or damaged counts as none, and a later one
    replaces an earlier. An entry holds as long as the video has the bytes and the time of change that it had
    (`frame_folder.state_of`), and is `way`'s: it names how, by which code and with which decoder videos are probed.
    """

    def __init__(self, file: Path, root: Path, way: str) -> None:
        self._file, self._root, self._way = file, root, way
        self._known: dict[Wanted, tuple[Found, int]] = {}
        for entry in _entries(file):
            if entry["way"] == way:
                self._known[Wanted(*entry["video"])] = Found(**entry["found"]), entry["changed"]

    def get(self, video: Wanted) -> Found | None:
        """What is known of the video as it is now."""
        if video not in self._known:
            return None
        (found, changed), path = self._known[video], os.path.join(self._root, video.path)
        was = found.columns["bytes"], changed
        return found if state_of(path, found.columns["first_frame"], found.columns["frames"]) == was else None

    def changed(self, video: Wanted) -> int | None:
        """When its file or folder was last changed, in ns; None where it isn't there."""
        try:
            return os.stat(os.path.join(self._root, video.path)).st_mtime_ns
        except OSError:
            return None

    def add(self, found: Iterable[tuple[Wanted, int | None, Found]]) -> None:
        """Keeps what was found of (a video, when it was changed before it was looked at). What can't be used isn't
        kept: it may have been the disk's fault."""
        lines = []
        for video, changed, one in found:
            if changed is not None and one.columns:
                text = canonical({"video": video, "changed": changed, "way": self._way, "found": asdict(one)})
                lines.append(f"{_sum(text.encode())} {text}\n")
        if lines:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            torn = _is_torn(self._file)
            with self._file.open("ab", buffering=0) as stream:  # one write, so that others' lines stay whole
                stream.write(("\n" * torn + "".join(lines)).encode())


def probe_each(
    videos: Sequence[Wanted], known: ProbedBefore, look: Callable[[Wanted], Found], workers: int
) -> list[Found]:
    """What is known of each video, or what `look` finds; in the given order. Other processes must be able to import
    `look`."""
    found = {number: one for number, video in enumerate(videos) if (one := known.get(video))}
    missing = [number for number in range(len(videos)) if number not in found]
    parts = [missing[at : at + _TOGETHER] for at in range(0, len(missing), _TOGETHER)]
    changed = {number: known.changed(videos[number]) for number in missing}
    with tqdm(total=len(videos), initial=len(found), desc="probe", unit="video", mininterval=1.0) as progress:
        for place, answers in _look([[videos[number] for number in part] for part in parts], look, workers):
            answered = list(zip(parts[place], answers, strict=True))
            known.add((videos[number], changed[number], one) for number, one in answered)
            found |= answered
            progress.update(len(answered))
    return [found[number] for number in range(len(videos))]


def _look(
    parts: Sequence[Sequence[Wanted]], look: Callable[[Wanted], Found], workers: int
) -> Iterator[tuple[int, list[Found]]]:
    """(number of the part, what was found of its videos), as they are done."""
    workers = min(workers, sum(map(len, parts)) // _WORTH_A_PROCESS)
    if workers < 2:
        yield from ((number, _look_at(look, (number, part))) for number, part in enumerate(parts))
        return
    with processes(workers) as pool:
        done = as_done(pool, partial(_look_at, look), enumerate(parts), DIED)
        yield from ((number, answers) for (number, _), answers in done)


def _look_at(look: Callable[[Wanted], Found], numbered: tuple[int, Sequence[Wanted]]) -> list[Found]:
    return [look(video) for video in numbered[1]]


def _entries(file: Path) -> Iterator[dict[str, Any]]:
    if file.is_file():
        with file.open("rb") as stream:
            for line in stream:
                digest, _, text = line.rstrip(b"\n").partition(b" ")
                if digest.decode("ascii", "replace") == _sum(text):
                    yield json.loads(text.decode())


def _sum(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def _is_torn(file: Path) -> bool:
    """Whether its last line has no end: whoever wrote it was killed."""
    if not file.is_file() or not file.stat().st_size:
        return False
    with file.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read() != b"\n"
