"""The step end to end on a toy method and five tiny videos: what latency.json holds, never how long anything took."""

import json
import os
import re
import shutil

import fake_results
import pandas as pd
import pytest
import torch
from conftest import ROOT, edit
from numbered import encode
from seals import seal

from saccade.__main__ import main
from saccade.cards.config import load_config
from saccade.cards.method import load_method
from saccade.engine import weights
from saccade.plan import staleness
from saccade.plan.grid import planned_grid
from saccade.plan.layers import heads_of, resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.steps import measure
from saccade.video.probe import probe

MODEL = """
import torch
from torch import nn
from saccade.records import Prediction

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), nn.ReLU())
        self.classifier = nn.Linear(width, 2)

    def forward(self, rgb):
        found = self.features(rgb.flatten(0, 1)).mean((2, 3)).unflatten(0, rgb.shape[:2]).mean(1)
        return self.classifier(found)

def build(settings, heads):
    return Net(settings.width)

def predict(model, clip, settings):
    videos, frames = clip["rgb"].shape[:2]
    pixels = (clip["rgb"].shape[-1] - 2) * (clip["rgb"].shape[-2] - 2)
    macs = torch.full((videos,), frames * pixels * 27 * settings.width + 2 * settings.width)
    return Prediction({"noun": model(clip["rgb"]).softmax(1)}, macs, torch.full((videos,), frames), [{}] * videos)
"""
VIDEOS = 5


