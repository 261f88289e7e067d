"""The step end to end on a toy method and five tiny videos: what latency.json holds, never how long anything took."""

import dataclasses
import json
import os
import re

import fake_results
import pytest
import torch
from conftest import edit
from untrained import put_videos, put_weights

from saccade.__main__ import main
from saccade.cards.config import load_config
from saccade.cards.method import load_method
from saccade.plan import staleness
from saccade.plan.grid import planned_grid
from saccade.plan.runs import Run
from saccade.records import SaccadeError
from saccade.results.speed import read_speed
from saccade.steps import measure
from saccade.timing import one_process, optimise, runtimes, side

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
    run = Run("demo", "dots", "", "toy", "plain", 0)
    put_videos(project, VIDEOS, frames=4)
    put_weights(project, run, "base")
    monkeypatch.setattr(measure, "PROCESSES", 1)
    monkeypatch.chdir(project)
    return project, run


def test_a_point_is_timed_beside_its_counterpart(ready, monkeypatch):
    """Also in the workflow, whose rules export their own process as the one to stop with: what `measure` starts stops
    with `measure`, and not with whom the workflow named."""
    project, run = ready
    monkeypatch.setenv("SACCADE_STOPS_WITH", str(os.getppid()))
    assert main(["measure", run.name]) == 0
    found = timed(project, run)["quick"]
    assert found["against"] == {"run": run.name, "point": "frames2"} and found["videos"] == VIDEOS
    assert found["macs"] == {
        "own": 46 * 62 * 108 + 8,
        "against": 2 * 46 * 62 * 108 + 8,
        "ratio": pytest.approx(2, rel=1e-4),
    }
    assert list(found["runtimes"]) == ["eager"] and found["absent"] == {}
    eager = found["runtimes"]["eager"]
    assert (eager["own"], eager["against"]) == ("eager", "eager")
    cpu = [reading for reading in eager["readings"] if reading["device"] == "cpu"]
    assert [(reading["batch"], reading["decoding"], reading["scenario"]) for reading in cpu] == [
        (1, False, "single stream"),
        (1, True, "single stream"),
        (2, False, "offline"),
        (2, True, "offline"),
    ]
    for reading in cpu:
        assert reading["speedup"] > 0 and reading["aa"] > 0 and len(reading["by_process"]) == 1
        assert reading["marked"] is (abs(reading["aa"] - 1) > 0.03)
        passes, batches = 1 + reading["repeats"], {1: 5, 2: 3}[reading["batch"]]
        assert reading["n"] == passes * batches * (2 if reading["decoding"] else 4)
        for clock in (reading, reading["processor"]):
            assert clock["speedup"] > 0 and clock["aa"] > 0
            figures = [set(clock["seconds"][side]) for side in ("own", "against")]
            assert figures == 2 * [{"mean", "p50", "p90", "p95", "p99"}]
    assert {"decode", "transforms", "model.features", "model.classifier", "outside"} == set(
        eager["parts"]["cpu"]["own"]
    )
    assert (
        eager["optimised"]["cpu"]["own"]["folded"] == 1 and eager["optimised"]["cpu"]["own"]["decided_otherwise"] == 0
    )
    assert eager["machine"]["threads"] == 1 and eager["machine"]["cpu"] and len(eager["machine"]["processes"]) == 1
    assert found["code"] == staleness.measure_code(project, "toy") and eager["provenance"]["packages"]["torch"]
    wanted = json.loads(staleness.measure_params(project, run)["settings"])
    assert json.loads(json.dumps(found["settings"])) == wanted["quick"]
    readings = as_the_page_reads_it(project)
    assert len(readings) == len(eager["readings"]) and not readings.stale.any() and readings.leads.all()
    assert list(readings.n) == [reading["n"] for reading in eager["readings"]]


def as_the_page_reads_it(project):
    grid = planned_grid(project, load_config({"budget": "demo", "runs": ["dots/toy/plain"], "seeds": [0]}))
    return read_speed(grid, project, "toy", "dots")


