"""Each point beside its stand-ins and the baselines: tidy, and as a reader sees it. No torch."""

import math
from typing import Any

from saccade.judging.stand_ins import ROLES, StandIn, StandInComparison
from saccade.report.accuracy_tables import NOT_RUN
from saccade.report.tidy import Column, TidyTable, tidy, words
from saccade.scoring.intervals import Interval

COLUMNS = (
    words("Head", "head"),
    words("Variant", "variant"),
    words("Point", "title"),
    words("Weights", "weights"),
    Column("Own %", ("own",), "percent"),
    *(
        Column(
            f"{role.capitalize()} %", (role, f"{role}.cost_ratio", f"{role}.equal_cost"), "stand_in", f"{role}.status"
        )
        for role in ROLES
    ),
    Column("Headroom", ("headroom", "headroom.low", "headroom.high"), "percent_with_range"),
    Column("Gain %", ("gain", "gain.low", "gain.high"), "whole_percent", "gain.status"),
    Column("Baselines' cost", ("baselines_cost", "baselines_cost.bound"), "at_most_times", "baselines_cost.status"),
)


def stand_in_table(rows: dict[str, list[StandInComparison]]) -> TidyTable:
    """One row per head and own point, by the weights of its stand-ins. `rows`: {head: `compare_stand_ins`}."""
    return tidy([_row(head, point) for head, points in rows.items() for point in points], COLUMNS).without_empty()


def _row(head: str, p: StandInComparison) -> dict[str, Any]:
    row = {"head": head, "variant": p.variant, "title": p.title, "weights": p.weights or "", "own": p.own}
    for role in ROLES:
        row |= _stand_in(role, p.stand_ins.get(role))
    row |= _interval("headroom", p.headroom) | _interval("gain", p.gain) | {"gain.status": _why_no_gain(p)}
    if math.isinf(p.ratio):  # no baseline is as accurate
        return row | {"baselines_cost": math.nan, "baselines_cost.bound": "", "baselines_cost.status": p.note}
    return row | {"baselines_cost": p.ratio, "baselines_cost.bound": p.note, "baselines_cost.status": ""}


def _stand_in(role: str, found: StandIn | None) -> dict[str, Any]:
    names = (role, f"{role}.cost_ratio", f"{role}.equal_cost", f"{role}.status")
    if found is None:
        return dict(zip(names, (math.nan, math.nan, math.nan, ""), strict=True))
    if math.isnan(found.value):
        return dict(zip(names, (math.nan, math.nan, math.nan, NOT_RUN), strict=True))
    return dict(zip(names, (found.value, found.cost, float(found.equal_cost), ""), strict=True))


def _interval(name: str, found: Interval | None) -> dict[str, float]:
    numbers = (found.value, found.low, found.high) if found else (math.nan,) * 3
    return dict(zip((name, f"{name}.low", f"{name}.high"), numbers, strict=True))


def _why_no_gain(p: StandInComparison) -> str:
    """Where there may be hardly any headroom, the ratio of two noises says nothing; '' where a gain is shown, or none
    was asked for."""
    if p.gain is None or p.headroom is None:
        return ""
    if math.isnan(p.headroom.low):
        return "no interval"
    return "" if p.testable else "untestable here"
