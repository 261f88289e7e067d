"""The method's own tables and figures, on made-up runs small enough to count by hand: two crops a frame, maps of 3 x 3
cells."""

import json
import subprocess
import sys
from pathlib import Path

import fake_results
import numbered
import numpy as np
import pandas as pd
import pytest
from fake_findings import figures_of, found_of, tables_of
from matplotlib.patches import Rectangle

from saccade.project import load_module
from saccade.report.findings import finding_figures, finding_tables

FOLDER = Path(__file__).parents[1]
decisions, drawing, findings = (
    load_module(FOLDER / f"paper/{name}.py") for name in ("decisions", "drawing", "findings")
)
FRAMES = [1, 3, 5, 7]  # looked at, of 8
UP, DOWN = [0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0]
# a slot that stays, and one that goes down and back; the third frame has one place for both
BOXES = [[UP, DOWN], [UP, DOWN], [UP, UP], [UP, DOWN]]
STILL = [[UP, UP]] * 4
EVEN = np.arange(9.0).reshape(3, 3)
SETTINGS = {"fusion": "three", "look": "learned", "regions": 2, "attention_layer": "layer1.0"}
RUNS = {  # variant: (settings, boxes, top-1)
    "s0": ({"fusion": "global", "regions": 0}, None, 0.25),
    "s2": ({}, BOXES, 0.5),
    "s2-random": ({"look": "random"}, STILL, 0.5),
    "s2-oracle": ({"look": "oracle"}, BOXES, 0.75),
}
KEPT = {"layers": {"layer0.0": [[1.0] * 4] * 4, "layer1.0": [[0, 0, 0], [0, 2, 0], [0, 0, 0]]}}
KEPT |= {"local": {"0,0": [[0, 0, 0], [0, 0.5, 0.25], [0, 0.125, 0.125]]}, "shown": 5}


def view(variant, point, video):
    settings, boxes, _ = RUNS[variant]
    told = {"frames": FRAMES}
    if boxes:
        told["boxes"] = boxes
    if boxes and "look" not in settings:
        told["fallback"] = video % 2
        told["attention"] = [(EVEN if video < 3 else EVEN.T).tolist()] * 4
    return told | (KEPT if point == "attention" and video != 1 else {})


def write_run(root, run):
    """What predict and score leave. Of the videos v0 to v3, all of class 0, the last two are taken for 1."""
    folder, points = root / "results" / run["run"], [point["name"] for point in run["points"]]
    own, _, top1 = RUNS[run["variant"]]
    folder.mkdir(parents=True)
    rows = [
        {"point": point, "video_id": f"v{video}", "decisions": json.dumps([view(run["variant"], point, video)])}
        | {"n.target": 0, "n.scores": [2.0 - video, 0.5]}
        for point in points
        for video in range(4)
    ]
    pd.DataFrame(rows).to_parquet(folder / "predictions.parquet")
    values = {"gmacs.mean": 2.0, "n.top1": top1 + 0.25 * run["seed"], "hit.boxes": 0.75}
    values |= {"hit.boxes.chance_random": 0.5, "hit.boxes.chance_centre": 0.25}
    metrics = [
        {"point": point, "metric": metric, "value": value, "low": None, "high": None, "n": 4}
        for point in points
        for metric, value in values.items()
        if own.get("regions", 2) or not metric.startswith("hit")
    ]
    fake_results.write(folder / "metrics.json", {"run": run["run"], "rows": metrics, "evaluated": 4, "clusters": 4})
    settings = dict.fromkeys(points, SETTINGS | own)
    fake_results.write(folder / "provenance.predict.json", {"settings": settings, "code": ""})


def make_found(root, videos=True, points=("whole", "attention")):
    runs = [
        {"run": f"study/dots@two/mac/{variant}/seed{seed}", "dataset": "dots", "edition": "two", "method": "mac"}
        | {"variant": variant, "phases": [], "seed": seed}
        | {"points": [{"name": name, "stand_in": None, "of": []} for name in points]}
        for variant in RUNS
        for seed in (0, 1)
    ]
    grid = {"budget": "study", "runs": runs, "methods": []}
    grid["datasets"] = [{"name": "dots", "classes": {"two": {"n": ["red", "blue"]}}}]
    for run in runs:
        write_run(root, run)
    folder = root / "data/dots/prepared/study@two"
    fake_results.write_videos(root, folder, encoded=videos)
    # a target in the lower right quarter, seen on odd frames but not on the last
    seen = [(f"v{number}", frame, frame % 2 == 1 and frame < 7) for number in range(4) for frame in range(8)]
    table = pd.DataFrame(seen, columns=["video_id", "frame", "informative"])
    table.assign(x0=44.0, y0=36.0, x1=52.0, y1=46.0, visibility=1.0, moment=0).to_parquet(folder / "truth.parquet")
    return found_of(root, grid, FOLDER)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return make_found(tmp_path_factory.mktemp("found"))


