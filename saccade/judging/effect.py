"""A number with the draws that say how sure it is: its interval at any level, its p-values, and what it could have
missed.

All of them come from the same draws in the same way, so a p-value is below 5 % exactly where the 95 % interval excludes
the bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from saccade.scoring.intervals import LEVEL, Interval
from saccade.scoring.metrics import Floats


@dataclass(frozen=True, eq=False)
class Effect:
    """A number that claims are about, and how far resampling moves it.

    deviations (R,), sorted: its moves, with the standard deviation `standard_error`; `degrees_of_freedom`: those behind
    it. n videos in `clusters` clusters; `seeds`: trainings of the side that has fewest. notes: what a reader must know
    beside it.
    """

    value: float
    deviations: Floats
    standard_error: float
    degrees_of_freedom: float
    n: int
    clusters: int
    seeds: int
    notes: tuple[str, ...] = ()

    def interval(self, level: float = LEVEL) -> Interval:
        """Both bounds; nan with one cluster."""
        side = (1 - level) / 2
        low, high = (self._bound(side), self._bound(1 - side)) if self.clusters > 1 else (np.nan, np.nan)
        return Interval(self.value, low, high, self.n, self.clusters, self.seeds)

    def p_above(self, bound: float) -> float:
        """How likely so high a value is, at most, if the truth isn't above `bound`: the one-sided level whose interval
        ends there."""
        return self._p(self.value - bound, self.deviations)

    def p_below(self, bound: float) -> float:
        """As `p_above`, for a truth below `bound`."""
        return self._p(bound - self.value, -self.deviations[::-1])

    def smallest_detectable(self, level: float = LEVEL, power: float = 0.8) -> float:
        """The smallest true distance from a bound that a run like this one would find with this power."""
        return float(
            self.standard_error
            * (
                special.stdtrit(self.degrees_of_freedom, (1 + level) / 2)
                + special.stdtrit(self.degrees_of_freedom, power)
            )
        )

    def smallest_margin(self, power: float = 0.8) -> float:
        """The smallest margin within which a run like this one, if the truth is 0, would find equivalence (5 %) with
        this power."""
        return float(
            self.standard_error
            * (
                special.stdtrit(self.degrees_of_freedom, 0.95)
                + special.stdtrit(self.degrees_of_freedom, (1 + power) / 2)
            )
        )

    def _bound(self, share: float) -> float:
        return float(self.value + widening(self.degrees_of_freedom, share) * np.quantile(self.deviations, share))

    def _p(self, distance: float, deviations: Floats) -> float:
        """The share of draws that reach `distance` below the value, each share widened as its interval would be; by
        bisection."""
        if self.clusters < 2:
            return 1.0
        if distance <= 0:
            return 0.5 if distance == 0 else 1 - self._p(-distance, -deviations[::-1])
        least, most = 1 / len(deviations), 0.5
        for _ in range(40):
            share = (least * most) ** 0.5
            reached = -widening(self.degrees_of_freedom, share) * np.quantile(deviations, share) <= distance
            least, most = (least, share) if reached else (share, most)
        return most


def weighted_sum(effects: Sequence[Effect], weights: Sequence[float]) -> Effect:
    """The weighted sum of effects that needn't have videos in common: their errors are added as if all erred together,
    so the interval is too wide rather than too narrow, whatever they share."""
    moves = sum(
        abs(w) * (e.deviations if w > 0 else -e.deviations[::-1]) for w, e in zip(weights, effects, strict=True)
    )
    return Effect(
        value=sum(w * e.value for w, e in zip(weights, effects, strict=True)),
        deviations=np.asarray(moves),
        standard_error=sum(abs(w) * e.standard_error for w, e in zip(weights, effects, strict=True)),
        degrees_of_freedom=min(e.degrees_of_freedom for e in effects),
        n=sum(e.n for e in effects),
        clusters=min(e.clusters for e in effects),
        seeds=min(e.seeds for e in effects),
        notes=tuple(dict.fromkeys(note for e in effects for note in e.notes)),
    )


def widening(freedom: float, share: float) -> float:
    """What turns a normal quantile at `share` into Student's with `freedom` degrees of freedom."""
    normal = special.ndtri(share)
    return float(special.stdtrit(freedom, share) / normal) if abs(normal) > 1e-9 else 1.0
