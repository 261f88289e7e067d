"""The step that turns predictions into metrics with intervals, per operating point. Reads tables, needs no torch and no
GPU."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from saccade import products
from saccade.files import sha256, write_parquet
from saccade.records import (
    COVERAGE_FILE,
    HITS_FILE,
    INDEX_FILE,
    METRICS_FILE,
    PREDICTIONS_FILE,
    TRUTH_FILE,
    Head,
    SaccadeError,
    one_line,
    provenance_name,
)
from saccade.scoring import class_names, hit_rates, intervals, metrics
from saccade.scoring.frame_shares import frame_shares
from saccade.scoring.predictions import in_order, labels_of, positives_of, scores_of, split_videos

KS = (1, 5)
SEED = 0  # of the resampling: the same for every point and run, so that their intervals rest on the same draws

Row = dict[str, Any]
Derived = dict[str, list[Head]]


def score(folder: Path, prepared: Path, heads: Sequence[Head], derive: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Writes `hits.parquet` and `metrics.json` into the run's folder, from its predictions and from what was prepared.
    Gives back the content of metrics.json.

    hits.parquet: point, video_id, cluster, and `<head>.top1` per video. The report pairs points by it.
    """
    index = products.read_parquet(Path(prepared) / INDEX_FILE)
    coverage = products.read(Path(prepared) / COVERAGE_FILE)
    predictions = products.read_parquet(Path(folder) / PREDICTIONS_FILE)
    truth = products.read_parquet(path) if products.left(path := Path(prepared) / TRUTH_FILE) else None
    made = products.read(Path(folder) / provenance_name("predict"))
    given = {point: settings["num_frames"] for point, settings in made["settings"].items() if "num_frames" in settings}
    try:
        found, hits = evaluate(predictions, index, heads, derive, coverage, truth, given)
    except SaccadeError as error:
        raise SaccadeError(f"{folder} can't be scored: {error}") from None
    write_parquet(file := Path(folder) / HITS_FILE, hits)
    result = {"run": "/".join(Path(folder).parts[-5:]), "code": made["code"], **found}
    for head, matched in found.get("matching", {}).items():
        for sentence in class_names.matching_words(head, matched):
            print(one_line(sentence))
    products.write(Path(folder) / METRICS_FILE, result, {HITS_FILE: sha256(file)})
    return result


