"""What the paper claims, and what would show its mechanism on embedded data: a function of (reported, ours) for each id
of paper.yml that has no `tests` there; paper.yml has the sentence. Those of one form are made by one function that
returns them.

`reported(table, row, column, dataset=None)` gives a printed number. `ours` gives our results per training and video, or
raises `NotRun`; which system of ours a claim asks, the rows of paper.yml say (`ours.row`), or its `systems`
(`ours.named`). Costs are per frame, as printed.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from saccade.judging.compare import difference, mean
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
    any_of,
    argmax,
    at_most,
    better,
    comparable,
    exact,
    labelled,
    monotone,
    need_headroom,
)

# Margins, committed before any run that they judge; accuracies of ours are fractions.
MORE_LOST = 0.01  # a point beyond the printed loss: what either side's own 2,398 segments leave open (0.9 points)
CLOSE = 0.02  # what the text calls close, 1.75 points, rounded up
# of a printed saving, or of what a printed speed-up leaves: we count attention's products and no additions, the authors
# the reverse
COUNTED = 0.05
SPEED_READ = 0.01  # of a speed-up: what the two digits of its costs leave open
HALF = 0.5  # of a baseline's cost, "significantly less"; of the headroom
SOUND_GAIN = 0.10  # on verbs of which pictures tell half: 50 points at most
SOUND_MORE = 0.05  # and so much more than on the others, half of that

EPIC, UCF = "epic-kitchens-55", "ucf101"
KS, MS = (0, 1, 2, 3), (1, 2, 3, 4)
SAMPLERS = [f"S_{k}" for k in KS]
SHARE_READ = 0.03  # of the frames seen in full: half a frame of 16
SAVED = 0.9  # of the cost of every frame: what a sampler is for
ALIKE = ("grow", "shrink", "clockwise", "anticlockwise")  # verbs that only sound tells apart, two and two
APART = ("left", "right", "up", "down")
CITED = ("Res3D", "DSN", "SMART")
CONFOUNDERS = ("backbone and pre-training", "frames and views", "what their cost counts, and for how many frames")

Reported = Callable[..., float]
Claim = Callable[[Reported, Any], Finding | Cited]


# Printed numbers


def lost(reported: Reported, table: str, row: str, than: str, column: str = "top1") -> float:
    """What a row has less than another, rounded to what print has, so that 27.52 - 25.77 is 1.75."""
    return round(reported(table, than, column) - reported(table, row, column), 6)


def with_t(reported: Reported, column: str, k: int, m: int, table: str = "Table II") -> float:
    return reported(table, f"S_{k}, T_{m}", column)


def close(reported: Reported) -> float:
    """The points that the text calls close: what it says of S_3 and the baseline."""
    return reported("Sec. IV-C", "S_3", "top1 loss")


def rising(numbers: Sequence[float]) -> bool:
    return all(earlier < later for earlier, later in zip(numbers, numbers[1:], strict=False))


def best_of(reported: Reported, table: str, rows: Sequence[str], column: str) -> str:
    """The row that has most; '' where several have as much."""
    numbers = [reported(table, row, column) for row in rows]
    return rows[int(np.argmax(numbers))] if numbers.count(max(numbers)) == 1 else ""


# Our own


def names(first: System, second: System) -> str:
    return " - ".join(system.variant for system in (first, second))


def gain(ours: Any, first: System, second: System) -> Effect:
    """By top-1: of the action, of the class, or, on embedded data, of the noun, which is what a crop shows."""
    head = "noun" if first.dataset.startswith("motion-digits") else None
    return difference(ours.hits(*first, head=head), ours.hits(*second, head=head))


def more(ours: Any, first: System, second: System) -> Outcome:
    return labelled(names(first, second), better(gain(ours, first, second)))


def frame_cost(ours: Any, system: System) -> float:
    return float(np.mean(ours.gmacs(*system, per_frame=True).values))


def cost_ratio(ours: Any, first: System, second: System) -> float:
    return frame_cost(ours, first) / frame_cost(ours, second)


def pays_less(ours: Any, system: System, rival: System) -> Outcome:
    """A point of accuracy costs less than the rival's: with its accuracy counted as often as its cost goes into the
    rival's, it would still be above."""
    often = 1 / cost_ratio(ours, system, rival)
    own = ours.hits(*system)
    worth = dataclasses.replace(own, values=np.asarray(own.values) * often)
    return labelled(f"{system.variant} x {often:.3g} - {rival.variant}", better(difference(worth, ours.hits(*rival))))


