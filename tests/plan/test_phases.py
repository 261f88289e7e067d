"""Phases at the scale of five methods, with a toy one (tests/toy): a need that several runs share, a grid of variants,
a gate that fails, a calibration, two editions, published weights; through Snakemake from end to end, then what each
kind of edit makes it plan."""

import json
import re
import resource
import signal
import subprocess
import sys

import pandas as pd
import pytest
import torch
from conftest import edit, planned, snakemake
from safetensors.torch import load_file

from saccade.__main__ import main
from saccade.files import read_json, sha256
from saccade.plan import describe
from saccade.plan.runs import Run

pytestmark = pytest.mark.slow
TARGETS = ("results/demo/metrics.csv", "results/demo/planned.csv")
SHARED = "results/demo/dots@a/toy/shared/seed0"
K1, K2 = "results/demo/dots@a/toy/k1/seed0", "results/demo/dots@b/toy/k2/seed0"
RELEASED = "results/demo/dots@a/toy/released/seed0"
CARD = "methods/toy/card.yml"


def rows_of(project):
    return pd.read_csv(project / "results/demo/planned.csv", keep_default_na=False).set_index(
        ["dataset", "variant", "point"]
    )


def test_a_phase_is_trained_once_for_all_runs_that_need_it(toy_run):
    assert sorted(file.stem for file in (toy_run / SHARED).glob("*.safetensors")) == ["base", "calibrate", "policy"]
    for run in (K1, K2):
        assert [file.stem for file in (toy_run / run).glob("*.safetensors")] == ["joint"]
        used = read_json(toy_run / run / "provenance.joint.json")["weights"]
        assert used == [f"{SHARED}/{phase}.json" for phase in ("base", "policy", "calibrate")]


def test_every_run_of_the_grid_shares_it(toy_run):
    """2 editions x 2 variants x 2 seeds, and the published weights, which aren't here."""
    jobs = planned(toy_run, "--forceall", "results/demo/metrics.csv", "--configfile", "config/all.yaml")
    assert jobs == {"plan": 1, "prepare": 2, "train": 2 * 3 + 8, "predict": 8, "score": 8, "collect": 1}


def test_a_gate_that_fails_keeps_the_phase_and_leads_the_report(toy_run):
    policy = read_json(toy_run / SHARED / "policy.json")
    assert policy["result"]["reward"] < 2.0 and (toy_run / SHARED / "policy.safetensors").is_file()
    rows = rows_of(toy_run)
    for edition, variant in (("dots@a", "k1"), ("dots@b", "k2")):
        row = rows.loc[(edition, variant, "keep0.5")]
        assert row["status"] == "run" and row["why"].startswith(
            "gate missed: phase policy of demo/dots@a/toy/shared/seed0 reached reward"
        )
    page = (toy_run / "reports/demo/index.html").read_text()
    assert 0 < page.index("A gate was missed") < page.index("What was not run")
    assert "Made of it: demo/dots@a/toy/k1/seed0, demo/dots@b/toy/k2/seed0" in page


def test_calibration_keeps_the_sorted_scores_of_the_training_frames(toy_run):
    scores = load_file(toy_run / SHARED / "calibrate.safetensors")["scores"]
    assert len(scores) == 12 * 4 and torch.equal(scores, scores.sort().values)


def test_points_that_keep_more_cost_more_on_the_same_weights(toy_run):
    found = pd.read_parquet(toy_run / K2 / "predictions.parquet")
    kept = {point: [sum(json.loads(d)[0]["kept"]) for d in rows["decisions"]] for point, rows in found.groupby("point")}
    macs = {point: rows["macs"].tolist() for point, rows in found.groupby("point")}
    assert all(1 <= few <= many <= 4 for few, many in zip(kept["keep0.5"], kept["keep1.0"], strict=True))
    assert sum(kept["keep0.5"]) < sum(kept["keep1.0"])
    more = [b - a for a, b in zip(macs["keep0.5"], macs["keep1.0"], strict=True)]
    frames = [b - a for a, b in zip(kept["keep0.5"], kept["keep1.0"], strict=True)]
    assert more == [3 * 4 * 2 * number for number in frames]  # the head: 3 classes from 4 features of 2 patches


