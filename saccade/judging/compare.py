"""What several trainings of several systems say together: differences, headroom and gains whose draws resample clusters
and seeds.

A seed is as much a matter of luck as a video: both are drawn. A draw moves by what the drawn clusters change and by
what the drawn seeds change. The spread is then set to the unbiased estimate for two crossed sources of chance, and the
tails to Student's, with Satterthwaite's degrees of freedom, since five seeds and eight clusters are few.
docs/statistics.md explains.

Systems are compared on the same videos. Systems of the same trainings (two operating points of one variant) draw them
together, others apart, which is too careful where they share some. No torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.judging.effect import Effect, widening
from saccade.judging.system_scores import SystemClassScores, SystemScores, of_common_seeds
from saccade.records import SaccadeError, first_few
from saccade.scoring.intervals import LEVEL, RARE, Interval, cluster_numbers, map_draws, mean_draws
from saccade.scoring.metrics import Floats, mean_average_precision

DRAWS = 4000
SEED = 0  # of the resampling: what a claim gets doesn't depend on which claims were judged before it
Generator = np.random.Generator | int


def mean(system: SystemScores, generator: Generator = SEED, draws: int = DRAWS) -> Effect:
    """The mean over trainings and videos."""
    return _combine(_resample_means([system], generator, draws), [1.0])


def difference(first: SystemScores, second: SystemScores, generator: Generator = SEED, draws: int = DRAWS) -> Effect:
    """Mean of first minus mean of second, of the seeds that both have. SaccadeError unless both have the same videos in
    the same order."""
    return _combine(_resample_means(of_common_seeds(first, second), generator, draws), [1.0, -1.0])


def map_difference(
    first: SystemClassScores, second: SystemClassScores, generator: Generator = SEED, draws: int = DRAWS
) -> Effect:
    """Mean average precision of first minus that of second; notes name the classes with few positives.

    Clusters get Dirichlet weights, the same on both sides, so no class loses its positives on either. SaccadeError
    unless both have the same videos and truth.
    """
    return _combine(_resample_maps(of_common_seeds(first, second), generator, draws), [1.0, -1.0], _rare(first))


def headroom(oracle: SystemScores, random: SystemScores, generator: Generator = SEED, draws: int = DRAWS) -> Effect:
    """Oracle minus random: what a decision could gain at most; the oracle knows the truth, the random one ignores the
    video."""
    return difference(oracle, random, generator, draws)


def normalised_gain(
    learned: SystemScores, random: SystemScores, oracle: SystemScores, generator: Generator = SEED, draws: int = DRAWS
) -> Interval:
    """(learned - random) / (oracle - random): 0 decides like chance, 1 like the oracle; with its 95 % interval.

    A ratio of two uncertain numbers: a draw moves all three systems. nan where the headroom isn't above 0; no bounds
    where the headroom's own interval reaches 0, since the ratio could be anything then.
    """
    found = _resample_means(of_common_seeds(learned, random, oracle), generator, draws)
    own, chance, best = (float(system.values.mean()) for system in found.systems)
    room = _combine(found, [0.0, -1.0, 1.0])
    gain = (own - chance) / room.value if room.value > 0 else np.nan
    if not room.interval().low > 0:
        return Interval(gain, np.nan, np.nan, room.n, room.clusters, room.seeds)
    # the ratio's first-order moves, times the headroom
    scale, freedom, _ = _spread(found, np.array([1.0, gain - 1, -gain]))
    side = (1 - LEVEL) / 2
    moved = widening(freedom, side) * scale * (found.by_clusters + found.by_seeds)
    above, room_then = moved[:, 0] - moved[:, 1] + own - chance, moved[:, 2] - moved[:, 1] + room.value
    ratios = np.where(room_then > 0, above / np.where(room_then > 0, room_then, 1), np.copysign(np.inf, above))
    # no interpolation: a ratio may be infinite
    low, high = np.quantile(ratios, [side, 1 - side], method="inverted_cdf")
    return Interval(gain, float(low), float(high), room.n, room.clusters, room.seeds)


@dataclass(frozen=True, eq=False)
class _System:
    """values (S,) per training; moves (R, S) of each under the resampled clusters, with the unbiased standard
    deviation."""

    values: Floats
    moves: Floats
    trainings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Resampled:
    """K systems under common draws: their moves (R, K) by the drawn clusters, and by the drawn seeds."""

    systems: list[_System]
    by_clusters: Floats
    by_seeds: Floats
    n: int
    clusters: int


def _resample_means(systems: Sequence[SystemScores], generator: Generator, draws: int) -> _Resampled:
    values = [_checked(system, system.values) for system in systems]
    members = _common_clusters(systems)
    rng = np.random.default_rng(generator)
    moved = mean_draws(np.concatenate(values).T, members, rng, draws)  # (R, all trainings), the same clusters for all
    moved = (moved - moved.mean(axis=0)) * _unbias(members, dirichlet=False)
    ends = np.cumsum([len(value) for value in values])[:-1]
    parts = zip(systems, values, np.split(moved, ends, axis=1), strict=True)
    return _draw_seeds(
        [_System(value.mean(axis=1), part, tuple(sorted(system.trainings))) for system, value, part in parts],
        members,
        rng,
    )


def _resample_maps(systems: Sequence[SystemClassScores], generator: Generator, draws: int) -> _Resampled:
    members = _common_clusters(systems)
    rng = np.random.default_rng(generator)
    common = int(rng.integers(2**63))  # every training starts its draws here, so all get the same weights
    found = []
    for system in systems:
        if not np.array_equal(system.truth, systems[0].truth):
            raise SaccadeError("a difference of mean average precisions needs the same truth on both sides")
        scores = _checked(system, system.scores)
        moved = np.stack(
            [map_draws(one, system.truth, members, np.random.default_rng(common), draws) for one in scores], axis=1
        )
        values = np.array([mean_average_precision(one, system.truth).value for one in scores])
        moved = (moved - moved.mean(axis=0)) * _unbias(members, dirichlet=True)
        found.append(_System(values, moved, tuple(sorted(system.trainings))))
    return _draw_seeds(found, members, rng)


def _unbias(members: NDArray[np.int64], dirichlet: bool) -> float:
    """What a bootstrap's standard deviation of a mean lacks: n clusters drawn with replacement give (n - 1) / n of the
    variance, Dirichlet weights (n - 1) / (n + 1)."""
    count = int(members.max()) + 1
    return float(np.sqrt((count + dirichlet) / (count - 1))) if count > 1 else 1.0


def _draw_seeds(systems: list[_System], members: NDArray[np.int64], rng: np.random.Generator) -> _Resampled:
    """Trainings of one name are drawn together. One training alone moves nothing: what others would do isn't known."""
    draws = len(systems[0].moves)
    times: dict[tuple[str, ...], Floats] = {}
    by_seeds = np.zeros((draws, len(systems)))
    for k, system in enumerate(systems):
        count = len(system.trainings)
        if system.trainings not in times:
            times[system.trainings] = rng.multinomial(count, np.full(count, 1 / count), draws) / count
        if count > 1:
            by_seeds[:, k] = (
                times[system.trainings] @ (system.values - system.values.mean()) * np.sqrt(count / (count - 1))
            )
    by_clusters = np.stack([system.moves.mean(axis=1) for system in systems], axis=1)
    return _Resampled(systems, by_clusters, by_seeds, len(members), int(members.max()) + 1)


