"""What is said of an error that nobody foresaw, after its traceback; which errors only look so; how to print names in
letters that a terminal lacks. No torch."""

import errno
import io
import platform
import sys
import traceback
from pathlib import Path

from saccade.project import version_of
from saccade.records import first_line

EXIT_CODE = 70  # of a bug (EX_SOFTWARE); 1 is for what the user can mend
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def escape_unknown_letters() -> None:
    """From now on, a letter of some name that this terminal lacks is printed as its escape, and ends nothing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def whose_bug(error: BaseException) -> str:
    """One sentence: whose code raised the error, and what to report."""
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    files += [error.filename] if isinstance(error, SyntaxError) and error.filename else []
    own = [label for file in files if (label := _of_a_folder(Path(file)))]
    whose = f", or of {own[-1]} where that code is yours" if own else ""
    return (
        f"this is a bug of Saccade's{whose}: please report the lines above with the command, the file or setting that "
        f"it was about, and the versions (Saccade {version_of('saccade')}, Python {platform.python_version()})"
    )


def _of_a_folder(file: Path) -> str:
    """`methods/<m>/model.py` for a file of a method's or a dataset's folder, '' for any other."""
    home = next((folder for folder in file.parents if folder.parent.name in ("methods", "data")), None)
    return file.relative_to(home.parents[1]).as_posix() if home and (home / "card.yml").is_file() else ""


def too_little_memory(error: BaseException) -> str:
    """One sentence where the machine's memory or the GPU's was too small, which torch says in errors of its own; '' for
    any other error."""
    named = {kind.__name__ for kind in type(error).__mro__} & {"MemoryError", "OutOfMemoryError"}
    if not named and "can't allocate memory" not in str(error):
        return ""
    return f"too little memory: {first_line(error)}; smaller batches, clips, frames or networks need less"


def why_no_file(error: OSError) -> str:
    """One sentence: the file where it is known, what the system says, and what to look at where no room is left."""
    place = f"{error.filename}: " if error.filename else ""
    hint = "; is there room on the disk, and in the folder of temporary files?" if error.errno in NO_ROOM else ""
    return f"{place}{error.strerror or error}{hint}"
