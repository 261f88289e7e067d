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
from saccade.judging.printed_cells import COUNTED, EXECUTED, NOT_RUN, paper_cells, printed_cells, read_results
from saccade.report.typeset import NONE, about, percent, significant, source
from saccade.results.runs import PlannedGrid, rows_of

ANSWERED = {COUNTED: "counted on the meta device: ", NULL_MODEL: "", EXECUTED: "executed: ", NOT_RUN: "not run: "}


def show_paper(grid: PlannedGrid, root: Path, method: str) -> Iterator[tuple[str, dict[str, str], pd.DataFrame]]:
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
        yield name, about(grid, "paper", title=title, caption=caption), show_cells(layout, cells)
        reading = source(grid)


def show_cells(layout: Layout, cells: pd.DataFrame) -> pd.DataFrame:
    """A row per printed row: each column as printed, ours, and the difference (where there is any); whence ours comes
    or why there is none, in the notes."""
    rows = []
    for row in layout.rows:
        mine = {cell.column: cell for cell in rows_of(cells[cells["row"] == row])}
        shown = {"Row": row, "Origin": ", ".join(dict.fromkeys(cell.origin for cell in mine.values()))}
        for column in layout.columns:
            cell = mine.get(column)
            shown[f"{column} printed"] = cell.printed if cell else NONE
            shown[f"{column} ours"] = _ours(cell) if cell else NONE
            shown[f"{column} difference"] = _difference(cell) if cell else NONE
        rows.append({**shown, "Note": _note(list(mine.values()))})
    table = pd.DataFrame(rows)
    return table.loc[
        :, [name for name in table if not (table[name].isin([NONE, ""]).all() and name not in ("Row", "Origin"))]
    ]


def _ours(cell: Any) -> str:
    if cell.source in ("", NOT_RUN):
        return cell.source or NONE
    if cell.source in (COUNTED, NULL_MODEL):
        return f"{significant(cell.ours, 4)} ({cell.source})"
    if cell.unit.startswith("%"):
        return percent(*(number / 100 for number in (cell.ours, cell.sd, cell.low, cell.high)))
    return significant(cell.ours, 4)


def _difference(cell: Any) -> str:
    if pd.isna(cell.difference):
        return NONE
    points = cell.unit.startswith("%")
    return (f"{cell.difference:+z.1f}" if points else f"{100 * cell.difference:+z.1f} %").replace("-", "−")


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
