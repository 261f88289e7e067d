"""A paper's tables as a reader sees them: each printed number, ours beside it, and the notes that say whence ours
comes. No torch."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.cards.layout import Layout
from saccade.cards.paper import read_paper
from saccade.cost.printed import NULL_MODEL
from saccade.judging.printed_cells import COUNTED, EXECUTED, NOT_RUN, paper_cells, read_results
from saccade.judging.reported import printed_cells
from saccade.report.captions import about, source
from saccade.report.tidy import Column, TidyTable, tidy, words
from saccade.results.reader import PlannedGrid
from saccade.results.runs import rows_of

ANSWERED = {COUNTED: "counted on the meta device: ", NULL_MODEL: "", EXECUTED: "executed: ", NOT_RUN: "not run: "}
NUMBERS = {"ours": "ours", "sd": "ours.sd", "low": "ours.low", "high": "ours.high", "difference": "difference"}


def paper_tables(grid: PlannedGrid, root: Path, method: str) -> Iterator[tuple[str, dict[str, str], TidyTable]]:
    """(file name, what a page says about it, table) of each table with results in the method's paper.yml, in its order;
    none without one.

    The first one's caption says how to read them all.
    """
    paper = read_paper(root, method)
    if paper is None:
        return
    reported, results = printed_cells(paper), read_results(grid, root, paper)
    reading = about(grid, "paper")["caption"]
    for number, layout in enumerate(paper.tables, 1):
        if not (layout.rows and layout.columns):  # a table without results, laid out for its note
            continue
        cells = paper_cells(paper, layout, reported, results)
        name = f"paper--{number:02}-{re.sub(r'[^a-z0-9]+', '-', layout.name.lower()).strip('-')}"
        title = f"{layout.name}: {layout.title}" if layout.title else layout.name
        caption = f"{reading}{_units(cells)} {layout.note}".strip()
        yield name, about(grid, "paper", title=title, caption=caption), beside_print(layout, cells)
        reading = source(grid)


def beside_print(layout: Layout, cells: pd.DataFrame) -> TidyTable:
    """A row per printed row: each column as printed, ours, and the difference (where there is any); whence ours comes
    or why there is none, in the notes. Numbers are in the printed unit; a difference is in points where that is %, else
    a share of the printed number."""
    rows = []
    for row in layout.rows:
        mine = {cell.column: cell for cell in rows_of(cells[cells["row"] == row])}
        shown = {"row": row, "origin": ", ".join(dict.fromkeys(cell.origin for cell in mine.values()))}
        for column, cell in mine.items():
            shown |= {f"{column}.{name}": getattr(cell, each) for each, name in NUMBERS.items()}
            shown |= {f"{column}.printed": cell.printed, f"{column}.unit": cell.unit, f"{column}.source": cell.source}
            shown |= {f"{column}.status": NOT_RUN if cell.source == NOT_RUN else ""}
        rows.append({**shown, "note": _note(list(mine.values()))})
    columns = [column for name in layout.columns for column in _columns(name)]
    named = [words("Row", "row"), words("Origin", "origin", empty="")]
    return tidy(rows, [*named, *columns, Column("Note", ("note",), empty="")]).without_empty()


def _columns(name: str) -> tuple[Column, Column, Column]:
    ours = ("ours", "ours.sd", "ours.low", "ours.high", "unit", "source")
    return (
        Column(f"{name} printed", (f"{name}.printed",)),
        Column(f"{name} ours", tuple(f"{name}.{part}" for part in ours), "answer", f"{name}.status"),
        Column(f"{name} difference", (f"{name}.difference", f"{name}.unit"), "difference"),
    )


def _note(cells: list[Any]) -> str:
    """One sentence for each way in which cells of a row are answered, or not."""
    groups: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        if cell.source:
            groups.setdefault((cell.source, cell.why), []).append(cell.column)
    return ". ".join(
        f"{', '.join(columns)} {ANSWERED[source]}{why}".rstrip(": ") for (source, why), columns in groups.items()
    )


def _units(cells: pd.DataFrame) -> str:
    units = cells.groupby("column", sort=False)["unit"].agg(lambda some: " or ".join(dict.fromkeys(some)))
    return f"Units: {'; '.join(f'{column} in {unit}' for column, unit in units.items())}." if len(units) else ""
