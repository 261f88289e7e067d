"""The method's own tables and figures, on made-up runs small enough to count by hand."""

import json
import subprocess
import sys
from pathlib import Path

import fake_results
import numpy as np
import pandas as pd
import pytest
import torch
from fake_findings import figures_of, found_of, tables_of

from saccade.project import load_module

FOLDER = Path(__file__).parents[1]
decisions = load_module(FOLDER / "paper/decisions.py")
keys = load_module(FOLDER / "paper/keys.py")
VALUES = {  # point -> top-1 with seed 0, with seed 1 0.02 more; GMACs
    "selector2": (0.60, 2.0),
    "selector8": (0.80, 8.0),
    "centre8": (0.70, 8.0),
    "random8-0": (0.50, 8.0),
    "random8-1": (0.54, 8.0),
}
SHARES = {"context": [0.2, 0.4, 0.9], "frame": [0.5, 0.5, 0.5]}  # of threshold32, of the classes red, blue, green
CHOSEN = {"selector2": [3, 5], "selector8": list(range(8)), "centre8": list(range(0, 16, 2))}  # of a grid of 16
SHOWN_ELSEWHERE, MARKED = (
    [10],
    13,
)  # frames of v0 that would be evidence in another video, and that show a marker: places 5, 6
EVIDENCE = [6, 7]  # informative frames of 32, in v0 alone: of 16 snippets of 2 frames the one at place 3 holds them
VIDEOS = [(0, 0.1), (0, -0.1), (1, 0.0), (2, 0.0)]  # class, and how much more than that is selected


def write_run(root, run):
    """What predict and score leave."""
    folder, more = root / "results" / run["run"], 0.02 * run["seed"]
    folder.mkdir(parents=True)
    rows = []
    for number, (label, apart) in enumerate(VIDEOS):
        views = {"threshold32": {"frames": [0], "ratio": SHARES[run["variant"]][label] + apart}}
        views |= {point: {"frames": [0], "timesteps": chosen} for point, chosen in CHOSEN.items()}
        for point, view in views.items():
            row = {"point": point, "video_id": f"v{number}", "decisions": json.dumps([view])}
            rows.append(row | {"n.target": label, "n.scores": np.eye(3)[label].tolist()})
    pd.DataFrame(rows).to_parquet(folder / "predictions.parquet")
    found = [
        {"point": point, "metric": metric, "value": value, "low": 0.0, "high": 1.0, "n": 4}
        for point, (top1, gmacs) in VALUES.items()
        for metric, value in (
            ("n.top1", top1 + more),
            ("n.map", 0.9),
            ("gmacs.mean", gmacs),
            ("frames.mean", 10.0),
            ("decoded_frames.mean", 24.0 if point.startswith("random") else 12.0),
        )
    ]
    found += [
        {"point": "threshold32", "metric": "n.top1", "value": 0.7 + more, "low": 0.0, "high": 1.0, "n": 4},
    ]
    settings = dict.fromkeys((*VALUES, "threshold32"), {"timesteps": 16, "timestep_frames": 2})
    fake_results.write(folder / "provenance.predict.json", {"settings": settings, "code": ""})
    fake_results.write(folder / "metrics.json", {"run": run["run"], "rows": found, "evaluated": 4, "clusters": 4})


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    root = tmp_path_factory.mktemp("found")
    runs = [
        {"run": f"study/dots@two/epitoma/{variant}/seed{seed}", "dataset": "dots", "edition": "two"}
        | {"method": "epitoma", "variant": variant, "phases": [], "seed": seed}
        | {"points": [{"name": name} for name in (*VALUES, "threshold32")]}
        for variant in SHARES
        for seed in (0, 1)
    ]
    grid = {"budget": "study", "runs": runs, "methods": []}
    grid["datasets"] = [{"name": "dots", "classes": {"two": {"n": ["red", "blue", "green"]}}}]
    for run in runs:
        write_run(root, run)
    folder = root / "data/dots/prepared/study@two"
    folder.mkdir(parents=True)
    truth = pd.MultiIndex.from_product([["v0", "v1", "v2", "v3"], range(32)], names=["video_id", "frame"]).to_frame(
        False
    )
    truth["informative"] = (truth.video_id == "v0") & truth.frame.isin(EVIDENCE)
    truth["key"] = truth.informative | (truth.video_id == "v0") & truth.frame.isin(SHOWN_ELSEWHERE)
    truth["marker"] = (truth.video_id == "v0") & (truth.frame == MARKED)
    truth.to_parquet(folder / "truth.parquet")
    fake_results.write(folder / "coverage.json", {"problems": [], "settings": {}})
    return found_of(root, grid, FOLDER)