def test_one_point_can_be_asked_for_and_the_others_stay_where_they_are_current(ready, monkeypatch):
    """The file is whole all the same, since the workflow takes it for a finished one."""
    project, run = ready
    file = project / run.folder / "latency.json"
    edit(project / "methods/toy/card.yml", "  quick:", "  brisk: {num_frames: 3, against: frames2}\n  quick:")
    load_method.cache_clear()
    brisk = made_pair(project, run, "brisk")
    current = {"settings": brisk.values, "code": brisk.code, "runtimes": {"eager": a_reading("eager")}, "absent": {}}
    old = {key: value for key, value in current.items() if key not in ("runtimes", "absent")} | {"readings": []}
    asked = fake_processes(monkeypatch)
    for before, kept in (
        ({"brisk": current}, True),
        ({"brisk": current | {"code": "old"}}, False),
        ({"brisk": old}, False),
        ({}, False),
    ):
        fake_results.write(file, {"run": run.name, "points": {"gone": current, "quick": current} | before})
        assert main(["measure", run.name, "--point", "quick"]) == 0
        assert set(timed(project, run)) == {"brisk", "quick"} and (("brisk", "eager", "eager") in asked) is not kept
        assert ("quick", "eager", "eager") in asked
        assert (timed(project, run)["brisk"] == current) is kept
        asked.clear()


def timed(project, run):
    return json.loads((project / run.folder / "latency.json").read_text())["points"]


def a_reading(own, against=None, seconds=1.0):
    """A runtime's entry as short as can be."""
    taken = {side: {"mean": seconds} for side in ("own", "against")}
    reading = {"device": "cpu", "batch": 1, "decoding": False, "seconds": taken}
    return {"own": own, "against": against or own, "readings": [reading]}


def fake_processes(monkeypatch, refused=None, **seconds):
    """In place of the processes: `seconds` of the point and of its counterpart in each runtime (1 and 2 where nothing
    is said). Notes (point, runtime of the point, of the counterpart) of what was asked for. refused: {runtime, or both:
    why}."""
    asked = []

    def run_process(pair, runtimes, number, into):
        asked.append((pair.point, *runtimes))
        if refused and (why := refused.get(runtimes[0]) or refused.get(runtimes)):
            return {"refused": why}
        own, against = (seconds.get(name, (1.0, 2.0))[side] for side, name in enumerate(runtimes))
        turn = {"own": [own], "own again": [own], "against": [against], "against again": [against]}
        sample = {"elapsed": turn, "processor": turn}
        one = {"device": "cpu", "batch": 1, "decoding": False, "videos": [1], "samples": [sample], "repeats": number}
        found = {"timed": [one], "parts": {}, "optimised": {}, "macs": {"own": 1, "against": 2}, "videos": VIDEOS}
        return found | {"threads": 1, "load": {"alone": True}}

    monkeypatch.setattr(measure, "run_process", run_process)
    return asked


@pytest.fixture
def with_runtimes(ready, monkeypatch):
    """The same where ONNX Runtime and OpenVINO seem installed, and two processes each that only say they ran."""
    monkeypatch.setitem(runtimes.PACKAGES, "onnxruntime", ())
    monkeypatch.setitem(runtimes.PACKAGES, "openvino", ())
    monkeypatch.setattr(measure, "PROCESSES", 2)
    return ready


def test_a_runtime_asked_for_later_is_added_to_what_is_current(with_runtimes, monkeypatch):
    project, run = with_runtimes
    asked = fake_processes(monkeypatch)
    assert main(["measure", run.name]) == 0
    before = timed(project, run)["quick"]
    assert main(["measure", run.name, "--runtime", "openvino"]) == 0
    after = timed(project, run)["quick"]
    assert asked == 2 * [("quick", "eager", "eager")] + 2 * [("quick", "openvino", "openvino")]
    assert after["runtimes"].pop("openvino")["own"] == "openvino" and after == before
    assert before["runtimes"]["eager"]["readings"][0]["repeats"] == 1  # those of its two processes
    asked.clear()
    edit(project / "methods/toy/card.yml", "timing_batch_size: 2", "timing_batch_size: 3")
    load_method.cache_clear()
    assert main(["measure", run.name, "--runtime", "openvino"]) == 0
    assert {names[1] for names in asked} == {"eager", "openvino"}  # eager is always there


