import dataclasses

import numpy as np
import pytest
from made_up_systems import hits, rng

from saccade.judging import compare
from saccade.judging.compare import difference, headroom, normalised_gain
from saccade.judging.system_scores import SystemScores
from saccade.records import SaccadeError
from saccade.scoring import intervals


def constant(values, trainings=("a", "b"), clusters=(0, 0, 1, 1)):
    return SystemScores(np.asarray(values, float), np.arange(4), np.asarray(clusters), trainings)


def test_one_training_has_the_interval_of_its_clusters():
    (system,) = hits([0.6], rng(), seeds=1, clusters=60)
    ours, plain = compare.mean(system).interval(), intervals.mean_interval(system.values[0], system.clusters, rng())
    assert ours.value == pytest.approx(plain.value) and (ours.clusters, ours.seeds) == (60, 1)
    assert [ours.low, ours.high] == pytest.approx([plain.low, plain.high], abs=0.005)


def test_seeds_widen_what_clusters_alone_would_say():
    (system,) = hits([0.6], rng(), seeds=4, seed_sd=0.2, clusters=60)
    alone = intervals.mean_interval(system.values.mean(axis=0), system.clusters, rng())
    both = compare.mean(system).interval()
    assert both.high - both.low > 2 * (alone.high - alone.low)


def test_where_only_seeds_differ_it_is_students_interval_of_their_means():
    import scipy.stats

    means = np.array([0.50, 0.54, 0.55, 0.61, 0.57])
    system = SystemScores(np.repeat(means[:, None], 30, axis=1), np.arange(30), np.arange(30), tuple("abcde"))
    ours = compare.mean(system, draws=20000)
    assert ours.standard_error == pytest.approx(scipy.stats.sem(means)) and ours.degrees_of_freedom == pytest.approx(4)
    low, high = scipy.stats.t.interval(0.95, 4, means.mean(), scipy.stats.sem(means))
    assert [ours.interval().low, ours.interval().high] == pytest.approx([low, high], abs=0.008)


def test_the_chance_of_one_seed_on_one_cluster_is_not_counted_twice():
    errors, values = [], []
    for seed in range(60):
        generator = rng(seed)
        members = np.repeat(np.arange(30), 2)
        system = SystemScores(generator.normal(size=(6, 60)), np.arange(60), members, tuple("abcdef"))
        found = compare.mean(system, generator, 300)
        errors.append(found.standard_error)
        values.append(found.value)
    assert np.mean(errors) < 1.25 / np.sqrt(6 * 60)  # adding both variances gives 1.41 times the truth


def test_points_of_one_training_are_drawn_together():
    system, _ = hits([0.6, 0.6], rng(), seed_sd=0.2)
    worse = SystemScores(
        system.values * (rng(1).random(system.values.shape[1]) > 0.1), system.videos, system.clusters, system.trainings
    )
    apart = SystemScores(worse.values, worse.videos, worse.clusters, tuple(f"other {name}" for name in worse.trainings))
    assert difference(system, worse).standard_error < 0.4 * difference(system, apart).standard_error


def test_a_system_against_itself_never_differs_in_whatever_order_its_trainings_stand():
    (system,) = hits([0.6], rng(), seed_sd=0.2)
    turned = SystemScores(system.values[::-1], system.videos, system.clusters, system.trainings[::-1])
    found = difference(system, turned).interval()
    assert [found.value, found.low, found.high] == pytest.approx([0, 0, 0], abs=1e-12)


def test_two_systems_may_have_different_numbers_of_seeds():
    (many,), (few,) = hits([0.9], rng(), seeds=5, name="m"), hits([0.5], rng(), seeds=3, name="f")
    found = difference(many, few)
    assert found.seeds == 3 and found.interval().low > 0


def test_swapping_the_sides_mirrors_the_difference():
    first, second = hits([0.6, 0.5], rng())
    one, other = difference(first, second, draws=20000).interval(), difference(second, first, draws=20000).interval()
    assert [one.value, one.low, one.high] == pytest.approx([-other.value, -other.high, -other.low], abs=0.003)