def on_same_videos(effects: Sequence[Effect], weights: Sequence[float]) -> Effect:
    return dataclasses.replace(weighted_sum(effects, weights), n=min(one.n for one in effects))


# Claims of one form


def finding(holds: Callable[[Reported], bool], on_ours: Callable[[Any], Outcome]) -> Claim:
    return lambda reported, ours: Finding(holds(reported), lambda: on_ours(ours))


def unprinted(on_ours: Callable[[Any], Outcome]) -> Claim:
    return lambda reported, ours: Finding(None, lambda: on_ours(ours))


def saves_and_loses(row: str) -> Claim:
    """What the text says of a row of Table I against SAN19-base: the GFLOPs saved and the points lost."""

    def judged(reported: Reported, ours: Any) -> Finding:
        saved, points = (reported("Sec. IV-C", row, column) for column in ("GFLOPS saved", "top1 loss"))

        def on_ours() -> Outcome:
            own, base = (ours.row("Table I", name, "top1") for name in (row, "SAN19-base"))
            found = frame_cost(ours, base) - frame_cost(ours, own)
            said = f"GMACs saved a frame: {found:.3g}, said {saved:.3g}"
            loss = at_most(gain(ours, base, own), points / 100 + MORE_LOST)
            return all_of(exact(abs(found / saved - 1) <= COUNTED, said), labelled(names(base, own), loss))

        printed = [round(lost(reported, "Table I", row, "SAN19-base", column), 2) for column in ("Avg GFLOPS", "top1")]
        return Finding(printed == [saved, points], on_ours)

    return judged


def cheaper(table: str, rows: Sequence[str], than: Sequence[str], share: float = 1.0) -> Claim:
    """Each row costs less than the other's share, per frame."""

    def on_ours(ours: Any) -> Outcome:
        pairs = [[ours.row(table, row, "Avg GFLOPS") for row in (own, rival)] for own in rows for rival in than]
        found = [(names(*pair), cost_ratio(ours, *pair)) for pair in pairs]
        return all_of(*(exact(ratio < share, f"{said}, cost a frame: {ratio:.3f}") for said, ratio in found))

    return finding(
        lambda r: all(
            r(table, own, "Avg GFLOPS") < share * r(table, rival, "Avg GFLOPS") for own in rows for rival in than
        ),
        on_ours,
    )


def cheaper_points(table: str, rivals: Sequence[str]) -> Claim:
    """Every S_k pays less for a point of accuracy than each rival."""

    def on_ours(ours: Any) -> Outcome:
        own, others = ([ours.row(table, row, "top1") for row in rows] for rows in (SAMPLERS, rivals))
        return all_of(*(pays_less(ours, system, rival) for system in own for rival in others))

    return finding(lambda r: cheapest_points(r, table, rivals), on_ours)


def cheapest_points(reported: Reported, table: str, rivals: Sequence[str]) -> bool:
    most = max(reported(table, row, "Trade-off") for row in SAMPLERS)
    return most < min(reported(table, row, "Trade-off") for row in rivals)


# Section IV-C, Tables I and IV

c02, c05 = saves_and_loses("S_0"), saves_and_loses("S_3")
c06 = cheaper_points("Table I", ["SAN19-base"])
c07 = cheaper("Table I", ["S_3"], ["SAN19-base"])
c21 = cheaper("Table IV", ["S_2"], ["TSN (ret)", "SAN19-base"], HALF)
c27 = cheaper("Table IV", ["S_3"], ["SAN19-base"])
c38 = cheaper_points("Table IV", ["TSN (ret)", "SAN19-base"])


