"""How often Saccade's judging errs, by simulation: the tables of docs/statistics.md. Run from the root: python -m
benchmarks.verdicts

Simulated hits: a video's chance of a hit is 0.55, plus what its cluster (sd 11.5 points), itself (sd 6), the seed (sd
2), the seed on that cluster (sd 5) and, except in A/A, the system on that cluster (sd 5) add; a coin with that chance
is thrown per seed and video.
"""

import argparse
from collections.abc import Callable, Iterable

import numpy as np
import scipy.stats

from saccade.judging import compare
from saccade.judging.system_scores import SystemClassScores, SystemScores
from saccade.judging.verdict import Finding, Outcome, better, comparable, monotone, verdicts_of
from saccade.scoring import intervals, metrics

CLUSTERS, SEEDS = (8, 14, 60), (2, 3, 5)
SIZE = 10  # videos per cluster
DRAWS = 600
DECIDED = ("holds", "contradicted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--trials", type=int, default=1000, help="simulated data sets per cell (a quarter for mean average precision)"
    )
    trials = parser.parse_args().trials
    print(f"{trials} trials per cell, {DRAWS} draws, {SIZE} videos per cluster\n")
    for table in tables():
        print(f"{table.__doc__}\n")
        show(table(trials))


def tables() -> list[Callable[[int], Iterable[dict[str, str]]]]:
    """Each gives the rows of one table for a number of trials; its docstring is the heading."""
    return [one_run, differences, same_twice, planted, equivalence, joint, maps, shuffled]


def show(rows: Iterable[dict[str, str]]) -> None:
    """One markdown table."""
    for number, row in enumerate(rows):
        if number == 0:
            print(f"| {' | '.join(row)} |\n|{'---:|' * len(row)}")
        print(f"| {' | '.join(row.values())} |", flush=True)
    print()


def systems(
    generator: np.random.Generator, clusters: int, seeds: int, gains: Iterable[float], on_cluster: float = 0.05
) -> list[SystemScores]:
    """A system per gain, all on the same videos, each with its own trainings."""
    members, n = np.repeat(np.arange(clusters), SIZE), clusters * SIZE
    common = 0.55 + generator.uniform(-0.2, 0.2, clusters)[members] + generator.uniform(-0.1, 0.1, n)
    found = []
    for k, gain in enumerate(gains):
        of_system = gain + on_cluster * generator.normal(size=clusters)[members]
        of_seed = 0.02 * generator.normal(size=(seeds, 1)) + 0.05 * generator.normal(size=(seeds, clusters))[:, members]
        names = tuple(f"system{k}/seed{s}" for s in range(seeds))
        found.append(
            SystemScores(
                (generator.random((seeds, n)) < common + of_system + of_seed).astype(float),
                np.arange(n),
                members,
                names,
            )
        )
    return found


def cells(
    trials: int, judge: Callable[[np.random.Generator, int, int], tuple[float, ...]]
) -> Iterable[tuple[int, int, np.ndarray]]:
    """clusters, seeds and what `judge` found in each trial, for every cell."""
    for clusters in CLUSTERS:
        for seeds in SEEDS:
            yield (
                clusters,
                seeds,
                np.array([judge(np.random.default_rng([clusters, seeds, t]), clusters, seeds) for t in range(trials)]),
            )


def rate(hits: np.ndarray) -> str:
    return f"{100 * hits.mean():.1f} %"


def points(value: float) -> str:
    return f"{100 * value:.1f}"


def kind(outcome: Outcome) -> str:
    return verdicts_of({"": lambda *_: Finding(None, lambda: outcome)}, None, None)[""].on_ours.kind