def test_plan_shows_every_phase_that_a_run_is_made_of(toy_run):
    said = describe.describe_run(toy_run, Run.parse(toy_run, K2)).splitlines()
    assert said[:10] == [
        "demo/dots@b/toy/k2/seed0",
        "  data data/dots/prepared/demo@b",
        "  can run here",
        "  phase base of demo/dots@a/toy/shared/seed0: needs nothing; trains base.*",
        "    trained, up to date",
        "  phase policy of demo/dots@a/toy/shared/seed0: needs base; trains policy.*",
        said[6],
        "  phase calibrate of demo/dots@a/toy/shared/seed0: needs policy; trains scores",
        "    trained, up to date",
        "  phase joint: needs dots@a/toy/shared/calibrate; trains head.*",
    ]
    assert said[6].startswith("    trained, up to date; MISSED its gate: reached reward = 0.")
    assert said[11] == "  predict: predicted, up to date"


@pytest.mark.parametrize(
    ("lost", "rule"),
    [
        (f"{K1}/predictions.parquet", "predict"),
        (f"{SHARED}/policy.json", "train"),
        ("data/dots/prepared/demo@a/index.parquet", "prepare"),
    ],
)
def test_a_failed_jobs_product_is_made_again_although_all_that_stands_on_it_is_there(toy, lost, rule):
    (toy / lost).unlink()
    assert rule in planned(toy)


def test_an_edited_policy_is_trained_again_with_what_follows_but_not_the_base(toy):
    edit(toy / "methods/toy/phases.py", "- run.settings.price * drawn.mean(1)", "- run.settings.price * drawn.sum(1)")
    done = snakemake(toy, "--dry-run", *TARGETS)
    outputs = [line.split()[1] for line in done.stdout.splitlines() if line.strip().startswith("output: results")]
    trained = [
        output.removesuffix(".json")
        for output in outputs
        if output.endswith(("base.json", "policy.json", "calibrate.json", "joint.json"))
    ]
    assert sorted(trained) == [f"{K1}/joint", f"{SHARED}/calibrate", f"{SHARED}/policy", f"{K2}/joint"]


def test_an_edited_share_to_keep_predicts_again_and_trains_nothing(toy):
    edit(toy / CARD, "keep: [0.5, 1.0]", "keep: [0.4, 1.0]")
    assert planned(toy, *TARGETS) == {"plan": 1, "predict": 2, "score": 2, "collect": 1}


def test_an_edited_gate_is_judged_again_and_trains_nothing(toy):
    edit(toy / CARD, "at_least: 2.0", "at_least: 0.1")
    assert planned(toy, *TARGETS) == {"plan": 1, "collect": 1}


def test_a_run_that_shares_a_phase_but_not_its_settings_is_refused_with_one_message(toy):
    edit(toy / CARD, "grid: {patches: [1, 2]},", "grid: {patches: [1, 2]}, width: 8,")
    done = snakemake(toy, "--dry-run", *TARGETS)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said
    assert f"needs {SHARED}/calibrate, which was trained with other settings: width (8 here, 4 there)" in said


def test_published_weights_that_are_not_here_stop_only_their_own_run(toy_run, monkeypatch, capsys):
    why = "methods/toy/released/toy.pth is missing; download toy.pth from its authors' page"
    for point in ("keep0.5", "keep1.0"):
        assert list(rows_of(toy_run).loc[("dots@a", "released", point), ["status", "why"]]) == ["not run", why]
    monkeypatch.chdir(toy_run)
    assert main(["list"]) == 0
    assert "(1 files aren't here)" in capsys.readouterr().out
    assert main(["plan", RELEASED]) == main(["list", "toy"]) == 0
    assert " ".join(capsys.readouterr().out.split()).count(why) == 2
    assert main(["train", RELEASED, "import"]) == 1
    assert why in capsys.readouterr().err