def _spread(found: _Resampled, weights: Floats) -> tuple[float, float, float]:
    """Of the weighted sum of the systems: what to scale its moves with, its degrees of freedom, its standard error.

    Clusters and seeds each bring their variance, and each holds the chance that is of one seed on one cluster, which is
    therefore counted twice: it is subtracted once, as far as the larger of the two allows. Satterthwaite's
    approximation.
    """
    of_clusters = float((found.by_clusters @ weights).var())
    freedoms, of_seeds, of_both = [(of_clusters, found.clusters - 1)], 0.0, 0.0
    # a set's order would be the hash seed's
    for trainings in dict.fromkeys(system.trainings for system in found.systems):
        group = [(w, system) for w, system in zip(weights, found.systems, strict=True) if system.trainings == trainings]
        if (count := len(trainings)) > 1:
            own = float(sum(w * system.values for w, system in group).var(ddof=1)) / count
            freedoms.append((own, count - 1))
            of_seeds += own
            of_both += float(sum(w * system.moves for w, system in group).var(axis=1, ddof=1).mean()) / count
    total = of_clusters + of_seeds
    if total == 0:
        return 1.0, float(max(1, found.clusters - 1)), 0.0
    variance = max(of_clusters, of_seeds, total - of_both)
    freedom = variance**2 / sum(part**2 / count for part, count in freedoms) if found.clusters > 1 else 1.0
    return float(np.sqrt(variance / total)), freedom, float(np.sqrt(variance))


def _combine(found: _Resampled, weights: Sequence[float], notes: tuple[str, ...] = ()) -> Effect:
    """The weighted sum of the systems' means."""
    chosen = np.asarray(weights)
    scale, freedom, error = _spread(found, chosen)
    value = float(sum(w * system.values.mean() for w, system in zip(weights, found.systems, strict=True)))
    moves = np.sort(scale * ((found.by_clusters + found.by_seeds) @ chosen))
    seeds = min(len(system.trainings) for w, system in zip(weights, found.systems, strict=True) if w)
    return Effect(value, moves, error, freedom, found.n, found.clusters, seeds, notes)


def _common_clusters(systems: Sequence[SystemScores] | Sequence[SystemClassScores]) -> NDArray[np.int64]:
    for system in systems[1:]:
        if not np.array_equal(system.videos, systems[0].videos) or not np.array_equal(
            system.clusters, systems[0].clusters
        ):
            raise SaccadeError("systems are compared on the same videos in the same order, with the same clusters")
    return cluster_numbers(systems[0].clusters, len(systems[0].videos))


def _checked(system: SystemScores | SystemClassScores, values: ArrayLike) -> Floats:
    """The values (S, N, ...) with the trainings in the order of their names."""
    table = np.asarray(values, dtype=np.float64)
    wanted = (len(system.trainings), len(system.videos))
    if table.shape[:2] != wanted or 0 in wanted:
        raise SaccadeError(
            f"{wanted[0]} trainings on {wanted[1]} videos need values of shape {wanted}, not {table.shape}"
        )
    if len(set(system.trainings)) < wanted[0]:
        raise SaccadeError(f"a training is there twice: {', '.join(system.trainings)}")
    if not np.isfinite(table).all():
        raise SaccadeError(f"a value of {system.trainings[int(np.argwhere(~np.isfinite(table))[0][0])]} is not finite")
    return table[sorted(range(wanted[0]), key=lambda s: system.trainings[s])]


def _rare(system: SystemClassScores) -> tuple[str, ...]:
    counts = np.asarray(system.truth).sum(axis=0)
    named = [f"{name} ({n})" for name, n in zip(system.classes, counts, strict=True) if n < RARE]
    return (
        (f"classes with fewer than {RARE} positives, so with an unsure average precision: {first_few(named, 20)}",)
        if named
        else ()
    )