@pytest.fixture
def ready(project, monkeypatch):
    """The toy project with a model, prepared videos, and weights for the run `plain`; one process, batches of 1 and
    2."""
    (project / "methods/toy/model.py").write_text(MODEL)
    card = project / "methods/toy/card.yml"
    edit(card, "  policy: {needs: [base], trains: [policy.*]}\n", "")
    edit(card, ", phases: {policy: {epochs: 3}}", "")
    edit(card, "  shared: {use: [policy], phases: {policy: {needs: [plain/base]}}}\n", "")
    edit(card, "lr: 0.1}", "lr: 0.1, timing_batch_size: 2}")
    edit(card, "  truthful:", "  quick: {num_frames: 1, against: frames2}\n  truthful:")
    folder = project / "data/dots/prepared/demo"
    folder.mkdir(parents=True)
    rows = []
    for number in range(VIDEOS):
        path = encode(project / f"data/dots/v{number}.mp4", frames=4)
        info = probe(path)
        rows.append(
            {
                "video_id": f"v{number}",
                "split": "test",
                "cluster": number,
                "path": f"data/dots/v{number}.mp4",
                "noun": 0,
            }
            | info.columns()
        )
    pd.DataFrame(rows).to_parquet(folder / "index.parquet")
    fake_results.write(folder / "coverage.json", {"problems": [], "settings": {}})
    seal(project)
    run = Run("demo", "dots", "", "toy", "plain", 0)
    settings = resolve(project, run).typed
    torch.manual_seed(0)
    model = load_module(project / "methods/toy/model.py").build(settings, heads_of(project, run))
    facts = {"settings": {}, "code": "", "trains": ["*"], "result": {}}
    weights.save(project / run.folder / "base.json", model, ["*"], facts)
    # whose code is hashed
    shutil.copytree(ROOT / "saccade", project / "saccade", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(measure, "PROCESSES", 1)
    monkeypatch.chdir(project)
    return project, run


def test_a_point_is_timed_beside_its_counterpart(ready):
    project, run = ready
    assert main(["measure", run.name]) == 0
    found = json.loads((project / run.folder / "latency.json").read_text())["points"]["quick"]
    assert found["against"] == {"run": run.name, "point": "frames2"} and found["videos"] == VIDEOS
    assert found["macs"] == {
        "own": 46 * 62 * 108 + 8,
        "against": 2 * 46 * 62 * 108 + 8,
        "ratio": pytest.approx(2, rel=1e-4),
    }
    cpu = [reading for reading in found["readings"] if reading["device"] == "cpu"]
    assert [(reading["batch"], reading["decoding"]) for reading in cpu] == [
        (1, False),
        (1, True),
        (2, False),
        (2, True),
    ]
    for reading in cpu:
        assert reading["speedup"] > 0 and reading["aa"] > 0 and len(reading["by_process"]) == 1
        assert reading["marked"] is (abs(reading["aa"] - 1) > 0.03)
        assert all(set(reading["seconds"][side]) == {"mean", "p50", "p95"} for side in ("own", "against"))
    assert {"decode", "transforms", "model.features", "model.classifier", "outside"} == set(
        found["parts"]["cpu"]["own"]
    )
    assert (
        found["optimised"]["cpu"]["own"]["folded"] == 1 and found["optimised"]["cpu"]["own"]["decided_otherwise"] == 0
    )
    assert found["machine"]["threads"] == 1 and found["machine"]["cpu"] and len(found["machine"]["processes"]) == 1
    assert found["code"] == staleness.measure_code(project, "toy") and found["provenance"]["packages"]["torch"]
    wanted = json.loads(staleness.measure_params(project, run)["settings"])
    assert json.loads(json.dumps(found["settings"])) == wanted["quick"]


def test_its_processes_stop_with_it_and_not_with_whom_the_workflow_named(ready, monkeypatch):
    """Snakemake's rules export their own process as the one to stop with; what `measure` starts has another parent."""
    monkeypatch.setenv("SACCADE_STOPS_WITH", str(os.getppid()))
    assert main(["measure", ready[1].name]) == 0


def test_one_point_can_be_asked_for_and_the_others_stay_where_they_are_current(ready, monkeypatch):
    """The file is whole all the same, since the workflow takes it for a finished one."""
    project, run = ready
    file = project / run.folder / "latency.json"
    edit(project / "methods/toy/card.yml", "  quick:", "  brisk: {num_frames: 3, against: frames2}\n  quick:")
    load_method.cache_clear()
    brisk = made_pair(project, run, "brisk")
    current = {"settings": brisk.values, "code": brisk.code}
    for before, kept in (({"brisk": current}, True), ({"brisk": current | {"code": "old"}}, False), ({}, False)):
        fake_results.write(file, {"run": run.name, "points": {"gone": current, "quick": current} | before})
        monkeypatch.setattr(measure, "combine", lambda pair, found: {"videos": found[0]["videos"]})
        monkeypatch.setattr(measure, "run_process", lambda pair, number, into: {"videos": VIDEOS})
        assert main(["measure", run.name, "--point", "quick"]) == 0
        anew = {"videos": VIDEOS}
        assert json.loads(file.read_text())["points"] == {"brisk": current if kept else anew, "quick": anew}


def test_the_plan_knows_what_current_times_are_made_with(ready):
    project, run = ready

    def planned():
        (row,) = planned_grid(project, load_config({"budget": "demo", "runs": ["dots/toy/plain"], "seeds": [0]}))[
            "runs"
        ]
        return {point["name"]: point["timed_with"] for point in row["points"]}

    pair = made_pair(project, run)
    assert planned()["quick"] == staleness.timed_with(pair.code, pair.values) and planned()["frames2"] == ""
    before = planned()["quick"]
    edit(project / "methods/toy/card.yml", "timing_batch_size: 2", "timing_batch_size: 3")
    load_method.cache_clear()
    assert planned()["quick"] != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--point", "frames1"], "no point 'frames1' with a counterpart .there are: quick"),
        (["--point", "qick"], "did you mean 'quick'"),
    ],
)
def test_a_point_without_counterpart_is_named(ready, capsys, arguments, message):
    _, run = ready
    assert main(["measure", run.name, *arguments]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_a_run_without_weights_stops_with_one_message(ready, capfd):
    project, run = ready
    (project / run.folder / "base.safetensors").unlink()
    assert main(["measure", run.name]) == 1
    said = capfd.readouterr().err
    assert f"base.safetensors is missing; make it anew: python -m saccade train {run.name} base" in said
    assert "Traceback" not in said
    assert not (project / run.folder / "latency.json").exists()


def test_an_untrained_run_or_counterpart_says_how_to_train_it_before_any_process(ready, capsys, monkeypatch):
    project, run = ready
    monkeypatch.setattr(measure, "run_process", lambda *_: pytest.fail("a process was started"))
    (project / run.folder / "base.json").unlink()
    assert main(["measure", run.name]) == 1
    said = capsys.readouterr().err
    assert "isn't trained: results/demo/dots/toy/plain/seed0/base.json is missing" in said
    assert "snakemake --cores 2 --config budget=demo runs='[dots/toy/plain]'" in said


def test_an_untrained_run_is_not_predicted_and_says_how_to_train_it(ready, capsys):
    project, run = ready
    (project / run.folder / "base.json").unlink()
    assert main(["predict", run.name]) == 1
    assert (
        "isn't trained: results/demo/dots/toy/plain/seed0/base.json is missing. This trains it"
        in capsys.readouterr().err
    )


def test_settings_that_change_no_clock_measure_nothing_again(ready):
    project, run = ready
    before = staleness.measure_params(project, run)
    edit(project / "methods/toy/card.yml", "  quick:", "  more: {num_frames: 3}\n  quick:")
    assert load_method.cache_clear() is None and staleness.measure_params(project, run) == before
    edit(project / "methods/toy/card.yml", "timing_batch_size: 2", "timing_batch_size: 3")
    load_method.cache_clear()
    assert staleness.measure_params(project, run)["settings"] != before["settings"]


def test_optimisations_that_change_the_model_are_refused(ready, monkeypatch):
    project, run = ready
    pair = made_pair(project, run)
    side = measure.Side(pair.own, torch.device("cpu"))
    side.model.classifier.weight.data.mul_(3)
    with pytest.raises(measure.SaccadeError, match="the model isn't the same: video v0"):
        measure.check(side, [0])


def made_pair(project, run, point="quick"):
    from saccade.plan.counterparts import counterparts_of
    from saccade.verbs import pair

    return pair(project, run, point, counterparts_of(project, run)[point])


def test_videos_are_spread_over_the_split():
    assert measure.spread(3) == [0, 1, 2]
    numbers = measure.spread(1000)
    assert len(numbers) == measure.VIDEOS >= 50 and (numbers[0], numbers[-1]) == (0, 999)