def evaluate(
    predictions: pd.DataFrame,
    index: pd.DataFrame,
    heads: Sequence[Head],
    derive: Mapping[str, Sequence[str]],
    coverage: Mapping[str, Any] | None = None,
    truth: pd.DataFrame | None = None,
    given: Mapping[str, int] | None = None,
    split: str = "test",
    draws: int = intervals.DRAWS,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The content of metrics.json (rows for every point, what was left out and why, what was not there to be judged)
    and of hits.parquet.

    `heads` are the run's; `derive` names labels that combine heads; `given`: how many frames a view has at a point, of
    which the decisions may say what became of them (`share.full`, `share.scanned`, `share.skipped`). Where a head's
    classes are those of published weights, the index's own are matched by name, and only videos with such a class are
    judged, none by a head that the index doesn't label; costs are of all. Rows:
    {point, metric, value, low, high, n}, fractions in [0, 1], bounds None where they mean nothing. SaccadeError: a
    point without exactly the split's videos, labels other than the index's, scores that aren't finite or don't fit
    their head.
    """
    videos = split_videos(predictions, index, heads, split)
    unlabelled = [head for head in heads if head.name not in index]
    heads = [head for head in heads if head.name in index]
    labels = {head.name: labels_of(videos, head.name, "index") for head in heads}
    truth_of, judged, matched = _matched(heads, labels, index, len(videos))
    matched |= {head.name: class_names.unlabelled(head, len(videos)) for head in unlabelled}
    positives = {head.name: positives_of(videos[judged], head, truth_of[head.name]) for head in heads}
    targets = {} if truth is None else hit_rates.read_targets(truth, index)
    fixed = hit_rates.fit(targets[video] for video in index["video_id"][index["split"] != split] if video in targets)
    derived, omitted = _choose(heads, derive)
    lost = _lost(coverage, len(videos), split)
    rows: list[Row] = []
    kept = []
    for point, table in predictions.groupby("point", sort=False):
        try:
            table = in_order(table, videos)
            scores = {head.name: scores_of(table, head, labels[head.name])[judged] for head in heads}
            hits = _hits(heads, derived, scores, positives) if judged.any() else {}
            rows += [
                {"point": point, **row}
                for row in _rows(table, judged, heads, derived, scores, positives, hits, lost, draws)
            ]
            rows += [
                {"point": point, **row}
                for row in _look_rows(table, hit_rates.hit_rates_of(table, targets, fixed), draws)
            ]
            frames = (given or {}).get(str(point))
            shares = None if frames is None else frame_shares(table, frames)
            if shares is not None:
                fates = {f"share.{fate}": shares[fate].to_numpy() for fate in shares}
                rows += [{"point": point, **row} for row in _means(fates, table["cluster"], draws)]
            first = {name: values for name, values in hits.items() if name.endswith(".top1")}
            kept.append(table.loc[judged, ["point", "video_id", "cluster"]].assign(**first))
        except SaccadeError as error:
            raise SaccadeError(f"point '{point}': {error}") from None
    found = {
        "rows": rows,
        "expected": len(videos) + lost,
        "evaluated": len(videos),
        "clusters": int(videos["cluster"].nunique()),
        "omitted": omitted,
        "classes": {head.name: _scarce(head, positives[head.name]) for head in heads},
        **({"matching": matched} if matched else {}),
        "settings": {
            "split": split,
            "draws": draws,
            "level": intervals.LEVEL,
            "seed": SEED,
            "derive": {k: list(v) for k, v in derive.items()},
        },
    }
    return found, pd.concat(kept, ignore_index=True)


def _matched(
    heads: Sequence[Head], labels: Mapping[str, list[tuple[int, ...]]], index: pd.DataFrame, videos: int
) -> tuple[dict[str, list[tuple[int, ...]]], metrics.Booleans, dict[str, Any]]:
    """({head: the class numbers of each video that is judged}, who is (N,), {head: what its names match}): all are, and
    no names are asked, but where the classes are those of published weights. Without a head nobody is."""
    judged = np.full(videos, bool(heads))
    found, matched = dict(labels), {}
    for head in (head for head in heads if head.of_weights):
        own = index.attrs["classes"][head.name]
        found[head.name], known = class_names.match(head, own, labels[head.name])
        matched[head.name] = class_names.matching(head, own, known)
        judged &= known
    kept = {name: [row for row, known in zip(rows, judged, strict=True) if known] for name, rows in found.items()}
    return kept, judged, matched


def _rows(
    table: pd.DataFrame,
    judged: metrics.Booleans,
    heads: Sequence[Head],
    derived: Derived,
    scores: Mapping[str, metrics.Floats],
    truth: Mapping[str, metrics.Booleans],
    hits: Mapping[str, metrics.Floats],
    lost: int,
    draws: int,
) -> Iterator[Row]:
    """One point's rows: accuracies of the videos that are judged, costs of all. Every interval starts from the same
    seed, so all of them rest on the same resampled clusters."""
    costs = {
        "gmacs.mean": table["macs"] / 1e9,
        "frames.mean": table["frames"],
        "decoded_frames.mean": table["decoded_frames"],
    }
    n, clusters = int(judged.sum()), table["cluster"][judged]
    yield from _means(hits, clusters, draws)
    yield from _means({name: values.to_numpy(np.float64) for name, values in costs.items()}, table["cluster"], draws)
    for percent in (50, 95):
        yield _plain(f"gmacs.p{percent}", float(np.percentile(costs["gmacs.mean"], percent)), len(table))
    if not n:
        return
    for head in heads:
        found = intervals.map_interval(
            scores[head.name], truth[head.name], clusters, np.random.default_rng(SEED), draws
        )
        yield _row(f"{head.name}.map", found)
    yield from (_plain(name, value, n) for name, value in _chance(heads, derived, truth).items())
    for name, values in hits.items() if lost else ():
        yield _plain(f"{name}_if_missing_wrong", float(values.sum()) / (n + lost), n + lost)
        yield _plain(f"{name}_if_missing_right", float(values.sum() + lost) / (n + lost), n + lost)


def _means(values: Mapping[str, metrics.Floats], clusters: "pd.Series[Any]", draws: int) -> Iterator[Row]:
    """The mean of each, (N,), with its interval."""
    if values:
        columns = np.stack(list(values.values()), axis=1)
        found = intervals.mean_intervals(columns, clusters, np.random.default_rng(SEED), draws)
        yield from (_row(name, interval) for name, interval in zip(values, found, strict=True))


def _look_rows(table: pd.DataFrame, rates: Mapping[str, pd.DataFrame], draws: int) -> Iterator[Row]:
    """`hit.frames`, `hit.boxes`, `cover.boxes`, each with `.chance_<how>`, over the videos where there is something to
    judge."""
    for measure, found in rates.items():
        judged = found["value"].notna().to_numpy()
        clusters = table["cluster"][judged]
        shares = intervals.mean_intervals(found[judged].to_numpy(), clusters, np.random.default_rng(SEED), draws)
        names = [measure if column == "value" else f"{measure}.chance_{column}" for column in found]
        yield from (_row(name, interval) for name, interval in zip(names, shares, strict=True))


def _hits(
    heads: Sequence[Head], derived: Derived, scores: Mapping[str, metrics.Floats], truth: Mapping[str, metrics.Booleans]
) -> dict[str, metrics.Floats]:
    """Per-video hits (N,) of every accuracy that can miss: top-k needs more than k classes."""
    pairs = {head.name: (scores[head.name], truth[head.name].argmax(axis=1)) for head in heads if head.kind == "single"}
    hits = {}
    for head in heads:
        for k in KS if head.kind == "single" else ():
            if head.num_classes > k:
                hits[f"{head.name}.top{k}"] = metrics.top_k(*pairs[head.name], k)
    for name, parts in derived.items():
        chosen = [pairs[part.name] for part in parts]
        for k in KS:
            if all(part.num_classes > k for part in parts):
                hits[f"{name}.top{k}"] = metrics.derived_top_k(chosen, k)
            if k > 1 and _combinations(parts) > k:  # the joint top-1 is the AND rule's
                hits[f"{name}.joint_top{k}"] = metrics.joint_top_k(chosen, k)
    return hits


def _chance(heads: Sequence[Head], derived: Derived, truth: Mapping[str, metrics.Booleans]) -> dict[str, float]:
    """`chance`: what the best constant answer reaches here, by the head's main metric; also uniform guessing, and mAP
    of equal scores."""
    levels = {}
    for head in heads:
        levels[f"{head.name}.chance_map"] = metrics.chance_map(truth[head.name])
        if head.kind == "single":
            levels[f"{head.name}.chance"] = metrics.majority_share(truth[head.name].argmax(axis=1))
            levels[f"{head.name}.chance_uniform"] = 1 / head.num_classes
        else:
            levels[f"{head.name}.chance"] = levels[f"{head.name}.chance_map"]
    for name, parts in derived.items():
        levels[f"{name}.chance"] = metrics.majority_share(*(truth[part.name].argmax(axis=1) for part in parts))
        levels[f"{name}.chance_uniform"] = 1 / _combinations(parts)
    return levels


def _choose(heads: Sequence[Head], derive: Mapping[str, Sequence[str]]) -> tuple[Derived, list[dict[str, str]]]:
    """The derived labels whose parts this run has, and every metric that is left out, with the reason."""
    single = {head.name: head for head in heads if head.kind == "single"}
    reasons, derived = {}, {}
    for head in heads:
        for k in KS:
            if head.name not in single:
                reasons[f"{head.name}.top{k}"] = f"{head.name} may have several labels per video"
            elif head.num_classes <= k:
                reasons[f"{head.name}.top{k}"] = (
                    f"{head.name} has {head.num_classes} classes, so a top-{k} answer can't miss"
                )
    for name, parts in derive.items():
        if lacking := [part for part in parts if part not in single]:
            reasons[name] = f"this run has no single-label head {', '.join(lacking)}"
            continue
        derived[name] = [single[part] for part in parts]
        for k in KS:
            if small := [
                f"{part.name} has {part.num_classes} classes" for part in derived[name] if part.num_classes <= k
            ]:
                reasons[f"{name}.top{k}"] = f"{', '.join(small)}, so a top-{k} answer can't miss there"
            if k > 1 and _combinations(derived[name]) <= k:
                reasons[f"{name}.joint_top{k}"] = (
                    f"there are {_combinations(derived[name])} combinations, so a top-{k} answer can't miss"
                )
    return derived, [{"metric": metric, "reason": reason} for metric, reason in reasons.items()]


def _combinations(parts: Sequence[Head]) -> int:
    return math.prod(part.num_classes for part in parts)


def _lost(coverage: Mapping[str, Any] | None, usable: int, split: str) -> int:
    """How many of the split's videos could not be used. Where only the count of the whole dataset is known, all of
    those are taken: the bounds are wider, and still true."""
    if coverage is None:
        return 0
    expected = coverage.get("expected_by_split", {}).get(split, usable + len(coverage["problems"]))
    if expected < usable:
        raise SaccadeError(
            f"{COVERAGE_FILE} expects {expected} {split} videos and the index has {usable}; prepare again"
        )
    return int(expected - usable)


def _scarce(head: Head, truth: metrics.Booleans) -> dict[str, list[str]]:
    """Classes whose average precision is left out (`without_positives`) or unsure (`rare`: fewer than `intervals.RARE`
    positives)."""
    counts = truth.sum(axis=0)
    without = (counts == 0) & (not head.of_weights)  # published weights know classes that nobody asks for
    named = {"without_positives": without, "rare": (counts > 0) & (counts < intervals.RARE)}
    return {what: [head.classes[c] for c in np.flatnonzero(mask)] for what, mask in named.items()}


def _row(name: str, found: intervals.Interval) -> Row:
    low, high = (None if np.isnan(bound) else bound for bound in (found.low, found.high))
    return {"metric": name, "value": found.value, "low": low, "high": high, "n": found.n}


def _plain(name: str, value: float, n: int) -> Row:
    return {"metric": name, "value": value, "low": None, "high": None, "n": n}