@pytest.fixture(scope="module")
def tables(found):
    return {name: table.text() for name, table in tables_of(found).items()}


@pytest.fixture(scope="module")
def figures(found):
    return figures_of(found)


def test_random_timesteps_are_the_mean_of_drawings_and_seeds(tables):
    """0.50 and 0.54 with seed 0, 0.02 more with seed 1."""
    rows = tables["samplings"].set_index(["Variant", "Timesteps"]).loc["context"]
    assert list(rows.index) == ["Selector", "Uniform, centre", "Random"]
    assert rows.loc["Random", ["Measure", "2", "8", "Seeds"]].tolist() == ["top-1", "–", "53.0", "2"]
    assert rows.loc["Selector", ["2", "8"]].tolist() == ["61.0", "81.0"]


def test_key_timesteps_beside_chance(tables):
    """Of v0's 16 places the one numbered 3 holds evidence: 1 of the 2 chosen, of the 8, none of the centres."""
    precision, recall = (
        tables[f"key-{name}"].set_index(["Variant", "Timesteps"]).loc["context"] for name in ("precision", "recall")
    )
    assert precision.loc["Selector", ["2", "8"]].tolist() == ["50.0", "12.5"]
    assert recall.loc["Selector", ["2", "8"]].tolist() == ["100.0", "100.0"]
    assert precision.loc["Uniform, centre", "8"] == recall.loc["Uniform, centre", "8"] == "0.0"
    assert precision.loc["By chance", ["2", "8"]].tolist() == ["6.2", "6.2"]  # 1 of 16
    assert recall.loc["By chance", ["2", "8"]].tolist() == ["12.5", "50.0"]


def test_what_else_the_chosen_timesteps_show(tables):
    """Of v0's places 3 and 5 would be evidence in some video, and place 6 shows a marker."""
    shown, marked = (
        tables[f"key-{name}"].set_index(["Variant", "Timesteps"]).loc["context"]
        for name in ("any-evidence", "with-a-marker")
    )
    assert shown.loc["Selector", ["2", "8"]].tolist() == ["100.0", "25.0"]
    assert marked.loc["Selector", ["2", "8"]].tolist() == ["0.0", "100.0"]
    assert marked.loc["Uniform, centre", "8"] == "100.0" and "By chance" not in marked.index


@pytest.mark.parametrize("heavy", ["i3d", "resnet"])
def test_a_place_holds_evidence_where_true_timesteps_are_taken_from(heavy):
    places, settings = (load_module(FOLDER / name) for name in ("networks/places.py", "settings.py"))
    grid = {"timesteps": 16, "cached_timesteps": 16, "train_timesteps": 16, "timestep_frames": 3, "heavy": heavy}
    asked = settings.Settings(num_frames=1, resize=0, crop=0, epochs=1, batch_size=1, lr=0.1, **grid)
    shown = np.random.default_rng(0).random(50) < 0.2
    true = places.truth(16, torch.from_numpy(shown), asked)
    assert np.flatnonzero(keys.holding(shown, 16, 3, heavy == "resnet")).tolist() == true.tolist()
    assert 1 < len(true) < 14


def test_what_is_decoded_stands_beside_what_is_seen(tables):
    rows = tables["decoding"].set_index(["Variant", "Timesteps"]).loc["context"]
    assert rows.loc["Random", ["8: seen", "8: decoded"]].tolist() == ["10", "24"]
    assert rows.loc["Selector", "8: decoded"] == "12"


