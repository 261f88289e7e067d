"""A table of numbers and how a reader is shown it: one number a column, and the columns of text made of them. No torch.

Saved as `<name>.csv` (the numbers), `<name>.json` (what a page says about it, and its columns) and `<name>.tex`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from saccade.files import read_json, write_atomic, write_csv, write_json
from saccade.report.cells import CELLS, NONE
from saccade.report.latex import table_to_latex


@dataclass(frozen=True)
class Column:
    """What a reader sees under one heading.

    of: the columns of the csv that the cell is made of, in the order in which `cell` (a name in `cells.CELLS`) takes
    them; unless: a column of the csv whose words, where a row has some, stand in the cell's place; empty: what is
    shown where the first number is missing; kind: `n` (numbers, to the right), `text`, or `long` (sentences).
    """

    heading: str
    of: tuple[str, ...]
    cell: str = "text"
    unless: str = ""
    empty: str = NONE
    kind: str = "n"


def words(heading: str, column: str, empty: str = NONE, unless: str = "") -> Column:
    """A column of words, as the csv has them."""
    return Column(heading, (column,), unless=unless, empty=empty, kind="text")


def sentences(heading: str, column: str) -> Column:
    return Column(heading, (column,), kind="long")


def interval(heading: str, name: str, unless: str = "") -> Column:
    """A share in percent with what `name`'s columns say of its spread: `.sd`, `.low`, `.high`."""
    return Column(heading, (name, f"{name}.sd", f"{name}.low", f"{name}.high"), "percent", unless)


@dataclass(frozen=True, eq=False)
class TidyTable:
    """data: one number, or one thing that is said, a column; columns: what a reader sees, from left to right."""

    data: pd.DataFrame
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.data)

    def text(self) -> pd.DataFrame:
        """The cells as text, under their headings."""
        shown = {column.heading: _cells(self.data, column) for column in self.columns}
        return pd.DataFrame(shown, columns=[column.heading for column in self.columns], dtype=object)

    def without_empty(self) -> "TidyTable":
        """Without the columns in which no row shows anything, and without the numbers that only these are made of.
        Words that may be absent (`empty` is '') keep their column."""
        shown = self.text()
        nothing = {column: [NONE, ""] if column.kind == "n" else [NONE] for column in self.columns}
        kept = tuple(column for column in self.columns if not shown[column.heading].isin(nothing[column]).all())
        used = {name for column in kept for name in (*column.of, column.unless)}
        gone = {name for column in self.columns for name in (*column.of, column.unless)} - used
        return TidyTable(self.data.drop(columns=[name for name in self.data if name in gone]), kept)

    def _repr_html_(self) -> str:
        return str(self.text().to_html(index=False))


def tidy(rows: Sequence[dict[str, Any]], columns: Iterable[Column]) -> TidyTable:
    """A table of such rows; a column of the csv that no row has, but that a shown one needs, is empty."""
    columns = tuple(columns)
    data = pd.DataFrame(list(rows))
    needed = dict.fromkeys(name for column in columns for name in (*column.of, column.unless) if name)
    return TidyTable(data.reindex(columns=[*data, *(name for name in needed if name not in data)]), columns)


def save_table(table: TidyTable, folder: Path, name: str, about: dict[str, str]) -> TidyTable:
    """Write `<name>.csv`, `.tex` and `.json` (kind, dataset, title, caption: what a page says about it; columns; words:
    the columns of the csv that hold no numbers); gives the table back."""
    numbers = table.data.convert_dtypes()
    write_csv(folder / f"{name}.csv", numbers)
    holding_words = [str(column) for column in numbers if not pd.api.types.is_numeric_dtype(numbers[column])]
    kinds = [column.kind for column in table.columns]
    made = table_to_latex(table.text(), kinds, about["caption"], f"tab:{name}") if len(table) else ""
    write_atomic(folder / f"{name}.tex", lambda path: path.write_text(made, encoding="utf-8"))
    columns = [asdict(column) for column in table.columns]
    write_json(folder / f"{name}.json", {**about, "columns": columns, "words": holding_words})
    return table


def read_table(path: Path) -> tuple[TidyTable, dict[str, str]]:
    """A saved table and what a page says about it. path: its .json."""
    about = read_json(path)
    columns = tuple(Column(**{**each, "of": tuple(each["of"])}) for each in about.pop("columns"))
    told = about.pop("words")
    file = path.with_suffix(".csv")
    cells = pd.read_csv(file, dtype=str, keep_default_na=False) if file.read_text().strip() else pd.DataFrame()
    numbers = {str(name): pd.to_numeric(cells[name]) for name in cells if name not in told}
    return TidyTable(cells.assign(**numbers), columns), about


def _cells(data: pd.DataFrame, column: Column) -> list[str]:
    make = CELLS[column.cell]
    found = []
    for values in zip(*(data[name] for name in column.of), strict=True):
        there = not (pd.isna(values[0]) or values[0] == "")
        found.append(make(*values) if there else column.empty)
    if column.unless:
        instead = data[column.unless]
        found = [cell if pd.isna(one) or one == "" else str(one) for cell, one in zip(found, instead, strict=True)]
    return found
