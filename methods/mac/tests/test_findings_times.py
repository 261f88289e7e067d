"""What the page shows of temporal samplers, on made-up runs small enough to count by hand: four of eight frames
offered, the second seen in full or not, the last left out or not."""

import json
from pathlib import Path

import fake_results
import numbered
import pandas as pd
import pytest
from fake_findings import figures_of, found_of, tables_of
from matplotlib.patches import Rectangle

from saccade.project import load_module
from saccade.report.findings import finding_figures, finding_tables

FOLDER = Path(__file__).parents[1]
decisions, times = (load_module(FOLDER / f"paper/{name}.py") for name in ("decisions", "times"))
OFFERED = [0, 2, 4, 6]
WAYS = {  # point: (full, scanned, skipped, decisions)
    "whole": ([0, 2], [4], [6], [0, 2]),
    "sampled0": ([0, 2, 4, 6], [], [], [0, 0, 0]),
    "sampled1": ([0], [2, 4, 6], [], [1, 1, 1]),
    "attention": ([0, 2], [4], [6], [0, 2]),
}
BOX = [[0.0, 0.0, 0.5, 0.5]]
ASKED = {"similarity": [0.9, 0.5], "similarity_copied": [0.8, 0.6], "similarity_shifted": [0.7, 0.4]}
MAPS = {"frames": [0, 2, 4], "attention": [[[0, 1], [2, 3]]] * 3, "expected": [[[0, 1], [2, 4]]] * 2}
TRAINED = {  # variant: how far the terms of its loss push
    "s1-t2": {"classes": 0.5, "usage": 2.0, "efficiency": 1e-9},
    "s1-t2-paper": {"classes": 0.25, "efficiency": 0.125},
}


def view(point, video):
    full, scanned, skipped, made = WAYS[point]
    told = {"frames": full, "boxes": [BOX] * len(full), "scanned": scanned, "skipped": skipped, "decisions": made}
    told["similarity"] = [0.75] * len(made)
    if point == "attention":
        told |= ASKED | ({"foreseen": MAPS} if video != 0 else {})
    return told


def write_run(root, run):
    """What train, predict and score leave. Of the videos v0 to v3, all of class 0, the last two are taken for 1."""
    folder, points = root / "results" / run["run"], [point["name"] for point in run["points"]]
    folder.mkdir(parents=True)
    decides = run["variant"] in TRAINED
    rows = [
        {"point": point, "video_id": f"v{video}", "n.target": 0, "n.scores": [2.0 - video, 0.5]}
        | {"decisions": json.dumps([view(point, video) if decides else {"frames": OFFERED}])}
        for point in points
        for video in range(4)
    ]
    pd.DataFrame(rows).to_parquet(folder / "predictions.parquet")
    metrics = [
        {"point": point, "metric": "gmacs.mean", "value": 2.0, "low": None, "high": None, "n": 4} for point in points
    ]
    fake_results.write(folder / "metrics.json", {"run": run["run"], "rows": metrics, "evaluated": 4, "clusters": 4})
    own = {"fusion": "three", "look": "learned", "regions": 1, "attention_layer": "layer1.0", "decide": "learned"}
    own |= {"skips": 2 if decides else 0, "efficiency": "paper" if "paper" in run["variant"] else "code"}
    settings = {point: own | ({"decide": "sampled"} if point.startswith("sampled") else {}) for point in points}
    fake_results.write(folder / "provenance.predict.json", {"settings": settings, "code": ""})
    if decides:
        lengths = {"first": TRAINED[run["variant"]], "last": {"classes": 1.0, "efficiency": 3.0}}
        result = {f"gradient.{when}.{term}": one for when, of in lengths.items() for term, one in of.items()}
        made = {"result": result, "sha256": "", "settings": {}, "code": "", "trains": ["sampler.*"]}
        fake_results.write(folder / "train_times.json", made)


def make_found(root, truth=True, points=tuple(WAYS)):
    runs = [
        {"run": f"study/dots/mac/{variant}/seed{seed}", "dataset": "dots", "method": "mac"}
        | {"variant": variant, "seed": seed, "phases": ["train_times"] if variant in TRAINED else []}
        | {"points": [{"name": name, "stand_in": None, "of": []} for name in points]}
        for variant in ("s0", *TRAINED)
        for seed in (0, 1)
    ]
    grid = {"budget": "study", "runs": runs, "methods": []}
    grid["datasets"] = [{"name": "dots", "classes": {"": {"n": ["red", "blue"]}}}]
    for run in runs:
        write_run(root, run)
    folder = root / "data/dots/prepared/study"
    fake_results.write_videos(root, folder)
    if truth:
        # surprise before the third frame offered; before the fourth all stands, before the second only a part
        table = pd.DataFrame(
            [(f"v{video}", frame) for video in range(4) for frame in range(8)], columns=["video_id", "frame"]
        )
        table["informative"] = table.frame.isin([2, 6])
        table["surprise"] = table.frame.map({2: 0.2, 3: 0.5}).fillna(0.0)
        table["still"] = table.frame.isin([1, 5, 6])
        table.to_parquet(folder / "truth.parquet")
    return found_of(root, grid, FOLDER)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return make_found(tmp_path_factory.mktemp("found"))


