import math

import numpy as np
import pandas as pd
import pytest
from seals import seal

from saccade.judging import stand_ins
from saccade.results import frontier
from saccade.results.frontier import tradeoff_points
from saccade.results.runs import collect_metrics, point_titles, rows_of


def run_of(variant, points):
    """A grid's run whose points are {name: (stand_in, of)}."""
    entries = [
        {"name": name, "title": name, "stand_in": kind, "of": list(of), "why": None}
        for name, (kind, *of) in points.items()
    ]
    return {
        "dataset": "d",
        "edition": "",
        "method": "m",
        "variant": variant,
        "run": f"{variant}/seed0",
        "points": entries,
    }


def judged(runs, scored):
    """The rows of beside_stand_ins without hits and baselines; scored: {(variant, point): (gmacs, value)}."""
    grid = {"runs": runs}
    titles = point_titles(grid, "m")
    numbers = [scored.get((t.variant, t.point), (math.nan, math.nan)) for t in rows_of(titles)]
    points = titles.assign(gmacs=[n[0] for n in numbers], value=[n[1] for n in numbers]).dropna(subset=["value"])
    return stand_ins.compare_stand_ins(grid, "m", "d", points, {}, pd.DataFrame(columns=frontier.FRONTIER_COLUMNS))


MAIN = run_of("main", {"own": (None,), "luck": ("random", "main/own"), "best": ("oracle", "main/own")})
SCORED = {("main", "own"): (1.0, 0.5), ("main", "luck"): (1.0, 0.3), ("main", "best"): (1.0, 0.8)}


def test_stand_ins_are_those_that_the_card_names_whatever_they_cost():
    (row,) = judged([MAIN], {**SCORED, ("main", "luck"): (1.5, 0.3)})
    assert {role: (r.value, r.equal_cost) for role, r in row.stand_ins.items()} == {
        "random": (0.3, False),
        "oracle": (0.8, True),
    }
    assert row.weights == "same"


@pytest.mark.parametrize(
    ("cost", "equal"), [(1.0299, True), (0.9701, True), (1.0301, False), (0.9699, False), (math.nan, False)]
)
def test_equal_cost_is_within_three_percent(cost, equal):
    assert stand_ins.StandIn(("v", "p"), "same", 0.5, cost).equal_cost == equal


def test_retuned_stand_ins_have_a_row_of_their_own_and_a_static_one_stands_in_both():
    runs = [MAIN, run_of("tuned", {"own": ("random", "main/own")}), run_of("small", {"whole": ("static", "main/own")})]
    same, tuned = judged(runs, {**SCORED, ("tuned", "own"): (1.0, 0.4), ("small", "whole"): (1.0, 0.45)})
    assert (same.weights, same.stand_ins["random"].value, same.stand_ins["static"].value) == ("same", 0.3, 0.45)
    assert (tuned.weights, tuned.stand_ins["random"].value, tuned.stand_ins["static"].value) == ("re-tuned", 0.4, 0.45)
    assert "oracle" not in tuned.stand_ins


def test_of_several_of_one_role_the_best_at_equal_cost_counts():
    fixed = run_of(
        "main", {"own": (None,), "a": ("fixed", "main/own"), "b": ("fixed", "main/own"), "c": ("fixed", "main/own")}
    )
    scored = {
        ("main", "own"): (1.0, 0.5),
        ("main", "a"): (1.0, 0.3),
        ("main", "b"): (1.0, 0.4),
        ("main", "c"): (2.0, 0.6),
    }
    assert judged([fixed], scored)[0].stand_ins["fixed"].which == ("main", "b")


def test_a_named_stand_in_that_was_not_run_is_kept_as_such():
    (row,) = judged([MAIN], {("main", "own"): (1.0, 0.5), ("main", "best"): (1.0, 0.8)})
    assert math.isnan(row.stand_ins["random"].value)
    assert row.headroom is None


def test_a_point_without_stand_ins_keeps_its_row():
    (row,) = judged([run_of("main", {"own": (None,)})], {("main", "own"): (1.0, 0.5)})
    assert (row.weights, row.stand_ins) == (None, {})


def of_fakes(grid, root, head="noun"):
    metrics = collect_metrics(grid, root)
    points = tradeoff_points(grid, metrics, "tsn", "motion-digits", head)
    front = frontier.static_frontier(grid, metrics, "motion-digits", head)
    hits = stand_ins.read_hits(grid, root, "tsn", "motion-digits", head)
    return {row.title: row for row in stand_ins.compare_stand_ins(grid, "tsn", "motion-digits", points, hits, front)}


def test_headroom_and_gain_rest_on_the_hits_of_all_seeds(grid, root):
    row = of_fakes(grid, root)["uniform 8"]
    # 42 of 60 videos against 18, then 43.2 against 19.2 (44 and 20 hit): 24 of 60 in both; the own point hits 12 more
    # than chance in both
    assert row.headroom.value == pytest.approx(24 / 60)
    assert row.gain.value == pytest.approx(0.5, abs=0.03)
    assert row.headroom.low < row.headroom.value < row.headroom.high
    assert row.testable
    assert row.headroom.seeds == 2


def test_a_stand_in_that_lacks_a_seed_is_compared_on_the_others(grid, root):
    path = root / "results" / grid["runs"][1]["run"] / "hits.parquet"
    hits = pd.read_parquet(path)
    hits[hits.point != "random8"].to_parquet(path)
    seal(root)
    assert of_fakes(grid, root)["uniform 8"].headroom.seeds == 1


def test_a_head_without_hits_has_no_headroom(grid, root):
    assert stand_ins.read_hits(grid, root, "tsn", "motion-digits", "tags") == {}


def test_hits_hold_one_row_per_training_in_the_videos_order(grid, root):
    runs = stand_ins.read_hits(grid, root, "tsn", "motion-digits", "noun")["tiny", "uniform8"]
    assert runs.values.shape == (2, 60)
    assert list(runs.videos) == sorted(runs.videos)
    assert runs.trainings == tuple(run["weights"][0] for run in grid["runs"][:2])
    assert np.isin(runs.values, [0, 1]).all()
