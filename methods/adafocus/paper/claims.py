"""What the paper claims, and what would show its mechanism on embedded data: a function of (reported, ours) for each id
of paper.yml that has no `tests` there; paper.yml has the sentence. Those of one form are made by one function that
returns them.

`reported(table, row, column, dataset=None)` gives a printed number. `ours` gives our results per training and video, or
raises `NotRun`; which system of ours a claim asks, the rows of paper.yml say (`ours.row`), or its `systems`
(`ours.named`).
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from saccade.judging.compare import difference, map_difference
from saccade.judging.effect import Effect, weighted_sum
from saccade.judging.stand_ins import EQUAL_COST
from saccade.judging.system_scores import SystemScores
from saccade.judging.systems import System
from saccade.judging.verdict import (
    Cited,
    Finding,
    Outcome,
    Untestable,
    all_of,
    at_most,
    better,
    comparable,
    exact,
    labelled,
    need_headroom,
)

# Margins, committed before any run of ours; accuracies and mAPs of ours are fractions.
READ_OFF = 0.05  # share by which 0.05 points of mAP, what Figure 5 can be read to, move a cost ratio at most
# "almost the same": less than the smallest step between points of AdaFocus+, 0.3 points from 76.6 to 76.9
SAME_RHO = 0.002
CROP_SHARE = 0.01  # "about 18 %" is between 17 and 19
TINY_SAME = 0.02  # two points, less than half of the headroom below which nothing is judged
TINY_FRAMES, SAME_SHARE = 8, 0.05  # frames of the small networks; shares of them kept that are so close are the same
WITH_POLICY = 1.05  # the policy, all that a learned place costs more than a fixed one, is 3.4 % of the small network
SAME_KEPT = 1.08  # so many more patches are 3 % of the small network's cost

SIZES, KEEPS = (96, 128, 160, 192), (0.5, 0.7, 0.9)
BY_MAP = ("activitynet", "fcvid")  # the others by top-1
V1 = "something-v1"
AF128, PLUS160, TSM144 = "AdaFocus (128x128)", "AdaFocus+ (160x160)", "AdaFocus-TSM (144x144)"
OTHERS = ("FrameGlimpses", "AdaFrame", "LiteEval", "ListenToLook", "SCSampler", "AR-Net")  # of Table 1
CURVES = {  # rows of Figure 5
    "AdaFocus": [f"AdaFocus ({size}x{size})" for size in SIZES],
    "AdaFocus+": [f"AdaFocus+ ({size}x{size}), keep {keep}" for size in SIZES[1:] for keep in KEEPS],
    "AR-Net": [f"AR-Net, point {number}" for number in range(1, 6)],
}
CONFOUNDERS = (
    "pre-training and recipe",
    "frames and resolution",
    "the copy of the data that was left to download",
    "what their cost counts",
)

Reported = Callable[..., float]
Points = list[tuple[float, float]]  # (GMACs, mAP)
Claim = Callable[[Reported, Any], Finding | Cited]


# Printed numbers


def gap(reported: Reported, table: str, row: str, other: str, column: str = "mAP", dataset: str | None = None) -> float:
    """Row minus other, rounded to what print has, so that 71.9 - 70.2 is 1.7."""
    return round(reported(table, row, column, dataset) - reported(table, other, column, dataset), 6)


def by_size(reported: Reported, table: str, row: str, other: str) -> list[float]:
    return [gap(reported, table, f"{row}, {size}x{size}", f"{other}, {size}x{size}") for size in SIZES]


def ratio_of(reported: Reported, table: str, row: str, other: str, dataset: str | None = None) -> float:
    """How many times the other's cost the row has, to one digit."""
    return round(reported(table, row, "GFLOPs", dataset) / reported(table, other, "GFLOPs", dataset), 1)


def rising(numbers: Sequence[float]) -> bool:
    return all(earlier < later for earlier, later in zip(numbers, numbers[1:], strict=False))


def curve(reported: Reported, name: str) -> Points:
    return [(reported("Figure 5", row, "GFLOPs"), reported("Figure 5", row, "mAP")) for row in CURVES[name]]


def weights_at(costs: Sequence[float], gmacs: float) -> list[float]:
    """What each of a curve's points counts where it is interpolated at that cost: two neighbours, or beyond an end that
    end."""
    return [float(np.interp(gmacs, costs, unit)) for unit in np.eye(len(costs))]


def value_at(points: Points, gmacs: float) -> float:
    return float(np.dot(weights_at([cost for cost, _ in points], gmacs), [value for _, value in points]))


