"""What a paper prints and claims, as the method's `paper.yml` lays it out: read strictly, every mistake a
`SaccadeError` that says where.

The file is optional. Its tables say which run of ours stands behind a printed row; a row without one is context.
`systems` names further runs of ours that claims are about. No torch, no pandas.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel

from saccade.cards.layout import (
    QUOTIENT,
    SPEED_UP,
    Layout,
    Source,
    Text,
    Word,
    check_source,
    checked_layout,
    refuse_twice,
)
from saccade.cards.method import load_method, offers
from saccade.cards.plain_claims import COMPARED, Comparison, check_bounds, read_comparisons
from saccade.cards.plain_yaml import read_yaml
from saccade.cards.validation import AsTuple, Body, Names, OrEmpty, read_body
from saccade.records import SaccadeError, canonical, suggest


@dataclass(frozen=True)
class Claim:
    """`where` the paper says it; one that says "mechanism" is of how the method works, and is judged on embedded
    data.

    tests: what a plain claim compares, rows of `table` or, where that is '', our own systems; empty for one of
    claims.py. cited: what else differs where a plain claim's numbers are cited; ours are then not asked. cited_rival:
    what else differs on print where only the rival's numbers are cited, and we run it, too. bound_from_print: why the
    printed numbers can't fail the claim; partly_from_print: which parts of it they can't fail.
    """

    id: str
    where: str
    says: str
    table: str = ""
    tests: tuple[Comparison, ...] = ()
    cited: tuple[str, ...] = ()
    cited_rival: tuple[str, ...] = ()
    bound_from_print: str = ""
    partly_from_print: str = ""

    @property
    def mechanism(self) -> bool:
        return "mechanism" in self.where.lower()


@dataclass(frozen=True)
class Paper:
    """A paper.yml. name: its id, as in reported.csv. systems: runs of ours that claims are about and no printed row
    names."""

    file: Path
    name: str
    title: str
    tables: tuple[Layout, ...]
    claims: tuple[Claim, ...]
    systems: Mapping[str, Source] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """Whose folder the file lies in."""
        return self.file.parents[1].name

    def layout(self, table: str) -> Layout:
        """The table with that name. SaccadeError without one."""
        for layout in self.tables:
            if layout.name == table:
                return layout
        raise SaccadeError(f"there is no table '{table}'" + suggest(table, [layout.name for layout in self.tables]))

    def source(self, table: str, row: str, column: str = "") -> Source:
        """Our run behind a row of a table, at the point that answers the column; without a table the system of that
        name. SaccadeError where there is none."""
        if table:
            return self.layout(table).source(row, column)
        if row not in self.systems:
            raise SaccadeError(f"systems has no '{row}'" + suggest(row, list(self.systems)))
        return self.systems[row]

    def metric(self, table: str, column: str) -> str:
        """The metric that answers a column of a table; without a table the column is one. SaccadeError without one."""
        if not table:
            return column
        layout = self.layout(table)
        if column not in layout.columns:
            raise SaccadeError(f"{table} has no column '{column}'" + suggest(column, layout.columns))
        if column not in layout.metrics:
            raise SaccadeError(f"no metric answers column '{column}'; name it in {table}'s `metrics`")
        return layout.metrics[column]

    @property
    def asked(self) -> list[str]:
        """Every run (`VARIANT_ON_DATA`) that a printed row or `systems` names."""
        return sorted({*self.runs, *(source.run for source in self.systems.values())})

    @property
    def runs(self) -> list[str]:
        """Every run (`VARIANT_ON_DATA`) that a printed row names."""
        return sorted({source.run for layout in self.tables for sources in layout.runs.values() for source in sources})


class _Claim(Body):
    id: Text
    where: Text
    says: Text
    table: str = ""
    tests: Any = None
    cited: Names = ()
    cited_rival: Names = ()
    bound_from_print: str = ""
    partly_from_print: str = ""


class _Body(Body):
    """paper.yml as it is written."""

    paper: str
    title: str
    tables: Annotated[dict[Word, Layout], OrEmpty] = {}
    systems: Annotated[dict[str, Source], OrEmpty] = {}
    claims: Annotated[tuple[_Claim, ...], AsTuple] = ()


def read_paper(root: Path, method: str) -> Paper | None:
    """The method's paper.yml, None where it has none."""
    file = root / "methods" / method / "paper/paper.yml"
    return _read_paper(file, file.stat().st_mtime_ns) if file.is_file() else None


