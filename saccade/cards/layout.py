"""A printed table as a method's `paper.yml` lays it out, and our runs behind its rows. No torch, no pandas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saccade.cards.address import VARIANT_ON_DATA, Address, parse_address
from saccade.cards.yaml import as_mapping, check_value, refuse_unknown_keys
from saccade.records import SaccadeError, suggest


@dataclass(frozen=True)
class Source:
    """Our run behind a printed row (`VARIANT_ON_DATA`, of any seed) and one of its operating points; `columns`: printed
    columns that another of its points answers."""

    run: str
    point: str
    columns: Mapping[str, str] = field(default_factory=dict)

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
        return Source(self.run, self.columns.get(column, self.point))


@dataclass(frozen=True)
class Layout:
    """A printed table. dataset: of its cells, where reported.csv has one for several; runs: printed row -> what of ours
    answers it (one for each of its datasets); metrics: printed column -> metric in metrics.csv."""

    name: str
    title: str
    dataset: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    runs: Mapping[str, tuple[Source, ...]]
    metrics: Mapping[str, str]
    note: str = ""

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


def read_layout(file: Path, name: str, value: Any) -> Layout:
    """One of paper.yml's `tables`."""
    place = f"tables.{name}"
    body = as_mapping(file, place, value)
    keys = ["title", "dataset", "columns", "rows", "runs", "metrics", "note"]
    refuse_unknown_keys(file, place, body, keys, required=["title", "dataset", "columns", "rows"])
    columns, rows = (tuple(_words(body[key], f"{file}: {place}.{key}")) for key in ("columns", "rows"))
    runs = {
        row: _sources(file, f"{place}.runs.{row}", entry)
        for row, entry in _named(file, f"{place}.runs", body, rows).items()
    }
    metrics = {
        column: check_value(str, metric, f"{file}: {place}.metrics.{column}")
        for column, metric in _named(file, f"{place}.metrics", body, columns).items()
    }
    title, dataset, note = (
        check_value(str, body.get(key) or "", f"{file}: {place}.{key}") for key in ("title", "dataset", "note")
    )
    return Layout(name, title, dataset, columns, rows, runs, metrics, note.strip())


def _named(file: Path, place: str, layout: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """What the table's `runs` or `metrics` say of its rows or columns; SaccadeError for one that it doesn't have."""
    key = place.rpartition(".")[2]
    value = layout.get(key) or {}
    words = (
        {_word(name, f"{file}: {place}"): entry for name, entry in value.items()}
        if isinstance(value, Mapping)
        else value
    )
    body = as_mapping(file, place, words)
    for name in body:
        if name not in known:
            raise SaccadeError(
                f"{file}: {place}: '{name}' is none of the table's {'rows' if key == 'runs' else 'columns'}"
                + suggest(name, known)
            )
    return body


def _sources(file: Path, place: str, value: Any) -> tuple[Source, ...]:
    found = tuple(
        read_source(file, place, entry, "columns") for entry in (value if isinstance(value, list) else [value])
    )
    refuse_twice(f"{file}: {place}: datasets", [source.dataset for source in found])
    return found


def read_source(file: Path, place: str, value: Any, *more: str) -> Source:
    """{run, point} and, where `more` says so, its other keys."""
    body = as_mapping(file, place, value)
    refuse_unknown_keys(file, place, body, ["run", "point", *more], required=["run", "point"])
    run, point = (check_value(str, body[key], f"{file}: {place}.{key}") for key in ("run", "point"))
    parse_address(run, VARIANT_ON_DATA, where=f"{file}: {place}.run: ")
    return Source(run, point, check_value(dict[str, str], body.get("columns") or {}, f"{file}: {place}.columns"))


def _words(value: Any, where: str) -> list[str]:
    words = [_word(one, f"{where}[{number}]") for number, one in enumerate(check_value(list[Any], value, where))]
    refuse_twice(where, words)
    return words


def _word(value: Any, where: str) -> str:
    """A printed name; one that is a whole number (a table over L = 1, 4, 8) needs no quotes."""
    return str(check_value(str | int, value, where))


def refuse_twice(where: str, names: Sequence[str]) -> None:
    """Raises SaccadeError where a name is there more than once."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SaccadeError(f"{where}: there more than once: {', '.join(twice)}")