def savings(points: Points, rival: Points) -> list[float]:
    """How often each point's cost goes into what the rival's curve, interpolated, costs at the same mAP; without those
    it never reaches."""
    costs, values = zip(*rival, strict=True)
    return [float(np.interp(value, values, costs)) / cost for cost, value in points if value <= values[-1]]


# Our own


def along(ours: Any, name: str) -> list[System]:
    """The systems behind the rows of one of Figure 5's curves, by rising cost."""
    return [ours.row("Figure 5", row) for row in CURVES[name]]


def names(first: System, second: System) -> str:
    return " - ".join("/".join(system[:2]) for system in (first, second))


def gain(ours: Any, first: System, second: System) -> Effect:
    """By mAP or top-1; on embedded data, top-1 of the noun."""
    if first.dataset in BY_MAP:
        return map_difference(ours.scored(*first), ours.scored(*second))
    head = "noun" if first.dataset.startswith("motion-digits") else None
    return difference(ours.hits(*first, head=head), ours.hits(*second, head=head))


def more(ours: Any, first: System, second: System) -> Outcome:
    return labelled(names(first, second), better(gain(ours, first, second)))


def cost(ours: Any, system: System) -> float:
    return float(np.mean(ours.gmacs(*system).values))


def on_same_videos(effects: Sequence[Effect], weights: Sequence[float]) -> Effect:
    return dataclasses.replace(weighted_sum(effects, weights), n=min(one.n for one in effects))


def above(ours: Any, system: System, points: Sequence[System]) -> Effect:
    """A system's mAP less that of a curve of ours (its points by rising cost), interpolated at what the system
    costs."""
    weights = weights_at([cost(ours, point) for point in points], cost(ours, system))
    used = [(point, weight) for point, weight in zip(points, weights, strict=True) if weight > 0]
    return on_same_videos([gain(ours, system, point) for point, _ in used], [weight for _, weight in used])


def no_clock(ours: Any) -> Outcome:
    raise Untestable(
        "times are those of the paper's two machines, and no prediction tells the time; ours are in latency.json"
    )


# Claims of one form


def cited(holds: Callable[[Reported], bool]) -> Claim:
    return lambda reported, ours: Cited(holds(reported), CONFOUNDERS)


def finding(holds: Callable[[Reported], bool], on_ours: Callable[[Any], Outcome]) -> Claim:
    return lambda reported, ours: Finding(holds(reported), lambda: on_ours(ours))


def unprinted(on_ours: Callable[[Any], Outcome]) -> Claim:
    return lambda reported, ours: Finding(None, lambda: on_ours(ours))


def shrinks(table: str, first: str, second: str) -> Claim:
    """The first row's lead over the second falls with every larger patch."""

    def on_ours(ours: Any) -> Outcome:
        leads = [gain(ours, *(ours.row(table, f"{row}, {size}x{size}") for row in (first, second))) for size in SIZES]
        falls = [better(on_same_videos(step, [1.0, -1.0])) for step in zip(leads, leads[1:], strict=False)]
        return labelled(f"{first} - {second}, fall per size", all_of(*falls))

    return finding(lambda r: rising(by_size(r, table, first, second)[::-1]), on_ours)


def beats(rivals: Sequence[str], *needs: Callable[[Any], None]) -> Claim:
    """The small AdaFocus is more accurate than each rival, by their names in `systems`; untestable where one of the
    needs isn't met."""

    def on_ours(ours: Any) -> Outcome:
        for need in needs:
            need(ours)
        return all_of(*(more(ours, ours.named("AdaFocus"), ours.named(rival)) for rival in rivals))

    return unprinted(on_ours)


def room(ours: Any) -> None:
    """The need of headroom between true and random places, each with its own classifier."""
    need_headroom(*(ours.hits(*ours.named(f"{look} places"), head="noun") for look in ("true", "random")))


def no_dearer(rival: str, most: float) -> Callable[[Any], None]:
    """The need that the small AdaFocus costs at most so many times what the rival, one of `systems`, costs."""
    return lambda ours: no_more(ours, "gmacs", ours.named("AdaFocus"), ours.named(rival), most)


def no_more(ours: Any, what: str, own: System, rival: System, most: float) -> None:
    """Untestable unless own has at most so many times the rival's `gmacs`, or patches `kept`."""
    ratio = np.mean(getattr(ours, what)(*own).values) / np.mean(getattr(ours, what)(*rival).values)
    if ratio > most:
        raise Untestable(
            f"{what} of {'/'.join(own[:2])}: {ratio:.3f} of those of {'/'.join(rival[:2])}, more than {most:.3g}"
        )


