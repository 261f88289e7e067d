"""What claims ask of our runs, against results whose answers are known."""

import json

import fake_paper
import fake_results
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from seals import seal

from saccade import products
from saccade.judging.judged_runs import default_head
from saccade.judging.systems import SystemResults
from saccade.judging.verdict import Untestable
from saccade.records import SaccadeError
from saccade.results.reader import NotRun

SYSTEM = ("tiny", "uniform8", "motion-digits")


@pytest.fixture
def grid():
    made = fake_results.make_grid(seeds=2, budget="study")
    made["datasets"][0] |= {
        "classes": {"": {"noun": list("0123456789"), "verb": ["left", "right"]}},
        "derive": {"action": ["verb", "noun"]},
    }
    return made


@pytest.fixture
def ours(tmp_path, grid):
    fake_results.write_tree(tmp_path, grid)
    fake_paper.write_decisions(tmp_path, grid)
    return SystemResults(grid, tmp_path, "tsn")


def edit(ours, grid, change, seeds=2):
    """The predictions of so many of SYSTEM's seeds, changed."""
    for run in grid["runs"][:seeds]:
        path = ours.root / "results" / run["run"] / "predictions.parquet"
        change(pd.read_parquet(path)).to_parquet(path)
    seal(ours.root)


def test_hits_hold_a_row_per_seed_named_by_its_weights(ours, grid):
    runs = ours.hits(*SYSTEM, head="noun")
    assert runs.values.shape == (2, 60)
    assert runs.trainings == tuple(run["weights"][0] for run in grid["runs"][:2])
    assert runs.values.mean(axis=1) == pytest.approx([0.5, 32 / 60])


def test_the_head_that_is_not_named_is_action(ours):
    np.testing.assert_array_equal(ours.hits(*SYSTEM).values, ours.hits(*SYSTEM, head="action").values)


@pytest.mark.parametrize(
    ("heads", "chosen"), [(["noun"], "noun"), (["a", "label"], "label"), (["label", "action"], "action")]
)
def test_default_heads(heads, chosen):
    assert default_head(heads, "here") == chosen


def test_among_other_heads_the_claim_must_name_one():
    with pytest.raises(SaccadeError, match="here has the heads noun, verb; the claim must name one"):
        default_head(["noun", "verb"], "here")


def test_top5_is_computed_from_the_scores(ours):
    assert ours.top5(*SYSTEM, head="noun").values.all()
    verb = ours.top5(*SYSTEM, head="verb")
    # target 0 has the lowest score; target 8 is among the five highest
    expected = [0.0 if i % 3 else 1.0 for i in range(60)]
    np.testing.assert_array_equal(verb.values[0], expected)
    np.testing.assert_array_equal(ours.top5(*SYSTEM).values[0], expected)  # action: both parts


def test_scored_has_the_scores_and_the_truth_of_one_head(ours, grid):
    found = ours.scored(*SYSTEM, head="noun")
    assert found.scores.shape == (2, 60, 10) and found.classes == tuple("0123456789")
    assert found.trainings == ours.hits(*SYSTEM, head="noun").trainings
    np.testing.assert_array_equal(found.scores[0], np.eye(10)[np.arange(60) % 2])
    np.testing.assert_array_equal(found.truth.argmax(axis=1), np.arange(60) % 2)
    np.testing.assert_array_equal(found.videos, ours.gmacs(*SYSTEM).videos)


def test_scored_keeps_several_labels(ours, grid):
    edit(
        ours, grid, lambda rows: rows.assign(**{"noun.target": [[0, 1] if i == "v03" else [0] for i in rows.video_id]})
    )
    truth = ours.scored(*SYSTEM, head="noun").truth
    assert truth[:, 0].all() and np.flatnonzero(truth[:, 1]).tolist() == [3] and not truth[:, 2:].any()


def test_scored_leaves_out_what_a_training_lacks_and_refuses_other_labels(ours, grid):
    edit(ours, grid, lambda rows: rows[rows.video_id != "v00"], seeds=1)
    assert ours.scored(*SYSTEM, head="noun").scores.shape == (2, 59, 10)
    edit(ours, grid, lambda rows: rows.assign(**{"noun.target": 1 - rows["noun.target"]}), seeds=1)
    with pytest.raises(SaccadeError, match="were predicted with different labels"):
        ours.scored(*SYSTEM, head="noun")


def test_scored_takes_the_only_head_and_no_derived_one(ours, grid):
    with pytest.raises(SaccadeError, match="has the heads noun, verb; the claim must name one"):
        ours.scored(*SYSTEM)
    with pytest.raises(Untestable, match="have no action.target, action.scores"):
        ours.scored(*SYSTEM, head="action")
    edit(ours, grid, lambda rows: rows.drop(columns=["verb.target", "verb.scores"]))
    assert len(ours.scored(*SYSTEM).classes) == 10


