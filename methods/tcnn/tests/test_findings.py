"""The method's own tables and figures, on made-up runs small enough to count by hand: grids of 3 x 3 cells."""

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
from torch.nn import functional

from saccade.project import load_module
from saccade.report.findings import finding_figures, finding_tables

FOLDER = Path(__file__).parents[1]
decisions, drawing, findings = (
    load_module(FOLDER / f"paper/{name}.py") for name in ("decisions", "drawing", "findings")
)
SAID = {  # by point the classes that v0 to v3 are taken for; all are of class 0
    "original": [0, 0, 0, 1],
    "discriminative": [0, 0, 1, 1],
    "complementary": [0, 1, 2, 0],
    "single": [0, 0, 1, 1],
}
SAID |= dict.fromkeys(["maps", "magnified"], SAID["single"])
RUNS = {  # variant: its points, its settings, the betas that it learned
    "odc": (list(SAID), {}, {"discriminative": 0.125, "complementary": 0.25}),
    "od": (["single", "original", "discriminative"], {}, {"discriminative": 0.0625}),
    "odc-uniform": (["single", "original"], {"places": "uniform"}, {"discriminative": 0.09, "complementary": 0.3}),
    "plain": (["single"], {}, {}),
}
SETTINGS = {"places": "peaks", "beta_dis": 0.09, "beta_com": 0.3}
ROWS, COLUMNS = np.meshgrid([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], indexing="ij")
IDENTITY = np.stack([COLUMNS, ROWS], axis=-1)
SHOWN = {  # the left half of the frame was seen; one peak in its middle, another in its lower right corner
    "frame": 5,
    "seen": [0.0, 0.0, 0.5, 1.0],
    "responses": [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.25]],
    "peaks": [[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 0.25, 0.0]],
    "attention": {"complementary": [[1.0] * 3] * 3, "discriminative": [[0.09] * 3] * 3},
    "grids": {"complementary": (IDENTITY / 2).tolist(), "discriminative": IDENTITY.tolist()},
}


def view(point, video, seed):
    """The target of v1 never shows; the maps of v0 aren't kept."""
    told = {"frames": [1, 5]}
    if point in ("maps", "magnified"):
        told |= {"peaks.discriminative": [1, 2], "peaks.complementary": [0, 1], "sure": [1, int(video > 1)]}
    if point == "magnified":
        numbers = None if video == 1 else 2.0 + video + seed
        told |= {"magnified.discriminative": numbers, "magnified.discriminative.anywhere": numbers and 1.0}
    if point == "maps" and video:
        told["shown"] = SHOWN
    return told


def write_run(root, run):
    """What train, predict and score leave."""
    folder = root / "results" / run["run"]
    points, own, learned = RUNS[run["variant"]]
    folder.mkdir(parents=True)
    rows = [
        {"point": point, "video_id": f"v{video}", "decisions": json.dumps([view(point, video, run["seed"])])}
        | {"n.target": 0, "n.scores": np.eye(3)[SAID[point][video]].tolist()}
        for point in points
        for video in range(4)
    ]
    pd.DataFrame(rows).to_parquet(folder / "predictions.parquet")
    fake_results.write(folder / "metrics.json", {"run": run["run"], "rows": [], "evaluated": 4, "clusters": 4})
    settings = dict.fromkeys(points, SETTINGS | own)
    fake_results.write(folder / "provenance.predict.json", {"settings": settings, "code": ""})
    result = {f"beta.{video}": value + run["seed"] for video, value in learned.items()}
    record = {"result": {"train.loss": 1.0} | result, "sha256": "", "settings": {}, "code": "", "trains": []}
    fake_results.write(folder / "train_jointly.json", record)


def make_found(root, videos=True, variants=tuple(RUNS)):
    runs = [
        {"run": f"study/dots@two/tcnn/{variant}/seed{seed}", "dataset": "dots", "edition": "two", "method": "tcnn"}
        | {"variant": variant, "phases": ["train_jointly"], "seed": seed}
        | {"points": [{"name": name, "title": f"titled {name}"} for name in RUNS[variant][0]]}
        for variant in variants
        for seed in (0, 1)
    ]
    grid = {"budget": "study", "runs": runs, "methods": []}
    grid["datasets"] = [{"name": "dots", "classes": {"two": {"n": ["red", "blue", "green"]}}}]
    for run in runs:
        write_run(root, run)
    folder = root / "data/dots/prepared/study@two"
    fake_results.write_videos(root, folder, encoded=videos)
    # a target in the lower left quarter of the frame, so the lower right of what was seen
    seen = [(f"v{number}", frame, True) for number in range(4) for frame in range(8)]
    table = pd.DataFrame(seen, columns=["video_id", "frame", "informative"])
    table.assign(x0=16.0, y0=24.0, x1=32.0, y1=48.0, visibility=1.0, moment=0).to_parquet(folder / "truth.parquet")
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


def test_magnification_is_of_the_videos_whose_target_shows(tables):
    """By hand: 2, 4 and 5 with seed 0, one more each with seed 1."""
    (row,) = tables["magnified"].to_dict("records")
    assert row == {"Dataset": "dots@two", "Variant": "odc", "Point": "titled magnified", "D": "4.17 ± 0.71"} | {
        "D, anywhere": "1.00 ± 0.00",
        "C": "–",
        "C, anywhere": "–",
        "Videos": "3",
        "Seeds": "2",
    }


