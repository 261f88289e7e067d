"""The steps on a tiny method that asks for its frames: a linear layer glances at a few frames in small, a convolution
looks at the best of them. And on methods that lie about what they decode, or that remember wrongly."""

import json
import re
import sys

import pandas as pd
import pytest
from conftest import edit
from untrained import put_videos, put_weights

from saccade.__main__ import main
from saccade.engine import shared_clips
from saccade.plan.runs import Run
from saccade.records import PREDICTIONS_FILE
from saccade.steps import measure

SETTINGS = """
from dataclasses import dataclass
from saccade.settings import Section, Shared

@dataclass(frozen=True, kw_only=True)
class Choice(Section):
    pool: int = 4
    chosen: int = 1

@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Choice):
    pass
"""
CARD = """
method: picker
title: Picker
settings: {heads: [noun], num_frames: 4, resize: 0, crop: 0, on_demand: true, epochs: 1, batch_size: 4, lr: 0.1,
  device: cpu, eval_batch_size: 2, timing_batch_size: 2}
phases:
  base: {reads: [recipe, choice]}
budgets: {demo: {epochs: 1}}
contract: [plain]
variants:
  plain: {}
points:
  "pick{chosen}": {grid: {chosen: [1, 2, 3]}}
  quick: {chosen: 1, against: pick3}
"""
MODEL = """
import torch
from torch import nn
from saccade.records import Prediction

class Picker(nn.Module):
    def __init__(self):
        super().__init__()
        self.light = nn.Linear(3 * 6 * 6, 1)
        self.heavy = nn.Conv2d(3, 4, 3)
        self.classifier = nn.Linear(4, 2)

def build(settings, heads):
    return Picker()

def predict(model, clip, settings):
    told, memory = [], clip.get("memory", {})
    for video, frames in zip(clip["video_id"], clip["frames"], strict=True):
        pool = [place * frames.frames // settings.pool for place in range(settings.pool)]
        if video not in memory:
            small = frames.get(pool, resize=6, crop=6)
            memory[video] = model.light(small.flatten(1)).squeeze(1)
        best = memory[video].argsort(descending=True)[: settings.chosen].sort().values
        numbers = [pool[place] for place in best.tolist()]
        looked = frames.get(numbers)
        pixels = (looked.shape[-1] - 2) * (looked.shape[-2] - 2)
        scores = model.classifier(model.heavy(looked).relu().mean((2, 3)).mean(0))
        macs = len(pool) * 108 + len(numbers) * pixels * 108 + 8
        decoded = frames.decoded_for(pool) + frames.decoded_for(numbers)
        alpha = [round(value, 4) for value in memory[video].tolist()]
        told.append((scores.softmax(0), macs, decoded, {"frames": numbers, "alpha": alpha}))
    scores, macs, decoded, decisions = zip(*told, strict=True)
    macs, decoded = torch.tensor(macs), torch.tensor(decoded)
    looked = torch.full((len(told),), settings.pool + settings.chosen)
    return Prediction({"noun": torch.stack(scores)}, macs, looked, list(decisions), decoded)
"""
PHASES = """
def base(run):
    pass
"""
FRAMES, POOL = 24, [0, 6, 12, 18]  # groups of 12: of the pool 7 frames are decoded of each


@pytest.fixture
def ready(project, monkeypatch):
    """A project with six videos and random weights; one process."""
    for name, text in (("settings.py", SETTINGS), ("card.yml", CARD), ("model.py", MODEL), ("phases.py", PHASES)):
        file = project / "methods/picker" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    run = Run("demo", "dots", "", "picker", "plain", 0)
    put_videos(project, 6, FRAMES, options={"g": "12", "bf": "0", "sc_threshold": "0"})
    put_weights(project, run, "base")
    monkeypatch.setattr(measure, "PROCESSES", 1)
    monkeypatch.chdir(project)
    return project, run


def predicted(ready) -> pd.DataFrame:
    project, run = ready
    assert main(["predict", run.name]) == 0
    table = pd.read_parquet(project / run.folder / PREDICTIONS_FILE).sort_values(["point", "video_id"])
    return table.reset_index(drop=True)


def needed(numbers: list[int]) -> int:
    """Of groups of 12 frames without B pictures, each from its start up to the last one wanted."""
    return sum(max((n - start + 1 for n in numbers if start <= n < start + 12), default=0) for start in (0, 12))


