"""What predictions are worth: top-k, average precision, derived actions, and the levels that chance reaches. numpy
only.

Ties never help. A top-k hit is the probability of a hit when equal scores are put in random order. Average precision
takes equal scores as one step of the curve, as scikit-learn does. So whoever gives every class the same score gets
exactly k/K, and an average precision equal to the share of positives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.records import SaccadeError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

CELLS_AT_ONCE = 1 << 22  # of a joint distribution: 32 MB, whatever the label spaces


def top_k(scores: ArrayLike, targets: ArrayLike, k: int) -> Floats:
    """Whether each video's target is among its k highest scores: (N,) in [0, 1], a fraction only where a tie decides
    it.

    scores (N, K), targets (N,) class numbers. With g classes strictly above the target and t classes equal to it
    (itself included), a random order of the t puts the target among the first k with probability (k - g) / t, cut to
    [0, 1]. With K <= k every video is a hit, which says nothing. SaccadeError for wrong shapes, scores that aren't
    finite, and targets outside K.
    """
    values = checked_scores(scores)
    classes = checked_targets(targets, values)
    if k < 1:
        raise SaccadeError(f"top-{k} means nothing: k is at least 1")
    own = values[np.arange(len(values)), classes][:, None]
    above = (values > own).sum(axis=1)
    equal = (values == own).sum(axis=1)
    return np.asarray(np.clip((k - above) / equal, 0.0, 1.0), dtype=np.float64)


def derived_top_k(parts: Sequence[tuple[ArrayLike, ArrayLike]], k: int) -> Floats:
    """The AND rule: (N,) hits of a derived label that counts only where every part's target is among that part's k
    best.

    parts: (scores (N, K), targets (N,)) per head, e.g. verb and noun. Ties of different parts are broken independently.
    Source: the action accuracy of Kazakos et al., "EPIC-Fusion" (ICCV 2019), which Mac et al. use; its top-5 is not
    that of the product.
    """
    hits = [top_k(scores, targets, k) for scores, targets in parts]
    _same_length(hits)
    return np.asarray(np.prod(hits, axis=0), dtype=np.float64)


def joint_top_k(parts: Sequence[tuple[ArrayLike, ArrayLike]], k: int) -> Floats:
    """Top-k of the product distribution over all combinations of the parts' classes: (N,) hits, ties as in `top_k`.

    Top-1 differs from the AND rule by rounding only; top-5 is stricter, since five combinations stand against 5 x 5.
    Scores must be probabilities: SaccadeError where one is negative.
    """
    values = [checked_scores(scores) for scores, _ in parts]
    classes = [checked_targets(targets, scores) for (_, targets), scores in zip(parts, values, strict=True)]
    _same_length(values)
    if any((scores < 0).any() for scores in values):
        raise SaccadeError("the joint product needs probabilities, and some scores are negative")
    sizes = [scores.shape[1] for scores in values]
    target = np.ravel_multi_index(tuple(classes), sizes)
    step = max(1, CELLS_AT_ONCE // int(np.prod(sizes)))
    hits = np.empty(len(target))
    for start in range(0, len(target), step):
        rows = slice(start, start + step)
        joint = values[0][rows]
        for scores in values[1:]:
            joint = (joint[:, :, None] * scores[rows][:, None, :]).reshape(len(joint), -1)  # (n, K1 * K2)
        hits[rows] = top_k(joint, target[rows], k)
    return hits


def average_precision(scores: ArrayLike, positives: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Area under the non-interpolated precision-recall curve of one class; nan where nothing is positive.

    scores (N,), positives (N,) true or false, weights (N,) >= 0 or None for equal ones. Sum over distinct scores, from
    high to low, of the recall gained there times the precision there. Checked against scikit-learn's
    `average_precision_score`.
    """
    values = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(positives, dtype=bool)
    weight = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.ndim != 1 or not values.shape == truth.shape == weight.shape:
        raise SaccadeError(
            f"average precision needs (N,) arrays, not scores {values.shape}, positives {truth.shape}, weights "
            f"{weight.shape}"
        )
    if not np.isfinite(values).all():
        raise SaccadeError(f"the score of row {int(np.argmin(np.isfinite(values)))} is not finite")
    order = np.argsort(-values, kind="stable")
    ends = step_ends(values[order])
    found = np.cumsum((weight * truth)[order])[ends]
    seen = np.cumsum(weight[order])[ends]
    if not len(found) or found[-1] <= 0:
        return float("nan")
    gained = np.diff(found, prepend=0.0)
    use = gained > 0  # a step without weight has no precision
    return float((gained[use] * found[use] / seen[use]).sum() / found[-1])


