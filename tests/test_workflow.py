"""The workflow as its user meets it: what an edit makes Snakemake plan, jobs that fail, runs that are stopped.

All of it on the toy project (tests/toy), which takes seconds. Beside it stand what decides the jobs of a real method,
asked of the plan, and dry runs of shipped configs. The demo itself has its own tests (tests/test_demo.py).
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from conftest import ROOT, TOY, copy_project, edit, new_toy, planned, snakemake

from saccade.cards.dataset import load_dataset
from saccade.plan import staleness
from saccade.plan.phases import phase_of
from saccade.plan.runs import Run

pytestmark = pytest.mark.slow
SHARED = "results/demo/dots@a/toy/shared/seed0"
K1 = "results/demo/dots@a/toy/k1/seed0"
CHECKPOINT = "results/demo/checkpoints/dots@a/toy/shared/seed0/base.safetensors"
PAPER = "paper: toy2026\ntitle: T\nclaims: [{id: c01, where: Sec. 1, says: So.}]\n"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """The project as shipped, in which nothing has run; tests only ask."""
    return copy_project(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def fresh_toy(tmp_path_factory) -> Path:
    return new_toy(tmp_path_factory.mktemp("fresh-toy"))


@pytest.mark.parametrize(
    "question", ["--unlock", "--summary", "--dag", "--rulegraph", "--list-changes=params", "--lint=text"]
)
def test_what_runs_no_job_needs_no_cores(fresh_toy, question):
    done = snakemake(fresh_toy, question, cores=None)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_page_waits_for_the_baselines_whose_frontier_it_draws(tmp_path):
    project = copy_project(tmp_path)
    runs = "[motion-digits/tsn/resnet10-tiny, motion-digits/tsm/resnet10-tiny-t8]"
    (project / "config/both.yaml").write_text(f"budget: demo\nruns: {runs}\nseeds: [0]\npoints: []\n")
    arguments = ["--configfile", "config/both.yaml", "--", "reports/demo/tsm.html"]
    assert planned(project, *arguments)["score"] == 2
    edit(project / "methods/tsn/card.yml", "baseline: true", "baseline: false")
    assert planned(project, *arguments)["score"] == 1


def test_a_second_run_has_nothing_to_do(toy_run):
    assert planned(toy_run) == {}
    done = snakemake(toy_run)
    assert "Nothing to be done" in done.stdout + done.stderr


def test_what_decides_nothing_runs_nothing(toy):
    """A comment, a docstring, a file added, a name that nobody uses, a variant that isn't selected, in what runs
    would be timed where none is."""
    edit(toy / "saccade/engine/loop.py", "def fit(", "# A comment.\ndef fit(")
    edit(toy / "methods/toy/phases.py", '"""Three phases', '"""These phases')
    (toy / "saccade/nn/fresh.py").write_text("def fresh():\n    return 1\n")
    edit(toy / "saccade/report/tradeoff.py", "def draw_tradeoff(", "ANOTHER = 1\n\n\ndef draw_tradeoff(")
    edit(toy / "methods/toy/card.yml", "\npoints:", "  wide: {use: [joint], lr: 0.03}\n\npoints:")
    edit(toy / "config/demo.yaml", "points: []", "points: []\nruntimes: [eager, openvino]")
    assert planned(toy) == {}


def test_predict_edited_predicts_again_and_trains_nothing(toy):
    edit(toy / "methods/toy/model.py", 'decisions=[{"kept": row}', 'decisions=[{"chosen": row}')
    jobs = planned(toy)
    assert "train" not in jobs and "prepare" not in jobs
    assert jobs["predict"] == jobs["score"] == 2


def test_a_paper_added_is_told_and_trains_nothing(toy):
    (toy / "methods/toy/paper").mkdir()
    (toy / "methods/toy/paper/paper.yml").write_text(PAPER)
    (toy / "methods/toy/paper/claims.py").write_text("def c01(reported, ours):\n    return None\n")
    assert planned(toy) == {"claims": 1, "collect": 1, "notebook": 1, "page": 1, "index": 1}


def test_a_figure_of_the_notebook_edited_runs_the_notebooks(toy):
    edit(toy / "saccade/report/tradeoff.py", "axes.set(", "len(''); axes.set(")
    jobs = planned(toy)
    assert jobs["notebook"] == jobs["page"] == 1 and "score" not in jobs


def test_a_phase_setting_edited_trains_again_what_follows_from_it(toy):
    edit(toy / "methods/toy/card.yml", "base: {lr: 0.05,", "base: {lr: 0.06,")
    jobs = planned(toy)
    assert jobs["train"] == 5 and jobs["predict"] == jobs["score"] == 2
    assert "prepare" not in jobs


def test_engine_code_edited_trains_again(toy):
    edit(
        toy / "saccade/engine/loop.py",
        "optimizer.zero_grad(set_to_none=True)",
        "optimizer.zero_grad(set_to_none=False)",
    )
    assert planned(toy)["train"] == 5


def test_a_knob_of_the_data_edited_prepares_again(toy):
    edit(toy / "data/dots/card.yml", "b: {fold: 1}", "b: {fold: 2}")
    assert planned(toy)["prepare"] == 1


EDITS = {
    "a comment": ("saccade/engine/loop.py", "def fit(", "# A comment.\ndef fit(", set()),
    "a docstring": ("methods/tsn/phases.py", '"""The phases of TSN', '"""The two phases of TSN', set()),
    "a name nobody uses": ("saccade/report/tradeoff.py", "def draw_tradeoff(", "A = 1\ndef draw_tradeoff(", set()),
    "predict": ("methods/tsn/model.py", 'decisions=[{"frames": row}', 'decisions=[{"chosen": row}', {"predict"}),
    "the training loop": ("saccade/engine/loop.py", "set_to_none=True", "set_to_none=False", {"train"}),
    "a figure": ("saccade/report/tradeoff.py", "axes.set(", "len(''); axes.set(", {"notebook"}),
    "a point": ("methods/tsn/card.yml", "num_frames: [1, 2, 4]", "num_frames: [1, 2, 5]", {"predict"}),
    "a phase's setting": ("methods/tsn/card.yml", "  demo:", "  demo:\n    gamma: 0.2\n", {"train", "predict"}),
    "another variant": ("methods/tsn/card.yml", "resnet18, width: 0.25", "resnet18, width: 0.375", set()),
    "the data": ("data/motion-digits/card.yml", "crf: 23", "crf: 24", {"prepare"}),
}


def deciding(root: Path) -> dict[str, object]:
    """What decides a baseline's jobs: the params of its rules."""
    run = Run("demo", "motion-digits", "", "tsn", "resnet10-tiny", 0)
    return {
        "prepare": staleness.prepare_params(root, load_dataset(root, run.dataset), run.budget, ""),
        "train": staleness.train_params(root, run, phase_of(root, run, "train")),
        "predict": staleness.predict_params(root, run),
        "score": staleness.score_params(root, run),
        "notebook": staleness.notebook_code(root),
    }


