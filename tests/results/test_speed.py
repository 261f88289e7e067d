"""Tables of realised speed-up, from made-up readings."""

import fake_results
import pandas as pd
import pytest

from saccade.plan.staleness import timed_with
from saccade.report import speed_tables
from saccade.results.speed import SPEED_COLUMNS, _short, equal_time, read_parts, read_speed

RUN = "demo/motion-digits/tsn/tiny/seed0"


def a_reading(batch, decoding, own, against, aa=1.0, device="cpu"):
    seconds = {side: {"mean": s, "p50": s, "p95": 2 * s} for side, s in (("own", own), ("against", against))}
    ratio = against / own
    numbers = {
        "speedup": ratio,
        "by_process": [ratio - 0.1, ratio, ratio + 0.1],
        "aa": aa,
        "marked": abs(aa - 1) > 0.03,
    }
    return {"device": device, "batch": batch, "decoding": decoding, "seconds": seconds} | numbers


def an_entry(alone=True, videos=64, aa=1.0):
    parts = {
        "own": {"decode": 0.010, "model.net": 0.004},
        "against": {"decode": 0.012, "model.net": 0.008, "model.extra": 0.001},
    }
    return {
        "against": {"run": RUN, "point": "uniform8"},
        "macs": {"own": 100.0, "against": 200.0, "ratio": 2.0},
        "videos": videos,
        "runtimes": {
            "eager": {
                "readings": [
                    a_reading(1, False, 0.004, 0.006),
                    a_reading(1, True, 0.02, 0.022, aa),
                    a_reading(16, False, 0.002, 0.004),
                ],
                "parts": {"cpu": parts},
                "alone": alone,
            }
        },
        "absent": {},
        "code": "c0de",
        "settings": {"threads": 1},
    }


@pytest.fixture
def tree(tmp_path):
    grid = fake_results.make_grid(seeds=1)
    for point in (point for run in grid["runs"] for point in run["points"]):
        point["timed_with"] = timed_with("c0de", {"threads": 1})
    fake_results.write_tree(tmp_path, grid)

    def write(**points):
        fake_results.write(tmp_path / "results" / RUN / "latency.json", {"run": RUN, "points": points})
        return grid, tmp_path, "tsn", "motion-digits"

    return write


def test_nothing_timed_gives_no_rows(tmp_path):
    grid = fake_results.make_grid(seeds=1)
    fake_results.write_tree(tmp_path, grid)
    found = read_speed(grid, tmp_path, "tsn", "motion-digits")
    assert list(found) == SPEED_COLUMNS and not len(speed_tables.speed(found))
    assert not len(speed_tables.speed_parts(read_parts(grid, tmp_path, "tsn", "motion-digits")))
    quickest = equal_time(found, pd.DataFrame(columns=["variant", "point", "value"]))
    assert not len(speed_tables.equal_time({"noun": quickest}))


def test_the_speed_up_stands_beside_the_cost_ratio(tree):
    (row,) = speed_tables.speed(read_speed(*tree(uniform4=an_entry()))).text().to_dict("records")
    assert (
        row["Point"] == "uniform 4"
        and row["Counterpart"] == "uniform8"
        and row["MACs"] == "2.00×"
        and row["Device"] == "cpu"
    )
    assert row["Batch 1"] == "1.50× [1.40, 1.60]" and row["Batch 16"] == "2.00× [1.90, 2.10]"
    assert row["Batch 1 with decoding"] == "1.10× [1.00, 1.20]"
    assert row["ms per video"] == "4.00 [4.00, 8.00]" and row["Doubts"] == "none"


def test_what_to_doubt_is_said(tree):
    (row,) = (
        speed_tables.speed(read_speed(*tree(uniform4=an_entry(alone=False, videos=20, aa=1.05))))
        .text()
        .to_dict("records")
    )
    assert row["Batch 1 with decoding"] == "1.10× † [1.00, 1.20]" and row["Batch 1"] == "1.50× [1.40, 1.60]"
    assert row["A/A"] == "1.00 to 1.05" and row["Doubts"] == "not alone, few videos, † A/A"


@pytest.mark.parametrize("changed", [{"code": "0ld"}, {"settings": {"threads": 2}}])
def test_times_made_with_other_code_or_settings_are_stale(tree, changed):
    (row,) = speed_tables.speed(read_speed(*tree(uniform4=an_entry() | changed))).text().to_dict("records")
    assert row["Doubts"] == "stale: made with other code or settings"


def test_the_parts_say_where_time_is_saved(tree):
    table = speed_tables.speed_parts(read_parts(*tree(uniform4=an_entry()))).text()
    assert list(table["Part"]) == ["decode", "model.extra", "model.net", "sum"]
    assert list(table["Saved ms"]) == ["+2.00", "+1.00", "+4.00", "+7.00"]


def test_a_counterpart_elsewhere_is_named_in_full():
    run = {"method": "tsn", "variant": "tiny"}
    assert _short(run, {"run": "demo/d/tsn/big/seed0", "point": "p"}) == "big/p"
    assert _short(run, {"run": "demo/d/tsm/tiny/seed0", "point": "p"}) == "tsm/tiny/p"


def test_the_best_under_each_limit(tree):
    found = read_speed(*tree(uniform4=an_entry()))  # uniform4 takes 4 ms, its counterpart uniform8 6 ms
    values = pd.DataFrame({"variant": ["tiny", "tiny"], "point": ["uniform4", "uniform8"], "value": [0.4, 0.5]})
    table = equal_time(found, values)
    assert list(zip(table.limit_ms, table.point, table.ms, strict=True)) == [
        (5.0, "uniform4", 4.0),
        (10.0, "uniform8", 6.0),
    ]
    worse = equal_time(found, values.assign(value=[0.5, 0.4]))
    assert list(worse.point) == ["uniform4", "uniform4"]
    shown = speed_tables.equal_time({"noun": table}).text()
    assert list(shown["Under"]) == ["5 ms", "10 ms"] and list(shown["Best %"]) == ["40.0", "50.0"]