def test_point_and_counterpart_are_timed_each_in_its_fastest_where_these_differ(with_runtimes, monkeypatch):
    project, run = with_runtimes
    every = [word for name in ("eager", "onnxruntime", "openvino") for word in ("--runtime", name)]
    asked = fake_processes(monkeypatch, eager=(3.0, 9.0), onnxruntime=(1.0, 8.0), openvino=(2.0, 4.0))
    assert main(["measure", run.name, *every]) == 0
    found = timed(project, run)["quick"]["runtimes"]
    assert list(found) == sorted(found) and (found["fastest"]["own"], found["fastest"]["against"]) == (
        "onnxruntime",
        "openvino",
    )
    assert found["fastest"]["readings"][0]["speedup"] == 4.0
    assert asked[-2:] == 2 * [("quick", "onnxruntime", "openvino")]
    (leading,) = as_the_page_reads_it(project).query("leads").itertuples()
    assert (leading.runtime, leading.own_runtime, leading.timed_in) == ("fastest", "onnxruntime", 3)
    # now both are fastest in OpenVINO
    fake_processes(monkeypatch, openvino=(0.5, 4.0))
    assert main(["measure", run.name, "--runtime", "openvino"]) == 0
    assert set(timed(project, run)["quick"]["runtimes"]) == {"eager", "onnxruntime", "openvino"}


def test_a_pair_of_runtimes_that_was_refused_is_not_tried_again_when_another_point_is_timed(with_runtimes, monkeypatch):
    project, run = with_runtimes
    edit(project / "methods/toy/card.yml", "  quick:", "  brisk: {num_frames: 3, against: frames2}\n  quick:")
    load_method.cache_clear()
    both = ("openvino", "eager")
    asked = fake_processes(monkeypatch, {both: "no"}, eager=(3.0, 1.0), openvino=(1.0, 4.0))
    assert main(["measure", run.name, "--runtime", "openvino"]) == 0
    assert asked.count(("quick", *both)) == 1 and timed(project, run)["quick"]["absent"] == {"fastest": "no"}
    asked.clear()
    assert main(["measure", run.name, "--point", "brisk"]) == 0
    assert {point for point, *_ in asked} == {"brisk"} and timed(project, run)["quick"]["absent"] == {"fastest": "no"}


def test_a_runtime_that_is_not_here_is_an_error_where_it_is_named_and_noted_in_the_workflow(ready, capsys, monkeypatch):
    project, run = ready
    monkeypatch.setitem(runtimes.PACKAGES, "openvino", ("no_such_package",))
    asked = fake_processes(monkeypatch)
    assert main(["measure", run.name, "--runtime", "openvino"]) == 1 and not asked
    assert "pip install" in capsys.readouterr().err
    assert main(["measure", run.name, "--runtime", "openvino", "--record-absent"]) == 0
    found = timed(project, run)["quick"]
    assert list(found["runtimes"]) == ["eager"] and "no_such_package" in found["absent"]["openvino"]
    monkeypatch.setitem(runtimes.PACKAGES, "openvino", ())
    assert main(["measure", run.name, "--runtime", "openvino"]) == 0
    assert "openvino" in timed(project, run)["quick"]["runtimes"] and timed(project, run)["quick"]["absent"] == {}


def test_all_means_all_that_are_here(with_runtimes, monkeypatch):
    project, run = with_runtimes
    fake_processes(monkeypatch)
    monkeypatch.setattr(runtimes.shutil, "which", lambda name: None)
    assert main(["measure", run.name, "--runtime", "all"]) == 0
    found = timed(project, run)["quick"]
    assert set(found["runtimes"]) == {"eager", "onnxruntime", "openvino"}
    assert set(found["absent"]) == {"compile", *([] if torch.cuda.is_available() else ["bf16"])}