def c17(reported: Reported, ours: Any) -> Finding:
    def on_ours() -> Outcome:
        costs = [frame_cost(ours, ours.row("Table I", row, "Avg GFLOPS")) for row in SAMPLERS]
        return exact(rising(costs), f"GMACs a frame of S_0 to S_3: {', '.join(f'{one:.4g}' for one in costs)}")

    return Finding(rising([reported("Table I", row, "Avg GFLOPS") for row in SAMPLERS]), on_ours)


def c26(reported: Reported, ours: Any) -> Cited:
    return Cited(cheapest_points(reported, "Table IV", CITED), CONFOUNDERS)


# Tables II, III and V: the temporal samplers

WITHOUT = {"Table II": "Table I", "Table V": "Table IV"}  # where S_k stands without them
WITH_T1 = [f"S_{k}, T_1" for k in KS]


def sampled(ours: Any, k: int, m: int, table: str = "Table II") -> System:
    return ours.row(table, f"S_{k}, T_{m}", "top1")


def cost_share(ours: Any, k: int, m: int, table: str = "Table II") -> SystemScores:
    """What each video costs, as a share of what all cost with S_k alone, which looks at as many frames whatever they
    show. The mean is one over the speed-up, so that what is said of speed-ups is tested on means."""
    alone = float(np.mean(ours.gmacs(*ours.row(WITHOUT[table], f"S_{k}", "top1")).values))
    costs = ours.gmacs(*sampled(ours, k, m, table))
    return dataclasses.replace(costs, values=np.asarray(costs.values) / alone)


def less(first: SystemScores, second: SystemScores) -> Effect:
    """How much less the first is."""
    return difference(second, first)


def beyond(ours: Any, k: int, m: int, speed_up: float, table: str = "Table II") -> Effect:
    """What (S_k, T_m) costs beyond what the speed-up leaves, as a share of that."""
    share = cost_share(ours, k, m, table)
    return mean(dataclasses.replace(share, values=np.asarray(share.values) * speed_up - 1))


def c09(reported: Reported, ours: Any) -> Finding:
    def on_ours() -> Outcome:
        plain = ours.row("Table II", "S_0", "top1")
        rows = [sampled(ours, k, 1) for k in KS]
        return all_of(*(labelled(names(plain, row), at_most(gain(ours, plain, row), CLOSE)) for row in rows))

    most = max(lost(reported, "Table II", row, "S_0") for row in WITH_T1)
    return Finding(most <= close(reported), on_ours)


def c10(reported: Reported, ours: Any) -> Finding:
    def on_ours() -> Outcome:
        most = max(float(np.max(ours.share(*sampled(ours, k, 1), "skipped").values)) for k in KS)
        return exact(most == 0, f"the most that any video's frames were skipped: {most:.0%}")

    return Finding(all(with_t(reported, "Skip", k, 1) == 0 for k in KS), on_ours)


def c11(reported: Reported, ours: Any) -> Finding:
    def on_ours() -> Outcome:
        parts = [(k, monotone([cost_share(ours, k, m) for m in MS], compare=less)) for k in KS]
        return all_of(*(labelled(f"share of S_{k}'s cost, T_1 to T_4, each step", one) for k, one in parts))

    return Finding(all(rising([with_t(reported, "Speed-up", k, m) for m in MS]) for k in KS), on_ours)


def reaches(m: int) -> Claim:
    """With T_m the largest speed-up, over k, is what the text says; ours is as large, but for COUNTED."""

    def judged(reported: Reported, ours: Any) -> Finding:
        said = reported("Sec. IV-C", f"T_{m}", "Speed-up, most")

        def on_ours() -> Outcome:
            costs = [(f"cost of (S_{k}, T_{m}) beyond 1 / {said}", beyond(ours, k, m, said)) for k in KS]
            return any_of(*(labelled(what, at_most(cost, COUNTED)) for what, cost in costs))

        return Finding(max(with_t(reported, "Speed-up", k, m) for k in KS) == said, on_ours)

    return judged


