import numpy as np
import pytest
from sklearn.metrics import average_precision_score, top_k_accuracy_score

from saccade.records import SaccadeError
from saccade.scoring import metrics


def draw(n=300, classes=7, decimals=None, seed=0):
    generator = np.random.default_rng(seed)
    scores = generator.dirichlet(np.ones(classes), n)
    return scores if decimals is None else scores.round(decimals), generator.integers(0, classes, n)


def test_top_k_by_hand():
    scores = [[0.1, 0.6, 0.3], [0.5, 0.2, 0.3], [0.2, 0.3, 0.5]]
    assert metrics.top_k(scores, [1, 2, 0], 1).tolist() == [1, 0, 0]
    assert metrics.top_k(scores, [1, 2, 0], 2).tolist() == [1, 1, 0]


@pytest.mark.parametrize("k", [1, 3, 5])
def test_top_k_agrees_with_scikit_learn_where_nothing_ties(k):
    scores, targets = draw()
    assert metrics.top_k(scores, targets, k).mean() == pytest.approx(
        top_k_accuracy_score(targets, scores, k=k, labels=range(7))
    )


@pytest.mark.parametrize("k", [1, 2, 5])
def test_equal_scores_reach_chance_and_not_one(k):
    assert metrics.top_k(np.full((4, 10), 0.1), [0, 3, 8, 9], k).tolist() == [k / 10] * 4


def test_a_tie_for_the_last_place_counts_its_probability():
    scores = [[0.4, 0.2, 0.2, 0.2]]  # class 0 takes one of two places; three classes share the other
    assert metrics.top_k(scores, [2], 2)[0] == pytest.approx(1 / 3)


def test_ties_count_what_random_tie_breaking_gives_on_average():
    scores, targets = draw(classes=6, decimals=1)
    generator = np.random.default_rng(1)
    broken = [metrics.top_k(scores + generator.uniform(0, 1e-6, scores.shape), targets, 2).mean() for _ in range(400)]
    assert metrics.top_k(scores, targets, 2).mean() == pytest.approx(np.mean(broken), abs=0.003)


def test_with_no_more_classes_than_k_every_video_is_a_hit():
    scores, targets = draw(classes=4)
    assert metrics.top_k(scores, targets, 5).tolist() == [1.0] * len(targets)


def test_a_derived_label_counts_only_where_every_part_is_right():
    verb = ([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]], [0, 0, 0, 0])
    noun = ([[0.7, 0.3], [0.3, 0.7], [0.7, 0.3], [0.3, 0.7]], [0, 0, 0, 0])
    assert metrics.derived_top_k([verb, noun], 1).tolist() == [1, 0, 0, 0]


def test_joint_top_k_agrees_with_the_outer_product():
    verbs, verb = draw(classes=5, seed=1)
    nouns, noun = draw(classes=8, seed=2)
    joint = np.einsum("nv,nm->nvm", verbs, nouns).reshape(len(verbs), -1)
    expected = top_k_accuracy_score(verb * 8 + noun, joint, k=5, labels=range(40))
    assert metrics.joint_top_k([(verbs, verb), (nouns, noun)], 5).mean() == pytest.approx(expected)


def test_joint_top_k_is_the_same_in_pieces(monkeypatch):
    parts = [draw(classes=5, seed=1), draw(classes=8, seed=2), draw(classes=3, seed=3)]
    whole = metrics.joint_top_k(parts, 5)
    monkeypatch.setattr(metrics, "CELLS_AT_ONCE", 7 * 120)
    assert (metrics.joint_top_k(parts, 5) == whole).all()


def test_joint_top_1_is_the_and_rule():
    parts = [draw(classes=4, decimals=1, seed=1), draw(classes=6, decimals=1, seed=2)]  # with ties
    parts = [(scores + 0.05, targets) for scores, targets in parts]
    assert metrics.joint_top_k(parts, 1) == pytest.approx(metrics.derived_top_k(parts, 1))


def test_joint_top_5_is_stricter_than_the_and_rule():
    parts = [draw(classes=12, seed=1), draw(classes=12, seed=2)]
    assert metrics.joint_top_k(parts, 5).mean() < metrics.derived_top_k(parts, 5).mean()


def test_average_precision_by_hand():
    assert metrics.average_precision([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0]) == pytest.approx((1 / 1 + 2 / 3) / 2)