def test_a_variant_may_be_another_methods(ours):
    other = SystemResults(ours.grid, ours.root, "atfr")
    np.testing.assert_array_equal(other.hits("tsn/tiny", *SYSTEM[1:]).values, ours.hits(*SYSTEM).values)
    with pytest.raises(NotRun, match="study/motion-digits/tsm/tiny is not planned"):
        other.hits("tsm/tiny", *SYSTEM[1:])
    with pytest.raises(NotRun, match="study/motion-digits/atfr/tiny is not planned"):
        other.hits(*SYSTEM)


def test_gmacs_are_per_video_or_per_frame(ours):
    np.testing.assert_allclose(ours.gmacs(*SYSTEM).values, [np.arange(1, 61)] * 2)
    np.testing.assert_allclose(ours.gmacs(*SYSTEM, per_frame=True).values, [np.arange(1, 61) / 16] * 2)


def test_bins_are_the_mean_over_views(ours):
    bins = ours.bins(*SYSTEM).values
    np.testing.assert_array_equal(bins[0], [i % 5 + 2 for i in range(60)])
    assert bins[1][0] == bins[0][0] + 1


def test_shares_are_of_the_frames_given(ours, grid):
    """Two views of 8 frames each: 3 and 5 in full, 1 and 4 pre-scanned."""
    with pytest.raises(Untestable, match="didn't record how many frames uniform8 is given"):
        ours.share(*SYSTEM, "full")
    for run in grid["runs"][:2]:
        path = ours.root / "results" / run["run"] / "provenance.predict.json"
        recorded = products.read(path)
        recorded["settings"]["uniform8"]["num_frames"] = 10
        fake_results.write(path, recorded)
    seal(ours.root)
    with pytest.raises(Untestable, match="don't say which frames were pre-scanned"):
        ours.share(*SYSTEM, "full")
    views = [{"frames": [0, 2, 9], "scanned": [1]}, {"frames": [0, 1, 2, 3, 9], "scanned": [4, 5, 6, 7]}]
    edit(ours, grid, lambda rows: rows.assign(decisions=json.dumps(views)))
    shares = [ours.share(*SYSTEM, fate).values for fate in ("full", "scanned", "skipped")]
    np.testing.assert_allclose(shares, np.broadcast_to([[[0.4]], [[0.25]], [[0.35]]], (3, 2, 60)))
    edit(ours, grid, lambda rows: rows.assign(decisions=json.dumps(views).replace("4, 5", "4, 5, 5, 5")))
    with pytest.raises(SaccadeError, match="v00: 11 frames of a view of 10 were seen"):
        SystemResults(ours.grid, ours.root, "tsn").share(*SYSTEM, "full")


def test_kept_and_ratio_are_other_numbers_of_the_decisions(ours, grid):
    with pytest.raises(Untestable, match="hold no number of kept"):
        ours.kept(*SYSTEM)
    edit(ours, grid, lambda rows: rows.assign(decisions=rows.decisions.str.replace("bins", "kept")))
    np.testing.assert_array_equal(ours.kept(*SYSTEM).values[0], [i % 5 + 2 for i in range(60)])
    edit(ours, grid, lambda rows: rows.assign(decisions=rows.decisions.str.replace("kept", "ratio")))
    np.testing.assert_array_equal(ours.ratio(*SYSTEM).values[0], [i % 5 + 2 for i in range(60)])


def test_follows_has_spearmans_correlation_as_its_mean(ours):
    found = ours.follows(*SYSTEM).values
    assert found[0].mean() == pytest.approx(1.0)
    moments = [i % 5 + 1 for i in range(60)]
    assert found[1].mean() == pytest.approx(scipy.stats.spearmanr(moments, ours.bins(*SYSTEM).values[1]).statistic)
    assert found[1].mean() < 1


def test_only_frames_that_were_looked_at_have_moments(ours, grid):
    for run in grid["runs"][:2]:
        path = ours.root / "results" / run["run"] / "predictions.parquet"
        rows = pd.read_parquet(path)
        rows.assign(decisions=rows.decisions.str.replace(r"\[0,.*?\]", "[0]", regex=True)).to_parquet(path)
    seal(ours.root)
    with pytest.raises(Untestable, match="the number of moments is the same for every video"):
        ours.follows(*SYSTEM)


def test_without_truth_nothing_can_be_followed(ours):
    (ours.root / "data/motion-digits/prepared/study/truth.parquet").unlink()
    with pytest.raises(
        SaccadeError, match=r"truth.parquet is missing; make it anew: .* prepare motion-digits --budget study"
    ):
        ours.follows(*SYSTEM)
    seal(ours.root)  # as if there had never been any
    with pytest.raises(Untestable, match="no truth per frame"):
        ours.follows(*SYSTEM)


def test_by_class_takes_the_mean_of_each_class(ours):
    bins = ours.bins(*SYSTEM)
    found = ours.by_class(bins, "motion-digits", "noun")
    assert list(found) == ["0", "1"]
    assert found["0"] == pytest.approx(np.mean([bins.values[:, i] for i in range(0, 60, 2)]))
    assert list(ours.by_class(bins, "motion-digits")) == ["left 0", "right 1"]


