import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from seals import seal

from saccade import products
from saccade.files import write_parquet
from saccade.records import Head, SaccadeError
from saccade.scoring import intervals
from saccade.steps import score

NOUN = Head("noun", "single", tuple("abcdef"))
VERB = Head("verb", "single", ("go", "stop"))
TAGS = Head("tags", "multi", ("x", "y", "z"))
ACTION = {"action": ("verb", "noun")}


def make_index(videos=8):
    """Test videos v0... in clusters of two, nouns a b c d e a b c, verbs alternating, tags x or y + z; one training
    video."""
    number = np.arange(videos)
    test = {"video_id": [f"v{i}" for i in number], "split": "test", "cluster": [f"c{i // 2}" for i in number]}
    labels = {"noun": number % 5, "verb": number % 2, "tags": [[0] if i % 2 else [1, 2] for i in number]}
    train = pd.DataFrame([{"video_id": "t0", "split": "train", "cluster": "c9", "noun": 5, "verb": 0, "tags": [0]}])
    return pd.concat([train, pd.DataFrame({**test, **labels})], ignore_index=True)


def certain(labels, classes):
    """All of the probability on the given class, each video."""
    return [np.eye(classes)[label].astype(np.float32) for label in labels]


def make_predictions(index, points=("full",), noun=None, verb=None):
    """Right on everything unless `noun` or `verb` say which classes are answered; the i-th video costs i GMACs."""
    test = index[index["split"] == "test"]
    rows = {
        "video_id": test["video_id"],
        "cluster": test["cluster"],
        "macs": np.arange(len(test)) * 10**9,
        "frames": 4,
        "decoded_frames": 9,
    }
    rows |= {"decisions": "{}", "noun.target": test["noun"], "verb.target": test["verb"], "tags.target": test["tags"]}
    table = pd.DataFrame(rows)
    table["noun.scores"] = certain(test["noun"] if noun is None else noun, 6)
    table["verb.scores"] = certain(test["verb"] if verb is None else verb, 2)
    table["tags.scores"] = [np.isin(np.arange(3), tags).astype(float) for tags in test["tags"]]
    return pd.concat([table.assign(point=point) for point in points], ignore_index=True)


def scored(predictions, index, heads=(NOUN, VERB), derive=ACTION, coverage=None):
    found, _ = score.evaluate(predictions, index, heads, derive, coverage, draws=200)
    return found, {(row["point"], row["metric"]): row for row in found["rows"]}


def values(predictions, index, **more):
    return {metric: row["value"] for (_, metric), row in scored(predictions, index, **more)[1].items()}


def test_accuracies_by_hand():
    index = make_index()
    found = values(make_predictions(index, noun=[0, 1, 2, 3, 5, 5, 5, 5], verb=[0, 1, 1, 0, 0, 1, 0, 1]), index)
    assert (found["noun.top1"], found["verb.top1"], found["action.top1"]) == (4 / 8, 6 / 8, 2 / 8)


def test_every_metric_has_the_name_of_the_contract():
    index = make_index()
    names = {
        "noun": ["top1", "top5", "map", "chance", "chance_uniform", "chance_map"],
        "verb": ["top1", "map", "chance", "chance_uniform", "chance_map"],
        "tags": ["map", "chance", "chance_map"],
        "action": ["top1", "joint_top5", "chance", "chance_uniform"],
        "gmacs": ["mean", "p50", "p95"],
        "frames": ["mean"],
        "decoded_frames": ["mean"],
    }
    expected = {f"{what}.{name}" for what, these in names.items() for name in these}
    assert set(values(make_predictions(index), index, heads=(NOUN, VERB, TAGS))) == expected


def test_a_metric_that_cannot_miss_is_left_out_with_the_reason():
    index = make_index()
    omitted = {entry["metric"]: entry["reason"] for entry in scored(make_predictions(index), index)[0]["omitted"]}
    assert omitted == {
        "verb.top5": "verb has 2 classes, so a top-5 answer can't miss",
        "action.top5": "verb has 2 classes, so a top-5 answer can't miss there",
    }