@pytest.mark.parametrize("decimals", [None, 1, 0])
@pytest.mark.parametrize("weighted", [False, True])
def test_average_precision_agrees_with_scikit_learn_ties_included(decimals, weighted):
    generator = np.random.default_rng(3)
    for n in (1, 2, 5, 60):
        scores = generator.random(n) if decimals is None else generator.random(n).round(decimals)
        positives = generator.random(n) < 0.3
        positives[0] = True
        weights = generator.exponential(size=n) if weighted else None
        expected = average_precision_score(positives, scores, sample_weight=weights)
        assert metrics.average_precision(scores, positives, weights) == pytest.approx(expected, abs=1e-12)


def test_average_precision_without_a_positive_is_no_number():
    assert np.isnan(metrics.average_precision([0.2, 0.4], [False, False]))


def test_mean_average_precision_of_single_labels_agrees_with_scikit_learn():
    scores, targets = draw(decimals=1)
    expected = average_precision_score(np.eye(7)[targets], scores, average=None)
    found = metrics.mean_average_precision(scores, targets)
    assert found.per_class == pytest.approx(expected)
    assert found.value == pytest.approx(expected.mean())


def test_mean_average_precision_of_several_labels_agrees_with_scikit_learn():
    scores, _ = draw(decimals=2)
    truth = np.random.default_rng(1).random(scores.shape) < 0.2
    assert metrics.mean_average_precision(scores, truth).value == pytest.approx(
        average_precision_score(truth, scores, average="macro")
    )


def test_classes_without_positives_are_named_and_left_out():
    scores, targets = draw(classes=5)
    targets = np.where(targets == 3, 1, targets)
    found = metrics.mean_average_precision(scores, targets)
    others = [average_precision_score(targets == c, scores[:, c]) for c in (0, 1, 2, 4)]
    assert (
        np.flatnonzero(found.positives == 0).tolist() == [3]
        and np.isnan(found.per_class[3])
        and found.value == pytest.approx(np.mean(others))
    )


def test_equal_scores_reach_the_stated_chance_of_map():
    truth = np.random.default_rng(1).random((50, 6)) < 0.3
    truth[:, 2] = False
    assert metrics.mean_average_precision(np.full((50, 6), 0.5), truth).value == pytest.approx(
        metrics.chance_map(truth)
    )


def test_majority_share_of_a_combination():
    assert metrics.majority_share([0, 0, 0, 1]) == 0.75
    assert metrics.majority_share([0, 0, 0, 1], [0, 1, 1, 1]) == 0.5


def test_multi_hot_by_hand():
    assert metrics.multi_hot([[2, 0], []], 3).tolist() == [[True, False, True], [False, False, False]]


GOOD = np.full((2, 3), 1 / 3)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: metrics.top_k([[0.1, np.nan, 0.2]], [0], 1), "class 1 in row 0 is nan"),
        (lambda: metrics.mean_average_precision([[0.1, 0.2], [np.inf, 0.2]], [0, 1]), "class 0 in row 1 is inf"),
        (lambda: metrics.top_k([0.1, 0.2], [0, 1], 1), "(N videos, K classes)"),
        (lambda: metrics.top_k(np.empty((0, 3)), [], 1), "(N videos, K classes)"),
        (lambda: metrics.top_k(GOOD, [0, 3], 1), "row 1 is 3, outside the 3 classes (0 to 2)"),
        (lambda: metrics.top_k(GOOD, [-1, 0], 1), "row 0 is -1"),
        (lambda: metrics.top_k(GOOD, [0, 1, 2], 1), "one class number per row"),
        (lambda: metrics.top_k(GOOD, [0.0, 1.0], 1), "class numbers are integers"),
        (lambda: metrics.top_k(GOOD, [0, 1], 0), "k is at least 1"),
        (lambda: metrics.derived_top_k([(GOOD, [0, 1]), (GOOD[:1], [0])], 1), "the same videos"),
        (lambda: metrics.joint_top_k([(GOOD, [0, 1]), (-GOOD, [0, 1])], 1), "negative"),
        (lambda: metrics.average_precision([0.1, np.nan], [1, 0]), "row 1 is not finite"),
        (lambda: metrics.average_precision([0.1, 0.2], [1]), "(N,) arrays"),
        (lambda: metrics.mean_average_precision(GOOD, np.zeros((2, 3))), "at least one positive"),
        (lambda: metrics.mean_average_precision(GOOD, np.zeros((2, 4))), "(2, 4) where scores are (2, 3)"),
        (lambda: metrics.mean_average_precision(GOOD, np.full((2, 3), 2)), "0 or 1 only"),
        (lambda: metrics.multi_hot([[0], [3]], 3), "row 1 has label 3, outside the 3 classes"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(call, says):
    with pytest.raises(SaccadeError) as error:
        call()
    assert says in str(error.value)