# Sections 1 and 4.1, Tables 1 and 2, Figures 5 and 6


def c04(reported: Reported, ours: Any) -> Cited:
    """By AR-Net's cost on either dataset, since the text takes that on the one for that on the other."""
    own_cost, told = reported("Table 1", AF128, "GFLOPs", "fcvid"), reported("Sec. 4.1", AF128, "AR-Net, GFLOPs ratio")
    return Cited(
        all(round(reported("Table 1", "AR-Net", "GFLOPs", data) / own_cost, 1) == told for data in BY_MAP), CONFOUNDERS
    )


def c06(reported: Reported, ours: Any) -> Cited:
    """A baseline cheaper than the curve's beginning (AR-Net's at 17.0) is left out."""
    points = curve(reported, "AdaFocus")
    others = [
        (reported("Table 1", row, "GFLOPs", "activitynet"), reported("Table 1", row, "mAP", "activitynet"))
        for row in OTHERS
    ]
    baselines = [point for point in [*curve(reported, "AR-Net"), *others] if point[0] >= points[0][0]]
    return Cited(all(value_at(points, gmacs) > value for gmacs, value in baselines), CONFOUNDERS)


c07 = finding(
    lambda r: all(value > value_at(curve(r, "AdaFocus"), gmacs) for gmacs, value in curve(r, "AdaFocus+")),
    lambda o: labelled(
        "AdaFocus+ - AdaFocus at its cost",
        all_of(*(better(above(o, own, along(o, "AdaFocus"))) for own in along(o, "AdaFocus+"))),
    ),
)


def c08(reported: Reported, ours: Any) -> Cited:
    least, most = (reported("Sec. 4.1", "AdaFocus+", f"AR-Net, GFLOPs ratio, {end}") for end in ("least", "most"))
    found = savings(curve(reported, "AdaFocus+"), curve(reported, "AR-Net"))
    return Cited(least * (1 - READ_OFF) <= min(found) and max(found) <= most * (1 + READ_OFF), CONFOUNDERS)


def c09(reported: Reported, ours: Any) -> Cited:
    """In whole numbers, as it is said."""
    least, most = (reported("Sec. 1", "AdaFocus+", f"AR-Net, GFLOPs ratio, {end}") for end in ("least", "most"))
    return Cited(
        all(least <= round(x) <= most for x in savings(curve(reported, "AdaFocus+"), curve(reported, "AR-Net"))),
        CONFOUNDERS,
    )


c11 = cited(
    lambda r: (
        gap(r, "Table 2", PLUS160, "AR-Net", "top1") >= 0
        and ratio_of(r, "Table 2", "AR-Net", PLUS160) >= r("Sec. 4.1", PLUS160, "AR-Net, GFLOPs ratio")
    )
)


@unprinted
def c13(ours: Any) -> Outcome:
    """Tested at the cost of each of the baselines' points, against the curve of the patch that Table 1 has."""
    whole = ours.row("Figure 5", AF128)
    points = [*(whole.at(f"prefix{first}") for first in (1, 2, 4, 6, 8, 10, 12, 14)), whole]
    rivals = [
        system
        for full in (ours.named("ResNet-50-Average"), ours.named("ResNet-50-GRU"))
        for system in (*(full.at(f"first{first}") for first in (1, 2, 4, 8, 12)), full)
    ]
    return labelled(
        "baseline - adafocus-128 at its cost", all_of(*(at_most(above(ours, rival, points), 0.0) for rival in rivals))
    )


# Section 4.2, Table 3

c19 = finding(
    lambda r: all(
        1 < r("Table 3", TSM144, f"{what} ratio") < r("Table 3", TSM144, "GFLOPs ratio", V1)
        for what in ("Latency", "Throughput")
    ),
    no_clock,
)
c20 = finding(
    lambda r: gap(r, "Table 3", TSM144, "TSM", "Latency") == 0 and ratio_of(r, "Table 3", "TSM", TSM144, V1) == 1.4,
    no_clock,
)


# Section 4.3, Tables 4 and 5


c23 = shrinks("Table 4", "Reused", "Not reused")
c28 = shrinks("Table 5", "AdaFocus", "Random Policy")


# Said beside the tables


@unprinted
def c29(ours: Any) -> Outcome:
    pairs = [(own, own.at(f"{own.point}-val")) for own in along(ours, "AdaFocus+")]
    return all_of(*(labelled(names(*pair), comparable(gain(ours, *pair), SAME_RHO)) for pair in pairs))


