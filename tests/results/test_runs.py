import math

import fake_results
import pandas as pd
import pytest
from seals import seal

from saccade.files import read_json
from saccade.records import METRICS_COLUMNS
from saccade.report.figures import group_modules
from saccade.results.frontier import pareto_front, tradeoff_points
from saccade.results.runs import average_editions, collect_metrics, collect_planned, heads_of, read_history, summarise


@pytest.fixture
def grid():
    return fake_results.make_grid(seeds=2, variants=("tiny", "tiny-gru"))


@pytest.fixture
def root(tmp_path, grid):
    fake_results.write_tree(tmp_path, grid)
    return tmp_path


def test_metrics_have_the_fixed_columns_and_one_row_per_fact(grid, root):
    metrics = collect_metrics(grid, root)
    assert list(metrics) == METRICS_COLUMNS
    assert not metrics.duplicated(["dataset", "method", "variant", "point", "seed", "metric"]).any()
    assert len(metrics) == 4 * 4 * 17  # runs, points, metrics


def test_metrics_follow_the_plan_whatever_the_order_in_the_file(grid, root):
    before = collect_metrics(grid, root)
    path = root / "results" / grid["runs"][0]["run"] / "metrics.json"
    content = read_json(path)
    fake_results.write(path, {**content, "rows": content["rows"][::-1]})
    pd.testing.assert_frame_equal(collect_metrics(grid, root), before)
    assert list(dict.fromkeys(before.point)) == list(fake_results.POINTS)


def test_a_point_that_is_no_longer_planned_is_not_collected(grid, root):
    for run in grid["runs"]:
        run["points"] = run["points"][:1]
    assert set(collect_metrics(grid, root).point) == {"uniform4"}


def test_an_edition_is_part_of_the_dataset(grid, root):
    assert set(collect_planned(grid, root).dataset) == {"motion-digits", "ucf101@2"}


def test_planned_cells_without_metrics_are_not_run_with_the_reason(grid, root):
    planned = collect_planned(grid, root)
    assert len(planned) == 5 * 4
    missing = planned[planned.status == "not run"]
    assert set(missing.dataset) == {"ucf101@2"}
    assert set(missing.why) == {"data/ucf101/raw lacks UCF101.rar; ask its authors"}


def test_a_point_added_after_scoring_says_so(grid, root):
    grid["runs"][0]["points"].append({"name": "late", "title": "late", "stand_in": None, "of": [], "why": None})
    planned = collect_planned(grid, root).set_index("point")
    assert planned.loc["late", "status"] == "not run"
    assert "added after scoring" in planned.loc["late", "why"]


def test_a_points_own_reason_wins(grid, root):
    grid["runs"][-1]["points"][2]["why"] = "needs ground truth"
    assert "needs ground truth" in set(collect_planned(grid, root).why)


def test_seeds_are_summarised_by_mean_and_sample_deviation():
    row = {
        "dataset": "d",
        "method": "m",
        "variant": "v",
        "point": "p",
        "metric": "noun.top1",
        "low": 0.1,
        "high": 0.5,
        "n": 9,
    }
    summary = summarise(
        pd.DataFrame([{**row, "seed": seed, "value": value} for seed, value in enumerate([0.2, 0.3, 0.4])])
    ).iloc[0]
    assert (summary["mean"], summary["sd"], summary.seeds) == (pytest.approx(0.3), pytest.approx(0.1), 3)


def test_one_seed_has_no_deviation(tmp_path):
    grid = fake_results.make_grid(seeds=1)
    fake_results.write_tree(tmp_path, grid)
    assert summarise(collect_metrics(grid, tmp_path)).sd.isna().all()


def test_pareto_front_by_hand():
    cost, value = [1, 2, 3, 4, 2, math.nan], [5, 7, 6, 9, 7, 10]
    assert pareto_front(cost, value).tolist() == [True, True, False, True, True, False]


def test_an_oracle_is_not_on_the_front_and_does_not_beat_it(grid, root):
    points = tradeoff_points(grid, collect_metrics(grid, root), "tsn", "motion-digits", "noun")
    front = points[points.front]
    assert list(zip(front.variant, front.point, strict=True)) == [("tiny-gru", "uniform4"), ("tiny-gru", "uniform8")]


def test_derived_heads_come_after_the_cards(grid, root):
    assert heads_of(grid, collect_metrics(grid, root), "motion-digits") == ["noun", "verb", "action"]


def test_an_epoch_logged_twice_counts_once(grid, root):
    log = root / "results" / grid["runs"][0]["run"] / "train.log.jsonl"
    log.write_text(log.read_text() + '{"epoch": 5, "train.loss": 7.0}\n')
    seal(root)
    history = read_history(grid, root, "tsn").query("variant == 'tiny' and seed == 0 and series == 'train.loss'")
    assert history.set_index("epoch").value.to_dict() == {1: 2.0, 2: 1.0, 3: 2 / 3, 4: 0.5, 5: 7.0}


def test_module_groups_keep_the_whole_and_count_no_parent_twice():
    modules = pd.DataFrame({"name": ["", "a", "a.x", "a.y", "b"], "macs": [100, 70, 40, 20, 25]})
    opened = group_modules(modules, limit=5).set_index("name").macs.to_dict()
    assert opened == {"model itself": 5, "a itself": 10, "a.x": 40, "a.y": 20, "b": 25}
    closed = group_modules(modules, limit=4).set_index("name").macs.to_dict()
    assert closed == {"model itself": 5, "a": 70, "b": 25}


def test_editions_are_averaged_where_all_were_scored():
    rows = [
        ["ucf@1", "tsn", "v", "p", 0, "top1", 0.4, 0.3, 0.5, 10],
        ["ucf@2", "tsn", "v", "p", 0, "top1", 0.6, 0.4, 0.8, 20],
    ]
    rows.append(["ucf@1", "tsn", "v", "p", 1, "top1", 0.9, 0.8, 1.0, 10])  # seed 1 has one edition only
    metrics = pd.DataFrame(rows, columns=METRICS_COLUMNS)
    means = average_editions({"datasets": [{"name": "ucf", "means": {"mean": ["1", "2"]}}]}, metrics)
    assert means.drop(columns=["value", "low", "high"]).to_numpy().tolist() == [
        ["ucf@mean", "tsn", "v", "p", 0, "top1", 30]
    ]
    assert means[["value", "low", "high"]].to_numpy()[0] == pytest.approx([0.5, 0.35, 0.65])
