"""What the evidence says about a claim: `holds`, `contradicted`, `inconclusive`, or why it can't be said here.

A claim is a plain function on (reported, metrics) that gives back a `Finding` (or `Cited`); `judge` calls all those of
a paper, corrects for their number (Holm) and gives back a verdict each. What such a function calls:

    better(effect, by)  at_most(effect, bound)  comparable(effect, margin)      one effect, from `compare`
    all_of(...)  any_of(...)  monotone(systems)  argmax(best, others)           joint tests
    exact(true, evidence)                                                       no chance in it: costs, counts
    need_headroom(oracle, random)  need_gates(missed)                             what must be so before anything is
    judged

A p-value here is on the scale where 5 % decides: two-sided for directions, that of two one-sided tests for equivalence.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

from saccade.judging.compare import difference, headroom
from saccade.judging.corrected_p_values import holm
from saccade.judging.effect import Effect
from saccade.judging.system_scores import SystemScores
from saccade.results.reader import NotRun

ALPHA = 0.05
# of accuracy, for the lower bound: below it there may be nothing to gain that this data could show
LEAST_HEADROOM = 0.05
T = TypeVar("T")
Kind = Literal[
    "holds",
    "contradicted",
    "inconclusive",
    "consistent with",
    "untestable here",
    "not run",
    "printed numbers agree",
    "printed numbers disagree",
]


class Untestable(Exception):  # noqa: N818
    """Raised where this data or these runs can't speak for or against a claim; says why."""


@dataclass(frozen=True)
class Outcome:
    """What a test found: p of the claim's opposite (small: it holds), p of the claim (small: it is contradicted).

    seeds: of the side with fewest (inf: no chance in it). smallest: the true difference from the bound, or the margin,
    that a run like this would have found in 80 % of cases.
    """

    p_holds: float
    p_contradicts: float
    seeds: float
    smallest: float
    evidence: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """on_printed: whether the paper's own numbers say so (None: it prints none); on_ours: the test, called when it is
    judged."""

    on_printed: bool | None
    on_ours: Callable[[], Outcome]


@dataclass(frozen=True)
class Cited:
    """A claim against numbers that the paper cites: only the printed ones can be compared. confounders: what else
    differs there."""

    on_printed: bool
    confounders: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """p: after Holm's correction (nan where nothing was tested); smallest: as in `Outcome`, nan unless inconclusive."""

    kind: Kind
    why: str
    evidence: str = ""
    p: float = math.nan
    smallest: float = math.nan


@dataclass(frozen=True)
class Judgement:
    comparand: Literal["own", "cited"]
    on_printed: bool | None
    on_ours: Verdict


def better(effect: Effect, by: float = 0.0) -> Outcome:
    """The true effect is above `by`. Holds where the 95 % interval lies above it, contradicted where it lies below."""
    return _directed(effect, 2 * effect.p_above(by), 2 * effect.p_below(by))


def at_most(effect: Effect, bound: float) -> Outcome:
    """The true effect is below `bound`: a loss that isn't larger, a cost that isn't higher."""
    return _directed(effect, 2 * effect.p_below(bound), 2 * effect.p_above(bound))


def comparable(effect: Effect, margin: float) -> Outcome:
    """The true effect is within +-`margin`, committed beforehand. Holds where the 90 % interval lies within (two
    one-sided tests at 5 %), contradicted where the 95 % interval lies outside. Source: Schuirmann (1987)."""
    if not margin > 0:
        raise ValueError(f"an equivalence margin is above 0, not {margin}")
    holds = max(effect.p_above(-margin), effect.p_below(margin))
    contradicts = 2 * min(effect.p_above(margin), effect.p_below(-margin))
    return _outcome(effect, holds, contradicts, effect.smallest_margin(), 0.90)


def all_of(*outcomes: Outcome) -> Outcome:
    """Every part holds. An intersection-union test: its p is the largest of the parts', without correction (Berger
    1982).

    It is contradicted where one part is, with Bonferroni's correction for having looked at all.
    """
    if not outcomes:
        raise ValueError("a joint test needs at least one part")
    return Outcome(
        p_holds=max(part.p_holds for part in outcomes),
        p_contradicts=min(1.0, len(outcomes) * min(part.p_contradicts for part in outcomes)),
        seeds=min(part.seeds for part in outcomes),
        smallest=max(part.smallest for part in outcomes),
        evidence="; ".join(part.evidence for part in outcomes),
        notes=tuple(dict.fromkeys(note for part in outcomes for note in part.notes)),
    )


def any_of(*outcomes: Outcome) -> Outcome:
    """Some part holds: the opposite of `all_of`. Its p is the smallest of the parts', with Bonferroni's correction for
    having looked at all; it is contradicted where every part is, without correction."""
    if not outcomes:
        raise ValueError("a test of some part needs at least one part")
    return dataclasses.replace(
        all_of(*outcomes),
        p_holds=min(1.0, len(outcomes) * min(part.p_holds for part in outcomes)),
        p_contradicts=max(part.p_contradicts for part in outcomes),
    )