def test_among_keeps_the_videos_of_some_classes(ours):
    bins = ours.bins(*SYSTEM)
    held = ours.among(bins, "motion-digits", ["1"], "noun")
    assert held.trainings == bins.trainings and list(held.videos) == list(bins.videos[1::2])
    np.testing.assert_array_equal(held.values, np.asarray(bins.values)[:, 1::2])
    with pytest.raises(SaccadeError, match="no video of motion-digits that was judged is of class up 1"):
        ours.among(bins, "motion-digits", ["left 0", "up 1"])


def test_box_hits_are_counted_as_scoring_does_with_what_chance_holds(ours, grid):
    """Two places a video, of which one holds the target's centre where the video's number is even; and one video has
    nothing to judge."""
    folder = ours.root / "data/motion-digits/prepared/study"
    index = pd.read_parquet(folder / "index.parquet").assign(frames=8, width=100, height=100)
    index.to_parquet(folder / "index.parquet")
    truth = pd.read_parquet(folder / "truth.parquet").assign(x0=10.0, y0=10.0, x1=30.0, y1=30.0)
    truth.assign(informative=truth.video_id != "v00").to_parquet(folder / "truth.parquet")
    views = '[{"frames": [0, 1], "boxes": [[0.1, 0.1, 0.4, 0.4], [%s, 0.1, 0.9, 0.4]]}]'

    def look(rows):
        return rows.assign(decisions=[views % (0.1 if int(video[1:]) % 2 == 0 else 0.6) for video in rows.video_id])

    seal(ours.root)
    with pytest.raises(Untestable, match=r"hold nothing for hit\.boxes"):
        ours.box_hits(*SYSTEM)
    edit(ours, grid, look)
    found = ours.box_hits(*SYSTEM)
    assert list(found.videos) == [f"v{number:02}" for number in range(1, 60)]
    np.testing.assert_array_equal(found.values, [[1.0 if n % 2 == 0 else 0.5 for n in range(1, 60)]] * 2)
    assert ours.box_hits(*SYSTEM, level="centre").values.max() <= 1 and found.trainings == ours.hits(*SYSTEM).trainings
    with pytest.raises(Untestable, match="no chance of the kind fixed is known"):  # every video is tested
        ours.box_hits(*SYSTEM, level="fixed")
    seen, chance = (ours.frame_hits(*SYSTEM, level=level) for level in ("value", "random"))
    np.testing.assert_array_equal(seen.values, chance.values)  # a frame informs in all of a video or in none
    assert list(seen.videos) == list(found.videos) and np.asarray(seen.values).min() == 1.0


def test_similarity_is_the_mean_over_the_frames_looked_at_but_the_first(ours, grid):
    text = '[{"frames": [0], "scanned": [1, 2], "similarity": [0.25, 0.75], "similarity_copied": [0.1, 0.3]}]'
    edit(ours, grid, lambda rows: rows.assign(decisions=text))
    np.testing.assert_allclose(ours.similarity(*SYSTEM).values, 0.5)
    np.testing.assert_allclose(ours.similarity(*SYSTEM, to="copied").values, 0.2)
    with pytest.raises(Untestable, match="no number of similarity_shifted"):
        ours.similarity(*SYSTEM, to="shifted")


def test_a_run_that_is_not_planned_is_named(ours):
    with pytest.raises(NotRun, match="study/motion-digits/tsn/large is not planned"):
        ours.hits("large", "uniform8", "motion-digits")
    with pytest.raises(NotRun, match="study/motion-digits/tsn/tiny is not planned at uniform64"):
        ours.gmacs("tiny", "uniform64", "motion-digits")


def test_a_planned_run_without_a_result_says_why(ours):
    with pytest.raises(NotRun, match=r"study/ucf101@2/tsn/tiny at uniform8: data/ucf101/raw lacks UCF101.rar"):
        ours.bins("tiny", "uniform8", "ucf101@2")


def test_a_seed_that_was_not_run_is_left_out(ours, grid):
    (ours.root / "results" / grid["runs"][1]["run"] / "hits.parquet").unlink()
    with pytest.raises(SaccadeError, match=r"hits.parquet is missing; make it anew: python -m saccade score study/"):
        ours.hits(*SYSTEM)
    seal(ours.root)
    assert ours.hits(*SYSTEM).trainings == (grid["runs"][0]["weights"][0],)


def test_a_missed_gate_makes_what_is_built_on_it_untestable(ours, grid):
    grid["runs"][0]["gates"] = {grid["runs"][0]["weights"][0]: {"metric": "val.noun.top1", "at_least": 0.3}}
    for ask in (ours.hits, ours.scored):
        with pytest.raises(Untestable, match="gate: phase train of study/motion-digits/tsn/tiny/seed0 reached"):
            ask(*SYSTEM)


def test_decisions_without_bins_are_untestable(ours, grid):
    for run in grid["runs"][:2]:
        path = ours.root / "results" / run["run"] / "predictions.parquet"
        pd.read_parquet(path).assign(decisions='[{"frames": [0]}]').to_parquet(path)
    seal(ours.root)
    with pytest.raises(Untestable, match="hold no number of bins"):
        ours.bins(*SYSTEM)