def test_a_derived_label_whose_parts_the_run_lacks_is_left_out_with_the_reason():
    index = make_index()
    found, rows = scored(make_predictions(index), index, heads=(NOUN,))
    assert {"metric": "action", "reason": "this run has no single-label head verb"} in found["omitted"]
    assert not any(metric.startswith("action") for _, metric in rows)


def test_costs_by_hand():
    index = make_index()
    found = values(make_predictions(index), index)  # 0 to 7 GMACs
    assert (found["gmacs.mean"], found["gmacs.p50"], found["gmacs.p95"]) == (3.5, 3.5, pytest.approx(6.65))
    assert (found["frames.mean"], found["decoded_frames.mean"]) == (4, 9)


def test_chance_levels_by_hand():
    index = make_index()
    found = values(make_predictions(index), index, heads=(NOUN, VERB, TAGS))
    assert (found["noun.chance"], found["noun.chance_uniform"]) == (2 / 8, 1 / 6)  # a, b and c twice each
    assert (found["action.chance"], found["action.chance_uniform"]) == (1 / 8, 1 / 12)
    assert found["noun.chance_map"] == pytest.approx(1 / 5)  # five nouns have positives
    assert found["tags.chance"] == found["tags.chance_map"] == 0.5


def test_intervals_resample_the_index_s_clusters():
    index = make_index()
    found, rows = scored(make_predictions(index, noun=[0, 1, 2, 3, 5, 5, 5, 5]), index)
    hits = [1, 1, 1, 1, 0, 0, 0, 0]
    expected = intervals.mean_interval(hits, [0, 0, 1, 1, 2, 2, 3, 3], np.random.default_rng(score.SEED), 200)
    row = rows["full", "noun.top1"]
    assert (row["low"], row["high"], row["n"]) == (expected.low, expected.high, 8)
    assert found["clusters"] == 4


def test_one_cluster_gives_bounds_of_none_so_that_the_file_is_valid_json():
    index = make_index().assign(cluster="c")
    found, rows = scored(make_predictions(index), index)
    assert rows["full", "noun.top1"]["low"] is None and rows["full", "noun.map"]["high"] is None
    json.dumps(found, allow_nan=False)


def test_points_keep_their_order_and_do_not_depend_on_each_other_or_on_the_order_of_rows():
    index = make_index()
    good, bad = make_predictions(index, ["good"]), make_predictions(index, ["bad"], noun=[5] * 8)
    found, both = scored(
        pd.concat([good, bad]).sample(frac=1, random_state=1).sort_values("point", ascending=False), index
    )
    assert list(dict.fromkeys(row["point"] for row in found["rows"])) == ["good", "bad"]
    assert both["good", "noun.top1"] == scored(good, index)[1]["good", "noun.top1"]
    assert both["bad", "noun.top1"]["value"] == 0


def test_missing_videos_bound_the_accuracy():
    index = make_index()
    coverage = {"expected_by_split": {"train": 5, "val": 0, "test": 10}, "problems": [{}] * 6}
    found, rows = scored(make_predictions(index, noun=[0, 1, 2, 3, 5, 5, 5, 5]), index, coverage=coverage)
    assert (found["expected"], found["evaluated"]) == (10, 8)
    assert rows["full", "noun.top1_if_missing_wrong"]["value"] == 4 / 10
    assert rows["full", "noun.top1_if_missing_right"]["value"] == 6 / 10
    assert rows["full", "noun.top1_if_missing_right"]["n"] == 10


def test_where_the_split_of_the_missing_is_unknown_all_of_them_may_be_in_it():
    index = make_index()
    assert scored(make_predictions(index), index, coverage={"problems": [{}] * 3})[0]["expected"] == 11


def test_scarce_classes_are_named():
    index = make_index()
    found = scored(make_predictions(index), index)[0]["classes"]
    assert found["noun"] == {"without_positives": ["f"], "rare": ["a", "b", "c", "d", "e"]}
    assert found["verb"] == {"without_positives": [], "rare": ["go", "stop"]}


