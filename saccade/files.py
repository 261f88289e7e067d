"""Files that are whole or not there: each is written in a temporary folder and then renamed. No torch."""

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

from saccade.records import SaccadeError, one_line
from saccade.temporary import work_folder

NO_LETTERS = "this shell's locale has no such letters; say `export LC_ALL=C.UTF-8` first, and no PYTHONUTF8=0"

# how libraries written in Rust (safetensors) put what the system says into a text
SYSTEM_SAYS = re.compile(r"I/O error: (.+) \(os error \d+\)")


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary)` and rename the result to `path`, so that a file that is there is whole.

    Raises SaccadeError naming the folder where it can't be written (read-only, full).
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with work_folder(path.parent) as folder:
            temporary = folder / path.name
            write(temporary)
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(temporary, 0o666 & ~umask)
            os.replace(temporary, path)
    except Exception as error:
        if (reason := _what_the_system_says(error)) is None:
            raise
        raise SaccadeError(
            f"cannot write {path}: {reason}; is the folder writable and is there room on the disk?"
        ) from error


def _what_the_system_says(error: Exception) -> str | None:
    """`No space left on device`, of an OSError or of another library's error that passes one on; None of any other."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    found = SYSTEM_SAYS.search(str(error))
    return found[1] if found else None


def verbatim(path: Path | str) -> str:
    """The path for whoever formats it (Snakemake, papermill): braces in it, which stand for themselves, are doubled."""
    return str(path).replace("{", "{{").replace("}", "}}")


def need_writable(folder: Path) -> None:
    """Raises SaccadeError where no file can be written into the folder, which is made if need be. Asked before a long
    step starts."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SaccadeError(
            f"cannot write into {folder}: {error.strerror or error}; is it a writable folder and is there room on the "
            "disk?"
        ) from None


def write_json(path: Path, value: Any) -> None:
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SaccadeError(f"{path} does not exist") from None
    except json.JSONDecodeError as error:
        raise SaccadeError(f"{path} is not valid JSON ({error}); remove it and run again") from None


def write_parquet(path: Path, table: "pd.DataFrame") -> None:
    write_atomic(path, lambda temporary: table.to_parquet(temporary, index=False))


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    write_atomic(path, lambda temporary: save_csv(temporary, table))


def save_csv(path: Path, table: "pd.DataFrame") -> None:
    """Writes the table to a file that is temporary: see `write_csv`."""
    table.to_csv(path, index=False, lineterminator="\n")


def need_utf8(path: Path) -> Path:
    """The path itself; raises SaccadeError where it can't be written as text: its name holds bytes that are no UTF-8,
    or letters that this shell's locale lacks."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        try:
            os.fsencode(path).decode("utf-8")
        except UnicodeDecodeError:
            why = "the name isn't UTF-8; rename it (convmv -f latin1 -t utf8 shows how)"
        else:
            why = NO_LETTERS
        raise SaccadeError(f"{one_line(path)}: {why}") from None
    return path


def equal_files(files: Iterable[Path]) -> list[list[Path]]:
    """Groups of two and more files that hold the same bytes. Only what has the size of another is read, of that first
    the beginning; empty files and those that can't be read are in no group."""
    groups = _alike(files, lambda file: file.stat().st_size)
    for look in (_beginning, sha256):
        groups = [equal for group in groups for equal in _alike(group, look)]
    return groups


def _alike(files: Iterable[Path], look: Callable[[Path], Any]) -> list[list[Path]]:
    found: dict[Any, list[Path]] = {}
    for file in files:
        with contextlib.suppress(OSError):
            if seen := look(file):
                found.setdefault(seen, []).append(file)
    return [group for group in found.values() if len(group) > 1]


def _beginning(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.sha256(stream.read(1 << 16)).digest()


def sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
