"""AdaFocus's own tables and figures, on made-up runs small enough to count by hand: 3 x 3 places of patches half as
wide as the frame."""

import json
import subprocess
import sys
from pathlib import Path

import fake_results
import numbered
import numpy as np
import pandas as pd
import pytest
import torch
from fake_findings import figures_of, found_of, tables_of
from matplotlib.patches import Rectangle
from seals import seal

from saccade.project import load_module
from saccade.report.figures import save_figure
from saccade.report.findings import finding_figures, finding_tables

FOLDER = Path(__file__).parents[1]
decisions, drawing, findings, places = (
    load_module(FOLDER / f"{name}.py")
    for name in ("paper/decisions", "paper/drawing", "paper/findings", "networks/places")
)
FRAMES = [1, 3, 5, 7]  # looked at, of 8
STILL, JUMPS = [4, 4, 4, 4], [0, 0, 8, 8]
SETTINGS = {
    "look": "learned",
    "skip": "none",
    "keep": 1.0,
    "threshold_from": "train",
    "patch_size": 2,
    "candidates": 3,
    "places": "grid",
}
SETTINGS |= {"reward": "advantage"}
ALL, FEW = [True] * 4, [True, False, False, False]
# variant -> point -> (settings, actions by seed, kept of even and odd videos, frames seen, GMACs, top-1 of seed 0)
RUNS = {
    "main": {
        "prefix2": ({}, (JUMPS, STILL), (ALL, ALL), 2, 2.0, 0.5),
        "prefix1": ({}, (JUMPS, STILL), (ALL, ALL), 1, 1.0, 0.25),
        "offline": ({}, (JUMPS, STILL), (ALL, ALL), 4, 4.0, 0.5),
        "begin4": ({}, (JUMPS, STILL), (ALL, ALL), 4, 4.0, 0.25),
        "central": ({"look": "central"}, (None, None), (ALL, ALL), 4, 3.9, 0.25),
    },
    "main-plus": {
        "offline": ({"skip": "learned"}, (JUMPS, STILL), (ALL, ALL), 4, 4.0, 0.5),
        "keep0.5": ({"skip": "learned", "keep": 0.5}, (JUMPS, STILL), (FEW, ALL), 4, 3.0, 0.5),
        "keep0.5-random": ({"skip": "random", "keep": 0.5}, (JUMPS, STILL), (FEW, FEW), 4, 3.0, 0.25),
    },
    "main-confidence": {"offline": ({"reward": "confidence"}, (STILL, STILL), (ALL, ALL), 4, 4.0, 0.5)},
}


def box(action):
    across, down = action % 3 / 4, action // 3 / 4
    return [across, down, across + 0.5, down + 0.5]


def view(actions, kept):
    chosen = [4] * 4 if actions is None else actions
    boxes = [box(action) if keep else None for action, keep in zip(chosen, kept, strict=True)]
    return {"frames": FRAMES, "boxes": boxes, "kept": sum(kept)} | ({} if actions is None else {"actions": actions})


