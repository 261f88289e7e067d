"""What a paper prints: its lines of every reported.csv, and one printed number for a claim that asks. No torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.cards.layout import Layout, Source
from saccade.cards.paper import Paper
from saccade.cost.printed import KEY, read_reported
from saccade.records import SaccadeError, suggest
from saccade.results.runs import rows_of


def printed_cells(paper: Paper) -> pd.DataFrame:
    """The paper's lines of every reported.csv, those beside paper.yml first, with `printed`: the value as it is written
    there.

    A cost is answered by one method alone, so a baseline's stands in that method's file. SaccadeError for a cell that
    stands in two.
    """
    own = paper.file.with_name("reported.csv")
    lines = {path: _read_printed(path) for path in [own, *sorted(own.parents[2].glob("*/paper/reported.csv"))]}
    if paper.tables and paper.name not in set(lines[own]["paper"]):
        raise SaccadeError(f"{own} has no line of paper '{paper.name}'" + suggest(paper.name, set(lines[own]["paper"])))
    every = pd.concat(lines.values(), ignore_index=True)
    mine = every[every["paper"] == paper.name].reset_index(drop=True)
    if len(twice := mine[mine.duplicated(KEY)]):
        raise SaccadeError(
            f"{own.parents[2]}/*/paper/reported.csv: there more than once: {' / '.join(twice[KEY].iloc[0])}"
        )
    return mine


def _read_printed(path: Path) -> pd.DataFrame:
    return read_reported(path).assign(printed=pd.read_csv(path, dtype=str, keep_default_na=False)["value"])


def lines_of(paper: Paper, layout: Layout, reported: pd.DataFrame) -> Iterator[Any]:
    """Each cell of the layout that the paper prints, row by row: its line of `reported`, as a named tuple that also has
    the layout's column, `shown`. That is a column of reported.csv, or `<column>, <dataset>` where the column is printed
    for several datasets. SaccadeError where reported.csv has none of a row or column, or the same cell for several
    datasets."""
    table = reported[reported["table"] == layout.name].assign(shown="")
    found: dict[tuple[str, str], list[Any]] = {}
    for line in rows_of(table):
        for column in dict.fromkeys([line.column, f"{line.column}, {line.dataset}"]):
            found.setdefault((line.row, column), []).append(line._replace(shown=column))
    for what, asked, place in (("row", layout.rows, 0), ("column", layout.columns, 1)):
        known = {key[place] for key in found}
        if lacking := [name for name in asked if name not in known]:
            near = suggest(lacking[0], set(table[what]))
            raise SaccadeError(
                f"{paper.file}: tables.{layout.name}: reported.csv has no {what} '{lacking[0]}' of it{near}"
            )
    for row in layout.rows:
        for column in layout.columns:
            if (row, column) in found:
                yield _one(paper, layout, found[row, column])


def source_of(layout: Layout, line: Any) -> Source | None:
    """Our run behind one of these lines, at the point that answers its column; None where there is none."""
    own = (source for source in layout.runs.get(line.row, ()) if source.dataset == line.dataset)
    return next((source.at(line.shown) for source in own), None)


def _one(paper: Paper, layout: Layout, found: Sequence[Any]) -> Any:
    """The printed cell among the lines of a row and column: that of the table's dataset, or the only one."""
    own = [line for line in found if line.dataset == layout.dataset] if len(found) > 1 else found
    if len(own) != 1:
        data = ", ".join(line.dataset for line in found)
        raise SaccadeError(
            f"{paper.file}: tables.{layout.name}: reported.csv has {found[0].row} / {found[0].column} for {data}; the "
            "table's dataset picks none"
        )
    return own[0]


@dataclass(frozen=True, eq=False)
class Reported:
    """The paper's printed numbers, in the units of reported.csv. datasets: of each table, where a cell is printed for
    several."""

    lines: pd.DataFrame
    datasets: Mapping[str, str]

    def __call__(self, table: str, row: str, column: str, dataset: str | None = None) -> float:
        """SaccadeError where there is no such cell, or one on each of several datasets and none is named."""
        found = self.lines[
            (self.lines["table"] == table) & (self.lines["row"] == row) & (self.lines["column"] == column)
        ]
        if dataset is None and len(found) > 1:
            dataset = self.datasets.get(table)
        own = found if dataset is None else found[found["dataset"] == dataset]
        if len(own) != 1:
            there = f"on {', '.join(found['dataset'])}" if len(found) else self._near(table, row, column)
            raise SaccadeError(
                f"reported.csv has {len(own)} cells {table} / {row} / {column}"
                + (f" / {dataset}" if dataset else "")
                + f": {there}"
            )
        return float(own["value"].iloc[0])

    def _near(self, table: str, row: str, column: str) -> str:
        mine = self.lines[self.lines["table"] == table]
        for what, name, known in (
            ("table", table, self.lines["table"]),
            ("row", row, mine["row"]),
            ("column", column, mine["column"]),
        ):
            if name not in set(known):
                return f"no {what} '{name}'" + suggest(name, set(known))
        return "not printed together"