def test_a_perfect_multi_label_run_has_a_map_of_one():
    index = make_index()
    row = scored(make_predictions(index), index, heads=(TAGS,), derive={})[1]["full", "tags.map"]
    assert (row["value"], row["high"], row["n"]) == (1, 1, 8)


def write_run(root, predictions, index):
    run, prepared = root / "results/demo/toy/tsn/tiny/seed0", root / "data/toy/prepared/demo"
    write_parquet(run / "predictions.parquet", predictions)
    write_parquet(prepared / "index.parquet", index)
    expected = {"train": 1, "val": 0, "test": 8}
    products.write(prepared / "coverage.json", {"expected_by_split": expected, "problems": [], "settings": {}})
    products.write(run / "provenance.predict.json", {"code": "c0de", "settings": {}})
    seal(root)
    return run, prepared


def test_the_step_writes_what_it_gives_back(tmp_path):
    index = make_index()
    run, prepared = write_run(tmp_path, make_predictions(index), index)
    found = score.score(run, prepared, (NOUN, VERB, TAGS), ACTION)
    assert found == products.read(run / "metrics.json")
    assert (found["run"], found["code"], found["expected"], found["evaluated"]) == (
        "demo/toy/tsn/tiny/seed0",
        "c0de",
        8,
        8,
    )
    assert found["rows"] == score.evaluate(make_predictions(index), index, (NOUN, VERB, TAGS), ACTION)[0]["rows"]


def test_a_run_that_cannot_be_scored_leaves_the_old_metrics_alone(tmp_path):
    index = make_index()
    run, prepared = write_run(tmp_path, make_predictions(index).iloc[1:], index)
    (run / "metrics.json").write_text("old")
    with pytest.raises(SaccadeError, match="v0"):
        score.score(run, prepared, (NOUN, VERB), ACTION)
    assert (run / "metrics.json").read_text() == "old"


@pytest.mark.parametrize("content", [None, b"no parquet"])
def test_predictions_that_are_not_there_or_broken_say_what_to_run(tmp_path, content):
    index = make_index()
    run, prepared = write_run(tmp_path, make_predictions(index), index)
    (run / "predictions.parquet").unlink() if content is None else (run / "predictions.parquet").write_bytes(content)
    with pytest.raises(
        SaccadeError, match=r"predictions.parquet is.* make it anew: python -m saccade predict demo/toy/tsn/tiny/seed0"
    ):
        score.score(run, prepared, (NOUN, VERB), ACTION)


def test_the_step_needs_no_torch():
    blocked = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'sklearn', 'snakemake'])); import saccade.steps.score"
    )
    subprocess.run([sys.executable, "-c", blocked], check=True, cwd=ROOT)


def spoiled(column, row, value):
    """Predictions with one cell replaced."""
    table = make_predictions(make_index())
    table[column] = [value if number == row else old for number, old in enumerate(table[column])]
    return table


@pytest.mark.parametrize(
    ("predictions", "says"),
    [
        (make_predictions(make_index()).iloc[2:], "point 'full': .* 2 missing .v0, v1."),
        (make_predictions(make_index()).iloc[[0, *range(8)]], "1 twice or more .v0."),
        (spoiled("video_id", 3, "w3"), "1 missing .v3.; 1 unknown .w3."),
        (spoiled("cluster", 3, "elsewhere"), "clusters of v3 .* predict again"),
        (spoiled("noun.target", 2, 4), r"v2: noun is \[4\] where the index.* says \[2\]"),
        (spoiled("noun.target", 2, 2.5), "which is no class number"),
        (spoiled("tags.target", 2, [1]), r"v2: tags is \[1\] where the index.* says \[1, 2\]"),
        (spoiled("noun.scores", 4, [0.5, 0.5]), "v4 has 2 scores for the 6 classes of noun"),
        (spoiled("noun.scores", 4, None), "v4 has 1 scores for the 6 classes"),
        (spoiled("noun.scores", 4, [0.1, np.nan, 0, 0, 0, 0]), "v4: a score of noun is not finite"),
        (spoiled("macs", 1, -1), "'macs' must hold whole numbers"),
        (spoiled("frames", 1, np.nan), "'frames' must hold whole numbers"),
        (spoiled("point", 1, None), "name no point"),
        (make_predictions(make_index()).iloc[:0], "there are no predictions"),
        (
            make_predictions(make_index()).drop(columns=["verb.scores", "macs"]),
            "lack the column macs, verb.scores; predict again",
        ),
    ],
)
def test_predictions_that_are_not_whole_are_refused_by_name(predictions, says):
    with pytest.raises(SaccadeError, match=says):
        scored(predictions, make_index(), heads=(NOUN, VERB, TAGS))


