"""The complexity that papers print, counted again: tidy, and as a reader sees it. No torch."""

from typing import Any

import pandas as pd

from saccade.report.tidy import Column, TidyTable, words
from saccade.results.runs import rows_of

COLUMNS = (
    Column("Where", ("paper", "table"), "listed", kind="text"),
    words("Row", "row"),
    words("Column", "column"),
    words("Dataset", "dataset"),
    Column("Printed", ("printed",), "printed_number"),
    Column("Ours", ("ours",), "four_digits"),
    words("Unit", "unit"),
    Column("Difference", ("relative_difference",), "signed_percent"),
    Column("Note", ("note",), empty=""),
)


def cost_cells(cost: pd.DataFrame, reported: pd.DataFrame) -> TidyTable:
    """The complexity cells that a method answers, in their unit; the same cell printed for several datasets is one row.
    `reported`: the lines of its reported.csv."""
    key = ["paper", "table", "row", "column", "dataset"]
    mine = cost.merge(reported[key].drop_duplicates(), on=key).reset_index(drop=True)
    mine["note"] = [_note(cell.rule, cell.note) for cell in rows_of(mine)]
    data = mine.rename(columns={"reported": "printed", "relative_error": "relative_difference"})
    data = data[[*key, "printed", "ours", "unit", "relative_difference", "note"]]
    shown = TidyTable(data, COLUMNS).text()
    others = shown.drop(columns="Dataset").apply(tuple, axis=1) if len(shown) else shown.index
    joined = shown.groupby(others, sort=False).Dataset.agg(", ".join)
    first = data.assign(same=others).drop_duplicates("same").drop(columns="same")
    return TidyTable(first.assign(dataset=joined.to_numpy()).reset_index(drop=True), COLUMNS)


def _note(rule: Any, note: Any) -> str:
    said = ["" if pd.isna(rule) or not rule else f"Counted: {rule}", "" if pd.isna(note) else str(note)]
    return ". ".join(filter(None, said))