c13, c14 = reaches(4), reaches(1)


def c22(reported: Reported, ours: Any) -> Finding:
    points = reported("Sec. IV-C", "S_3, T_1", "top1 loss")

    def on_ours() -> Outcome:
        *others, most = (cost_share(ours, k, 1, "Table V") for k in KS)
        plain, own = ours.row("Table IV", "S_3", "top1"), sampled(ours, 3, 1, "Table V")
        loss = at_most(gain(ours, plain, own), points / 100 + MORE_LOST)
        fastest = argmax(most, others, compare=less)
        what = f"what (S_3, T_1) has less of its S_k's cost than {', '.join(WITH_T1[:-1])}"
        return all_of(labelled(what, fastest), labelled(names(plain, own), loss))

    fell = round(reported("Table IV", "S_3", "top1") - reported("Table V", "S_3, T_1", "top1"), 2)
    return Finding(best_of(reported, "Table V", WITH_T1, "Speed-up") == "S_3, T_1" and fell == points, on_ours)


def c23(reported: Reported, ours: Any) -> Finding:
    said = reported("Sec. IV-C", "S_1, T_1", "Speed-up")

    def on_ours() -> Outcome:
        own, rivals = sampled(ours, 1, 1, "Table V"), [sampled(ours, k, 1, "Table V") for k in KS if k != 1]
        cost = comparable(beyond(ours, 1, 1, said, "Table V"), COUNTED)
        return all_of(*(more(ours, own, rival) for rival in rivals), labelled(f"cost beyond 1 / {said}", cost))

    as_said = reported("Table V", "S_1, T_1", "Speed-up") == said
    return Finding(best_of(reported, "Table V", WITH_T1, "top1") == "S_1, T_1" and as_said, on_ours)


def c25(reported: Reported, ours: Any) -> Finding:
    def on_ours() -> Outcome:
        pairs = [(sampled(ours, k, 1, "Table V"), ours.row("Table IV", f"S_{k}", "top1")) for k in KS]
        return all_of(*(labelled(names(*pair), comparable(gain(ours, *pair), CLOSE)) for pair in pairs))

    apart = [reported("Table IV", f"S_{k}", "top1") - with_t(reported, "top1", k, 1, "Table V") for k in KS]
    return Finding(all(abs(round(one, 2)) <= close(reported) for one in apart), on_ours)


def c33(reported: Reported, ours: Any) -> Finding:
    def right(k: int, m: int) -> bool:
        true = reported("Table I", f"S_{k}", "Avg GFLOPS") / with_t(reported, "Avg GFLOPS", k, m)
        return abs(with_t(reported, "Speed-up", k, m) / true - 1) <= SPEED_READ

    def on_ours() -> Outcome:
        raise Untestable("said of how print divides; ours are over their own S_k, whatever was run")

    return Finding(all(right(k, m) for k in KS for m in MS), on_ours)


def c34(reported: Reported, ours: Any) -> Finding:
    def on_ours() -> Outcome:
        return all_of(*(any_of(*(more(ours, sampled(ours, k, m), sampled(ours, 0, m)) for k in KS[1:])) for m in MS))

    most = [(max(with_t(reported, "top1", k, m) for k in KS[1:]), with_t(reported, "top1", 0, m)) for m in MS]
    return Finding(all(best > without for best, without in most), on_ours)


# Said beside the tables


@unprinted
def c28(ours: Any) -> Outcome:
    """Of attention without crops on EPIC-KITCHENS."""
    return foreseen_better(ours, sampled(ours, 0, 1).at("attention"), "copied")


@unprinted
def c29(ours: Any) -> Outcome:
    raise Untestable("said of pictures, without a number of how similar or how concise; ours are drawn beside")


@unprinted
def c30(ours: Any) -> Outcome:
    raise Untestable("no accuracy by layer is printed, nor are there runs of other layers on real data")


# The mechanism, on embedded data: nothing is printed


def crops(ours: Any, look: str, k: int) -> System:
    return ours.named(f"{look}, {k}")


