"""A printed table as a method's `paper.yml` lays it out, and our runs behind its rows. No torch, no pandas."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from saccade.cards.address import VARIANT_ON_DATA, Address, parse_address
from saccade.cards.validation import AsTuple, Body, OrEmpty
from saccade.records import SaccadeError, suggest

QUOTIENT = " / "  # between two metrics: their quotient answers a column
SPEED_UP = "speed-up"  # in a metric's place: what the row named by `over` costs, over what the row's own run costs


def _as_word(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _as_several(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Word = Annotated[str, BeforeValidator(_as_word)]  # a printed name; a whole number (L = 1, 4, 8) needs no quotes
Words = Annotated[tuple[Word, ...], AsTuple]
Text = Annotated[str, AfterValidator(str.strip)]


class Source(Body):
    """Our run behind a printed row (`VARIANT_ON_DATA`, of any seed) and one of its operating points; `columns`: printed
    columns that another of its points answers; `over`: the table and row over whose cost its speed-up is."""

    run: str
    point: str
    columns: Annotated[dict[str, str], OrEmpty] = {}
    over: Annotated[tuple[str, str], AsTuple] | None = None

    @property
    def label(self) -> str:
        """dataset[@edition], as in a run's path."""
        return self.address.data

    @property
    def dataset(self) -> str:
        return self.address.dataset

    @property
    def address(self) -> Address:
        return parse_address(self.run, VARIANT_ON_DATA)

    def at(self, column: str) -> "Source":
        """The run at the point that answers the column."""
        return Source(run=self.run, point=self.columns.get(column, self.point), over=self.over)


class Layout(Body):
    """A printed table. dataset: of its cells, where reported.csv has one for several; runs: printed row -> what of ours
    answers it (one for each of its datasets); metrics: printed column -> metric in metrics.csv, or two with QUOTIENT
    between them, or SPEED_UP."""

    GIVEN = ("name",)
    name: str = ""
    title: str
    dataset: str
    columns: Words
    rows: Words
    runs: Annotated[dict[Word, Annotated[tuple[Source, ...], BeforeValidator(_as_several)]], OrEmpty] = {}
    metrics: Annotated[dict[Word, str], OrEmpty] = {}
    note: Text = ""

    def printed_column(self, column: str) -> tuple[str, str | None]:
        """The column of reported.csv and the dataset that a column of the layout names; None where it names none."""
        name, _, dataset = column.rpartition(", ")
        known = {source.dataset for sources in self.runs.values() for source in sources}
        return (name, dataset) if dataset in known else (column, None)

    def source(self, row: str, column: str = "") -> Source:
        """Our run behind a row, at the point that answers the column. SaccadeError where there is none, or several
        among which the column doesn't choose."""
        for what, name, known in (("row", row, self.rows), ("column", column, self.columns)):
            if name and name not in known:
                raise SaccadeError(f"{self.name} has no {what} '{name}'" + suggest(name, known))
        dataset = self.printed_column(column)[1]
        found = [source for source in self.runs.get(row, ()) if dataset in (None, source.dataset)]
        if len(found) != 1:
            have = ", ".join(source.run for source in self.runs.get(row, ()))
            why = f"stand {have}, of which its column must choose one" if have else "stands no run; name one in `runs`"
            raise SaccadeError(f"{self.name}: behind row '{row}' {why}")
        return found[0].at(column)


def checked_layout(file: Path, name: str, layout: Layout) -> Layout:
    """The layout with its name; SaccadeError for a row or column that it doesn't have, or has twice."""
    place = f"{file}: tables.{name}"
    for key, names in (("columns", layout.columns), ("rows", layout.rows)):
        refuse_twice(f"{place}.{key}", names)
    for key, named, what, known in (
        ("runs", layout.runs, "rows", layout.rows),
        ("metrics", layout.metrics, "columns", layout.columns),
    ):
        for one in named:
            if one not in known:
                raise SaccadeError(f"{place}.{key}: '{one}' is none of the table's {what}" + suggest(one, known))
    for row, sources in layout.runs.items():
        for source in sources:
            check_source(source, f"{place}.runs.{row}")
        refuse_twice(f"{place}.runs.{row}: datasets", [source.dataset for source in sources])
    return layout.model_copy(update={"name": name})


def check_source(source: Source, where: str) -> None:
    """Raises SaccadeError where the run isn't written as one."""
    parse_address(source.run, VARIANT_ON_DATA, where=f"{where}.run: ")


def refuse_twice(where: str, names: Sequence[str]) -> None:
    """Raises SaccadeError where a name is there more than once."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SaccadeError(f"{where}: there more than once: {', '.join(twice)}")
