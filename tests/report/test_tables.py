import math

import fake_results
import pandas as pd
import pytest

from saccade.files import read_json
from saccade.judging.stand_ins import StandIn, StandInComparison
from saccade.records import COST_COLUMNS, REPORTED_COLUMNS
from saccade.report import accuracy_tables, availability_tables
from saccade.report.cost_table import cost_cells
from saccade.report.stand_in_tables import stand_in_table
from saccade.results.runs import collect_metrics, collect_planned
from saccade.scoring.intervals import Interval


def headline(grid, root, dataset="motion-digits"):
    return accuracy_tables.headline(grid, collect_metrics(grid, root), root, "tsn", dataset).text()


def test_headline_has_every_planned_point_and_ends_with_chance(grid, root):
    table = headline(grid, root)
    assert list(table.Point) == ["uniform 4", "uniform 8", "oracle 8", "random 8", "majority class"]
    assert list(table.Role) == ["", "", "oracle", "random", "chance"]
    assert table["noun top-1 %"].iloc[-1] == "10.0"


def test_headline_gives_mean_deviation_interval_cost_videos_and_seeds(grid, root):
    row = headline(grid, root).iloc[0]
    assert row["noun top-1 %"] == "41.0 ± 1.4 [33.0, 49.0]"  # seeds 40 and 42 %
    assert row["GMACs per video"] == "0.200 [0.200, 0.220]"
    assert (row["Videos (clusters)"], row["Seeds"]) == ("60 (20)", "2 of 2")


def test_headline_is_saved_as_numbers(grid, root):
    """One a column: fractions, and multiply-adds in GMACs."""
    row = accuracy_tables.headline(grid, collect_metrics(grid, root), root, "tsn", "motion-digits").data.iloc[0]
    top1 = row[["noun.top1", "noun.top1.sd", "noun.top1.low", "noun.top1.high"]].tolist()
    assert top1 == pytest.approx([0.41, 0.02 / 2**0.5, 0.33, 0.49])
    assert row[["gmacs.mean", "gmacs.p50", "gmacs.p95"]].tolist() == pytest.approx([0.2, 0.2, 0.22])
    assert row[["variant", "point", "role", "videos", "seeds", "seeds_planned"]].tolist() == [
        *("tiny", "uniform4", "", 60, 2, 2)
    ]


def test_a_seed_that_was_not_run_shows(grid, root):
    (root / "results" / grid["runs"][1]["run"] / "metrics.json").unlink()
    assert headline(grid, root)["Seeds"].iloc[0] == "1 of 2"


def test_a_planned_point_without_a_result_keeps_its_row(grid, root):
    for run in grid["runs"][:2]:
        run["points"].append({"name": "late", "title": "late", "stand_in": None, "of": [], "why": None})
    table = headline(grid, root).set_index("Point")
    assert table.loc["late", "noun top-1 %"] == "not run"
    assert table.loc["late", "Seeds"] == "0 of 2"


def test_details_leave_out_columns_without_any_number(grid, root):
    table = accuracy_tables.details(grid, collect_metrics(grid, root), "tsn", "motion-digits").text()
    assert "noun mAP %" in table
    assert not [column for column in table if "missing" in column]


def test_bounds_for_missing_videos_show_where_scoring_gave_them(grid, root):
    path = root / "results" / grid["runs"][0]["run"] / "metrics.json"
    content = read_json(path)
    bound = {
        "point": "uniform4",
        "metric": "noun.top1_if_missing_wrong",
        "value": 0.25,
        "low": None,
        "high": None,
        "n": 80,
    }
    fake_results.write(path, {**content, "rows": [*content["rows"], bound]})
    table = accuracy_tables.details(grid, collect_metrics(grid, root), "tsn", "motion-digits").text()
    assert table["noun top-1 if missing videos were wrong %"].iloc[0] == "25.0"


def test_hit_rates_stand_beside_chance(grid, root):
    path = root / "results" / grid["runs"][0]["run"] / "metrics.json"
    content = read_json(path)
    levels = {"": 0.75, ".chance_random": 0.25, ".chance_even": 0.5, ".chance_fixed": 0.6}
    rows = [
        {"point": "uniform8", "metric": f"hit.frames{k}", "value": v, "low": v - 0.1, "high": v + 0.1, "n": 50}
        for k, v in levels.items()
    ]
    fake_results.write(path, {**content, "rows": [*content["rows"], *rows]})
    table = accuracy_tables.hit_rates(grid, collect_metrics(grid, root), "tsn", "motion-digits").text()
    row = {"Of": "frames", "Variant": "tiny", "Point": "uniform 8", "Role": "", "Found %": "75.0 [65.0, 85.0]"}
    assert table.to_dict("records") == [
        row | {"Random %": "25.0", "Evenly spread %": "50.0", "Best fixed %": "60.0", "Videos": "50"}
    ]


def test_without_ground_truth_there_are_no_hit_rates(grid, root):
    assert not len(accuracy_tables.hit_rates(grid, collect_metrics(grid, root), "tsn", "motion-digits"))


