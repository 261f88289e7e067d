"""EPIC-KITCHENS' metric, as TBN and Mac et al. count it: verb, noun, and an action that is right among the k best where
its verb is among the k best verbs and its noun among the k best nouns. It is not the top-k of the product."""

import numpy as np
import pandas as pd
import pytest
from seals import seal

from saccade import products
from saccade.files import write_parquet
from saccade.records import Head
from saccade.scoring import metrics
from saccade.steps import score

VERBS, NOUNS = 7, 8
UNSEEN = NOUNS - 1  # a noun of the class list that no training video has
HEADS = (
    Head("verb", "single", tuple(f"verb {k}" for k in range(VERBS))),
    Head("noun", "single", tuple(f"noun {k}" for k in range(NOUNS))),
)
ACTION = {"action": ("verb", "noun")}
# (place of the true verb, of the true noun) among the scores of each test video. Verbs fall by thirds, nouns by halves,
# so that the five best products are (1, 1), (1, 2), (2, 1), (1, 3) and (2, 2)
PLACES = [(1, 1), (1, 2), (5, 5), (1, 4), (6, 1), (1, 6), (2, 2), (2, NOUNS)]


def ranked(target, place, classes, base):
    """Scores in which `target` stands at that place, and the last class last unless it is the target."""
    others = [number for number in range(classes) if number != target]
    order = [*others[: place - 1], target, *others[place - 1 :]]
    found = np.empty(classes)
    found[order] = float(base) ** -np.arange(1, classes + 1)
    return found / found.sum()


def epic(tmp_path):
    """A run of eight test videos at PLACES, the last of them with the noun that was never seen."""
    verbs = [number % (VERBS - 1) for number in range(len(PLACES))]
    nouns = [*(number % UNSEEN for number in range(len(PLACES) - 1)), UNSEEN]
    test = pd.DataFrame(
        {
            "video_id": [f"P01_{number:02}" for number in range(len(PLACES))],
            "split": "test",
            "cluster": [f"P0{number // 4}" for number in range(len(PLACES))],
            "verb": verbs,
            "noun": nouns,
        }
    )
    train = test.iloc[:-1].assign(split="train", video_id=lambda table: "t" + table.video_id, cluster="P09")
    predictions = test[["video_id", "cluster"]].assign(
        point="whole", macs=1, frames=1, decoded_frames=1, decisions="[]"
    )
    predictions["verb.target"], predictions["noun.target"] = verbs, nouns
    predictions["verb.scores"] = [ranked(verb, at, VERBS, 3) for verb, (at, _) in zip(verbs, PLACES, strict=True)]
    predictions["noun.scores"] = [ranked(noun, at, NOUNS, 2) for noun, (_, at) in zip(nouns, PLACES, strict=True)]
    run, prepared = tmp_path / "results/demo/epic/mac/s1/seed0", tmp_path / "data/epic/prepared/demo"
    write_parquet(run / "predictions.parquet", predictions)
    write_parquet(prepared / "index.parquet", pd.concat([train, test], ignore_index=True))
    products.write(prepared / "coverage.json", {"problems": [], "settings": {}})
    products.write(run / "provenance.predict.json", {"code": "c0de", "settings": {}})
    seal(tmp_path)
    return run, prepared


def test_the_step_counts_actions_as_tbn_does(tmp_path):
    found = score.score(*epic(tmp_path), HEADS, ACTION)
    values = {row["metric"]: row["value"] for row in found["rows"] if "top" in row["metric"]}
    assert values == {
        "verb.top1": 4 / 8,
        "verb.top5": 7 / 8,
        "noun.top1": 2 / 8,
        "noun.top5": 6 / 8,
        "action.top1": 1 / 8,  # (1, 1) alone
        "action.top5": 5 / 8,  # of the places up to five: (1, 1), (1, 2), (5, 5), (1, 4), (2, 2)
        "action.joint_top5": 3 / 8,  # of the five best products: (1, 1), (1, 2), (2, 2)
    }


def test_an_action_whose_noun_was_never_seen_stays_in_the_count_and_is_never_hit(tmp_path):
    """62 of TBN's validation videos have a noun that no training video has: they can only be missed, and count."""
    run, prepared = epic(tmp_path)
    found = score.score(run, prepared, HEADS, ACTION)
    assert next(row for row in found["rows"] if row["metric"] == "action.top5")["n"] == len(PLACES)
    hits = pd.read_parquet(run / "hits.parquet").set_index("video_id")
    assert hits.loc["P01_07", ["verb.top1", "noun.top1", "action.top1"]].tolist() == [0, 0, 0]
    last = pd.read_parquet(run / "predictions.parquet").iloc[-1:]
    parts = [(np.stack(last[f"{head.name}.scores"]), last[f"{head.name}.target"]) for head in HEADS]
    assert metrics.derived_top_k(parts, 5).tolist() == [0] and metrics.top_k(*parts[0], 5).tolist() == [1]


def official(parts, k):
    """TBN's way: at each of the k first places, how many parts have their target there; a hit where all have."""
    right = np.zeros((len(parts[0][1]), k))
    for scores, targets in parts:
        best = np.argsort(-scores, axis=1)[:, :k]
        right += best == np.asarray(targets)[:, None]
    return (right.sum(axis=1) >= len(parts)).astype(float)


@pytest.mark.parametrize("k", [1, 5])
def test_at_full_size_it_is_the_official_count(k):
    """125 verbs and 352 nouns, half of the targets among the best."""
    generator = np.random.default_rng(0)
    parts = []
    for classes in (125, 352):
        scores = generator.dirichlet(np.ones(classes), 400)
        near = np.argsort(-scores, axis=1)[np.arange(400), generator.integers(0, 8, 400)]
        parts.append((scores, np.where(generator.random(400) < 0.7, near, generator.integers(0, classes, 400))))
    hits = metrics.derived_top_k(parts, k)
    np.testing.assert_array_equal(hits, official(parts, k))
    verb, noun = (metrics.top_k(*part, k).mean() for part in parts)
    assert hits.mean() > 0 and verb + noun - 1 <= hits.mean() <= min(verb, noun)
    assert k == 1 or metrics.joint_top_k(parts, k).mean() < hits.mean()