def test_the_gain_of_the_oracle_is_one_and_that_of_chance_is_zero():
    oracle, random = hits([0.9, 0.5], rng(), name="same")
    for learned, gain in ((oracle, 1), (random, 0)):
        found = normalised_gain(learned, random, oracle)
        assert (found.value, found.low, found.high) == (pytest.approx(gain), pytest.approx(gain), pytest.approx(gain))


def test_the_interval_of_the_gain_covers_the_truth():
    covered = []
    for seed in range(120):
        generator = rng(seed)
        oracle, random, learned = hits([0.7, 0.4, 0.55], generator, clusters=30)
        found = normalised_gain(learned, random, oracle, generator, 400)
        covered.append(found.low <= 0.5 <= found.high)
    assert np.mean(covered) > 0.88


def test_without_headroom_the_gain_has_no_bounds():
    oracle, random, learned = hits([0.5, 0.5, 0.5], rng(3))
    room = headroom(oracle, random).interval()
    found = normalised_gain(learned, random, oracle)
    assert room.low < 0 < room.high and np.isnan([found.low, found.high]).all()
    assert np.isnan(normalised_gain(learned, oracle, oracle).value)


def test_the_order_of_calls_does_not_matter():
    first, second = hits([0.6, 0.5], rng())
    once = difference(first, second).interval()
    compare.mean(first)
    assert difference(first, second).interval() == once


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (
            constant(np.ones((2, 4))),
            SystemScores(np.ones((2, 4)), np.arange(1, 5), np.array([0, 0, 1, 1]), ("a", "b")),
            "same videos",
        ),
        (constant(np.ones((2, 4))), constant(np.ones((2, 4)), clusters=(0, 1, 1, 1)), "same clusters"),
        (constant(np.ones((2, 4))), constant(np.ones((3, 4))), "need values of shape"),
        (constant(np.ones((2, 4))), constant(np.ones((2, 4)), ("a", "a")), "there twice: a, a"),
        (constant(np.ones((2, 4))), constant([[1, 1, 1, 1], [1, np.nan, 1, 1]]), "value of b is not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(first, second, says):
    with pytest.raises(SaccadeError, match=says):
        difference(first, second)


class Salted(str):
    """A name whose hash is as the salt says, as a process's hash seed would have it."""

    salt = 0

    def __hash__(self):
        return hash((Salted.salt, str(self)))


def test_nothing_depends_on_the_hash_seed(monkeypatch):
    systems = hits([0.5, 0.6, 0.7], rng(), clusters=8, size=3)
    systems = [
        dataclasses.replace(one, trainings=tuple(f"{k}/{name}" for name in one.trainings))
        for k, one in enumerate(systems)
    ]
    named = [dataclasses.replace(one, trainings=tuple(map(Salted, one.trainings))) for one in systems]
    found = compare._resample_means(named, 0, 50)
    spreads = set()
    for salt in range(20):
        monkeypatch.setattr(Salted, "salt", salt)
        spreads.add(compare._spread(found, np.array([1.0, -0.3, -0.7])))
    assert len(spreads) == 1


def of_seeds(variant, values):
    """A training for each seed, named as its weights are; all videos have the seed's value."""
    names = tuple(f"results/study/dots/toy/{variant}/seed{seed}/train.safetensors" for seed in values)
    return constant([[value] * 4 for value in values.values()], names)


def test_what_a_seed_brings_along_is_on_both_sides():
    """A lucky seed that one system alone has doesn't count: of seeds 0 and 1 both differ by 0.1."""
    more, less = of_seeds("wide", {0: 0.3, 1: 0.5, 2: 0.9}), of_seeds("narrow", {0: 0.2, 1: 0.4})
    assert difference(more, less).value == pytest.approx(0.1)
    assert difference(less, more).value == pytest.approx(-0.1)
    assert difference(more, less).seeds == 2
    best = of_seeds("oracle", {1: 0.6, 0: 0.4, 3: 0.0})
    assert normalised_gain(more, less, best).value == pytest.approx(0.5)


def test_systems_without_a_seed_in_common_are_compared_as_they_are():
    assert difference(of_seeds("wide", {0: 0.3, 1: 0.5}), of_seeds("narrow", {2: 0.2, 3: 0.4})).value == pytest.approx(
        0.1
    )