@pytest.fixture(scope="module")
def tables(found):
    return {name: table.text() for name, table in tables_of(found).items()}


@pytest.fixture(scope="module")
def figures(found):
    return figures_of(found)


def test_sizes_are_those_that_the_paper_chooses_from(tables):
    by_side = tables["sizes"].set_index("Side (pixels)")["GMACs, authors' rule"]
    assert (by_side["224"], by_side["112"], by_side["64"]) == ("3.749", "0.8924", "0.3060")


def test_printed_speed_ups_stand_beside_those_that_the_printed_costs_give(tables):
    """By hand, of 6.16, 5.80 and 3.39; and of Table V, which divides as it says. By equal use 2 x 5.8025 / (5.8261 +
    0.5472) for (S_0, T_1)."""
    table = tables["speed-ups"].set_index(["Table", "Row"])
    assert len(table) == 20 and "Ours" not in table
    assert list(table.loc["Table II", "S_1, T_1"]) == ["1.71×", "1.82×", "1.71×", "1.84×"]
    assert list(table.loc["Table II", "S_0, T_4"]) == ["4.01×", "4.03×", "–", "4.16×"]
    assert list(table.loc["Table V", "S_3, T_1"]) == ["1.52×", "1.52×", "–", "1.53×"]
    assert table.loc["Table II", "S_0, T_1"]["By equal use"] == "1.82×"


def write_costs(root, budget, gmacs):
    """What the report reads of runs on EPIC-KITCHENS that cost so much: {(variant, point): by seed}."""
    runs = [
        {"run": f"{budget}/epic-kitchens-55/mac/{variant}/seed{seed}", "dataset": "epic-kitchens-55", "edition": ""}
        | {"method": "mac", "variant": variant, "phases": [], "seed": seed, "points": [{"name": point}]}
        for (variant, point), costs in gmacs.items()
        for seed, _ in enumerate(costs)
    ]
    for run, cost in zip(runs, [cost for costs in gmacs.values() for cost in costs], strict=True):
        folder = root / "results" / run["run"]
        folder.mkdir(parents=True)
        predicted = {"point": [run["points"][0]["name"]], "video_id": ["v0"], "decisions": ["[{}]"]}
        pd.DataFrame(predicted).to_parquet(folder / "predictions.parquet")
        row = {
            "point": run["points"][0]["name"],
            "metric": "gmacs.mean",
            "value": cost,
            "low": None,
            "high": None,
            "n": 1,
        }
        fake_results.write(folder / "metrics.json", {"run": run["run"], "rows": [row], "evaluated": 1, "clusters": 1})
        fake_results.write(folder / "provenance.predict.json", {"settings": {}, "code": ""})
    return found_of(root, {"budget": budget, "runs": runs, "methods": [], "datasets": []}, FOLDER)


def test_ours_is_over_our_own_s_k_and_of_the_published_budget_alone(tmp_path):
    costs = {("s1", "whole"): [60.0, 60.0], ("s1-t1-concatenated", "whole"): [30.0, 24.0], ("s0-t2", "whole"): [20.0]}
    ours = {}
    for budget in ("paper", "mine"):
        found = write_costs(tmp_path / budget, budget, costs)
        made = {name: table.text() for name, _, table in finding_tables(found)}
        ours[budget] = made["findings--speed-ups"].set_index(["Table", "Row"])
    assert list(ours["paper"].loc["Table II", "S_1, T_1"])[4:] == ["2.25×", "2.00 to 2.50", "2"]
    assert list(ours["paper"].loc["Table II", "S_0, T_2"])[4:] == ["–"] * 3  # S_0 wasn't run
    assert "Ours" not in ours["mine"]


def test_crops_stand_beside_other_crops_of_the_same_number(tables):
    table = tables["beside"]
    assert table[["Crops", "Look", "Variant"]].values.tolist() == [
        ["0", "no crops", "s0"],
        ["2", "learned", "s2"],
        ["2", "oracle", "s2-oracle"],
        ["2", "random", "s2-random"],
    ]
    learned = table.iloc[1]
    assert (learned["top-1"], learned["Hit (%)"], learned["Random (%)"]) == ("62.5 ± 17.7", "75.0", "50.0")
    assert (table.iloc[0]["Hit (%)"], "Fixed (%)" in table) == ("–", False)


def test_where_crops_lie_is_counted(tables):
    row = tables["crops"].set_index("Variant").loc["s2"]
    assert row["Fall-back (%)"] == "12.5"  # two frames of 16
    assert row["Distinct"] == "1.75 of 2"
    assert row["Move"] == "0.236"  # two of six steps, of sqrt(0.5)
    assert row["Most frequent (%)"] == "62.5"
    # on three videos of four a map with variance 20/3, on the last its transpose, and a covariance of 4 between them
    assert row["The same (%)"] == "85.0"
    row = tables["crops"].set_index("Variant").loc["s2-random"]
    assert (row["Fall-back (%)"], row["The same (%)"]) == ("–", "–")


