"""The static frontier: the best that fixed networks reach for each cost, which every adaptive method is held against. No torch.

Its points are the own points of the methods whose card says `baseline: true` (frames x resolution x width), on the same dataset
and budget.
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from saccade.tables import Plan, collect_metrics, pareto_front, tradeoff_points

FRONTIER_COLUMNS = ["method", "variant", "point", "title", "gmacs", "value"]


def baselines_of(plan: Plan) -> list[str]:
    """The names of the plan's methods that are baselines."""
    return [method["name"] for method in plan["methods"] if method.get("baseline")]


def baseline_metrics(plan: Plan, root: Path) -> pd.DataFrame:
    """Every metric of the whole plan's baselines, as `tables.collect_metrics`."""
    names = baselines_of(plan)
    return collect_metrics({**plan, "runs": [run for run in plan["runs"] if run["method"] in names]}, root)


def static_frontier(plan: Plan, metrics: pd.DataFrame, dataset: str, head: str) -> pd.DataFrame:
    """FRONTIER_COLUMNS, by rising cost: the baselines' points that no other one beats, means over seeds; empty where none was run."""
    found = [pd.DataFrame(columns=FRONTIER_COLUMNS)]
    for method in baselines_of(plan):
        points = tradeoff_points(plan, metrics, method, dataset, head)
        own = points[points.stand_in == ""]
        if len(own):
            found.append(own.assign(method=method)[FRONTIER_COLUMNS])
    every = pd.concat(found[1:] or found, ignore_index=True)
    front = every[pareto_front(every.gmacs, every.value)].sort_values("gmacs", kind="stable", ignore_index=True)
    return front.drop_duplicates(["gmacs", "value"], ignore_index=True)


def cost_ratio(gmacs: float, value: float, front: pd.DataFrame) -> tuple[float, str]:
    """How many times `gmacs` the cheapest baseline costs that reaches `value` at least, and what to know about that number.

    (inf, "not reached") where no baseline reaches it; "at most" where the cheapest of all exceeds it, since a cheaper one might do;
    (nan, "") without a frontier. Nothing is interpolated: between two baselines there is none that was measured.
    """
    if not len(front):
        return math.nan, ""
    enough = np.flatnonzero(front.value.to_numpy(float) >= value)
    if not len(enough):
        return math.inf, "not reached"
    return float(front.gmacs.iloc[enough[0]] / gmacs), "at most" if enough[0] == 0 and front.value.iloc[0] > value else ""
