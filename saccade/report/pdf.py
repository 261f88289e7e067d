"""A PDF of a LaTeX file, where LaTeX is here. No torch."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from saccade.files import write_atomic
from saccade.records import SaccadeError

PROGRAM, PACKAGES = "pdflatex", ("texlive-latex-recommended", "lmodern")  # as Debian names them


def why_no_latex() -> str:
    """Why no PDF can be made here; '' where one can."""
    return "" if shutil.which(PROGRAM) else f"{PROGRAM} is not installed here (Debian: {', '.join(PACKAGES)})"


def compile_pdf(tex: Path) -> str:
    """Writes the PDF beside `tex`; gives back '' or, where there is none, the sentence that says why. A LaTeX that
    fails is warned of on stderr."""
    if why := why_no_latex():
        return f"No PDF was made: {why}."
    try:
        _run_latex(tex)
    except SaccadeError as error:
        print(f"saccade: warning: no PDF was made: {error}", file=sys.stderr)
        return f"No PDF was made: {error}."
    return ""


def _run_latex(tex: Path) -> None:
    """Writes the PDF beside `tex`; raises SaccadeError with LaTeX's first error line, or the end of what it said, where
    it fails."""
    command = [PROGRAM, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "-file-line-error"]
    undated = {**os.environ, "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    with tempfile.TemporaryDirectory(prefix="saccade-") as folder:
        for _ in range(4):  # longtable settles its column widths over several passes
            options: dict[str, Any] = {
                "cwd": tex.parent,
                "env": undated,
                "capture_output": True,
                "text": True,
                "errors": "replace",
            }
            try:
                done = subprocess.run([*command, f"-output-directory={folder}", tex.name], **options)
            except OSError as error:  # there, and no program
                raise SaccadeError(f"pdflatex can't be started: {error.strerror or error}; the .tex is kept") from None
            if done.returncode:
                said = done.stdout.strip() or done.stderr.strip() or f"exit status {done.returncode}, without a word"
                first = next((line for line in said.splitlines() if re.match(r"!|\S+:\d+: ", line)), said[-300:])
                raise SaccadeError(f"pdflatex failed on {tex}: {' '.join(first.split())}; the .tex is kept")
            if not re.search(r"Rerun to get|Table widths have changed|Rerun LaTeX", done.stdout):
                break
        write_atomic(
            tex.with_suffix(".pdf"),
            lambda temporary: shutil.copyfile(Path(folder, tex.with_suffix(".pdf").name), temporary),
        )