def test_not_run_joins_points_and_seeds_of_one_reason(grid, root):
    table = availability_tables.not_run(collect_planned(grid, root)).text()
    assert table.to_dict("records") == [
        {
            "Dataset": "ucf101@2",
            "Variant": "tiny",
            "Points": "uniform4, uniform8, oracle8, random8",
            "Seeds": "0",
            "Cells": "4",
            "Why": "data/ucf101/raw lacks UCF101.rar; ask its authors",
        }
    ]


def test_coverage_counts_and_says_what_is_not_prepared(grid, root):
    table = availability_tables.coverage(grid, root, "tsn").text().set_index("Dataset")
    assert table.loc["motion-digits", ["Expected", "Usable", "Test", "Problems"]].tolist() == ["181", "180", "60", "1"]
    assert table.loc["ucf101@2", "Usable"] == "not prepared"


def test_a_cell_printed_for_several_datasets_is_one_row():
    cell = ["mac2023", "T1", "TSN", "GMACs", None, "G", 33.0, 33.0, 0.0, "rule", "note"]
    cost = pd.DataFrame([[*cell[:4], dataset, *cell[5:]] for dataset in ("a", "b")], columns=COST_COLUMNS)
    assert cost_cells(cost, cost).text().Dataset.tolist() == ["a, b"]


def test_a_method_without_printed_costs_has_an_empty_table():
    assert not len(cost_cells(pd.DataFrame(columns=COST_COLUMNS), pd.DataFrame(columns=REPORTED_COLUMNS)))


def test_printed_costs_are_those_of_the_methods_own_list():
    cells = [
        ["mac2023", "T1", "TSN (R50)", "GMACs", "k", "G", 32.885, 32.78645, -0.003, "head included", ""],
        ["mac2023", "T1", "TSN-like", "GMACs", "k", "G", 1.0, None, None, "", "not described"],
        ["mac2023", "T1", "S0", "GMACs", "k", "G", 1.0, 1.0, 0.0, "", ""],
    ]
    cost = pd.DataFrame(cells, columns=COST_COLUMNS)
    named = cost_cells(cost, cost.head(1)).text()
    assert list(named.Row) == ["TSN (R50)"]
    assert named[["Printed", "Ours", "Difference"]].iloc[0].tolist() == ["32.885", "32.79", "−0.3 %"]
    assert named.Note.iloc[0] == "Counted: head included"


def interval(value, low, high):
    return Interval(value, low, high, 60, 20)


def row(**more):
    """An own point of 50 % beside an oracle of 70 %, a random one of 30 % and a static one that costs a quarter
    more."""
    of = {"oracle": (0.7, 1.0), "random": (0.3, 1.02), "static": (0.45, 1.25)}
    stand_ins = {role: StandIn(("v", role), "same", *numbers) for role, numbers in of.items()}
    known = {"headroom": interval(0.4, 0.3, 0.5), "gain": interval(0.5, 0.25, 0.75), "ratio": 1.8, "note": ""}
    return StandInComparison(
        **{"variant": "v", "title": "p", "weights": "same", "own": 0.5, "stand_ins": stand_ins, **known, **more}
    )


def test_a_point_stands_beside_its_stand_ins():
    shown = stand_in_table({"noun": [row()]}).text().iloc[0].to_dict()
    accuracies = {"Own %": "50.0", "Oracle %": "70.0", "Random %": "30.0", "Static %": "45.0 at 1.25×"}
    gains = {"Headroom": "40.0 [30.0, 50.0]", "Gain %": "50 [25, 75]", "Baselines' cost": "1.80×"}
    assert shown == {"Head": "noun", "Variant": "v", "Point": "p", "Weights": "same", **accuracies, **gains}


@pytest.mark.parametrize(
    ("headroom", "gain", "said"),
    [
        (interval(0.2, 0.05, 0.3), interval(-0.25, -0.5, 0.0), "−25 [−50, 0]"),
        (interval(0.2, 0.049, 0.3), interval(0.5, 0.1, 0.9), "untestable here"),
        (interval(0.2, math.nan, math.nan), interval(0.5, math.nan, math.nan), "no interval"),
        (None, None, "–"),
    ],
)
def test_a_gain_in_a_headroom_that_may_be_nothing_is_untestable(headroom, gain, said):
    table = stand_in_table({"noun": [row(), row(headroom=headroom, gain=gain)]}).text()
    assert table["Gain %"].iloc[1] == said


@pytest.mark.parametrize(
    ("ratio", "note", "said"), [(math.inf, "not reached", "not reached"), (0.5, "at most", "≤ 0.500×")]
)
def test_where_the_frontier_gives_no_exact_distance_it_says_so(ratio, note, said):
    assert stand_in_table({"noun": [row(ratio=ratio, note=note)]}).text()["Baselines' cost"].iloc[0] == said


def test_a_stand_in_that_was_not_run_says_so():
    missing = StandIn(("v", "x"), "same", math.nan, math.nan)
    assert stand_in_table({"noun": [row(stand_ins={"fixed": missing})]}).text()["Fixed %"].iloc[0] == "not run"