def test_branches_agree_as_counted_by_hand(tables):
    table = tables["agreement"].set_index("Variant")
    assert list(table.index) == ["odc", "od"]  # the others have one branch, or none, that answered alone
    assert table.loc["odc"].to_dict() == {"Dataset": "dots@two", "Views": "one", "O (%)": "75.0 ± 0.0"} | {
        "D (%)": "50.0 ± 0.0",
        "C (%)": "50.0 ± 0.0",
        "All (%)": "50.0 ± 0.0",
        "O = D (%)": "75.0",
        "O = C (%)": "25.0",
        "D = C (%)": "25.0",
        "One right (%)": "100.0",
        "Misled (%)": "25.0",
        "Seeds": "2",
    }
    assert table.loc["od", ["C (%)", "O = D (%)", "D = C (%)", "One right (%)"]].tolist() == ["–", "75.0", "–", "75.0"]


def test_peaks_are_counted_by_frame(tables):
    (row,) = tables["peaks"].to_dict("records")
    assert row == {"Dataset": "dots@two", "Variant": "odc", "Discriminative": "1.50", "Complementary": "0.50"} | {
        "No complementary one (%)": "50.0",
        "Sure (%)": "75.0",
        "Seeds": "2",
    }


def test_betas_stand_by_seed_beside_where_they_began(tables):
    table = tables["betas"].set_index("Variant")
    assert list(table.index) == ["odc", "od"]  # uniform attention has no width
    assert table.loc["odc"].tolist() == ["dots@two", "0.09", "0.125, 1.125", "0.3", "0.25, 1.25"]
    assert table.loc["od"].tolist() == ["dots@two", "0.09", "0.0625, 1.0625", "–", "–"]


def test_one_recognised_and_one_mistaken_video_are_drawn_of_those_kept(found):
    rows = decisions.kept_maps(found).query("seed == 0")
    assert rows.video_id.tolist() == ["v1", "v2", "v3"]
    videos = list(decisions.examples(found, rows))
    assert [one.of.words for one in videos] == ["v1: red, recognised", "v2: red, taken for blue"]


def test_a_misled_video_is_one_that_the_original_branch_alone_recognises(found, figures):
    rows = decisions.kept_maps(found).query("seed == 0")
    assert [one.of.video for one in decisions.failures(found, rows)] == ["v2"]
    assert not list(decisions.failures(found, rows[rows.video_id != "v2"]))
    assert "So are 1 of the 4 videos" in figures["misled-dots-two"][0]["caption"]


def test_what_was_seen_is_cut_out_and_resampled(found):
    (first, _) = decisions.examples(found, decisions.kept_maps(found).query("seed == 0"))
    assert first.frame.shape == (48, 32, 3)
    (whole,) = found.frames(found.runs()[0], "v1", [5])
    assert numbered.number_of(whole) == 5
    assert (first.frame == whole[:, :32]).all() and (first.made["discriminative"] == first.frame).all()
    assert first.target == pytest.approx([0.5, 0.5, 1, 1])


@pytest.mark.parametrize("size", [(7, 5), (4, 9)])
def test_resampling_is_that_of_the_network(size):
    draw = np.random.default_rng(0)
    picture = draw.integers(0, 256, (*size, 3), dtype=np.uint8)
    grid = np.clip(IDENTITY * 0.8 + draw.normal(0, 0.2, IDENTITY.shape), -1, 1)
    wide = functional.interpolate(
        torch.tensor(grid).permute(2, 0, 1)[None], size, mode="bilinear", align_corners=True
    ).permute(0, 2, 3, 1)
    pixels = torch.tensor(picture, dtype=torch.float64).permute(2, 0, 1)[None]
    expected = functional.grid_sample(pixels, wide, align_corners=True)[0].permute(1, 2, 0)
    assert np.abs(decisions.resampled(picture, grid) - expected.numpy()).max() <= 0.5 + 1e-6


def test_every_figure_is_made_and_told(figures):
    assert list(figures) == ["maps-dots-two", "misled-dots-two"]
    for about, figure in figures.values():
        assert about["caption"].startswith("Budget study")
        assert "its frame has 1 discriminative, 1 complementary peaks" in about["alt"]
        figure.draw_without_rendering()


def test_peaks_lie_on_the_frame_where_the_grid_has_them(figures):
    """In fractions of 48 rows and 32 columns: the middle of the last row of pixels is 47.5 / 48. On the responses below
    it in cells."""
    frame, _, _, responses = figures["maps-dots-two"][1].axes[:4]
    drawn = [[line.get_xydata().tolist() for line in axes.lines] for axes in (frame, responses)]
    assert drawn[0] == [
        [[pytest.approx(0.5), pytest.approx(0.5)]],
        [[pytest.approx(31.5 / 32), pytest.approx(47.5 / 48)]],
    ]
    assert drawn[1] == [[[1, 1]], [[2, 2]]]
    assert frame.lines[0].get_marker() != frame.lines[1].get_marker()


def test_rows_are_discriminative_then_complementary_and_even_attention_is_named(figures):
    said = [axes.texts[0].get_text() for axes in figures["maps-dots-two"][1].axes[:6]]
    assert said == [
        *("frame", "attention, discriminative:\nthe same everywhere", "discriminative"),
        *("responses", "attention, complementary:\nthe same everywhere", "complementary"),
    ]


def test_without_videos_the_tables_are_left_and_without_branches_nothing_of_runs(tmp_path):
    of_runs = {f"findings--{name}" for name in ("magnified", "agreement", "peaks", "betas")}
    found = make_found(tmp_path / "odc", videos=False, variants=["odc"])
    assert not list(finding_figures(found)) and of_runs <= {name for name, *_ in finding_tables(found)}
    plain = make_found(tmp_path / "plain", videos=False, variants=["plain"])
    names = {name for name, *_ in finding_tables(plain)}
    assert not of_runs & names and "findings--presets" in names


def test_findings_need_no_torch():
    code = (
        f"import sys; from saccade.project import load_module; load_module('{FOLDER / 'paper/findings.py'}'); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parents[1]).returncode == 0