def test_a_map_that_never_changes_is_all_the_same_and_a_flat_one_says_nothing():
    assert decisions.same_share(np.stack([EVEN, EVEN])) == pytest.approx(1)
    assert decisions.same_share(np.stack([EVEN, EVEN[::-1, ::-1]])) == pytest.approx(0)
    assert np.isnan(decisions.same_share(np.ones((2, 3, 3))))


def test_even_attention_has_half_of_itself_in_half_of_the_cells(tables):
    assert tables["layers"].values.tolist() == [
        ["dots@two", "s0", "layer0.0", "16", "50.0", "6"],
        ["dots@two", "s0", "layer1.0", "9", "5.6", "6"],  # half of a cell of nine
    ]
    assert decisions.half_share(np.array([[3.0, 1.0], [1.0, 1.0]])) == pytest.approx(0.25)


def test_videos_are_drawn_by_a_rule_as_many_failures_as_successes(found):
    rows = decisions.looked(found).query("variant == 's2' and seed == 0")
    videos = list(decisions.watched(found, rows))
    assert [video.of.words for video in videos] == [
        "v0: red, recognised",
        "v1: red, recognised",
        "v2: red, taken for blue",
        "v3: red, taken for blue",
    ]
    assert [numbered.number_of(frame) for frame in videos[2].frames] == FRAMES
    # the target is drawn on frames 1, 3 and 5, and on the last of these no crop holds it
    assert drawing.told_crops(videos).endswith("on 8 of the 12 frames where it is drawn.")


def test_among_videos_whose_attention_was_kept_one_of_each_kind_is_drawn(found):
    kept = list(decisions.mapped(found, decisions.kept_maps(found).query("variant == 's2' and seed == 0")))
    assert [(one.of.video, one.own, numbered.number_of(one.frame)) for one in kept] == [
        ("v0", "layer1.0", 5),
        ("v2", "layer1.0", 5),
    ]


def test_every_figure_is_made_and_told(figures):
    names = ["cost-by-size", "cost-by-layer", "crops-dots-two", "layers-dots-two", "local-dots-two"]
    assert list(figures) == names
    for about, figure in figures.values():
        assert about["alt"] and about["caption"].startswith("Budget study") and figure.axes
        figure.draw_without_rendering()
    assert "first red, second green" in figures["crops-dots-two"][0]["caption"]
    assert "layer0.0 1.00 to 1.00, layer1.0 0.00 to 2.00" in figures["layers-dots-two"][0]["alt"]


def test_costs_are_those_of_the_dossier(figures):
    assert "3.749 at 224, 0.892 at 112, 0.306 at 64" in figures["cost-by-size"][0]["alt"]
    caption = figures["cost-by-layer"][0]["caption"]
    assert "0.5260 of 0.8924 GMACs, 58.9 %" in caption and "so that its sum there is 0.5235" in caption
    assert len(figures["cost-by-layer"][1].axes[0].patches) == 19


def test_a_frame_has_its_target_and_a_crop_in_the_colour_of_each_slot(figures):
    axes = figures["crops-dots-two"][1].axes
    drawn = [[patch for patch in one.patches if isinstance(patch, Rectangle)] for one in axes[:8]]
    assert [len(some) for some in drawn] == [3, 3, 3, 2, 0, 0, 0, 0]  # frames, then their attention
    target, first, second = drawn[0]
    np.testing.assert_allclose(target.get_bbox().extents, [44 / 64, 36 / 48, 52 / 64, 46 / 48])
    assert [box.get_bbox().extents.tolist() for box in (first, second)] == [UP, DOWN]
    assert first.get_edgecolor() != second.get_edgecolor()


def test_local_attention_lies_where_its_cell_looks():
    local = np.arange(9.0).reshape(3, 3)
    assert drawing.spread(local, (0, 0), (3, 3))[:2, :2].tolist() == [[4, 5], [7, 8]]
    assert np.isnan(drawing.spread(local, (0, 0), (3, 3))[2]).all()
    assert drawing.spread(local, (2, 1), (3, 3))[1:].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_without_videos_or_kept_maps_the_rest_is_shown(tmp_path):
    found = make_found(tmp_path, videos=False, points=("whole",))
    names = [name.removeprefix("findings--") for name, *_ in finding_figures(found)]
    assert names == ["cost-by-size", "cost-by-layer"]
    assert [name.removeprefix("findings--") for name, *_ in finding_tables(found)] == [
        "sizes",
        "speed-ups",
        "beside",
        "crops",
    ]


def test_findings_need_no_torch():
    code = (
        f"import sys; from saccade.project import load_module; load_module('{FOLDER / 'paper/findings.py'}'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parents[1]).returncode == 0
