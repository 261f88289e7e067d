"""Systems whose true accuracies are known, for tests of comparisons and verdicts."""

import numpy as np

from saccade.judging.system_scores import SystemScores


def rng(seed=0):
    return np.random.default_rng(seed)


def hits(chances, generator, clusters=40, size=8, seeds=3, seed_sd=0.02, name="{}"):
    """One `SystemScores` per chance: hits whose chance differs by cluster and video (common to all), by seed, and by
    seed on cluster (each's own)."""
    members, n = np.repeat(np.arange(clusters), size), clusters * size
    common = 0.2 * generator.normal(size=clusters)[members] + 0.2 * generator.normal(size=n)
    found = []
    for k, chance in enumerate(chances):
        own = seed_sd * generator.normal(size=(seeds, 1)) + 0.05 * generator.normal(size=(seeds, clusters))[:, members]
        each = chance + common + own
        names = tuple(f"{name.format(k)}/seed{s}" for s in range(seeds))
        found.append(SystemScores((generator.random((seeds, n)) < each).astype(float), np.arange(n), members, names))
    return found
