"""How many bins each printed cost with ATFR implies, beside those that embeddings without structure keep. No torch:
what was counted with it (count_implied_bins.py) stands in implied_bins.csv.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from saccade.report.tidy import Column, TidyTable, tidy, words

TITLE = "What the printed costs say of B'"
CAPTION = (
    "Print alone, the same in every budget; no run of ours is in it. A cost is a + b B', so a printed one implies a "
    "mean B', or one between those that a rounded or a cut cost allows. The null model: embeddings without structure "
    "through the same layer. Saved: percent of the static network's cost, as counted. Which way: a network saves "
    "more than the null model, or less, where the null model's cost lies beyond what the printed digits allow. Where "
    "it saves as much or less, the mean can be had without learning anything. Where it saves more, fewer bins are "
    "kept than that; whether they follow the video isn't said by any mean. Where maps are pooled in pairs (I3D, "
    "R(2+1)D), B' is counted without an odd one; of two pathways it is the fast one's, and print is read with the slow "
    "one in step."
)


def implied_bins() -> TidyTable:
    """A row for each printed cost with ATFR, in the paper's order."""
    lines = pd.read_csv(Path(__file__).with_name("implied_bins.csv"))
    saved, null_saved = (1 - lines[name] / lines["static"] for name in ("printed", "null"))
    ways = [way(line) for line in lines.to_dict("records")]
    return tidy(
        lines.assign(saved=saved, null_saved=null_saved, way=ways).to_dict("records"),
        [
            *(words(name.capitalize(), name) for name in ("where", "row", "network")),
            words("Which way", "way"),
            Column("GFLOPs", ("printed",), "printed_number"),
            Column("B'", ("implied",), "two_decimals"),
            Column("As rounded or cut", ("implied.low", "implied.high"), "ratios_from_to"),
            Column("Null model", ("null_bins",), "two_decimals"),
            Column("Of", ("of",), "whole"),
            Column("Saved", ("saved",), "percent"),
            Column("Null model saves", ("null_saved",), "percent"),
            words("Dataset", "dataset"),
        ],
    )


def way(line: dict[Any, Any]) -> str:
    """Whether print saves more or less than the null model, in points of the static cost."""
    if line["printed.low"] <= line["null"] <= line["printed.high"]:
        return "as much, within a printed digit"
    points = 100 * (line["null"] - line["printed"]) / line["static"]
    return f"saves {'more' if points > 0 else 'less'}, by {abs(points):.1f} points"