def test_open_gates_have_their_accuracy_beside_them(tables):
    """The classes' videos have 0.3, 0.1, 0.4, 0.9."""
    rows = tables["gates"].set_index("Variant")
    assert rows.loc["context", ["Of timesteps", "Open (%)"]].tolist() == ["32", "42.5 ± 0.0"]
    assert rows.loc["context", "Top-1 or mAP (%)"].startswith("71.0 ±")


def test_activations_are_those_of_the_network():
    curves = pd.read_csv(FOLDER / "paper/activations.csv")
    selector, value = load_module(FOLDER / "networks/selector.py"), torch.tensor(curves.value)
    assert set(curves) == {"value", *selector.ACTIVATIONS}
    for name, activation in selector.ACTIVATIONS.items():
        found = activation(value)
        np.testing.assert_allclose(found, curves[name], atol=1e-5)


@pytest.mark.parametrize(
    ("variant", "kind"),
    [
        ("tiny-i3d", ("tiny-i3d", False, None)),
        ("resnet50-e2e", ("resnet50", True, None)),
        ("tiny-i3d-e2e-no-l0", ("tiny-i3d", True, "no-l0")),
        ("shufflenet3d-frame", ("shufflenet3d", False, "frame")),
    ],
)
def test_a_variants_name_says_what_it_is(variant, kind):
    assert decisions._kind(variant) == kind


def test_only_variants_with_a_counterpart_are_told_by_context():
    rows = pd.DataFrame({"variant": ["tiny-i3d", "tiny-i3d-e2e", "tiny-i3d-e2e-frame", "tiny-i3d-e2e-relu"]})
    found = decisions.with_and_without_context(rows)
    assert found[["variant", "context"]].to_numpy().tolist() == [["tiny-i3d-e2e", True], ["tiny-i3d-e2e-frame", False]]


def test_shares_are_means_of_classes_and_their_variance_is_between_them(tables):
    """0.2 is the mean of 0.3 and 0.1; (0.2, 0.4, 0.9) have the mean 0.5 and the variance (0.09 + 0.01 + 0.16) / 3."""
    rows = tables["conditioning"].set_index("Variant")
    assert rows.loc["context"].tolist() == ["dots@two", "32", "50.0 ± 0.0", "20.0", "90.0", "0.0867", "2"]
    assert rows.loc["frame", "Variance between classes"] == "0"


def test_a_video_with_several_labels_counts_for_each(found, monkeypatch):
    several = found.predictions(found.runs()[0], ["threshold32"]).head(1)
    several["n.target"] = [np.array([0, 2])]
    monkeypatch.setattr(type(found), "predictions", lambda self, run, points: several)
    rows = decisions.shares(found)
    assert rows[rows.variant == "context"].head(2)[["class", "videos"]].to_numpy().tolist() == [
        ["red", 1],
        ["green", 1],
    ]


def test_each_figure_says_what_it_shows(figures):
    assert list(figures) == [
        "activations",
        *("by-timesteps-dots-two-n", "by-gmacs-dots-two-n", "key-timesteps-dots-two", "shares-dots-two"),
    ]
    about, figure = figures["by-timesteps-dots-two-n"]
    assert "context, Selector: 61.0 % at 2, 81.0 % at 8" in about["alt"]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["context, apart", "frame, apart"]
    assert "context selects least of red, 20 %, and most of green, 90 %" in figures["shares-dots-two"][0]["alt"]


def test_a_line_has_its_means(figures):
    (line,) = [one for one in figures["by-gmacs-dots-two-n"][1].axes[0].lines if one.get_label() == "Selector"]
    np.testing.assert_allclose(line.get_xydata(), [[2, 61], [8, 81]])


def test_findings_need_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None; from pathlib import Path; from saccade.project import load_module; "
        f"load_module(Path({str(FOLDER / 'paper/findings.py')!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=FOLDER.parents[1])


def test_a_class_has_a_bar_in_the_panel_of_each_variant(figures):
    panels = figures["shares-dots-two"][1].axes
    assert [axes.get_title(loc="left") for axes in panels] == ["context", "frame"]
    np.testing.assert_allclose([bar.get_height() for bar in panels[0].patches], [20, 40, 90])
    assert [label.get_text() for label in panels[1].get_xticklabels()] == ["red", "blue", "green"]