def published(path):
    """Weights as authors publish them: their names, a head that we don't have, and what isn't a tensor."""
    shapes = {"stem": (4, 3, 8, 8), "stem_fc": (3, 4), "gate": (1, 4), "fc": (3, 8), "aux": (5, 4)}
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in shapes.items():
        state |= {
            f"module.{name}.weight": torch.randn(shape, generator=generator),
            f"module.{name}.bias": torch.zeros(shape[0]),
        }
    path.parent.mkdir()
    torch.save({"epoch": 7, "state_dict": state}, path)
    return state


def test_published_weights_come_in_as_a_phase_once_they_are_there(toy):
    file = toy / "methods/toy/released/toy.pth"
    state = published(file)
    assert planned(toy, *TARGETS) == {"plan": 1, "train": 2, "predict": 1, "score": 1, "collect": 1}
    done = snakemake(toy, *TARGETS)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    ours = load_file(toy / RELEASED / "import.safetensors")
    assert torch.equal(ours["base.convolve.weight"], state["module.stem.weight"])
    record = read_json(toy / RELEASED / "import.json")["released"]
    assert record["sha256"] == sha256(file)
    assert record["dropped"] == {"state_dict.module.aux.bias": [5], "state_dict.module.aux.weight": [5, 4]}
    row = rows_of(toy).loc[("dots@a", "released", "keep0.5")]
    assert list(row[["status", "why"]]) == ["run", ""]  # it isn't made of the phase that missed its gate
    assert planned(toy, *TARGETS) == {}


KILLED = """
import os, signal, sys
replace = os.replace
def last(source, target):
    replace(source, target)
    os.kill(os.getpid(), signal.SIGKILL)
os.replace = last
from saccade.__main__ import main
main(sys.argv[1:])
"""


def test_a_phase_with_a_loop_of_its_own_goes_on_after_a_kill(toy):
    """Killed right after its first checkpoint, the only file that it has renamed by then."""
    run, kept = SHARED.removeprefix("results/"), toy / SHARED / "policy.safetensors"
    expected = kept.read_bytes()
    killed = subprocess.run([sys.executable, "-c", KILLED, "train", run, "policy"], cwd=toy, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert (toy / "results/demo/checkpoints/dots@a/toy/shared/seed0/policy.safetensors").is_file()
    kept.unlink()
    subprocess.run([sys.executable, "-m", "saccade", "train", run, "policy"], cwd=toy, check=True, capture_output=True)
    assert kept.read_bytes() == expected
    assert read_json(toy / SHARED / "provenance.policy.json")["resumed"] == 1


@pytest.mark.parametrize("phase", ["base", "policy"])
def test_a_training_without_a_full_batch_that_leaves_out_the_last_says_what_to_set(phase, toy, monkeypatch, capsys):
    edit(toy / CARD, "batch_size: 6}", "batch_size: 600, drop_last: true}")
    monkeypatch.chdir(toy)
    assert main(["train", SHARED.removeprefix("results/"), phase]) == 1
    said = capsys.readouterr().err
    assert "drop_last is true" in said and "make no batch of 600" in said and "Traceback" not in said


def test_a_training_that_fills_the_disk_ends_in_one_line_and_leaves_what_was_there(toy):
    """A limit on the size of files stands for the disk: the first save of the training's state doesn't fit."""
    folder = toy / "results/demo/dots@a/toy/shared/seed0"
    before = {file.name: file.read_bytes() for file in folder.glob("base.[js]*")}
    done = subprocess.run(
        [sys.executable, "-m", "saccade", "train", "demo/dots@a/toy/shared/seed0", "base"],
        cwd=toy,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2500, 2500)),
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert re.match(r"saccade: cannot write .*/base\.safetensors: File too large; is the folder writable and is", last)
    assert {file.name: file.read_bytes() for file in folder.glob("base.[js]*")} == before
    assert not list((toy / "results").rglob(".*base*"))