def room(ours: Any, k: int) -> None:
    """The need of headroom between true and random crops, each with their own heads."""
    need_headroom(*(ours.hits(*crops(ours, look, k), head="noun") for look in ("oracle", "random")))


def looks_better(than: str, k: int) -> Claim:
    """k crops where attention is are better than k of another look; untestable without headroom."""

    def on_ours(ours: Any) -> Outcome:
        room(ours, k)
        return more(ours, crops(ours, "attention", k), crops(ours, than, k))

    return unprinted(on_ours)


def beats_larger_frame(k: int) -> Claim:
    """k crops are better than S_0 on a frame that costs no less; untestable where it does cost less."""

    def on_ours(ours: Any) -> Outcome:
        own, rival = crops(ours, "attention", k), ours.named(f"no crops, {k}'s cost")
        if (ratio := cost_ratio(ours, own, rival)) > 1 + EQUAL_COST:
            raise Untestable(f"{own.variant} costs {ratio:.3f} of {rival.variant}, more than {1 + EQUAL_COST:.3g}")
        return more(ours, own, rival)

    return unprinted(on_ours)


def whatever_was_trained(places: SystemScores, trainings: tuple[str, ...]) -> SystemScores:
    """Hits of places that no training moves, beside those of these trainings: one of them says it for all."""
    return dataclasses.replace(
        places, values=np.repeat(np.asarray(places.values)[:1], len(trainings), 0), trainings=trainings
    )


def holds_target(k: int) -> Claim:
    """One of k crops holds the target's centre more often than one of k at random, at the best fixed places, about the
    centre, or by uniform attention."""

    def on_ours(ours: Any) -> Outcome:
        own = crops(ours, "attention", k)
        rivals = {level: ours.box_hits(*own, level=level) for level in ("random", "fixed")}
        held = ours.box_hits(*own)
        for look in ("central", "uniform"):
            rivals[look] = whatever_was_trained(ours.box_hits(*crops(ours, look, k)), held.trainings)
        return all_of(*(labelled(f"hits - {what}", better(difference(held, hits))) for what, hits in rivals.items()))

    return unprinted(on_ours)


m01, m02, m03 = (looks_better("random", k) for k in KS[1:])
m04, m05, m06 = (looks_better("central", k) for k in KS[1:])
m07, m08, m09 = (looks_better("uniform", k) for k in KS[1:])
m12, m13 = beats_larger_frame(1), beats_larger_frame(3)
m16, m17, m18 = (holds_target(k) for k in KS[1:])


@unprinted
def m10(ours: Any) -> Outcome:
    room(ours, 1)
    own = crops(ours, "attention", 1)
    leads = [gain(ours, own, crops(ours, look, 1)) for look in ("random", "oracle")]
    half = on_same_videos(leads, [1 - HALF, HALF])
    return labelled("attention - (random + oracle) / 2", better(half))


def sound_gain(ours: Any, verbs: Sequence[str]) -> Effect:
    """What sound adds to the accuracy of S_0 on these verbs."""

    def right(name: str) -> SystemScores:
        system = ours.named(name)
        return ours.among(ours.hits(*system, head="verb"), system.dataset, verbs, "verb")

    return difference(right("no crops"), right("no crops, silent"))


@unprinted
def m14(ours: Any) -> Outcome:
    return labelled("look-alikes, with sound - without", better(sound_gain(ours, ALIKE), SOUND_GAIN))


@unprinted
def m15(ours: Any) -> Outcome:
    lead = weighted_sum([sound_gain(ours, verbs) for verbs in (ALIKE, APART)], [1.0, -1.0])
    return labelled("sound's gain, look-alikes - others", better(lead, SOUND_MORE))


# The temporal sampler on embedded data


def as_dear(ours: Any, own: System, rival: System) -> None:
    """The need of a rival that costs a video as much."""
    costs = [float(np.mean(ours.gmacs(*system).values)) for system in (own, rival)]
    if abs((ratio := costs[0] / costs[1]) - 1) > EQUAL_COST:
        raise Untestable(f"{own.variant} costs {ratio:.3f} of {rival.variant}, not 1 within {EQUAL_COST:.3g}")


