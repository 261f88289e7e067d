"""What the temporal samplers save: the speed-ups that the paper prints, those that its own costs give, and ours. No
torch."""

import re
from typing import Any

import pandas as pd

from saccade.cards.layout import Layout, Source
from saccade.cards.paper import read_paper
from saccade.judging.reported import Reported, printed_cells
from saccade.project import PUBLISHED
from saccade.report.tidy import Column, TidyTable, tidy, words

from .claims import WITHOUT
from .sizes import by_equal_use

ROW = re.compile(r"S_(\d), T_(\d)")
CAPTION = (
    "A speed-up is what S_k alone costs over what (S_k, T_M) costs. Table II divides otherwise where there are crops: "
    "its numbers are those over S of a crop fewer. By printed costs: of Tables I and IV over Tables II and V, whose "
    "two digits leave a unit of the second open. By equal use: what M alone gives, whatever the frames show, where as "
    "many frames stand under every decision, as the loss of the code wants it. Where print has just that, the saving "
    "comes from how many frames are full, not from which. Ours: by executed multiply-adds, from runs of budget paper "
    "alone; mean over seeds, and the least and the most. Ours of Table II with crops have one recurrent head, and S_k "
    "of Table I three."
)


def speed_up_table(found: Any) -> tuple[str, str, str, TidyTable]:
    """(name, title, caption, table) with a row for every (S_k, T_M) of Tables II and V."""
    paper = read_paper(found.root, "mac")
    assert paper is not None, "this module lies beside it"
    reported = Reported(printed_cells(paper), {})
    lines = []
    for table, alone in WITHOUT.items():
        inside, outside = paper.layout(table), paper.layout(alone)
        for row in inside.runs:
            if not (parts := ROW.fullmatch(row)):
                continue  # S_0 stands in Table II, too
            k, cost = int(parts[1]), reported(table, row, "Avg GFLOPS")
            line = {"table": table, "row": row, "printed": reported(table, row, "Speed-up")}
            line["own"] = reported(alone, f"S_{k}", "Avg GFLOPS") / cost
            line["even"] = by_equal_use(k, int(parts[2]), inside.dataset, one_head=table == "Table II")
            if k and table == "Table II":
                line["fewer"] = reported(alone, f"S_{k - 1}", "Avg GFLOPS") / cost
            lines.append(line | _ours(found, inside, row, outside, f"S_{k}"))
    columns = [
        *(words("Table", "table"), words("Row", "row"), Column("Printed", ("printed",), "times")),
        Column("Over S_k, by printed costs", ("own",), "times"),
        Column("Over S of a crop fewer", ("fewer",), "times"),
        Column("By equal use", ("even",), "times"),
        *(Column("Ours", ("ours",), "times"), Column("By seed", ("ours.low", "ours.high"), "ratios_from_to")),
        Column("Seeds", ("seeds",), "whole"),
    ]
    return "speed-ups", "Speed-ups of the temporal samplers", CAPTION, tidy(lines, columns).without_empty()


def _ours(found: Any, inside: Layout, row: str, outside: Layout, alone: str) -> dict[str, float]:
    """Ours of a row over what the S_k alone costs, which no seed changes; {} where either wasn't run as the paper
    says."""
    costs, whole = (_costs(found, layout.source(name)) for layout, name in ((inside, row), (outside, alone)))
    if costs.empty or whole.empty:
        return {}
    ours = whole.mean() / costs
    return {"ours": ours.mean(), "ours.low": ours.min(), "ours.high": ours.max(), "seeds": len(ours)}


def _costs(found: Any, source: Source) -> "pd.Series[float]":
    """GMACs of a mean video, of each seed; empty in any budget but the published one."""
    own, metrics = source.address, found.metrics
    same = (metrics.dataset == own.data) & (metrics.variant == own.variant) & (metrics.point == source.point)
    return metrics.value[same & (metrics.metric == "gmacs.mean") & (found.grid["budget"] == PUBLISHED)]
