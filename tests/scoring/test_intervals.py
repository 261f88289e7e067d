import time

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.records import SaccadeError
from saccade.scoring import intervals, metrics


def rng(seed=0):
    return np.random.default_rng(seed)


def clustered(generator, clusters, mean=0.6, within=4.0, size=12):
    """Hits (N,) whose chance of 1 differs by cluster around `mean`, and clusters (N,) of different sizes."""
    members = np.repeat(np.arange(clusters), generator.integers(size // 2, 2 * size, clusters))
    chance = generator.beta(within * mean, within * (1 - mean), clusters)
    return (generator.random(len(members)) < chance[members]).astype(float), members


def labelled(generator, clusters=60, size=4, classes=5):
    """Scores (N, K) that know a little, targets (N,), clusters (N,) that share their errors."""
    members = np.repeat(np.arange(clusters), size)
    targets = generator.integers(0, classes, len(members))
    scores = generator.normal(size=(len(members), classes)) + 0.7 * generator.normal(size=(clusters, classes))[members]
    scores[np.arange(len(members)), targets] += 1.2
    return scores, targets, members


def test_two_clusters_by_hand():
    # Clusters {1, 1} and {0}: a draw takes the first twice (1/4: mean 1), the second twice (1/4: mean 0) or both (2/3).
    draws = intervals.mean_draws(np.array([[1.0], [1.0], [0.0]]), np.array([0, 0, 1]), rng(), 20000)[:, 0]
    values, counts = np.unique(draws.round(9), return_counts=True)
    assert values == pytest.approx([0, 2 / 3, 1])
    assert counts / 20000 == pytest.approx([0.25, 0.5, 0.25], abs=0.015)


def test_an_interval_says_over_how_many_videos_and_clusters():
    found = intervals.mean_interval([1, 0, 1, 1], ["a", "a", "b", "c"], rng())
    assert (found.value, found.n, found.clusters) == (0.75, 4, 3)


def test_with_one_video_per_cluster_it_agrees_with_scipy():
    values = rng(1).exponential(size=150)
    ours = intervals.mean_interval(values, np.arange(150), rng(2), 9999)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, method="percentile", random_state=rng(3), vectorized=True
    ).confidence_interval
    assert [ours.low, ours.high] == pytest.approx([theirs.low, theirs.high], abs=0.01)
    assert ours.high - ours.low > 0.25  # the tolerance is small beside it


def test_with_clusters_it_is_the_plain_bootstrap_of_their_means_where_sizes_are_equal():
    values, members = rng(1).normal(size=(40, 5)), np.repeat(np.arange(40), 5)
    ours = intervals.mean_interval(values.ravel(), members, rng(2), 9999)
    theirs = scipy.stats.bootstrap(
        (values.mean(axis=1),), np.mean, method="percentile", random_state=rng(3)
    ).confidence_interval
    assert [ours.low, ours.high] == pytest.approx([theirs.low, theirs.high], abs=0.01)


def test_clusters_of_alike_videos_widen_the_interval():
    values, members = clustered(rng(), 40, within=0.5)
    by_cluster = intervals.mean_interval(values, members, rng())
    by_video = intervals.mean_interval(values, np.arange(len(values)), rng())
    assert by_cluster.high - by_cluster.low > 2 * (by_video.high - by_video.low)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    generator, hits = rng(5), 0
    for _ in range(600):
        values, members = clustered(generator, 60)
        found = intervals.mean_interval(values, members, generator, 300)
        hits += found.low <= 0.6 <= found.high
    assert 0.925 <= hits / 600 <= 0.965


def test_percentiles_of_few_clusters_are_as_wide_as_students_interval():
    means = rng(1).normal(size=8)
    # what a bootstrap tends to
    draws = means.mean() + means.std() / np.sqrt(8) * scipy.stats.norm.ppf((np.arange(10**5) + 0.5) / 10**5)
    found = intervals.to_interval(means.mean(), draws, 8, np.arange(8))
    expected = scipy.stats.t.interval(0.95, 7, means.mean(), scipy.stats.sem(means))
    assert [found.low, found.high] == pytest.approx(expected, rel=1e-3)


def test_eight_clusters_cover_the_truth_better_than_plain_percentiles_do():
    generator, plain, ours = rng(7), 0, 0
    for _ in range(600):
        values, members = clustered(generator, 8)
        draws = intervals.mean_draws(values[:, None], members, generator, 400)[:, 0]
        low, high = np.quantile(draws, [0.025, 0.975])
        found = intervals.to_interval(values.mean(), draws, len(values), members)
        plain, ours = plain + (low <= 0.6 <= high), ours + (found.low <= 0.6 <= found.high)
    assert plain / 600 < 0.91 and 0.92 < ours / 600 < 0.965


def test_columns_share_their_resamples():
    values, members = clustered(rng(), 20)
    one, double = intervals.mean_intervals(np.stack([values, 2 * values + 1], axis=1), members, rng())
    assert [double.low, double.high] == pytest.approx([2 * one.low + 1, 2 * one.high + 1])


def test_the_same_generator_state_gives_the_same_interval():
    values, members = clustered(rng(), 20)
    assert intervals.mean_interval(values, members, rng(4)) == intervals.mean_interval(values, members, rng(4))


def test_a_constant_has_an_interval_of_no_width():
    found = intervals.mean_interval(np.full(30, 0.1), np.arange(30) // 3, rng())
    assert (found.low, found.value, found.high) == (0.1, 0.1, 0.1)


def test_one_cluster_gives_a_value_and_no_bounds():
    scores, targets, _ = labelled(rng())
    for found in (
        intervals.mean_interval([0, 1, 1], ["a"] * 3, rng()),
        intervals.map_interval(scores, targets, ["a"] * len(targets), rng()),
    ):
        assert found.clusters == 1 and np.isnan(found.low) and np.isnan(found.high) and found.value > 0


def test_weighted_draws_of_map_agree_with_scikit_learns_weights():
    from sklearn.metrics import average_precision_score

    scores, targets, members = labelled(rng(), clusters=12)
    scores = scores.round(0)  # with ties
    truth = np.eye(5, dtype=bool)[targets]
    weights = rng(9).standard_exponential((3, 12))[:, members]
    expected = [
        np.mean([average_precision_score(truth[:, c], scores[:, c], sample_weight=w) for c in range(5)])
        for w in weights
    ]
    assert intervals.map_draws(scores, truth, members, rng(9), 3) == pytest.approx(expected)


def test_a_class_with_one_positive_never_loses_it():
    scores, _, members = labelled(rng(), clusters=10)
    truth = np.zeros((len(scores), 5), dtype=bool)
    truth[0, 0] = truth[3, 1] = True
    found = intervals.map_interval(scores, truth, members, rng())
    assert np.isfinite([found.value, found.low, found.high]).all() and found.low < found.value < found.high


def test_the_map_interval_has_the_value_of_the_metric_and_stays_in_bounds():
    scores, targets, members = labelled(rng())
    scores[np.arange(len(targets)), targets] += 4
    found = intervals.map_interval(scores, targets, members, rng())
    assert found.value == metrics.mean_average_precision(scores, targets).value
    assert found.low < found.value < found.high <= 1


def test_the_map_interval_covers_the_expected_value_over_such_test_sets():
    generator, found = rng(8), []
    for _ in range(250):
        scores, targets, members = labelled(generator)
        found.append(intervals.map_interval(scores, targets, members, generator, 100))
    expected = np.mean([one.value for one in found])
    assert 0.87 <= np.mean([one.low <= expected <= one.high for one in found]) <= 0.98


def test_the_map_interval_lies_around_its_value_where_videos_are_few_and_classes_many():
    scores, targets, members = labelled(rng(8), clusters=100, size=2, classes=20)
    found = intervals.map_interval(scores, targets, members, rng())
    assert abs((found.low + found.high) / 2 - found.value) < 0.1 * (found.high - found.low)


@pytest.mark.slow
def test_big_test_sets_take_seconds():
    values, members = rng().random((20000, 8)), rng().permutation(20000)
    started = time.perf_counter()
    intervals.mean_intervals(values, members, rng())
    assert time.perf_counter() - started < 10  # half a second on an idle core


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: intervals.mean_interval([0.1, np.nan], ["a", "b"], rng()), "row 1 is not finite"),
        (lambda: intervals.mean_interval([], [], rng()), "one value per video"),
        (lambda: intervals.mean_interval([0.1, 0.2], ["a"], rng()), "one cluster per video"),
        (lambda: intervals.mean_interval([0.1, 0.2], ["a", None], rng()), "has no cluster"),
        (lambda: intervals.mean_interval([0.1, 0.2], ["a", "b"], rng(), 0), "at least one draw"),
    ],
)
def test_what_has_no_interval_is_refused_by_name(call, says):
    with pytest.raises(SaccadeError, match=says):
        call()


videos = st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 5)), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(videos, st.integers(0, 2**32 - 1))
def test_bounds_stay_within_the_values_and_swap_with_the_sign(rows, seed):
    values, members = (np.array(column) for column in zip(*rows, strict=True))
    one = intervals.mean_interval(values, members, rng(seed), 50)
    other = intervals.mean_interval(-values, members, rng(seed), 50)
    slack = 1e-9 * max(1.0, abs(values).max())
    if one.clusters > 1:
        assert values.min() - slack <= one.low <= one.high <= values.max() + slack
        assert [other.low, other.high] == pytest.approx([-one.high, -one.low], abs=slack)


@settings(max_examples=40, deadline=None)
@given(videos)
def test_the_names_and_the_order_of_clusters_do_not_matter_to_the_value(rows):
    values, members = (np.array(column) for column in zip(*rows, strict=True))
    renamed = [f"person {9 - member}" for member in members]
    one, other = (
        intervals.mean_interval(values, members, rng(), 10),
        intervals.mean_interval(values, renamed, rng(), 10),
    )
    assert (one.value, one.clusters, one.n) == (other.value, other.clusters, other.n)