def test_points_are_predicted_over_one_clip_and_decode_what_they_say(ready, monkeypatch):
    """Each point declares what it would decode by itself, though the small frames were decoded for the first alone."""
    seen = []
    monkeypatch.setattr(shared_clips, "predict_points", spy(shared_clips.predict_points, seen))
    table = predicted(ready)
    assert seen == [["pick1", "pick2", "pick3", "quick"]] and len(table) == 4 * 6
    for row in table.itertuples():
        chosen = json.loads(row.decisions)[0]["frames"]
        assert set(chosen) <= set(POOL) and len(chosen) == {"pick2": 2, "pick3": 3}.get(row.point, 1)
        assert row.decoded_frames == needed(POOL) + needed(chosen) and needed(POOL) == 14


def spy(real, seen):
    def noted(model, predict, dataset, points, *more):
        seen.append(list(points))
        return real(model, predict, dataset, points, *more)

    return noted


def test_the_order_of_points_changes_no_number(ready):
    first = predicted(ready)
    edit(ready[0] / "methods/picker/card.yml", "[1, 2, 3]", "[3, 1, 2]")
    second = predicted(ready)
    pd.testing.assert_frame_equal(first, second)


def test_workers_hand_clips_on_demand_over(ready):
    first = predicted(ready)
    edit(ready[0] / "methods/picker/card.yml", "lr: 0.1", "lr: 0.1, workers: 1")
    pd.testing.assert_frame_equal(first, predicted(ready))


def test_points_alone_get_what_they_get_together(ready, monkeypatch):
    together = predicted(ready)
    monkeypatch.setattr("saccade.steps.predict.groups_of", lambda points: [{name: points[name]} for name in points])
    alone = predicted(ready)
    pd.testing.assert_frame_equal(together, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "decoded_for(numbers)\n",
            "decoded_for(numbers) - 1\n",
            "video v0: predict declares .* decoded frames but has",
        ),
        (", decoded)\n", ")\n", "gives `decoded_frames` in its Prediction"),
        (
            "macs = len(pool) * 108 +",
            "macs = (len(pool) * 108 if 'memory' not in clip else 0) +",
            "v0 at pick1: .* multiply-adds",
        ),
        (
            "frames.decoded_for(pool) +",
            "(0 if 'memory' in clip else frames.decoded_for(pool)) +",
            "v0 at pick1: .* decoded frames",
        ),
        (
            "scores.softmax(0)",
            "(scores + ('memory' in clip) * scores).softmax(0)",
            "v0 at pick1: scores of head 'noun'",
        ),
        (
            "round(value, 4)",
            "round(value + ('memory' in clip), 4)",
            "v0 at pick1: it is decided otherwise",
        ),
        (
            "scores.softmax(0)",
            "(scores + (video == 'v5' and 'memory' in clip) * scores).softmax(0)",
            "v5 at pick1: scores",
        ),
    ],
    ids=["decoded", "silent", "multiply-adds", "decoded-with-memory", "scores", "decisions", "the-last-video"],
)
def test_a_method_that_lies_is_refused(ready, capsys, old, new, message):
    edit(ready[0] / "methods/picker/model.py", old, new)
    del sys.modules["saccade_methods_picker.model"]
    assert main(["predict", ready[1].name]) != 0
    said = capsys.readouterr().err
    assert re.search(message, said), said


def test_an_on_demand_point_is_timed_with_and_without_decoding(ready):
    project, run = ready
    assert main(["measure", run.name]) == 0
    found = json.loads((project / run.folder / "latency.json").read_text())["points"]["quick"]["runtimes"]["eager"]
    cpu = {(one["batch"], one["decoding"]): one for one in found["readings"] if one["device"] == "cpu"}
    assert set(cpu) == {(1, False), (1, True), (2, False), (2, True)}
    for batch in (1, 2):
        without, within = (cpu[batch, decoding]["seconds"]["own"]["p50"] for decoding in (False, True))
        assert without < within
    assert found["parts"]["cpu"]["own"]["decode"] > 0 and found["parts"]["cpu"]["own"]["transforms"] > 0


def test_a_video_is_tried(ready, capsys):
    project, run = ready
    assert main(["try", run.name, "data/dots/v0.mp4", "--point", "pick2", "--out", "strips"]) == 0
    said = capsys.readouterr().out
    assert f"looked  at 6 of {FRAMES} frames" in said and (project / "strips/v0-pick2.png").is_file()


def test_its_cost_is_counted_on_a_made_up_video(ready, capsys):
    assert main(["cost", ready[1].name, "--point", "pick2"]) == 0
    side = 224 - 2
    assert f"{4 * 108 + 2 * side * side * 108 + 8:,} MACs declared" in capsys.readouterr().out