def labelled(what: str, outcome: Outcome) -> Outcome:
    """The outcome, whose evidence says what it is of."""
    return dataclasses.replace(outcome, evidence=f"{what}: {outcome.evidence}")


def monotone(systems: Sequence[Any], by: float = 0.0, compare: Callable[[Any, Any], Effect] = difference) -> Outcome:
    """Each system is better than the one before it, by more than `by` (below 0: may fall by so much): all steps
    jointly."""
    steps = zip(systems[1:], systems, strict=False)
    return all_of(*(better(compare(later, earlier), by) for later, earlier in steps))


def argmax(best: Any, others: Sequence[Any], compare: Callable[[Any, Any], Effect] = difference) -> Outcome:
    """`best` is better than each of the others, jointly; contradicted where one of them is better than it."""
    return all_of(*(better(compare(best, other)) for other in others))


def exact(true: bool, evidence: str) -> Outcome:
    """A fact without chance: a count, a cost of a given network."""
    return Outcome(float(not true), float(true), math.inf, 0.0, evidence)


def need_headroom(oracle: SystemScores, random: SystemScores, least: float = LEAST_HEADROOM) -> None:
    """Untestable unless even the lower bound of oracle - random leaves room to gain."""
    room = headroom(oracle, random).interval()
    if not room.low >= least:
        raise Untestable(
            f"headroom {room.value:.3f} [{room.low:.3f}, {room.high:.3f}]: its lower bound is under {least:.3g}"
        )


def need_gates(missed: Sequence[str]) -> None:
    """Untestable where phases missed their gates (a sentence each): what builds on them says nothing of the method."""
    if missed:
        raise Untestable(f"gate: {'; '.join(missed)}")


def verdicts_of(
    claims: Mapping[str, Callable[[Any, Any], Finding | Cited]], reported: Any, metrics: Any
) -> dict[str, Judgement]:
    """A verdict for each claim of one paper, in their order; one that can't be said ends no other."""
    found = {name: _try(partial(claim, reported, metrics)) for name, claim in claims.items()}
    tried = {
        name: _try(one.on_ours) if isinstance(one, Finding) else one
        for name, one in found.items()
        if not isinstance(one, Cited)
    }
    tested = {name: one for name, one in tried.items() if isinstance(one, Outcome)}
    corrected: dict[str, float] = {}
    for several in (True, False):  # one seed decides nothing, so it must not cost those with more their power
        family = {
            name: min(one.p_holds, one.p_contradicts) for name, one in tested.items() if (one.seeds > 1) == several
        }
        corrected |= dict(zip(family, holm(list(family.values())), strict=True))
    verdicts = {name: _decide(one, corrected[name]) if isinstance(one, Outcome) else one for name, one in tried.items()}
    return {
        name: _cited(one)
        if isinstance(one, Cited)
        else Judgement("own", one.on_printed if isinstance(one, Finding) else None, verdicts[name])
        for name, one in found.items()
    }


def _try(act: Callable[[], T]) -> T | Verdict:
    try:
        return act()
    except NotRun as why:
        return Verdict("not run", str(why))
    except Untestable as why:
        return Verdict("untestable here", str(why))


def _decide(outcome: Outcome, p: float) -> Verdict:
    found: dict[str, Any] = {"evidence": "; ".join([outcome.evidence, *outcome.notes]), "p": p}
    if p > ALPHA:
        why = f"the smallest difference a run like this finds in 80 % of cases: {outcome.smallest:.3g}"
        return Verdict("inconclusive", why, **found, smallest=outcome.smallest)
    if outcome.p_holds < outcome.p_contradicts:
        return (
            Verdict("holds", "", **found)
            if outcome.seeds > 1
            else Verdict("consistent with", "one seed can't show more", **found)
        )
    if outcome.seeds > 1:
        return Verdict("contradicted", "", **found)
    return Verdict(
        "inconclusive", "its one seed speaks against it; others might not", **found, smallest=outcome.smallest
    )


def _cited(claim: Cited) -> Judgement:
    kind: Kind = "printed numbers agree" if claim.on_printed else "printed numbers disagree"
    return Judgement(
        "cited", claim.on_printed, Verdict(kind, f"cited numbers, which differ in {', '.join(claim.confounders)}")
    )


def _directed(effect: Effect, holds: float, contradicts: float) -> Outcome:
    return _outcome(effect, holds, contradicts, effect.smallest_detectable(), 0.95)


def _outcome(effect: Effect, holds: float, contradicts: float, smallest: float, level: float) -> Outcome:
    if effect.clusters < 2:
        raise Untestable("all videos are of one cluster, which says nothing of others")
    found = effect.interval(level)
    over = (
        f"{level:.0%}, {found.n} videos in {found.clusters} clusters, {found.seeds} "
        f"seed{'s' if found.seeds > 1 else ''}"
    )
    evidence = f"{found.value:.4g} [{found.low:.4g}, {found.high:.4g}] ({over})"
    return Outcome(min(1.0, holds), min(1.0, contradicts), effect.seeds, smallest, evidence, effect.notes)