def c30(reported: Reported, ours: Any) -> Finding:
    """Print: the areas. Ours: what patches, policy and the classifier's wider input add to the glances."""
    told = reported("Sec. 1", "96x96 patch", "cost, share of 224x224") / 100

    def on_ours() -> Outcome:
        patches = cost(ours, ours.row("Table 4", "Reused, 96x96")) - cost(ours, ours.named("glance only"))
        share = patches / cost(ours, ours.named("ResNet-50-Average"))
        return exact(abs(share - told) <= CROP_SHARE, f"16 patches of 96 cost {share:.3f} of 16 whole frames")

    return Finding(abs((96 / 224) ** 2 - told) <= CROP_SHARE, on_ours)


def c31(reported: Reported, ours: Any) -> Finding:
    """Print: TSM+ with half as much again of what TSM costs."""
    told = reported("Footnote 2", "TSM+, 8/12 frames", "GFLOPs ratio")

    def ratio(both: float, eight: float, twelve: float) -> float:
        return round((both - eight + twelve) / both, 1)

    def on_ours() -> Outcome:
        rows = (ours.row("Table 3", row, f"GFLOPs, {V1}") for row in ("TSM+", "TSM"))
        found = ratio(*(cost(ours, system) for system in (*rows, ours.named("TSM, 12 frames"))))
        return exact(found == told, f"GMACs of TSM+, 12 to 8 frames in the larger network: {found}")

    both, eight = (reported("Table 3", row, "GFLOPs", V1) for row in ("TSM+", "TSM"))
    return Finding(ratio(both, eight, eight * 12 / 8) == told, on_ours)


@unprinted
def c32(ours: Any) -> Outcome:
    raise Untestable(
        "no prediction holds a reward; where both places come from one distribution its mean is 0 by construction"
    )


def mean_lead(ours: Any, table: str, first: str, second: str) -> Effect:
    """The first row's lead over the second on the mean of the patch sizes."""
    leads = [gain(ours, *(ours.row(table, f"{row}, {size}x{size}") for row in (first, second))) for size in SIZES]
    return on_same_videos(leads, [1 / len(SIZES)] * len(SIZES))


CENTRE, REUSE = ("Table 5", "Random Policy", "Central Policy"), ("Table 4", "Reused", "Not reused")
c34 = finding(lambda r: sum(by_size(r, *CENTRE)) > 0, lambda o: labelled("mean lead", better(mean_lead(o, *CENTRE))))


def c35(reported: Reported, ours: Any) -> Finding:
    least, most = (reported("Sec. 4.3", "Reused", f"mAP gain, {end}") for end in ("least", "most"))

    def on_ours() -> Outcome:
        lead = mean_lead(ours, *REUSE)
        return labelled("mean lead", all_of(better(lead, least / 100), at_most(lead, most / 100)))

    return Finding(least <= sum(by_size(reported, *REUSE)) / len(SIZES) <= most, on_ours)


# The mechanism, on embedded data: nothing is printed

m01 = beats(["random places"], room)
m02 = beats(["the centre", "around the centre"], room)
m03 = beats(["whole frames shrunk"], no_dearer("whole frames shrunk", WITH_POLICY))
m04 = beats(["half of the frames whole"], no_dearer("half of the frames whole", 1 + EQUAL_COST))


@unprinted
def m07(ours: Any) -> Outcome:
    own = ours.named("AdaFocus+")
    rivals = [own.at(f"{own.point}-{how}") for how in ("random", "uniform")]
    for rival in rivals:
        no_more(ours, "kept", own, rival, SAME_KEPT)
    return all_of(*(more(ours, own, rival) for rival in rivals))


@unprinted
def m08(ours: Any) -> Outcome:
    def lead(name: str) -> SystemScores:
        learned, lot = (ours.hits(*ours.named(name).at(point), head="noun") for point in ("offline", "random"))
        return dataclasses.replace(learned, values=np.asarray(learned.values) - np.asarray(lot.values))

    return labelled("learned - random, 40 - 56", better(difference(lead("AdaFocus"), lead("larger patches"))))


@unprinted
def m09(ours: Any) -> Outcome:
    pair = [ours.named("AdaFocus+").at(point) for point in ("keep0.7", "keep0.7-val")]
    kept = comparable(difference(*(ours.kept(*system) for system in pair)), SAME_SHARE * TINY_FRAMES)
    return all_of(labelled("patches", kept), labelled("top-1", comparable(gain(ours, *pair), TINY_SAME)))
