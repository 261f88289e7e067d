"""What the paper claims, and what would show its mechanism on embedded data: a function of (reported, ours) for each id
of paper.yml that has no `tests` there; paper.yml has the sentence. Those of one form are made by one function that
returns them.

`reported(table, row, column, dataset=None)` gives a printed number. `ours` gives our results per training and video, or
raises `NotRun`; which system of ours a claim asks, the rows of paper.yml say (`ours.row`), or its `systems`
(`ours.named`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from saccade.judging.compare import difference
from saccade.judging.effect import Effect, weighted_sum
from saccade.judging.stand_ins import EQUAL_COST
from saccade.judging.systems import System
from saccade.judging.verdict import (
    Cited,
    Finding,
    Outcome,
    Untestable,
    all_of,
    better,
    exact,
    labelled,
    need_headroom,
)

# Margins, committed before any run of ours; costs as shares.
MAPS = 0.10  # what maps, attention and resampling may cost beyond three passes, for random crops to be as dear

TABLES = {"UCF101": "Table 2", "HMDB51": "Table 3"}
TCNN, SPATIAL, RGB = "T-CNN", "T-CNN + spatial", "I3D RGB"
CITED = {  # rows of networks that aren't the authors'
    "Table 2": ("C3D", "TRN", "Res3D", "P3D", "T3D", "TSN", "R(2+1)D", "TSM", RGB),
    "Table 3": ("Res3D", "T3D", "R(2+1)D", "TSM", RGB),
}
UNPRICED = ("Res3D", "T3D")  # whose costs aren't printed
BRANCHES = {  # of Table 4
    "O + D": ("Original branch", "Discriminative branch"),
    "O + C": ("Original branch", "Complement branch"),
    "C + D": ("Discriminative branch", "Complement branch"),
    "O + C + D": ("Original branch", "Discriminative branch", "Complement branch"),
}
TOTAL = "Total accuracy"
CONFOUNDERS = ("pre-training and recipe", "network, frames and views", "splits")
OF_COST = ("frames and resolution", "what their cost counts")

Reported = Callable[..., float]
Claim = Callable[[Reported, Any], Finding | Cited]


# Printed numbers


def gap(reported: Reported, table: str, row: str, other: str) -> float:
    """Points of accuracy that a row has more than another, rounded to what print has, so that 96.7 - 95.3 is 1.4."""
    return round(reported(table, row, "Accuracy") - reported(table, other, "Accuracy"), 6)


def in_dearer_half(reported: Reported, table: str) -> bool:
    """Whether T-CNN with spatial attention is behind the middle of the table's costs, from the lowest to the
    highest."""
    rows = [*(row for row in CITED[table] if row not in UNPRICED), TCNN, SPATIAL]
    costs = [reported(table, row, "GFLOPs") for row in rows]
    return sum(cost <= costs[-1] for cost in costs) > len(costs) / 2


# Our own


def names(first: System, second: System) -> str:
    return " - ".join(f"{system.variant} at {system.point}" for system in (first, second))


def gain(ours: Any, first: System, second: System) -> Effect:
    """By top-1; on embedded data of the noun."""
    head = "noun" if first.dataset.startswith("motion-digits") else None
    return difference(ours.hits(*first, head=head), ours.hits(*second, head=head))


def more(ours: Any, first: System, second: System) -> Outcome:
    return labelled(names(first, second), better(gain(ours, first, second)))


def cost_ratio(ours: Any, first: System, second: System) -> float:
    return float(np.mean(ours.gmacs(*first).values) / np.mean(ours.gmacs(*second).values))


def both(ours: Any, data: str) -> tuple[System, System]:
    """With spatial attention and without, on split 1."""
    return ours.named(f"{SPATIAL}, {data}"), ours.named(f"{TCNN}, {data}")


# Claims of one form


def finding(holds: Callable[[Reported], bool], on_ours: Callable[[Any], Outcome]) -> Claim:
    return lambda reported, ours: Finding(holds(reported), lambda: on_ours(ours))


def unprinted(on_ours: Callable[[Any], Outcome]) -> Claim:
    return lambda reported, ours: Finding(None, lambda: on_ours(ours))


def cited(holds: Callable[[Reported], bool], confounders: tuple[str, ...] = CONFOUNDERS) -> Claim:
    return lambda reported, ours: Cited(holds(reported), confounders)


def lifts(data: str) -> Claim:
    """Spatial attention adds to T-CNN what the text says; ours: anything."""
    return finding(
        lambda r: gap(r, TABLES[data], SPATIAL, TCNN) == r("Sec. 3.2", SPATIAL, f"Accuracy above T-CNN, {data}"),
        lambda ours: more(ours, *both(ours, data)),
    )


# Section 3.2, Tables 2 and 3

c01, c02 = lifts("UCF101"), lifts("HMDB51")
c04 = cited(lambda r: all(gap(r, table, row, TCNN) > 0 for table in TABLES.values() for row in ("TSM", RGB)))
c05 = cited(
    lambda r: all(
        gap(r, table, RGB, TCNN) == r("Sec. 3.2", TCNN, f"Accuracy below I3D RGB, {data}")
        for data, table in TABLES.items()
    )
)
c06 = cited(lambda r: all(gap(r, table, SPATIAL, row) > 0 for table, rows in CITED.items() for row in (*rows, TCNN)))
c08 = cited(lambda r: all(in_dearer_half(r, table) for table in CITED), OF_COST)


def c03(reported: Reported, ours: Any) -> Finding:
    def on_ours() -> Outcome:
        gains = [gain(ours, *both(ours, data)) for data in ("HMDB51", "UCF101")]
        return labelled("gain on HMDB51 - gain on UCF101", better(weighted_sum(gains, [1.0, -1.0])))

    ucf101, hmdb51 = (gap(reported, table, SPATIAL, TCNN) for table in TABLES.values())
    return Finding(hmdb51 > ucf101, on_ours)


def c09(reported: Reported, ours: Any) -> Finding:
    passes = reported("Sec. 3.2", SPATIAL, "Passes")

    def on_ours() -> Outcome:
        ratio = cost_ratio(ours, *both(ours, "UCF101"))
        return exact(ratio > passes, f"GMACs with spatial attention over those without: {ratio:.4g}")

    costs = [reported("Table 2", row, "GFLOPs") for row in (SPATIAL, TCNN)]
    return Finding(costs[0] > passes * costs[1], on_ours)


@unprinted
def c10(ours: Any) -> Outcome:
    raise Untestable("no number of parameters is printed, nor does any prediction tell it; the README has our count")


# Section 3.3, Table 4


def c14(reported: Reported, ours: Any) -> Finding:
    row, weakest = "O + C + D", "Complement branch"
    others = [branch for branch in BRANCHES[row] if branch != weakest]

    def on_ours() -> Outcome:
        own = ours.row("Table 4", row, weakest)
        return all_of(*(more(ours, ours.row("Table 4", row, branch), own) for branch in others))

    return Finding(
        all(reported("Table 4", row, branch) > reported("Table 4", row, weakest) for branch in others), on_ours
    )


def c16(reported: Reported, ours: Any) -> Finding:
    pairs = [(row, branch) for row, branches in BRANCHES.items() for branch in branches]

    def on_ours() -> Outcome:
        systems = [(ours.row("Table 4", row, TOTAL), ours.row("Table 4", row, branch)) for row, branch in pairs]
        return all_of(*(more(ours, *pair) for pair in systems))

    return Finding(
        all(reported("Table 4", row, TOTAL) > reported("Table 4", row, branch) for row, branch in pairs), on_ours
    )


# The mechanism, on embedded data: nothing is printed


def looks_better(than: str) -> Claim:
    """Views by attention beat those by another rule; untestable without headroom between true and random places, each
    with weights trained for them."""

    def on_ours(ours: Any) -> Outcome:
        need_headroom(*(ours.hits(*ours.named(name), head="noun") for name in ("true box", "random peaks")))
        return more(ours, ours.named("attention"), ours.named(than))

    return unprinted(on_ours)


def beats_as_dear(than: str, most: float) -> Claim:
    """Views by attention beat what costs as much; untestable where they cost more than so many times the rival."""

    def on_ours(ours: Any) -> Outcome:
        own, rival = ours.named("attention"), ours.named(than)
        if (ratio := cost_ratio(ours, own, rival)) > most:
            raise Untestable(f"{own.variant} costs {ratio:.3f} of {rival.variant}, more than {most:.3g}")
        return more(ours, own, rival)

    return unprinted(on_ours)


def magnifies(video: str) -> Claim:
    """Such a video magnifies the target more than places anywhere in its frames, and more than with peaks at random, or
    one in the centre, of the same weights or trained so."""

    def on_ours(ours: Any) -> Outcome:
        own = measured(ours, "attention")
        chances = {
            name: ours.magnification(*measured(ours, name), video=video) for name in ("random peaks", "the centre")
        }
        for place in ("random", "centre"):
            chances[f"the same weights, {place}"] = ours.magnification(*own.at(f"magnified-{place}"), video=video)
        chances["places anywhere"] = ours.magnification(*own, video=video, at="anywhere")
        found = ours.magnification(*own, video=video)
        return all_of(
            *(labelled(f"times the target - {name}", better(difference(found, by))) for name, by in chances.items())
        )

    return unprinted(on_ours)


def measured(ours: Any, name: str) -> System:
    """At the point whose decisions tell how far the target is magnified."""
    system: System = ours.named(name).at("magnified")
    return system


m01, m02, m03 = (looks_better(than) for than in ("random peaks", "uniform map", "the centre"))
m04, m06 = beats_as_dear("random crops", 1 + MAPS), beats_as_dear("one view, larger", 1 + EQUAL_COST)
m08, m09 = magnifies("discriminative"), magnifies("complementary")


@unprinted
def m10(ours: Any) -> Outcome:
    videos = [
        ours.magnification(*measured(ours, "attention"), video=video) for video in ("discriminative", "complementary")
    ]
    return labelled("times the target, discriminative - complementary", better(difference(*videos)))
