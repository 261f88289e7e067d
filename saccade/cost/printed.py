"""results/cost.csv: the complexity that the papers print beside what we count for the same network.

A method's `cells.py` has one function `cells() -> list[CountedCell]` that answers the complexity cells of its
`reported.csv` on the meta device. A complexity cell is a line of `reported.csv` whose unit is a number of multiply-adds
(MACs, MMACs, GMACs or TMACs, and what it is for, such as `GMACs per video`) or of parameters (`M parameters`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pandas as pd

from saccade import products
from saccade.records import COST_COLUMNS, REPORTED_COLUMNS, SaccadeError

KEY = ["paper", "table", "row", "column", "dataset"]
UNITS = ("MACs", "MMACs", "GMACs", "TMACs")
PARAMETERS = "M parameters"
# a rule that begins so counts what decisions without any structure would cost; a run's own cost goes before it
NULL_MODEL = "null model"


@dataclass(frozen=True, kw_only=True)
class CountedCell:
    """Our answer to one printed cell, named as `reported.csv` names it.

    ours: our count in the cell's unit, or None where it can't be counted (then `note` says why); rule: what was
    counted, and what not; note: where print and ours differ, the convention that explains it, with its number.
    """

    paper: str
    table: str
    row: str
    column: str
    dataset: str
    ours: float | None
    rule: str
    note: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        return (self.paper, self.table, self.row, self.column, self.dataset)


def cost_table(reported: pd.DataFrame, answers: Iterable[CountedCell], where: str = "cells.py") -> pd.DataFrame:
    """COST_COLUMNS, one line per complexity cell of `reported`, in its order; relative_error is ours / reported - 1.

    Raises SaccadeError, naming `where`, for a cell answered but not reported, reported but not answered, named twice,
    or without a reason.
    """
    printed = reported[reported["unit"].map(is_complexity)].reset_index(drop=True)
    _refuse_twice([tuple(key) for key in printed[KEY].itertuples(index=False)], f"{where}: reported.csv")
    answers = list(answers)
    _refuse_twice([cell.key for cell in answers], where)
    by_key = {cell.key: cell for cell in answers}
    lines = []
    for line in printed.to_dict("records"):
        cell = by_key.pop(tuple(line[name] for name in KEY), None)
        if cell is None:
            missing = _name(line[name] for name in KEY)
            raise SaccadeError(f"{where} doesn't answer {missing}; answer with ours=None and a note if it can't")
        if cell.ours is None and not cell.note:
            raise SaccadeError(f"{where} gives no count for {_name(cell.key)} and no note that says why")
        value = float(line["value"])
        ours = float("nan") if cell.ours is None else cell.ours
        lines.append([*cell.key, line["unit"], value, ours, ours / value - 1, cell.rule, cell.note])
    if by_key:
        raise SaccadeError(f"{where} answers cells that reported.csv doesn't have: {'; '.join(map(_name, by_key))}")
    return pd.DataFrame(lines, columns=COST_COLUMNS)


def is_complexity(unit: str) -> bool:
    """Whether counting answers a cell of this unit."""
    return counts_macs(unit) or unit == PARAMETERS


def counts_macs(unit: str) -> bool:
    return unit.split(" ")[0] in UNITS


def read_reported(path: Path) -> pd.DataFrame:
    """REPORTED_COLUMNS as text, but `value` as numbers. Raises SaccadeError for other columns and values that aren't
    numbers."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise SaccadeError(f"cannot read {path}: {error}") from error
    if list(table.columns) != REPORTED_COLUMNS:
        raise SaccadeError(f"{path} has columns {', '.join(table.columns)}; they must be {', '.join(REPORTED_COLUMNS)}")
    values = pd.to_numeric(table["value"], errors="coerce")
    if values.isna().any():
        line = int(values.isna().to_numpy().argmax())
        raise SaccadeError(f"{path}, line {line + 2}: value '{table['value'][line]}' is not a number")
    return table.assign(value=values.astype(float))


def write_method_cost(root: Path, name: str, folder: Path, cells: ModuleType) -> None:
    """Write results/cost/<name>.csv below `root`: the cells that the method in `folder` answers by its `cells` module.

    Our counts keep six significant digits. Raises SaccadeError as `cost_table` does.
    """
    table = cost_table(read_reported(folder / "paper/reported.csv"), cells.cells(), f"methods/{name}/paper/cells.py")
    for column in ("ours", "relative_error"):
        table[column] = [float(f"{number:.6g}") for number in table[column].astype(float)]
    products.write_csv(_method_file(root, name), table)


def join_costs(root: Path, methods: Sequence[str]) -> Path:
    """Write results/cost.csv from what `write_method_cost` left of each method, in this order, and give back its path.
    Raises SaccadeError where a method isn't counted, and where two answer the same cell."""
    tables = [products.read_csv(_method_file(root, name), dtype=str, keep_default_na=False) for name in methods]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COST_COLUMNS)
    _refuse_twice([tuple(key) for key in table[KEY].itertuples(index=False)], f"the methods {', '.join(methods)}")
    path = Path(root) / "results" / "cost.csv"
    products.write_csv(path, table)
    return path


def _method_file(root: Path, method: str) -> Path:
    return Path(root) / "results" / "cost" / f"{method}.csv"


def _refuse_twice(keys: list[tuple[str, ...]], where: str) -> None:
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise SaccadeError(f"{where}: there more than once: {'; '.join(map(_name, twice))}")


def _name(key: Iterable[str]) -> str:
    return " / ".join(key)