def write_run(root, run, log):
    """What predict, score and train leave. Of the videos v0 to v3, all of class 0, the last two are taken for 1."""
    folder, points = root / "results" / run["run"], RUNS[run["variant"]]
    folder.mkdir(parents=True)
    rows, metrics, settings = [], [], {}
    for point, (own, actions, kept, frames, gmacs, top1) in points.items():
        settings[point] = SETTINGS | RUNS[run["variant"]]["offline"][0] | own
        for video in range(4):
            told = json.dumps([view(actions[run["seed"]], kept[video % 2])])
            rows.append(
                {
                    "point": point,
                    "video_id": f"v{video}",
                    "decisions": told,
                    "n.target": 0,
                    "n.scores": [2.0 - video, 0.5],
                }
            )
        values = {"gmacs.mean": gmacs, "frames.mean": frames, "n.top1": top1 + 0.25 * run["seed"], "n.map": 0.5}
        metrics += [
            {"point": point, "metric": metric, "value": value, "low": None, "high": None, "n": 4}
            for metric, value in values.items()
        ]
    pd.DataFrame(rows).to_parquet(folder / "predictions.parquet")
    fake_results.write(folder / "metrics.json", {"run": run["run"], "rows": metrics, "evaluated": 4, "clusters": 4})
    fake_results.write(folder / "provenance.predict.json", {"settings": settings, "code": ""})
    if log:
        lines = [
            {
                "epoch": e,
                "train.reward": 0.1 * e + run["seed"],
                "train.entropy": 2 / e,
                "val.hit": 0.5,
                "val.hit_random": 0.25,
            }
            for e in (1, 2)
        ]
        (folder / "learn_policy.log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        facts = {"sha256": "", "settings": {}, "code": "", "trains": [], "result": {}}
        fake_results.write(folder / "learn_policy.json", facts)


def make_found(root, log=True, truth=True, videos=True):
    runs = [
        {
            "run": f"study/dots@two/adafocus/{variant}/seed{seed}",
            "dataset": "dots",
            "edition": "two",
            "method": "adafocus",
            "variant": variant,
            "phases": ["learn_policy"],
        }
        | {
            "seed": seed,
            "points": [{"name": name, "title": f"at {name}", "stand_in": None, "of": []} for name in points],
        }
        for variant, points in RUNS.items()
        for seed in (0, 1)
    ]
    grid = {
        "budget": "study",
        "runs": runs,
        "methods": [],
        "datasets": [{"name": "dots", "classes": {"two": {"n": ["red", "blue"]}}}],
    }
    for run in runs:
        write_run(root, run, log)
    folder = root / "data/dots/prepared/study@two"
    folder.mkdir(parents=True)
    paths = [
        numbered.encode(root / f"v{number}.mp4", frames=8) if videos else root / f"v{number}.mp4" for number in range(4)
    ]
    facts = {"frames": 8, "width": 64, "height": 48, "split": "test"}
    index = [
        {"video_id": path.stem, "path": path.name, "bytes": path.stat().st_size if videos else 1} | facts
        for path in paths
    ]
    pd.DataFrame(index).to_parquet(folder / "index.parquet")
    if truth:  # a target in the lower right quarter, seen on odd frames but not on the last
        seen = [(f"v{number}", frame, frame % 2 == 1 and frame < 7) for number in range(4) for frame in range(8)]
        table = pd.DataFrame(seen, columns=["video_id", "frame", "informative"])
        table.assign(x0=44.0, y0=36.0, x1=52.0, y1=46.0, visibility=1.0, moment=0).to_parquet(folder / "truth.parquet")
    fake_results.write(folder / "coverage.json", {"problems": [], "settings": {}})
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


def cells(table, **where):
    """The one row of a table."""
    (row,) = table[np.logical_and.reduce([table[column] == value for column, value in where.items()])].to_dict(
        "records"
    )
    return row


def test_where_the_policy_looks_is_counted_and_averaged_over_seeds(tables):
    row = cells(tables["where"], Variant="main", Point="at offline")
    assert row["Places"] == "1.5 of 9"  # seed 0 chooses 0 and 8, seed 1 always 4
    assert row["Entropy"] == "0.5 of 3.17"  # 1 bit and 0, of log2 9
    assert row["Most frequent (%)"] == "75.0"  # 1/2 and 1
    assert row["Move"] == "0.118"  # one of three steps, of sqrt(0.5), in one of two seeds
    assert (row["Kept (%)"], row["Seeds"], row["Dataset"]) == ("100.0", "2", "dots@two")


def test_places_that_are_no_candidates_have_no_histogram(tables):
    row = cells(tables["where"], Variant="main", Point="at central")
    assert (row["Places"], row["Entropy"], row["Most frequent (%)"], row["Move"]) == ("–", "–", "–", "0")


def test_only_points_that_differ_in_the_place_say_where_the_policy_looks(tables):
    assert sorted(set(tables["where"].Point)) == ["at central", "at offline"]


def test_kept_shares_are_asked_for_and_realised(tables):
    table = tables["kept"]
    assert table[["Point", "Asked (%)", "Kept (%)"]].values.tolist() == [
        ["at offline", "100.0", "100.0"],
        ["at keep0.5", "50.0", "62.5"],  # 1/4 and 1
        ["at keep0.5-random", "50.0", "25.0"],
    ]
    row = cells(table, Point="at keep0.5")
    assert (row["GMACs"], row["top-1"], row["mAP"], row["Seeds"]) == ("3.00", "62.5 ± 17.7", "50.0 ± 0.0", "2")


def test_skipped_patches_dont_count_as_looks(found):
    rows = decisions.decided(found, "keep0.5-random")
    assert decisions.habits(rows[rows.seed == 0])["places"] == 1  # 8 is only ever skipped


def test_answers_after_the_first_frames_stand_in_order_with_the_whole_last(tables):
    table = tables["online"]
    spread = table[table.Where == "spread over the video"]
    assert spread[["Frames", "GMACs", "top-1"]].values.tolist() == [
        ["1", "1.00", "37.5 [25.0, 50.0]"],
        ["2", "2.00", "62.5 [50.0, 75.0]"],
        ["4", "4.00", "62.5 [50.0, 75.0]"],
    ]
    assert table[table.Where == "where the video begins"].Frames.tolist() == ["4"]
    assert set(table.Variant) == {"main"}


def test_one_seed_has_no_extremes():
    one = findings._over_seeds("top1", pd.Series([0.5]))
    assert one["top1"] == 0.5 and np.isnan([one["top1.low"], one["top1.high"]]).all()


def test_the_nearest_place_is_the_models_own_oracle():
    rng = np.random.default_rng(0)
    size, patch, candidates = (110, 96), 40, 8  # rooms of 70 and 56: whole pixels between candidates
    middles = rng.random((500, 2)) * size
    y, x = middles.T[:, None]
    clip = {
        f"truth.{key}": torch.from_numpy(value)
        for key, value in (("y0", y - 5), ("y1", y + 5), ("x0", x - 5), ("x1", x + 5))
    }
    theirs = places.true_actions(clip, candidates, size, patch)[0].numpy()
    boxes = np.concatenate([x - 5, y - 5, x + 5, y + 5]).T / (96, 110, 96, 110)
    np.testing.assert_array_equal(
        decisions.nearest_places(boxes, np.array([[patch / 96, patch / 110]]), candidates), theirs
    )


def test_maps_show_where_targets_are_then_every_variants_choices(found):
    maps = dict(decisions.place_maps(found, decisions.decided(found, "offline")))
    assert list(maps) == ["targets, 2 px", "main", "main-plus", "main-confidence"]
    assert maps["targets, 2 px"][2, 2] == 1
    assert (maps["main"][0, 0], maps["main"][1, 1], maps["main"][2, 2]) == (0.25, 0.5, 0.25)


def test_videos_are_drawn_by_a_rule_with_the_frames_looked_at(found):
    rows = decisions.decided(found, "offline").query("variant == 'main' and seed == 0")
    videos = list(decisions.examples(found, rows))
    assert [video.words for video in videos] == [
        "v0: red, recognised",
        "v1: red, recognised",
        "v2: red, taken for blue",
        "v3: red, taken for blue",
    ]
    assert [numbered.number_of(frame) for frame in videos[2].frames] == FRAMES
    assert videos[0].patches.tolist() == [box(action) for action in JUMPS]
    assert np.isnan(videos[0].targets[:, 0]).tolist() == [False, False, False, True]
    # The upper left patch misses the target's middle, the lower right one holds it on frame 5.
    assert drawing.told_examples(videos).endswith("on 4 of 12 frames where both are drawn.")


def test_every_figure_is_made_saved_and_told(figures, tmp_path):
    assert list(figures) == ["online-dots-two-n", "learning-dots-two-2", "places-dots-two", "patches-dots-two"]
    for name, (about, figure) in figures.items():
        assert about["alt"] and about["caption"].startswith("Budget study") and figure.axes
        assert save_figure(figure, tmp_path, name, about).stat().st_size > 2000


def test_each_kind_of_reward_has_a_panel_and_chance_a_line(figures):
    about, figure = figures["learning-dots-two-2"]
    hit, advantage, confidence, entropy = figure.axes
    assert "random patch" in advantage.get_title(loc="left") and confidence.get_title(loc="left") == "reward: p"
    assert 25 in [line.get_ydata()[0] for line in hit.lines]
    assert np.log(9) in [line.get_ydata()[0] for line in entropy.lines]
    assert len(confidence.lines) == 3  # two seeds and their mean
    np.testing.assert_allclose(confidence.lines[-1].get_ydata(), [0.6, 0.7])
    assert "main after 2 epochs: hit rate 0.500, by chance 0.250, reward 0.700, entropy 1.00" in about["alt"]


def test_the_online_curve_rises_with_the_frames(figures):
    about, figure = figures["online-dots-two-n"]
    assert "main: 37.5 % after 1, 62.5 % after 2, 62.5 % after 4 frames" in about["alt"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2", "4", "4"]


def test_a_frame_has_its_patch_and_its_target(figures):
    boxes = [
        [patch for patch in axes.patches if isinstance(patch, Rectangle)]
        for axes in figures["patches-dots-two"][1].axes
    ]
    assert [len(some) for some in boxes[:4]] == [2, 2, 2, 1]
    assert boxes[0][1].get_bbox().extents.tolist() == box(0)
    np.testing.assert_allclose(boxes[0][0].get_bbox().extents, [44 / 64, 36 / 48, 52 / 64, 46 / 48])


@pytest.mark.parametrize(
    ("without", "names"),
    [
        ({"log": False}, ["online", "places", "patches"]),
        ({"videos": False}, ["online", "learning", "places"]),
        ({"truth": False}, ["online", "learning", "places", "patches"]),
    ],
)
def test_what_lacks_a_piece_isnt_drawn(tmp_path, without, names):
    found = make_found(tmp_path, **without)
    drawn = {name.split("-")[2]: about for name, about, _ in finding_figures(found)}
    assert list(drawn) == names
    assert ("targets" in drawn["places"]["alt"]) == ("truth" not in without)


def test_without_patches_or_settings_only_scores_are_told(tmp_path):
    found = make_found(tmp_path)
    for run in found.runs():
        fake_results.write(tmp_path / "results" / run["run"] / "provenance.predict.json", {"settings": {}, "code": ""})
    assert [name for name, *_ in finding_tables(found)] == ["findings--online"]
    assert [name for name, *_ in finding_figures(found)] == ["findings--online-dots-two-n"]
    for run in found.runs():
        path = tmp_path / "results" / run["run"] / "predictions.parquet"
        pd.read_parquet(path).assign(decisions=json.dumps([{"frames": FRAMES}])).to_parquet(path)
    seal(tmp_path)
    assert [name for name, *_ in finding_tables(found)] == ["findings--online"]


def test_findings_need_no_torch():
    code = (
        f"import sys; from saccade.project import load_module; load_module('{FOLDER / 'paper/findings.py'}'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parents[1]).returncode == 0