@pytest.fixture(scope="module")
def kept_statements(tmp_path_factory) -> Path:
    """What the tests' projects keep of the files that they read; it holds for all that have the same bytes."""
    return tmp_path_factory.mktemp("kept")


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_decides_the_jobs_that_it_concerns_and_no_others(tmp_path, kept_statements, name):
    file, old, new, concerned = EDITS[name]
    project = copy_project(tmp_path, ["Snakefile", "workflow", "saccade", "methods", "data"])
    (project / ".snakemake").symlink_to(kept_statements)
    (project / "saccade/nn/fresh.py").write_text("def fresh():\n    return 1\n")
    edit(project / file, old, new)
    before, after = deciding(ROOT), deciding(project)
    assert {key for key in before if before[key] != after[key]} == concerned


CARD = """
dataset: absent
title: A dataset that nobody brought
source: somewhere
licence: none
heads:
  noun: {kind: single, classes: [red, green, blue]}
expects: [absent.zip]
acquire: Ask its authors for absent.zip.
"""


def test_a_dataset_missing_stops_only_its_own_runs_and_is_reported(toy):
    (toy / "data/absent").mkdir()
    (toy / "data/absent/card.yml").write_text(CARD)
    (toy / "data/absent/prepare.py").write_text(
        "def prepare(settings, raw, seed, workers):\n    raise AssertionError\n"
    )
    edit(toy / "config/demo.yaml", "runs: [", "runs: [absent/toy/k1, ")
    jobs = planned(toy)
    assert not {"prepare", "train", "predict", "score"} & set(jobs)
    said = snakemake(toy, "--dry-run").stdout
    assert "not run: absent/toy/k1: data/absent/raw lacks absent.zip; Ask its authors" in said
    assert jobs["collect"] == 1
    done = snakemake(toy, "results/demo/planned.csv")
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(toy / "results/demo/planned.csv")
    missing = rows[rows["dataset"] == "absent"]
    assert set(missing["status"]) == {"not run"}
    assert missing.loc[missing["point"] == "keep0.5", "why"].str.contains("Ask its authors for absent.zip").all()
    asked = snakemake(toy, "data/absent/prepared/demo/index.parquet")
    assert asked.returncode != 0
    assert "data/absent/raw lacks absent.zip" in (toy / "results/demo/logs/prepare/absent.log").read_text()


def test_the_paper_config_plans_without_any_data(fresh):
    jobs = planned(fresh, "--configfile", "config/paper.yaml")
    assert "prepare" not in jobs and jobs["index"] == 1