def step_ends(ordered: Floats) -> Integers:
    """Where each run of equal values ends in a sorted (N,) array: the last index of every run."""
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(ordered) else np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class MeanAveragePrecision:
    """`value`: mean over the classes that have positives; `per_class` (K,), nan for those without; `positives` (K,)
    counts."""

    value: float
    per_class: Floats
    positives: Integers


def mean_average_precision(scores: ArrayLike, targets: ArrayLike) -> MeanAveragePrecision:
    """Mean of the one-vs-rest average precisions (macro), with the classes that it leaves out.

    scores (N, K); targets (N,) class numbers, or (N, K) true or false where a video may have several labels
    (`multi_hot`). SaccadeError as in `top_k`, and where no class has a positive.
    """
    values = checked_scores(scores)
    truth = as_positives(targets, values)
    counts = truth.sum(axis=0).astype(np.int64)
    if not counts.any():
        raise SaccadeError("mean average precision needs at least one positive, and no video has a label")
    per_class = np.array([average_precision(values[:, c], truth[:, c]) for c in range(values.shape[1])])
    return MeanAveragePrecision(float(np.mean(per_class[counts > 0])), per_class, counts)


def as_positives(targets: ArrayLike, scores: Floats) -> Booleans:
    """(N, K) booleans from class numbers (N,) or from (N, K) zeros and ones; K is that of `scores`."""
    labels = np.asarray(targets)
    if labels.ndim == 2:
        if labels.shape != scores.shape:
            raise SaccadeError(f"targets are {labels.shape} where scores are {scores.shape}")
        if not np.isin(labels, (0, 1)).all():
            raise SaccadeError("targets of shape (N, K) hold 0 or 1 only")
        return labels.astype(bool)
    truth = np.zeros(scores.shape, dtype=bool)
    truth[np.arange(len(scores)), checked_targets(labels, scores)] = True
    return truth


def multi_hot(labels: Iterable[Iterable[int]], num_classes: int) -> Booleans:
    """(N, K) booleans from each video's list of class numbers (possibly empty). SaccadeError naming a label outside the
    classes."""
    rows = [list(row) for row in labels]
    truth = np.zeros((len(rows), num_classes), dtype=bool)
    for number, row in enumerate(rows):
        for label in row:
            if label != int(label) or not 0 <= label < num_classes:
                raise SaccadeError(
                    f"row {number} has label {label}, outside the {num_classes} classes (0 to {num_classes - 1})"
                )
            truth[number, int(label)] = True
    return truth


def majority_share(*targets: ArrayLike) -> float:
    """The share of videos in the most frequent class (with several heads: combination of classes). It is the best that
    a constant answer reaches."""
    labels = np.stack([np.asarray(column) for column in targets], axis=1)
    if not len(labels):
        raise SaccadeError("no video, so no majority class")
    return float(np.unique(labels, axis=0, return_counts=True)[1].max() / len(labels))


def chance_map(positives: ArrayLike) -> float:
    """The mean average precision of equal scores: the mean share of positives over the classes (N, K) that have any."""
    share = np.asarray(positives, dtype=bool).mean(axis=0)
    if not share.any():
        raise SaccadeError("no video has a label, so chance has no level")
    return float(share[share > 0].mean())


def checked_scores(scores: ArrayLike) -> Floats:
    """The scores as (N, K) floats. SaccadeError: not two-dimensional, empty, or not finite (row and class named)."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise SaccadeError(f"scores are (N videos, K classes), not {values.shape}")
    if not np.isfinite(values).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise SaccadeError(f"the score of class {column} in row {row} is {values[row, column]}; scores must be finite")
    return values


def checked_targets(targets: ArrayLike, scores: Floats) -> Integers:
    """The class numbers as (N,) integers that fit `scores` (N, K). SaccadeError: wrong shape, not integers, outside K
    (row named)."""
    labels: NDArray[Any] = np.asarray(targets)
    if labels.shape != scores.shape[:1]:
        raise SaccadeError(
            f"targets are {labels.shape} where scores are {scores.shape}: one class number per row is needed"
        )
    if labels.dtype.kind not in "iu":
        raise SaccadeError(f"targets are {labels.dtype}; class numbers are integers")
    outside = np.flatnonzero((labels < 0) | (labels >= scores.shape[1]))
    if len(outside):
        row, last = int(outside[0]), scores.shape[1] - 1
        raise SaccadeError(f"the target of row {row} is {labels[row]}, outside the {last + 1} classes (0 to {last})")
    return labels.astype(np.int64)


def _same_length(arrays: Sequence[NDArray[Any]]) -> None:
    if len({len(array) for array in arrays}) != 1:
        raise SaccadeError(
            f"the parts of a derived label need the same videos, not {[len(array) for array in arrays]} of them"
        )