@pytest.mark.parametrize(
    ("index", "says"),
    [
        (make_index().replace({"noun": {3: 6}}), "v3 has noun .6.; the head has classes 0 to 5"),
        (make_index().assign(split="train"), "no test video"),
        (pd.concat([make_index(), make_index().iloc[3:4]]), "twice: v2"),
        (make_index().drop(columns="noun"), "index lack the column noun; prepare again"),
    ],
)
def test_an_index_that_does_not_fit_is_refused_by_name(index, says):
    with pytest.raises(SaccadeError, match=says):
        scored(make_predictions(make_index()), index)


def test_hit_rates_stand_beside_their_chance_levels():
    index = make_index().assign(frames=4)
    truth = pd.DataFrame(
        [
            {"video_id": video, "frame": frame, "informative": frame == 1}
            for video in index["video_id"]
            for frame in range(4)
        ]
    )
    predictions = make_predictions(index).assign(decisions='[{"frames": [0, 1]}]')
    found, _ = score.evaluate(predictions, index, (NOUN,), {}, truth=truth, draws=200)
    rows = {row["metric"]: (row["value"], row["n"]) for row in found["rows"] if row["metric"].startswith("hit.")}
    levels = {"": 0.5, ".chance_random": 0.25, ".chance_even": 0.5, ".chance_fixed": 0.5}  # evenly spread: 1 and 3
    assert rows == {f"hit.frames{name}": (value, 8) for name, value in levels.items()}


def test_what_became_of_the_frames_is_told_where_the_decisions_know(tmp_path):
    """Of 10 frames 4 in full and 3 pre-scanned, or of the last video 5 and 3; a point that doesn't say has no share."""
    index = make_index()
    views = ['[{"frames": [0, 2, 4, 9], "scanned": [1, 3, 5]}]'] * 7 + [
        '[{"frames": [0, 1, 2, 3, 9], "scanned": [4, 5, 6]}]'
    ]
    predictions = make_predictions(index, points=("a", "b")).assign(decisions=[*views, *['[{"frames": [0]}]'] * 8])
    run, prepared = write_run(tmp_path, predictions, index)
    settings = {"a": {"num_frames": 10}, "b": {"num_frames": 10}}
    products.write(run / "provenance.predict.json", {"code": "c0de", "settings": settings})
    seal(tmp_path)
    rows = score.score(run, prepared, (NOUN,), {})["rows"]
    shares = {(row["point"], row["metric"]): row for row in rows if row["metric"].startswith("share.")}
    assert {name: row["value"] for name, row in shares.items()} == pytest.approx(
        {("a", "share.full"): 0.4125, ("a", "share.scanned"): 0.3, ("a", "share.skipped"): 0.2875}
    )
    full = shares["a", "share.full"]
    assert full["low"] < 0.4125 < full["high"] and full["n"] == 8


def test_hits_per_video_are_kept_and_average_to_the_accuracy(tmp_path):
    index = make_index()
    run, prepared = write_run(
        tmp_path, make_predictions(index, points=("a", "b"), noun=[0, 1, 2, 3, 5, 5, 5, 5]), index
    )
    found = score.score(run, prepared, (NOUN, VERB), ACTION)
    hits = pd.read_parquet(run / "hits.parquet")
    assert list(hits) == ["point", "video_id", "cluster", "noun.top1", "verb.top1", "action.top1"]
    top1 = {row["point"]: row["value"] for row in found["rows"] if row["metric"] == "noun.top1"}
    assert hits.groupby("point")["noun.top1"].mean().to_dict() == top1
    assert len(hits) == 16