@lru_cache
def _read_paper(file: Path, _changed: int) -> Paper:
    body = read_body(_Body, read_yaml(file), file)
    tables = tuple(checked_layout(file, name, layout) for name, layout in body.tables.items())
    claims = tuple(_claim(file, number, claim) for number, claim in enumerate(body.claims))
    refuse_twice(f"{file}: claims", [claim.id for claim in claims])
    for name, source in body.systems.items():
        check_source(source, f"{file}: systems.{name}")
    paper = Paper(file, body.paper, body.title, tables, claims, body.systems)
    for layout in tables:
        _check_speed_ups(paper, layout)
    for number, claim in enumerate(claims):
        try:
            _check_tests(paper, claim)
        except SaccadeError as error:
            raise SaccadeError(f"{file}: claims[{number}] ({claim.id}): {error}") from None
    return paper


def check_runs(root: Path, paper: Paper) -> None:
    """Raises SaccadeError where a printed row or one of `systems` names a method, variant or point that no card has.
    The dataset may still be to come."""
    named = [
        (f"tables.{layout.name}.runs.{row}", source)
        for layout in paper.tables
        for row, sources in layout.runs.items()
        for source in sources
    ]
    for place, source in [*named, *((f"systems.{name}", source) for name, source in paper.systems.items())]:
        try:
            _check_source(root, source)
        except SaccadeError as error:
            raise SaccadeError(f"{paper.file}: {place}: {error}") from None


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
    """12 hex digits of all that decides what a claim says: its sentence and tests, the runs and metrics of the rows
    that it may be about, and claims.py."""
    code = paper.file.with_name("claims.py")
    rows = {layout.name: [layout.runs, layout.metrics] for layout in paper.tables}
    said = canonical(_plain([paper.claims, rows, paper.systems])).encode()
    return hashlib.sha256(said + b"\0" + (code.read_bytes() if code.is_file() else b"")).hexdigest()[:12]


def _plain(value: Any) -> Any:
    """The value with its dataclasses and models as mappings."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _check_speed_ups(paper: Paper, layout: Layout) -> None:
    """Raises SaccadeError where `over` names no row with a run of ours, or a speed-up is asked for and no row names
    one."""
    named = [(row, source.over) for row, sources in layout.runs.items() for source in sources if source.over]
    for row, over in named:
        try:
            paper.source(*over)
        except SaccadeError as error:
            raise SaccadeError(f"{paper.file}: tables.{layout.name}.runs.{row}.over: {error}") from None
    if SPEED_UP in layout.metrics.values() and not named:
        where = f"{paper.file}: tables.{layout.name}.metrics"
        raise SaccadeError(f"{where}: {SPEED_UP} needs a row whose run says over which it is: over: [<table>, <row>]")


def _check_tests(paper: Paper, claim: Claim) -> None:
    """Raises SaccadeError where a plain claim names a table, row or column that isn't there, a row without a run of
    ours, or a column that its word can't compare."""
    if claim.table:
        paper.layout(claim.table)
    for test in claim.tests:
        sides = [*(["printed"] if claim.table else []), *([] if claim.cited else ["ours"])]
        check_bounds(test, sides)
        for column in test.columns:
            for row in (*test.rows, *test.than):
                _check_cell(paper, claim, row, column)
            if not claim.cited:
                fits, wanted = COMPARED[test.word]
                metric = paper.metric(claim.table, column)
                if QUOTIENT in metric or not metric.endswith(fits):
                    raise SaccadeError(f"'{test.word}' compares {wanted}, not {metric}")


def _check_cell(paper: Paper, claim: Claim, row: str, column: str) -> None:
    if not claim.cited:
        paper.source(claim.table, row, column)
        return
    layout = paper.layout(claim.table)
    for what, name, known in (("row", row, layout.rows), ("column", column, layout.columns)):
        if name not in known:
            raise SaccadeError(f"{layout.name} has no {what} '{name}'" + suggest(name, known))


def _claim(file: Path, number: int, body: _Claim) -> Claim:
    place = f"claims[{number}]"
    for key, needed in (("table", "tests"), ("cited", "table")):
        if key in body.model_fields_set and needed not in body.model_fields_set:
            raise SaccadeError(f"{file}: {place}: '{key}' is for plain claims, which have '{needed}'")
    for key, other in (("bound_from_print", "partly_from_print"), ("cited", "cited_rival")):
        if {key, other} <= body.model_fields_set:
            raise SaccadeError(f"{file}: {place}: '{key}' and '{other}' exclude each other")
    if not body.id.isidentifier() or body.id.startswith("_"):
        raise SaccadeError(f"{file}: {place}.id: '{body.id}' can't name a function of claims.py; write it like c01")
    tests = read_comparisons(file, f"{place}.tests", body.tests) if "tests" in body.model_fields_set else ()
    return Claim(
        **{name: getattr(body, name) for name in ("id", "where", "says", "table", "cited", "cited_rival")},
        tests=tests,
        bound_from_print=body.bound_from_print,
        partly_from_print=body.partly_from_print,
    )
