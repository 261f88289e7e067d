"""RAR through the programs lsar and unar, which unpack some archives that libarchive can't (solid ones of RAR 4).

unar writes files by itself, so what it is going to write is looked at before, and what it wrote behind it. 7-Zip is no
alternative: Debian's opens a RAR and can't unpack it.
"""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from saccade.acquire.members import PASSWORD
from saccade.acquire.writing import SPARE_BYTES, Allowance, DamagedError, parts_of
from saccade.records import SaccadeError, one_line
from saccade.temporary import work_folder

WATCH_S = 1.0  # how often the disk is looked at


def has_unar() -> bool:
    return shutil.which("unar") is not None and shutil.which("lsar") is not None


def unar(archive: Path, folder: Path, allowance: Allowance, size: int) -> None:
    """Unpacks an archive whose files have `size` bytes into `folder`, which is made. Raises DamagedError with what unar
    says, SaccadeError at what mustn't be written."""
    folder.mkdir()
    with work_folder(folder.parent) as work:
        alone = work / "archive.rar"  # beside archives of like names it would be taken for one of several volumes
        alone.symlink_to(archive.resolve())
        listed = _listed(alone)
        if sum(listed) != size:
            raise DamagedError("lsar lists other files than its headers name")
        allowance.need(size, len(listed))
        said = _unpack(alone, folder, work / "said")
    found = _found(folder)
    if said or sorted(found) != sorted(listed):
        raise DamagedError(said or "unar gives other files than lsar lists")
    for each in found:
        allowance.take(each)


def _listed(archive: Path) -> list[int]:
    """The files' sizes."""
    told = subprocess.run(["lsar", "-no-recursion", "-json", archive], env=_environment(), capture_output=True)
    text = told.stdout.decode("utf-8", "replace")
    try:
        listing = json.loads(text[text.index("{") :])
    except ValueError:
        raise DamagedError(f"lsar can't list it: {_last_line(told.stderr) or _last_line(told.stdout)}") from None
    entries: list[dict[str, Any]] = listing["lsarContents"]
    if listing.get("lsarProperties", {}).get("XADIsEncrypted") or any(each.get("XADIsEncrypted") for each in entries):
        raise SaccadeError(f"it {PASSWORD}")
    if told.returncode or "lsarError" in listing:
        raise DamagedError("lsar can't list all of it")
    return _sizes(entries)


def _sizes(entries: Sequence[dict[str, Any]]) -> list[int]:
    sizes, names = [], set()
    for entry in entries:
        name = str(entry["XADFileName"])
        place = tuple(parts_of(name))
        if entry.get("XADIsLink") or "RAR5RedirectionType" in entry:
            raise SaccadeError(f"{one_line(name)} is a link, which unar can't be trusted with")
        if not entry.get("XADIsDirectory"):
            if place in names:
                raise SaccadeError(f"{one_line(name)} is in it twice")
            names.add(place)
            sizes.append(int(entry["XADFileSize"]))
    return sizes


def _unpack(archive: Path, folder: Path, log: Path) -> str:
    """What unar says of its failure; empty where all went well. Stopped before it fills the disk."""
    options = ["-quiet", "-no-recursion", "-no-directory", "-force-rename", "-output-directory"]
    command = ["unar", *options, str(folder), str(archive)]
    with log.open("w+b") as said:
        process = subprocess.Popen(
            command, env=_environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                if shutil.disk_usage(folder).free < SPARE_BYTES:
                    raise SaccadeError("the disk is full; make room and run again")
                try:
                    process.wait(WATCH_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            process.kill()
            process.wait()
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").splitlines()
    if process.returncode == 0:
        return ""
    failed = [line.strip() for line in lines if "Failed!" in line]
    return (failed or lines or [f"unar ended with {process.returncode}"])[0]


def _found(folder: Path) -> list[int]:
    """The sizes of the files that it made. The archive's permissions go."""
    umask = os.umask(0)
    os.umask(umask)
    sizes = []
    os.chmod(folder, 0o777 & ~umask)
    for parent, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = os.path.join(parent, name)
            state = os.lstat(path)
            if stat.S_ISDIR(state.st_mode):
                os.chmod(path, 0o777 & ~umask)
            elif stat.S_ISREG(state.st_mode) and state.st_nlink == 1:
                os.chmod(path, 0o666 & ~umask)
                sizes.append(state.st_size)
            else:
                raise SaccadeError(f"{one_line(os.path.relpath(path, folder))} is a link or a device")
    return sizes


def _environment() -> dict[str, str]:
    return os.environ | {"LC_ALL": "C.UTF-8"}  # names have other letters than a plain shell may know


def _last_line(text: bytes) -> str:
    return (text.decode("utf-8", "replace").splitlines() or [""])[-1]
