"""What only this method shows: a method's optional `findings.py` makes tables and figures of its decisions. No torch.

    tables(found)  -> [(name, title, caption, TidyTable), ...]
    figures(found) -> [(name, title, caption, alt, matplotlib Figure), ...]

Either may be absent, and either may be a generator. What raises `NotRun` because a piece is missing shows nothing from
there on.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from saccade.project import load_module
from saccade.records import SaccadeError
from saccade.report.captions import about, source
from saccade.report.figures import STYLE
from saccade.report.tidy import TidyTable
from saccade.results.found import Found
from saccade.results.reader import NotRun

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
About = dict[str, str]


def finding_tables(found: Found) -> Iterator[tuple[str, About, TidyTable]]:
    """(file name, what a page says about it, table) of each of the method's own tables that isn't empty."""
    for name, title, caption, table in _made(found, "tables"):
        if len(table):
            yield _file(found, name), _about(found, title, caption), table


def finding_figures(found: Found) -> Iterator[tuple[str, About, Figure]]:
    """(file name, what a page says about it, figure) of each of the method's own figures."""
    with mpl.rc_context(STYLE):
        made = list(_made(found, "figures"))
    for name, title, caption, alt, figure in made:
        yield _file(found, name), _about(found, title, caption, alt=alt), figure


def _made(found: Found, what: str) -> Iterator[Any]:
    """What the method's function gives; nothing without it, without a result, or from the first missing piece on."""
    path = found.root / "methods" / found.method / "paper/findings.py"
    make: Callable[[Found], Iterable[Any]] | None = (
        getattr(load_module(path), what, None) if path.is_file() and found.runs() else None
    )
    try:
        yield from make(found) if make else ()
    except NotRun:
        return


def _file(found: Found, name: str) -> str:
    if not NAME.fullmatch(name):
        raise SaccadeError(
            f"methods/{found.method}/paper/findings.py: '{name}' can't name a file: lower-case letters, digits and '-'"
        )
    return f"findings--{name}"


def _about(found: Found, title: str, caption: str, **more: str) -> About:
    return about(found.grid, "findings", title=title, caption=source(found.grid) + caption, **more)