def as_many(ours: Any, own: System, rival: System) -> None:
    """The need of a rival that sees as many frames in full."""
    full, others = (float(np.mean(ours.share(*system, "full").values)) for system in (own, rival))
    if abs(full - others) > SHARE_READ:
        raise Untestable(
            f"{own.variant} sees {full:.1%} of the frames in full, {rival.variant} {others:.1%}: not alike within "
            f"{SHARE_READ:.0%}"
        )


def chooses_better(m: int, than: str, alike: Callable[[Any, System, System], None]) -> Claim:
    """Frames that T_m chose beat others that are `alike` in what they cost, or in number; untestable where it makes no
    difference which frames are seen, of as many as T_m's."""

    def on_ours(ours: Any) -> Outcome:
        need_headroom(*(ours.hits(*ours.named(name), head="noun") for name in ("where the digit shows", by_chance(m))))
        pair = ours.named(f"T_{m}"), ours.named(than)
        alike(ours, *pair)
        return more(ours, *pair)

    return unprinted(on_ours)


def by_chance(m: int) -> str:
    return f"drawn, as T_{m}"


def needs(than: str, own: str = "T_1") -> Claim:
    """A sampler beats what has less, or another thing, to decide by, where that sees as many frames in full."""

    def on_ours(ours: Any) -> Outcome:
        pair = ours.named(own), ours.named(than)
        as_many(ours, *pair)
        return more(ours, *pair)

    return unprinted(on_ours)


def foreseen_better(ours: Any, system: System, than: str) -> Outcome:
    """What was expected is more like attention than the last map is."""
    lead = difference(ours.similarity(*system), ours.similarity(*system, to=than))
    return labelled(f"{names(system, system)}, SSIM expected - {than}", better(lead))


m22, m23 = (chooses_better(m, by_chance(m), as_many) for m in (1, 2))
m24, m25 = (chooses_better(m, f"even, as many as T_{m}", as_many) for m in (1, 2))
m26, m27 = (chooses_better(m, f"even, as dear as T_{m}", as_dear) for m in (1, 2))
m29, m30, m31, m32 = (needs(f"T_1, {how}") for how in ("copied", "nothing", "similarity", "threshold"))
m37 = needs("drawn, as T_1", "T_1, threshold")
m38 = needs("T_1, threshold of the last map", "T_1, threshold")


@unprinted
def m28(ours: Any) -> Outcome:
    plain, own = ours.named("every frame"), ours.named("T_1")
    return labelled(names(plain, own), at_most(gain(ours, plain, own), CLOSE))


def sees_more(own: str) -> Claim:
    """Frames seen in full show the digit more often than as many by chance."""

    def on_ours(ours: Any) -> Outcome:
        system = ours.named(own)
        seen = ours.frame_hits(*system)
        rivals = {level: ours.frame_hits(*system, level=level) for level in ("random", "even")}
        return all_of(
            *(labelled(f"informative - {what}", better(difference(seen, hit))) for what, hit in rivals.items())
        )

    return unprinted(on_ours)


m33, m39 = sees_more("T_1"), sees_more("T_2, eq. 7")


@unprinted
def m34(ours: Any) -> Outcome:
    return foreseen_better(ours, ours.named("T_1, maps kept"), "copied")


@unprinted
def m35(ours: Any) -> Outcome:
    return foreseen_better(ours, ours.named("T_1, maps kept"), "shifted")


@unprinted
def m36(ours: Any) -> Outcome:
    whole = float(np.mean(ours.gmacs(*ours.named("every frame")).values))
    costs = ours.gmacs(*ours.named("T_1, likeliest"))
    beyond_saved = mean(dataclasses.replace(costs, values=np.asarray(costs.values) / whole - SAVED))
    return labelled(f"cost of the likeliest decisions over that of every frame, less {SAVED}", at_most(beyond_saved, 0))
