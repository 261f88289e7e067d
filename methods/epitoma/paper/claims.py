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

from saccade.judging.compare import difference, map_difference, mean
from saccade.judging.effect import Effect
from saccade.judging.system_scores import SystemScores, of_common_seeds
from saccade.judging.systems import System
from saccade.judging.verdict import (
    LEAST_HEADROOM,
    Finding,
    Outcome,
    Untestable,
    all_of,
    any_of,
    argmax,
    at_most,
    better,
    comparable,
    exact,
    labelled,
    need_headroom,
)

# Margins; accuracies and mAPs of ours are fractions. When each was written, and what had been seen by then, paper.yml
# says beside the claims.
RETAINED = 0.02  # what accuracy that is "retained" may lose: about the standard error of one on Breakfast's 335 videos
HALF = 0.5  # of the cost: "less than half"
MARGINAL = 0.1  # of the cost: what the selector may take to be called marginal
STEP = 1 + 1 / 16  # of the cost: with 8 timesteps a rival can't be brought nearer than by half of one
ALIKE = 0.03  # accuracies that no context can tell apart; less than the headroom below which nothing is judged
OPEN = 0.9  # of the pool: without L0 nearly all gates are open

NETWORKS = {"I3D": "I3D", "ShuffleNet3D": "SNet3D", "ResNet2D": "RNet2D"}  # Table 2 -> Table 1
TIMESTEPS = (1, 2, 4, 8, 16, 32, 64, 128)
PAIRS = [(network, count) for network in NETWORKS for count in TIMESTEPS]
SHRINKS = (1, 8, 128)
EMBEDDED = TIMESTEPS[:6]  # numbers of timesteps that points of embedded data have
DRAWS = 10  # of random timesteps
POOLED = 2  # times as many timesteps as it chooses are what the selector looks at
RATIO = "threshold32"  # the point that tells how many of 32 timesteps are chosen
JOINTLY = ("jointly trained", "jointly trained of frames")  # of `systems`: with context and without
LARGER = 0.05  # what a larger pool is to bring
HEAD = "activity"

Reported = Callable[..., float]
Claim = Callable[[Reported, Any], Finding]


# Printed numbers


def printed(reported: Reported, network: str, sampling: str, count: int) -> float:
    return reported("Table 2", f"{network}, {sampling}", str(count))


def ahead(reported: Reported, network: str, count: int, than: str) -> float:
    """Points that the selector is above another sampling, rounded to what print has."""
    return round(printed(reported, network, "Selector", count) - printed(reported, network, than, count), 6)