@pytest.mark.parametrize("name", ["study", "own"])
def test_a_config_plans_through_snakemake(fresh, name):
    assert planned(fresh, "--configfile", f"config/{name}.yaml")["index"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "budgett=demo"], "config: unknown key 'budgett'; did you mean 'budget'"),
        (["--config", "runs=[dots@a/toyy/x]"], "unknown method 'toyy'; did you mean 'toy'"),
        (["--config", "points=[keep3]"], "unknown point 'keep3'"),
        (["--config", "seeds=[01]"], "config: seeds[0]: '01' is a str, but int is expected"),
        (["--configfile", "config/octal.yaml"], "config: seeds[0]: '010' is a str, but int is expected"),
        (["--directory", ".."], "the workflow runs in its checkout, "),
    ],
)
def test_a_wrong_config_stops_before_anything_runs_with_one_message(fresh_toy, arguments, message):
    (fresh_toy / "config/octal.yaml").write_text("seeds: [010]\n")
    done = snakemake(fresh_toy, "--dry-run", *arguments)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert message in said
    assert "Traceback" not in said and len(said.splitlines()) < 10, said


def test_a_folder_whose_name_snakemake_cannot_read_is_refused_in_one_sentence(tmp_path):
    done = snakemake(new_toy(tmp_path / "{0}"), "--dry-run")
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "rename the folder, without braces" in said and "Traceback" not in said


def test_a_failing_job_leaves_the_old_results_whole_and_the_next_run_mends_it(toy):
    only = ["--config", "runs=[dots@a/toy/k1]"]
    edit(
        toy / "methods/toy/model.py",
        "    kept = model.kept(",
        "    raise RuntimeError('planted')\n    kept = model.kept(",
    )
    kept = ("metrics.json", "hits.parquet", "joint.json", "joint.safetensors")
    before = {name: (toy / K1 / name).read_bytes() for name in (*kept, "predictions.parquet")}
    for _ in range(2):  # again: nothing that is there may pass for what the failed job was to make
        done = snakemake(toy, *only)
        assert done.returncode != 0
        assert "planted" in (toy / f"results/demo/logs/{K1.removeprefix('results/demo/')}/predict.log").read_text()
    assert [file.name for file in (toy / K1).iterdir() if file.name.startswith(".")] == []
    assert {name: (toy / K1 / name).read_bytes() for name in kept} == {name: before[name] for name in kept}
    assert not (toy / K1 / "predictions.parquet").exists()
    shutil.copy2(TOY / "methods/toy/model.py", toy / "methods/toy/model.py")
    done = snakemake(toy, *only, "--", "results/demo/metrics.csv")
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    assert {name: (toy / K1 / name).read_bytes() for name in before} == before


def training_started(toy: Path, **popen) -> subprocess.Popen[str]:
    """Snakemake, training the first phase again; it has begun when its log has grown."""
    log = toy / "results/demo/logs/dots@a/toy/shared/seed0/base.log"
    before = log.stat().st_mtime if log.exists() else 0.0
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--forcerun", "train", "--", f"{SHARED}/base.json"]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=toy, start_new_session=True, text=True, **streams, **popen)
    for _ in range(600):
        if log.exists() and log.stat().st_mtime > before and "batch" in log.read_text():
            return process
        time.sleep(0.1)
    raise AssertionError(f"no training began: {log.read_text() if log.exists() else 'no log'}")


def trainings(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = [child for child in psutil.Process(process.pid).children(recursive=True) if "train" in child.cmdline()]
    assert found
    return found


def test_ctrl_c_and_a_killed_snakemake_leave_a_training_that_the_next_run_finishes(toy, monkeypatch):
    """Twice interrupted and taken up twice, it ends with the weights of the run that nobody disturbed. What the killed
    Snakemake left in the temporary directory goes, too."""
    temporary = toy.parent / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    expected = (toy / SHARED / "base.safetensors").read_bytes()
    # time to be interrupted in; it changes no weight
    edit(toy / "methods/toy/phases.py", "    def loss(", "    import time\n\n    def loss(")
    edit(toy / "methods/toy/phases.py", "        features = ", "        time.sleep(0.5)\n        features = ")
    # a shell's background jobs inherit SIGINT ignored
    process = training_started(toy, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    workers = trainings(process)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert not psutil.wait_procs(workers, timeout=60)[1]
    assert (toy / CHECKPOINT).is_file()

    process = training_started(toy)
    workers = trainings(process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not psutil.wait_procs(workers, timeout=60)[1]
    assert len(list(temporary.iterdir())) == 1
    assert snakemake(toy, "--unlock").returncode == 0

    done = snakemake(toy, f"{SHARED}/base.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((toy / SHARED / "provenance.base.json").read_text())["resumed"] == 2
    assert not (toy / CHECKPOINT).exists()
    assert (toy / SHARED / "base.safetensors").read_bytes() == expected
    assert planned(toy, f"{SHARED}/base.json") == {}
    assert list(temporary.iterdir()) == [] and not list((toy / "results").rglob(".saccade-*"))
