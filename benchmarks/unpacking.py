"""How long unpacking takes beside a plain copy of the same files on the same disk, as ratios in one run.

    python -m benchmarks.unpacking [--megabytes 256] [--kilobytes 512] [--repeats 3] [--folder FOLDER]

Files of so many kilobytes, which don't shrink, as videos don't; 512 are a mean clip of UCF101. All take turns, and each
is read once before; what was written is on the disk at the end (`sync`). Elapsed time, and in brackets processor time.
"""

import argparse
import os
import random
import shutil
import statistics
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from saccade.acquire.archives import unpack
from tests.acquire.rar import write_rar

KINDS = ("zip", "tar", "tar.gz", "rar")
COPY = "copy"


def make_files(folder: Path, bytes: int, each: int) -> dict[str, bytes]:
    """Writes the files into the folder; their contents by name."""
    draw = random.Random(0)
    found = {f"class{number % 100:02d}/{number:06d}.avi": draw.randbytes(each) for number in range(bytes // each)}
    for name, content in found.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return found


def pack(folder: Path, files: dict[str, bytes], archive: Path) -> None:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
            for name, content in files.items():
                opened.writestr(name, content)
    elif archive.suffix == ".rar":
        write_rar(archive, files)
    else:
        with tarfile.open(archive, "w:gz" if archive.suffix == ".gz" else "w") as opened:
            for name in files:
                opened.add(folder / name, name)


def copy(folder: Path, into: Path) -> None:
    for path in sorted(folder.rglob("*.avi")):
        to = into / path.relative_to(folder)
        to.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as source, to.open("wb") as target:
            shutil.copyfileobj(source, target)


def seconds(call: Callable[[Path], object], into: Path) -> tuple[float, float]:
    """Elapsed and processor time; what it made is removed."""
    os.sync()
    cpu, wall = time.process_time(), time.perf_counter()
    call(into)
    os.sync()
    spent = time.perf_counter() - wall, time.process_time() - cpu
    shutil.rmtree(into)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--kilobytes", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        files = make_files(folder / "files", given.megabytes * 10**6, given.kilobytes * 1000)
        ways: dict[str, Callable[[Path], object]] = {COPY: lambda into: copy(folder / "files", into)}
        for kind in KINDS:
            archive = folder / f"videos.{kind}"
            pack(folder / "files", files, archive)
            ways[kind] = lambda into, archive=archive: unpack(archive, into)
        spent: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(given.repeats + 1):
            for way, call in ways.items():
                spent[way].append(seconds(call, folder / "out"))
    middle = {
        way: [statistics.median(column) for column in zip(*times[1:], strict=True)] for way, times in spent.items()
    }
    print(f"{len(files)} files of {given.kilobytes} kB; medians of {given.repeats} turns\n")
    print("| archive | time to a copy's | processor time, s per GB | MB per s |\n" + "| --- " * 4 + "|")
    for way, (wall, cpu) in middle.items():
        ratio = f"{wall / middle[COPY][0]:.2f} ({cpu / middle[COPY][1]:.2f})"
        print(f"| {way} | {ratio} | {cpu / given.megabytes * 1000:.2f} | {given.megabytes / wall:.0f} |")


if __name__ == "__main__":
    main()