def retains(reported: Reported, network: str, count: int, fewer: int) -> bool:
    """Whether so many times fewer selected timesteps are no less accurate than uniform ones."""
    return printed(reported, network, "Selector", count // fewer) >= printed(reported, network, "Uniform", count)


def printed_cost(reported: Reported, network: str, count: int, selects: bool = False) -> float:
    """What Table 1's costs make of another number of timesteps; its classifiers, which change nothing, left out."""
    row = NETWORKS[network]
    heavy = reported("Table 1", row, "HeavyNet") / reported("Table 1", row, "HeavyNet timesteps")
    own = f"{row} + Ours"
    light = reported("Table 1", own, "LightNet+Gating") / reported("Table 1", own, "LightNet timesteps")
    return count * (heavy + selects * POOLED * light)


def affordable(reported: Reported, count: int) -> int:
    """The most timesteps of ShuffleNet3D, of those printed, that cost no more than so many selected ones of I3D."""
    budget = printed_cost(reported, "I3D", count, selects=True)
    return max(other for other in TIMESTEPS if printed_cost(reported, "ShuffleNet3D", other) <= budget)


# Our own


def sampled(ours: Any, network: str, sampling: str, count: int) -> System:
    system: System = ours.row("Table 2", f"{network}, {sampling}", str(count))
    return system


def hits(ours: Any, system: System) -> SystemScores:
    """Of random timesteps the mean over all draws."""
    first, drawn, _ = system.point.partition("-")
    points = [f"{first}-{draw}" for draw in range(DRAWS)] if drawn else [system.point]
    found = [ours.hits(*system.at(point), head=HEAD) for point in points]
    return combined(found, [1 / len(found)] * len(found))


def combined(found: Sequence[SystemScores], weights: Sequence[float]) -> SystemScores:
    """The weighted sum of what the same weights gave at several points, video by video."""
    shared = of_common_seeds(*found)
    values = sum(weight * np.asarray(one.values, dtype=float) for weight, one in zip(weights, shared, strict=True))
    return dataclasses.replace(shared[0], values=np.asarray(values))


def names(first: System, second: System) -> str:
    return " - ".join(f"{system.variant} at {system.point}" for system in (first, second))


def gain(ours: Any, first: System, second: System) -> Effect:
    return difference(hits(ours, first), hits(ours, second))


def more(ours: Any, first: System, second: System, by: float = 0.0) -> Outcome:
    return labelled(names(first, second), better(gain(ours, first, second), by))


def cost(ours: Any, system: System) -> float:
    return float(np.mean(ours.gmacs(*system).values))


def falling_gain(ours: Any, own: System, rivals: str, counts: Sequence[int]) -> Outcome:
    """The selector's gain over another sampling, of the same weights, falls from each number of timesteps to the
    next."""
    steps = []
    for few, many in zip(counts, counts[1:], strict=False):
        points = [f"{sampling}{count}" for count in (few, many) for sampling in ("selector", rivals)]
        gains = combined([hits(ours, own.at(point)) for point in points], [1.0, -1.0, -1.0, 1.0])
        steps.append(labelled(f"gain of {own.variant}, {few} - {many} timesteps", better(mean(gains))))
    return all_of(*steps)


def by_class(ours: Any, scores: SystemScores, dataset: str) -> list[SystemScores]:
    """The same on the videos of each class."""
    return [ours.among(scores, dataset, [name], head=HEAD) for name in ours.by_class(scores, dataset, head=HEAD)]


def variance_between(ours: Any, system: System) -> SystemScores:
    """Values per training and video whose mean is the variance between classes of the mean share of selected timesteps,
    less what so few videos of a class bring along; to first order, so that a draw of videos moves them as it would
    move the variance."""
    scores = ours.ratio(*system)
    classes = by_class(ours, scores, system.dataset)
    means = np.stack([np.mean(one.values, axis=1) for one in classes])  # (K, S)
    apart = means - means.mean(axis=0)
    chance = np.mean([np.var(one.values, axis=1, ddof=1) / len(one.videos) for one in classes], axis=0)  # (S,)
    found = np.zeros_like(scores.values, dtype=float) + (np.mean(apart**2, axis=0) - chance)[:, None]
    for one, center, off in zip(classes, means, apart, strict=True):
        weight = 2 / len(classes) * len(scores.videos) / len(one.videos)
        found[:, np.isin(scores.videos, one.videos)] += weight * off[:, None] * (one.values - center[:, None])
    return dataclasses.replace(scores, values=found)


def class_changes(ours: Any, jointly: System, alone: System) -> SystemScores:
    """What joint training changed in the share of selected timesteps, a class in the place of a video."""
    later, before = of_common_seeds(ours.ratio(*jointly), ours.ratio(*alone))
    labels = np.array([*ours.by_class(later, jointly.dataset, head=HEAD)])
    means = [
        np.stack([np.mean(one.values, axis=1) for one in by_class(ours, scores, jointly.dataset)], axis=1)
        for scores in (later, before)
    ]
    return dataclasses.replace(later, values=means[0] - means[1], videos=labels, clusters=labels)


def agreement(first: SystemScores, second: SystemScores) -> SystemScores:
    """Whether a class's share of selected timesteps was changed in the same direction."""
    one, other = of_common_seeds(first, second)
    return dataclasses.replace(one, values=(np.sign(one.values) == np.sign(other.values)).astype(float))


# Claims of one form


def finding(holds: Callable[[Reported], bool], on_ours: Callable[[Any], Outcome]) -> Claim:
    return lambda reported, ours: Finding(holds(reported), lambda: on_ours(ours))


def unprinted(on_ours: Callable[[Any], Outcome]) -> Claim:
    return lambda reported, ours: Finding(None, lambda: on_ours(ours))


def beats(than: str) -> Claim:
    """The selector is above another sampling, for each network and number of timesteps."""

    def on_ours(ours: Any) -> Outcome:
        pairs = [[sampled(ours, network, rule, count) for rule in ("Selector", than)] for network, count in PAIRS]
        return all_of(*(more(ours, *pair) for pair in pairs))

    return finding(lambda r: all(ahead(r, *pair, than) > 0 for pair in PAIRS), on_ours)


def keeps(ours: Any, network: str, count: int, fewer: int) -> Outcome:
    """So many times fewer selected timesteps are as accurate as uniform ones."""
    own, rival = sampled(ours, network, "Selector", count // fewer), sampled(ours, network, "Uniform", count)
    return more(ours, own, rival, by=-RETAINED)


# Section 4.2, Tables 1 and 2

e01, e02 = beats("Random"), beats("Uniform")
e03 = finding(
    lambda r: all(retains(r, network, count, 2) for network, count in PAIRS if count > 1),
    lambda o: all_of(*(keeps(o, network, count, 2) for network, count in PAIRS if count > 1)),
)
e17 = finding(
    lambda r: all(any(retains(r, network, count, 2) for count in TIMESTEPS[1:]) for network in NETWORKS),
    lambda o: all_of(*(any_of(*(keeps(o, network, count, 2) for count in TIMESTEPS[1:])) for network in NETWORKS)),
)
e14 = finding(
    lambda r: all(
        ahead(r, network, few, "Uniform") > ahead(r, network, many, "Uniform")
        for network in NETWORKS
        for few, many in zip(SHRINKS, SHRINKS[1:], strict=False)
    ),
    lambda o: all_of(*(falling_gain(o, sampled(o, network, "Selector", 8), "first", SHRINKS) for network in NETWORKS)),
)


def e07(reported: Reported, ours: Any) -> Finding:
    rows = [f"{row} + Ours" for row in NETWORKS.values()]

    def on_ours() -> Outcome:
        parts = []
        for row in rows:
            whole = ours.row("Table 1", row, "Total")
            share = 1 - cost(ours, whole.at("first8")) / cost(ours, whole)
            parts.append(exact(share < MARGINAL, f"what selecting takes of {whole.variant}: {share:.3f}"))
        return all_of(*parts)

    shares = [reported("Table 1", row, "LightNet+Gating") / reported("Table 1", row, "Total") for row in rows]
    return Finding(max(shares) < MARGINAL, on_ours)


def e15(reported: Reported, ours: Any) -> Finding:
    most = max(TIMESTEPS, key=lambda count: printed(reported, "ShuffleNet3D", "Uniform", count))

    def on_ours() -> Outcome:
        found = {count: hits(ours, sampled(ours, "ShuffleNet3D", "Uniform", count)) for count in TIMESTEPS}
        best = found.pop(32)
        return labelled("32 uniform timesteps - others", argmax(best, list(found.values())))

    return Finding(most == 32, on_ours)


def e16(reported: Reported, ours: Any) -> Finding:
    counts = TIMESTEPS[2:]

    def on_ours() -> Outcome:
        dearest = max(
            cost(ours, sampled(ours, "I3D", "Selector", count // 4))
            / cost(ours, sampled(ours, "I3D", "Uniform", count))
            for count in counts
        )
        cheaper = exact(dearest < HALF, f"cost of a quarter of the timesteps, selected: {dearest:.3f} at most")
        return all_of(cheaper, any_of(*(keeps(ours, "I3D", count, 4) for count in counts)))

    def costs_less(count: int) -> bool:
        own = printed_cost(reported, "I3D", count // 4, selects=True)
        return own < HALF * printed_cost(reported, "I3D", count)

    return Finding(any(costs_less(count) and retains(reported, "I3D", count, 4) for count in counts), on_ours)


# Section 4.3, Figure 5


def e08(reported: Reported, ours: Any) -> Finding:
    def on_ours() -> Outcome:
        return all_of(
            *(
                more(ours, ours.row("Table 1", f"{row} + Ours", "Accuracy"), sampled(ours, network, "Selector", 8))
                for network, row in NETWORKS.items()
            )
        )

    return Finding(
        all(
            reported("Table 1", f"{row} + Ours", "Accuracy") > printed(reported, network, "Selector", 8)
            for network, row in NETWORKS.items()
        ),
        on_ours,
    )


@unprinted
def e09(ours: Any) -> Outcome:
    changed = {}
    for network, row in NETWORKS.items():
        jointly, alone = ours.row("Table 1", f"{row} + Ours", "Accuracy"), sampled(ours, network, "Selector", 8)
        changed[network] = class_changes(ours, jointly.at(RATIO), alone.at(RATIO))
    of_3d, of_both = (agreement(changed["I3D"], changed[other]) for other in ("ShuffleNet3D", "ResNet2D"))
    said = f"classes that agree, both 3D {np.mean(of_3d.values):.0%}, 3D and 2D {np.mean(of_both.values):.0%}"
    return labelled(said, better(difference(of_3d, of_both)))


# Section 4.4, Figure 6


def varies_more(context: str, frame: str) -> Claim:
    """Between classes the share of selected timesteps varies more with context; by names in `systems`."""

    def on_ours(ours: Any) -> Outcome:
        found = [variance_between(ours, ours.named(name).at(RATIO)) for name in (context, frame)]
        return labelled("variance between classes, with context - without", better(difference(*found)))

    return unprinted(on_ours)


e10 = varies_more("I3D, selector", "I3D, frame selector")


# Section 4.5, Figure 7


def e12(reported: Reported, ours: Any) -> Finding:
    def on_ours() -> Outcome:
        own = ours.row("Table 1", "I3D + Ours", "Accuracy")
        return all_of(*(more(ours, own, sampled(ours, "ShuffleNet3D", "Uniform", count)) for count in TIMESTEPS))

    light = max(printed(reported, "ShuffleNet3D", "Uniform", count) for count in TIMESTEPS)
    return Finding(reported("Table 1", "I3D + Ours", "Accuracy") > light, on_ours)


def e18(reported: Reported, ours: Any) -> Finding:
    def on_ours() -> Outcome:
        lights = {count: sampled(ours, "ShuffleNet3D", "Uniform", count) for count in TIMESTEPS}
        costs = {count: cost(ours, system) for count, system in lights.items()}
        parts = []
        for count in TIMESTEPS:
            own = sampled(ours, "I3D", "Selector", count)
            budget = cost(ours, own)
            parts.append(more(ours, own, lights[max(other for other in TIMESTEPS if costs[other] <= budget)]))
        return all_of(*parts)

    return Finding(
        all(
            printed(reported, "I3D", "Selector", count)
            > printed(reported, "ShuffleNet3D", "Uniform", affordable(reported, count))
            for count in TIMESTEPS
        ),
        on_ours,
    )


# Section 4.6, Figure 8


@unprinted
def e13(ours: Any) -> Outcome:
    own, plain = ours.named("ResNet2D + Ours, Charades"), ours.named("ResNet2D, Charades")
    pairs = [(own.at(f"selector{count}"), plain.at(f"first{count}")) for count in TIMESTEPS]
    return all_of(*(labelled(names(*pair), better(map_gain(ours, *pair, "actions"))) for pair in pairs))


def map_gain(ours: Any, first: System, second: System, head: str) -> Effect:
    return map_difference(*(ours.scored(*system, head=head) for system in (first, second)))


# The mechanism, on embedded data: nothing is printed


def room(ours: Any, own: System, *counts: int) -> None:
    """Untestable where so many true timesteps of the same weights leave no headroom above random ones."""
    for count in counts:
        need_headroom(*(hits(ours, own.at(point)) for point in (f"truth{count}", f"random{count}-0")))


def looks_better(than: str, own_point: str = "selector8", by: float = 0.0, count: int = 8) -> Claim:
    """The same weights are more accurate with selected timesteps than with others, where there is room to gain for so
    many."""

    def on_ours(ours: Any) -> Outcome:
        own = ours.named("selector")
        room(ours, own, count)
        return more(ours, own.at(own_point), own.at(than), by)

    return unprinted(on_ours)


m01, m02 = looks_better("random8-0"), looks_better("centre8")
m04 = looks_better("centre8", "selector4", by=-RETAINED, count=4)


@unprinted
def m03(ours: Any) -> Outcome:
    own = ours.named("selector")
    rival = own.at("equal8")
    if (ratio := cost(ours, own) / cost(ours, rival)) > STEP:
        raise Untestable(f"selecting costs {ratio:.3f} of {rival.point}, more than {STEP:.3g}")
    return more(ours, own, rival)


@unprinted
def m14(ours: Any) -> Outcome:
    own, plain = ours.named("jointly trained"), ours.named("selector")
    room(ours, own, 8)
    return all_of(*(more(ours, own, rival) for rival in (own.at("centre8"), plain.at("centre8"), plain.at("equal8"))))


@unprinted
def m15(ours: Any) -> Outcome:
    own = ours.named("jointly trained")
    return more(ours, own.at("wide8"), own, by=LARGER)


@unprinted
def m05(ours: Any) -> Outcome:
    own, frame = (ours.named(name).at("wide4") for name in JOINTLY)
    room(ours, own, 4)
    return more(ours, own, frame)


@unprinted
def m07(ours: Any) -> Outcome:
    own, frame = (ours.named(name).at("wide8") for name in JOINTLY)
    found, chance, other = ours.frame_hits(*own), ours.frame_hits(*own, level="random"), ours.frame_hits(*frame)
    return all_of(
        labelled("timesteps that inform, selected - any", better(difference(found, chance))),
        labelled("timesteps that inform, with context - without", better(difference(found, other))),
    )


m08 = varies_more("more keys in later classes", "more keys in later classes, of frames")


@unprinted
def m09(ours: Any) -> Outcome:
    own, counts = ours.named("jointly trained"), (1, 8, 32)
    room(ours, own, *counts[:-1])
    return falling_gain(ours, own, "centre", counts)


@unprinted
def m10(ours: Any) -> Outcome:
    pair = ours.named("no context needed"), ours.named("no context needed, of frames")
    return labelled(names(*pair), comparable(gain(ours, *pair), ALIKE))


@unprinted
def m11(ours: Any) -> Outcome:
    return labelled("share of timesteps selected without L0", better(mean(ours.ratio(*ours.named("no L0"))), OPEN))


@unprinted
def m12(ours: Any) -> Outcome:
    own = ours.named("selector")
    pairs = [(own.at(f"selector{count}"), own.at(f"truth{count}")) for count in EMBEDDED]
    return all_of(
        more(ours, own.at("truth8"), own.at("random8-0"), by=LEAST_HEADROOM),
        *(labelled(names(*pair), at_most(gain(ours, *pair), RETAINED)) for pair in pairs),
    )


def no_better(name: str) -> Claim:
    """Other gates in training, of `systems`, are at most a little above clipped ones, where there is room to gain."""

    def on_ours(ours: Any) -> Outcome:
        other, clipped = ours.named(name), ours.named("jointly trained").at("wide8")
        room(ours, clipped, 8)
        return labelled(names(other, clipped), at_most(gain(ours, other, clipped), RETAINED))

    return unprinted(on_ours)


m16, m17, m18 = (no_better(name) for name in ("binary gates", "gates without an upper bound", "gates that never close"))


@unprinted
def m13(ours: Any) -> Outcome:
    own = ours.named("selector, scenes")
    found = map_gain(ours, own.at("truth8"), own.at("random8-0"), "objects").interval()
    if not found.low >= LEAST_HEADROOM:
        raise Untestable(
            f"headroom {found.value:.3f} [{found.low:.3f}, {found.high:.3f}] of mAP: under {LEAST_HEADROOM}"
        )
    centre = own.at("centre8")
    return labelled(names(own, centre), better(map_gain(ours, own, centre, "objects")))