def one_run(trials: int) -> Iterable[dict[str, str]]:
    """### One run: how often the 95 % interval of an accuracy covers the truth"""

    def judge(generator: np.random.Generator, clusters: int, chance: float) -> tuple[bool, bool]:
        members = np.repeat(np.arange(clusters), generator.integers(SIZE // 2, 2 * SIZE, clusters))
        values = (
            generator.random(len(members)) < generator.beta(4 * chance, 4 * (1 - chance), clusters)[members]
        ).astype(float)
        draws = intervals.mean_draws(values[:, None], members, generator, DRAWS)[:, 0]
        plain, found = (
            np.quantile(draws, [0.025, 0.975]),
            intervals.to_interval(values.mean(), draws, len(values), members),
        )
        return plain[0] <= chance <= plain[1], found.low <= chance <= found.high

    for chance in (0.6, 0.9):
        for clusters in CLUSTERS:
            found = np.array([judge(np.random.default_rng([clusters, t]), clusters, chance) for t in range(trials)])
            yield {
                "accuracy": f"{chance}",
                "clusters": str(clusters),
                "plain percentiles": rate(found[:, 0]),
                "expanded": rate(found[:, 1]),
            }


def differences(trials: int) -> Iterable[dict[str, str]]:
    """### Two systems, 5 points apart: how often the 95 % interval of their difference covers that"""

    def judge(generator: np.random.Generator, clusters: int, seeds: int) -> tuple[float, ...]:
        effect = compare.difference(*systems(generator, clusters, seeds, [0.05, 0.0]), generator, DRAWS)
        found = effect.interval()
        plain = effect.value + np.quantile(effect.deviations, [0.025, 0.975])
        return found.low <= 0.05 <= found.high, plain[0] <= 0.05 <= plain[1], found.high - found.low

    for clusters, seeds, found in cells(trials, judge):
        yield {
            "clusters": str(clusters),
            "seeds": str(seeds),
            "covered": rate(found[:, 0]),
            "with normal tails": rate(found[:, 1]),
            "median width, points": points(np.median(found[:, 2])),
        }


def same_twice(trials: int) -> Iterable[dict[str, str]]:
    """### A/A: two sets of seeds of one variant, how often they are called different (5 % at most is right)"""

    def judge(generator: np.random.Generator, clusters: int, seeds: int) -> tuple[bool, bool, bool]:
        first, second = systems(generator, clusters, seeds, [0.0, 0.0], on_cluster=0.0)
        ours = kind(better(compare.difference(first, second, generator, DRAWS))) in DECIDED
        pooled = scipy.stats.ttest_rel(first.values.ravel(), second.values.ravel()).pvalue <= 0.05
        by_cluster = intervals.mean_interval(
            (first.values - second.values).mean(axis=0), first.clusters, generator, DRAWS
        )
        return ours, pooled, by_cluster.low > 0 or by_cluster.high < 0

    for clusters, seeds, found in cells(trials, judge):
        yield {
            "clusters": str(clusters),
            "seeds": str(seeds),
            "Saccade": rate(found[:, 0]),
            "clusters only, seeds averaged": rate(found[:, 2]),
            "t-test over videos x seeds": rate(found[:, 1]),
        }


def planted(trials: int) -> Iterable[dict[str, str]]:
    """### A method that is 5 points better: how often it is found, and the smallest difference that runs say they would
    find"""

    def judge(generator: np.random.Generator, clusters: int, seeds: int) -> tuple[float, ...]:
        effect = compare.difference(*systems(generator, clusters, seeds, [0.05, 0.0]), generator, DRAWS)
        said = kind(better(effect))
        return said == "holds", said == "contradicted", effect.smallest_detectable()

    for clusters, seeds, found in cells(trials, judge):
        row = {
            "clusters": str(clusters),
            "seeds": str(seeds),
            "found": rate(found[:, 0]),
            "contradicted": rate(found[:, 1]),
        }
        yield {**row, "median smallest difference, points": points(np.median(found[:, 2]))}


def equivalence(trials: int) -> Iterable[dict[str, str]]:
    """### "Comparable within 5 points": said of systems that are equal (right), of ones 5 points apart (5 % at most is
    right)"""

    def judge(generator: np.random.Generator, clusters: int, seeds: int) -> tuple[bool, ...]:
        first, equal, edge = systems(generator, clusters, seeds, [0.0, 0.0, 0.05])
        effects = (compare.difference(first, other, generator, DRAWS) for other in (equal, edge))
        return tuple(kind(comparable(effect, 0.05)) == "holds" for effect in effects)

    for clusters, seeds, found in cells(trials, judge):
        yield {
            "clusters": str(clusters),
            "seeds": str(seeds),
            "equal": rate(found[:, 0]),
            "5 points apart": rate(found[:, 1]),
        }


def joint(trials: int) -> Iterable[dict[str, str]]:
    """### Joint claims and many claims (14 clusters, 5 seeds)"""
    counts = np.zeros(4)
    for t in range(trials):
        generator = np.random.default_rng([9, t])
        made = systems(generator, 14, 5, [0.0, 0.2, 0.4, 0.4, *[0.0] * 8])
        subtract = lambda first, second, generator=generator: compare.difference(first, second, generator, DRAWS)  # noqa: E731
        rising, flat, null = made[:3], made[:4], made[4:]
        counts[0] += kind(monotone(rising, compare=subtract)) == "holds"
        counts[1] += kind(monotone(flat, compare=subtract)) == "holds"
        tests = [better(subtract(first, second)) for first, second in zip(null[::2], null[1::2], strict=True)]
        claims = {str(i): (lambda *_, one=one: Finding(None, lambda: one)) for i, one in enumerate(tests)}
        counts[2] += any(kind(test) in DECIDED for test in tests)
        counts[3] += any(found.on_ours.kind in DECIDED for found in verdicts_of(claims, None, None).values())
    said = ("monotone, 20 points a step", "monotone, last step 0 (5 % at most is right)")
    many = (
        "any of 4 claims without an effect decided, uncorrected",
        "the same with Holm's correction (5 % at most is right)",
    )
    for what, count in zip([*said, *many], counts, strict=True):
        yield {"claim": what, "said": f"{100 * count / trials:.1f} %"}


def maps(trials: int) -> Iterable[dict[str, str]]:
    """### Mean average precision, A/A with 3 seeds, 4 videos per cluster, 6 classes: how often called different (5 % at
    most is right)"""
    for clusters in CLUSTERS:
        targets = np.arange(4 * clusters) % 6
        truth, members = np.eye(6, dtype=bool)[targets], np.repeat(np.arange(clusters), 4)
        decided = []
        for t in range(max(1, trials // 4)):
            generator = np.random.default_rng([clusters, t])
            common = generator.normal(size=truth.shape) + 0.5 * generator.normal(size=(clusters, 6))[members]
            both = []
            for k in range(2):
                scores = 1.5 * truth + common + 0.5 * generator.normal(size=(3, *truth.shape))
                scores += 0.3 * generator.normal(size=(3, 1, 6)) * truth  # a seed is good at some classes
                names = tuple(f"{k}/{s}" for s in range(3))
                both.append(SystemClassScores(scores, truth, np.arange(len(truth)), members, names, tuple("abcdef")))
            decided.append(kind(better(compare.map_difference(*both, generator, 200))) in DECIDED)
        yield {"clusters": str(clusters), "called different": rate(np.array(decided))}


def shuffled(trials: int) -> Iterable[dict[str, str]]:
    """### Shuffled labels: how often a method with 3 seeds and 10 classes is called better than chance (2.5 % is
    right)"""
    for clusters in CLUSTERS:
        found = []
        for t in range(trials):
            generator = np.random.default_rng([clusters, t])
            members, targets = np.repeat(np.arange(clusters), SIZE), generator.integers(0, 10, SIZE * clusters)
            scores = generator.normal(size=(3, len(targets), 10))
            scores[:, np.arange(len(targets)), targets] += 2.5
            pair = []
            for labels in (targets, generator.permutation(targets)):
                values = np.stack([metrics.top_k(one, labels, 1) for one in scores])
                effect = compare.mean(
                    SystemScores(values, np.arange(len(targets)), members, ("a", "b", "c")), generator, DRAWS
                )
                pair.append(kind(better(effect, by=0.1)) == "holds")
            found.append(pair)
        both = np.array(found)
        yield {"clusters": str(clusters), "true labels": rate(both[:, 0]), "shuffled labels": rate(both[:, 1])}


if __name__ == "__main__":
    main()
