import math

import fake_results
import pandas as pd
import pytest

from saccade.results import frontier


@pytest.fixture
def grid():
    return fake_results.make_grid(seeds=1)


def test_only_baselines_own_points_make_the_frontier(tmp_path, grid):
    fake_results.write_tree(tmp_path, grid)
    metrics = frontier.baseline_metrics(grid, tmp_path)
    front = frontier.static_frontier(grid, metrics, "motion-digits", "noun")
    assert list(front.point) == ["uniform4", "uniform8"]  # the oracle of equal cost is better
    assert list(front.gmacs) == [0.2, 0.4]


def test_without_a_baseline_there_is_no_frontier(tmp_path, grid):
    fake_results.write_tree(tmp_path, grid)
    grid["methods"][0]["baseline"] = False
    metrics = frontier.baseline_metrics(grid, tmp_path)
    assert metrics.empty
    assert frontier.static_frontier(grid, metrics, "motion-digits", "noun").empty


def test_a_baseline_not_run_on_the_dataset_gives_none(tmp_path, grid):
    fake_results.write_tree(tmp_path, grid)
    assert frontier.static_frontier(grid, frontier.baseline_metrics(grid, tmp_path), "ucf101@2", "noun").empty


FRONT = pd.DataFrame({"gmacs": [1.0, 2.0, 4.0], "value": [0.3, 0.5, 0.6]})


@pytest.mark.parametrize(
    ("gmacs", "value", "expected"),
    [
        (1.0, 0.5, (2.0, "")),  # equal accuracy at 2
        (1.0, 0.51, (4.0, "")),  # nothing in between was measured
        (4.0, 0.4, (0.5, "")),
        (2.0, 0.3, (0.5, "")),
        (2.0, 0.2, (0.5, "at most")),
        (1.0, 0.61, (math.inf, "not reached")),
    ],
)
def test_the_cost_of_equal_accuracy_by_hand(gmacs, value, expected):
    assert frontier.cost_ratio(gmacs, value, FRONT) == expected


def test_no_frontier_no_ratio():
    assert math.isnan(frontier.cost_ratio(1.0, 0.5, FRONT.iloc[:0])[0])
