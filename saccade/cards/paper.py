"""What a paper prints and claims, as the method's `paper.yml` lays it out: read strictly, every mistake a
`SaccadeError` that says where.

The file is optional. Its tables say which run of ours stands behind a printed row; a row without one is context. No
torch, no pandas.
"""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saccade.cards.address import VARIANT_ON_DATA, Address, parse_address
from saccade.cards.method import load_method, offers
from saccade.cards.yaml import as_mapping, check_value, read_yaml, refuse_unknown_keys
from saccade.records import SaccadeError, canonical, suggest


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


@dataclass(frozen=True)
class Claim:
    """`where` the paper says it; one that says "mechanism" is of how the method works, and is judged on embedded
    data."""

    id: str
    where: str
    says: str

    @property
    def mechanism(self) -> bool:
        return "mechanism" in self.where.lower()


@dataclass(frozen=True)
class Paper:
    """A paper.yml. name: its id, as in reported.csv; figures: as they stand there, each with at least a `name`."""

    file: Path
    name: str
    title: str
    tables: tuple[Layout, ...]
    figures: tuple[Mapping[str, Any], ...]
    claims: tuple[Claim, ...]

    @property
    def runs(self) -> list[str]:
        """Every run (`VARIANT_ON_DATA`) that a printed row names."""
        return sorted({source.run for layout in self.tables for sources in layout.runs.values() for source in sources})


def read_paper(root: Path, method: str) -> Paper | None:
    """The method's paper.yml, None where it has none."""
    file = root / "methods" / method / "paper/paper.yml"
    if not file.is_file():
        return None
    body = as_mapping(file, "", read_yaml(file))
    refuse_unknown_keys(file, "", body, ["paper", "title", "tables", "figures", "claims"], required=["paper", "title"])
    name, title = (check_value(str, body[key], f"{file}: {key}") for key in ("paper", "title"))
    tables = tuple(
        _layout(file, str(key), value) for key, value in as_mapping(file, "tables", body.get("tables") or {}).items()
    )
    figures = tuple(_figure(file, number, value) for number, value in enumerate(_listed(file, "figures", body)))
    claims = tuple(_claim(file, number, value) for number, value in enumerate(_listed(file, "claims", body)))
    _refuse_twice(f"{file}: claims", [claim.id for claim in claims])
    return Paper(file, name, title, tables, figures, claims)


def check_runs(root: Path, paper: Paper) -> None:
    """Raises SaccadeError where a printed row names a method, variant or point that no card has. The dataset may still
    be to come."""
    for layout in paper.tables:
        for row, sources in layout.runs.items():
            for source in sources:
                try:
                    _check_source(root, source)
                except SaccadeError as error:
                    raise SaccadeError(f"{paper.file}: tables.{layout.name}.runs.{row}: {error}") from None


def _check_source(root: Path, source: Source) -> None:
    name, variant = source.address.method, source.address.variant
    method = load_method(root, name)
    points = [name for name in method.points if offers(method, variant, name)]
    asked = [
        ("variant", variant, list(method.variants)),
        *(("point", point, points) for point in (source.point, *source.columns.values())),
    ]
    for what, named, known in asked:
        if named not in known:
            raise SaccadeError(f"{name} has no {what} '{named}'" + suggest(named, known))


def claims_hash(paper: Paper) -> str:
    """12 hex digits of the claims' sentences together with claims.py: another sentence or another predicate is another
    hash."""
    code = paper.file.with_name("claims.py")
    said = canonical([dataclasses.asdict(claim) for claim in paper.claims]).encode()
    return hashlib.sha256(said + b"\0" + (code.read_bytes() if code.is_file() else b"")).hexdigest()[:12]


def _layout(file: Path, name: str, value: Any) -> Layout:
    place = f"tables.{name}"
    body = as_mapping(file, place, value)
    keys = ["title", "dataset", "columns", "rows", "runs", "metrics", "note"]
    refuse_unknown_keys(file, place, body, keys, required=["title", "dataset", "columns", "rows"])
    columns, rows = (tuple(_words(body[key], f"{file}: {place}.{key}")) for key in ("columns", "rows"))
    runs = {
        row: _sources(file, f"{place}.runs.{row}", told)
        for row, told in _named(file, f"{place}.runs", body, rows).items()
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
        {_word(name, f"{file}: {place}"): told for name, told in value.items()} if isinstance(value, Mapping) else value
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
    found = []
    for told in value if isinstance(value, list) else [value]:
        body = as_mapping(file, place, told)
        refuse_unknown_keys(file, place, body, ["run", "point", "columns"], required=["run", "point"])
        run, point = (check_value(str, body[key], f"{file}: {place}.{key}") for key in ("run", "point"))
        parse_address(run, VARIANT_ON_DATA, where=f"{file}: {place}.run: ")
        found.append(
            Source(run, point, check_value(dict[str, str], body.get("columns") or {}, f"{file}: {place}.columns"))
        )
    _refuse_twice(f"{file}: {place}: datasets", [source.dataset for source in found])
    return tuple(found)


def _claim(file: Path, number: int, value: Any) -> Claim:
    place = f"claims[{number}]"
    body = as_mapping(file, place, value)
    refuse_unknown_keys(file, place, body, ["id", "where", "says"], required=["id", "where", "says"])
    claim = Claim(*(check_value(str, body[key], f"{file}: {place}.{key}").strip() for key in ("id", "where", "says")))
    if not claim.id.isidentifier() or claim.id.startswith("_"):
        raise SaccadeError(f"{file}: {place}.id: '{claim.id}' can't name a function of claims.py; write it like c01")
    return claim


def _figure(file: Path, number: int, value: Any) -> Mapping[str, Any]:
    body = as_mapping(file, f"figures[{number}]", value)
    if "name" not in body:
        raise SaccadeError(f"{file}: figures[{number}]: 'name' is missing")
    return body


def _listed(file: Path, key: str, body: Mapping[str, Any]) -> list[Any]:
    found: list[Any] = check_value(list[Any], body.get(key) or [], f"{file}: {key}")
    return found


def _words(value: Any, where: str) -> list[str]:
    words = [_word(one, f"{where}[{number}]") for number, one in enumerate(check_value(list[Any], value, where))]
    _refuse_twice(where, words)
    return words


def _word(value: Any, where: str) -> str:
    """A printed name; one that is a whole number (a table over L = 1, 4, 8) needs no quotes."""
    return str(check_value(str | int, value, where))


def _refuse_twice(where: str, names: Sequence[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SaccadeError(f"{where}: there more than once: {', '.join(twice)}")
