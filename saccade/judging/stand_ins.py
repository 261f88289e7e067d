"""Each of a method's own points beside its stand-ins, with what there was to gain, and beside the baselines' cost. No
torch."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from saccade.judging import compare
from saccade.judging.system_scores import SystemScores, to_runs
from saccade.judging.verdict import LEAST_HEADROOM
from saccade.plan.points import VariantPoint
from saccade.results.frontier import cost_ratio
from saccade.results.reader import PlannedGrid, RunFiles, dataset_label, runs_of
from saccade.results.runs import point_titles, rows_of
from saccade.scoring.intervals import Interval

ROLES = ["oracle", "random", "fixed", "static"]
EQUAL_COST = 0.03  # a stand-in whose mean MACs are further apart is marked
Weights = Literal["same", "re-tuned"]


@dataclass(frozen=True)
class StandIn:
    """A stand-in of one point. cost: its MACs as a multiple of the point's; value and cost are nan where it wasn't
    run."""

    which: VariantPoint
    weights: Weights
    value: float
    cost: float

    @property
    def equal_cost(self) -> bool:
        return bool(abs(self.cost - 1) <= EQUAL_COST)


@dataclass(frozen=True)
class StandInComparison:
    """An own point and its stand-ins by role, those with the same weights or those with weights trained for their
    choice.

    headroom: oracle minus random; gain: (own - random) / headroom; None where one of them wasn't run. ratio, note:
    `cost_ratio`.
    """

    variant: str
    title: str
    weights: Weights | None
    own: float
    stand_ins: dict[str, StandIn]
    headroom: Interval | None
    gain: Interval | None
    ratio: float
    note: str

    @property
    def testable(self) -> bool:
        """Whether the headroom is surely large enough for a gain in it to mean something."""
        return self.headroom is not None and self.headroom.low >= LEAST_HEADROOM


def read_hits(grid: PlannedGrid, root: Path, method: str, dataset: str, head: str) -> dict[VariantPoint, SystemScores]:
    """Top-1 hits per video of every scored variant and point on the dataset, over its seeds; {} for a head with
    several labels per video."""
    tables = []
    for run in runs_of(grid, method):
        files = RunFiles(run, root)
        if dataset_label(run) == dataset and files.scored_points():
            tables.append(files.hits().assign(variant=run["variant"], training=" ".join(run["weights"])))
    if not tables or f"{head}.top1" not in tables[0]:
        return {}
    found: dict[VariantPoint, SystemScores] = {}
    for key, rows in pd.concat(tables, ignore_index=True).groupby(["variant", "point"], sort=False):
        found[key] = to_runs(rows, f"{head}.top1")  # type: ignore[index]
    return found


def compare_stand_ins(
    grid: PlannedGrid,
    method: str,
    dataset: str,
    points: pd.DataFrame,
    hits: dict[VariantPoint, SystemScores],
    front: pd.DataFrame,
) -> list[StandInComparison]:
    """One for each own point that was run, or two where it has stand-ins with the same weights and others that were
    re-tuned.

    points: frontier.tradeoff_points; hits: `read_hits`, of the same head; front: frontier.static_frontier. Of several
    stand-ins of one role the best at equal cost counts. A static one stands in both rows where it has no other to stand
    there.
    """
    titles = point_titles(grid, method).query("dataset == @dataset")
    found = []
    for own in rows_of(points[points.stand_in == ""]):
        rivals = list(_rivals(titles, points, own))
        kinds: list[Weights | None] = [
            kind for kind in ("same", "re-tuned") if any(r.weights == kind and role != "static" for role, r in rivals)
        ]
        for kind in kinds or [None]:
            chosen = {role: _best([r for name, r in rivals if name == role and r.weights == kind]) for role in ROLES}
            chosen["static"] = chosen["static"] or _best([r for name, r in rivals if name == "static"])
            stand_ins = {role: stand_in for role, stand_in in chosen.items() if stand_in}
            gains = _gains(hits, (own.variant, own.point), stand_ins.get("oracle"), stand_ins.get("random"))
            found.append(
                StandInComparison(
                    own.variant, own.title, kind, own.value, stand_ins, *gains, *cost_ratio(own.gmacs, own.value, front)
                )
            )
    return found


def _rivals(titles: pd.DataFrame, points: pd.DataFrame, own: Any) -> Any:
    """(role, StandIn) of everything that the card lets stand in for the point, run or not."""
    scored = {(p.variant, p.point): p for p in rows_of(points)}
    for t in rows_of(titles):
        if f"{own.variant}/{own.point}" in t.of:
            p = scored.get((t.variant, t.point))
            value, cost = (p.value, p.gmacs / own.gmacs) if p else (math.nan, math.nan)
            yield (
                t.stand_in,
                StandIn((t.variant, t.point), "same" if t.variant == own.variant else "re-tuned", value, cost),
            )


def _best(rivals: list[StandIn]) -> StandIn | None:
    return max(rivals, key=lambda r: (not math.isnan(r.value), r.equal_cost, r.value), default=None)


def _gains(
    hits: dict[VariantPoint, SystemScores], own: VariantPoint, oracle: StandIn | None, random: StandIn | None
) -> tuple[Interval | None, Interval | None]:
    if oracle is None or random is None or not {own, oracle.which, random.which} <= set(hits):
        return None, None
    learned, best, chance = _common_trainings([hits[own], hits[oracle.which], hits[random.which]])
    return compare.headroom(best, chance).interval(), compare.normalised_gain(learned, chance, best)


def _common_trainings(systems: list[SystemScores]) -> list[SystemScores]:
    """The systems on the trainings that all of them share; as they are where they share none (re-tuned weights)."""
    shared = tuple(name for name in systems[0].trainings if all(name in system.trainings for system in systems))
    if not shared:
        return systems
    rows = [[system.trainings.index(name) for name in shared] for system in systems]
    return [
        SystemScores(np.asarray(s.values)[i], s.videos, s.clusters, shared) for s, i in zip(systems, rows, strict=True)
    ]