@pytest.fixture(scope="module")
def tables(found):
    every = tables_of(found)
    assert not [name for name, table in every.items() if len(table.data.select_dtypes("bool").columns)]  # none is read
    return {name: table.text() for name, table in every.items()}


@pytest.fixture(scope="module")
def figures(found):
    return figures_of(found)


def test_decisions_are_counted_by_run_likeliest_and_drawn(tables):
    table = tables["decisions"]
    assert table[["Variant", "Seed", "Decisions"]].values.tolist() == [
        [variant, seed, by] for variant in TRAINED for seed in "01" for by in ("likeliest", "drawn, 2")
    ]
    likeliest, drawn = table.iloc[0], table.iloc[1]
    shares = ["0 (%)", "1 (%)", "2 (%)", "Equal use (%)", "Full (%)", "Pre-scanned (%)", "Skipped (%)"]
    assert likeliest[shares].tolist() == ["50.0", "0.0", "50.0", "33.3", "50.0", "25.0", "25.0"]
    assert drawn["0 (%)"] == "50.0 ± 70.7" and drawn["2 (%)"] == "0.0 ± 0.0"
    assert drawn["Full (%)"] == "62.5 ± 53.0"  # all four, or the first
    assert (likeliest["SSIM"], drawn["SSIM"]) == ("0.750", "0.750")


def test_full_frames_stand_beside_what_happened_since_the_frame_offered_before(tables):
    row = tables["full-frames"].set_index("Variant").loc["s1-t2"]
    assert row["All (%)"] == "33.3 ± 0.0"
    assert row["Informative (%)"] == "50.0 ± 0.0"  # the second of four and not the last
    assert [row[name] for name in ("Not (%)", "Surprising (%)", "Still (%)")] == ["0.0 ± 0.0"] * 3


def test_the_hallucinator_stands_beside_copies_by_stretch(tables):
    table = tables["foreseen"]
    assert table[table.Variant == "s1-t2"].iloc[:, 2:].values.tolist() == [
        ["all", "16", "0.7000", "0.7000", "0.5500", "2"],
        ["predictable", "8", "0.9000", "0.8000", "0.7000", "2"],
        ["surprising", "8", "0.5000", "0.6000", "0.4000", "2"],
    ]


def test_terms_without_a_gradient_are_told_apart_from_terms_that_are_not_there(tables):
    table = tables["pushes"].set_index(["Variant", "Training"])
    assert table.loc[("s1-t2", "before"), ["Classes", "Equal use", "Efficiency"]].tolist() == ["0.500", "2.00", "0"]
    assert table.loc[("s1-t2-paper", "before"), ["Classes", "Equal use", "Efficiency"]].tolist() == [
        "0.250",
        "–",
        "0.125",
    ]
    assert table.loc[("s1-t2-paper", "after"), "Efficiency"] == "3.00"


def test_every_figure_is_made_and_told(figures):
    assert list(figures)[-3:] == ["decisions-dots", "foreseen-dots", "ways-dots"]
    for about, figure in figures.values():
        figure.draw_without_rendering()
        assert about["alt"] and about["caption"].startswith("Budget study")
    assert "s1-t2 0: 50 %, 1: 0 %, 2: 50 %" in figures["decisions-dots"][0]["alt"]
    assert "v1: red, recognised: −0.900, −0.500" in figures["foreseen-dots"][0]["alt"]
    assert "v2: red, taken for blue: full, full, pre-scanned, skipped" in figures["ways-dots"][0]["alt"]


def test_a_way_is_drawn_as_it_was(found, figures):
    """Edges in the colours of full and pre-scanned frames, crops on full ones alone, maps where there are some."""
    rows = times.decided(found).query("variant == 's1-t2' and seed == 0 and point == 'attention'")
    videos = list(times.traced(found, rows))
    assert [video.of.video for video in videos] == ["v1", "v2"]  # of v0 no maps were kept
    assert [numbered.number_of(frame) for frame in videos[0].frames] == OFFERED
    axes = figures["ways-dots"][1].axes[:12]
    patches = [[patch for patch in one.patches if isinstance(patch, Rectangle)] for one in axes[:4]]
    assert [len(some) for some in patches] == [2, 2, 1, 0]  # an edge and a crop; an edge; nothing
    red, green = patches[0][-1].get_edgecolor(), patches[2][0].get_edgecolor()
    assert red[0] > red[1] and green[1] > green[0]
    assert [len(one.images) for one in axes] == [1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0]


def test_without_truth_or_kept_maps_the_rest_is_shown(tmp_path):
    found = make_found(tmp_path, truth=False, points=("whole", "sampled0"))
    names = [name.removeprefix("findings--") for name, *_ in finding_tables(found)]
    assert names[-2:] == ["decisions", "pushes"]
    assert [name.removeprefix("findings--") for name, *_ in finding_figures(found)][-1] == "decisions-dots"