def test_a_runtime_that_is_refused_fails_no_other(with_runtimes, capsys, monkeypatch):
    project, run = with_runtimes
    asked = fake_processes(monkeypatch, refused={"onnxruntime": "run by onnxruntime, the model isn't the same"})
    assert main(["measure", run.name, "--runtime", "onnxruntime", "--runtime", "openvino"]) == 0
    found = timed(project, run)["quick"]
    assert set(found["runtimes"]) == {"eager", "openvino"} and asked.count(("quick", "onnxruntime", "onnxruntime")) == 1
    assert found["absent"] == {"onnxruntime": "run by onnxruntime, the model isn't the same"}
    assert "quick isn't timed in onnxruntime: run by" in capsys.readouterr().err


def test_eager_that_fails_stops(ready, monkeypatch, tmp_path):
    project, run = ready
    monkeypatch.setattr(optimise, "optimise", lambda model, packed: int(model.classifier.weight.data.mul_(3).ndim))
    with pytest.raises(SaccadeError, match="optimised for inference, the model isn't the same: video v0"):
        one_process.time_once(made_pair(project, run), ["eager", "eager"], 0, tmp_path / "0.json")
    assert not (tmp_path / "0.json").exists()


def test_an_unknown_runtime_is_named(ready, capsys):
    assert main(["measure", ready[1].name, "--runtime", "openvin"]) == 1
    assert "no runtime 'openvin'; did you mean 'openvino'?" in capsys.readouterr().err


@pytest.mark.parametrize(("gain", "refused"), [(1.0, False), (1.5, True)])
def test_a_runtime_that_computes_something_else_is_refused(with_runtimes, tmp_path, monkeypatch, gain, refused):
    project, run = with_runtimes

    def use(model, runtime, *_):
        assert runtime == "openvino"
        model.classifier.weight.data.mul_(gain)
        return ["classifier"]

    monkeypatch.setattr(runtimes, "use", use)
    one_process.time_once(made_pair(project, run), ["openvino", "openvino"], 0, tmp_path / "0.json")
    found = json.loads((tmp_path / "0.json").read_text())
    assert ("refused" in found) is refused and ("timed" in found) is not refused
    if refused:
        assert "toy/plain/seed0: run by openvino, the model isn't the same: video v0 costs" in found["refused"]


def test_a_model_that_executes_what_it_does_not_declare_is_refused(ready):
    project, run = ready
    one = side.Side(made_pair(project, run).own, torch.device("cpu"), "eager")
    given = one.predict
    one.predict = lambda *asked: dataclasses.replace(given(*asked), macs=torch.tensor([7]))
    with pytest.raises(SaccadeError, match="video v0: predict declares 7 multiply-adds but executes 308024"):
        side.check(one, [0])


@pytest.mark.parametrize("tie", [True, False])
def test_decisions_that_differ_are_refused_but_for_ties(ready, tie):
    """Plain PyTorch finds the video as bright as it takes, the runtime a little darker; or it takes much less."""
    project, run = ready
    one = side.Side(made_pair(project, run).own, torch.device("cpu"), "eager")
    given, brightness = one.predict, one.load([0])[0]["rgb"].mean()

    def predict(net, clip, settings):
        bright = clip["rgb"].mean() >= brightness if tie else True
        return dataclasses.replace(
            given(net, clip, settings), decisions=[{"bright": bool(bright and net is not one.model)}]
        )

    one.predict = predict
    if tie:
        assert side.check(one, [0])["decided_otherwise"] == 1
        return
    with pytest.raises(SaccadeError, match="video v0 is decided otherwise, and not by a tie"):
        side.check(one, [0])


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


def made_pair(project, run, point="quick"):
    from saccade.plan.counterparts import counterparts_of
    from saccade.verbs import pair

    return pair(project, run, point, counterparts_of(project, run)[point])


def test_videos_are_spread_over_the_split():
    assert one_process.spread(3) == [0, 1, 2]
    numbers = one_process.spread(1000)
    assert len(numbers) == one_process.VIDEOS >= 50 and (numbers[0], numbers[-1]) == (0, 999)
