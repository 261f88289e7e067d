"""The workflow end to end: the demo in a copy of the project, then what each kind of edit makes Snakemake plan."""

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
from conftest import COPIED, ROOT, copy_project, edit, planned, snakemake

from saccade.records import METRICS_COLUMNS

pytestmark = pytest.mark.slow
RUN = "results/demo/motion-digits/tsn/resnet10-tiny/seed0"
CHECKPOINT = "results/demo/checkpoints/motion-digits/tsn/resnet10-tiny/seed0/train.safetensors"


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A project in which the demo has run, exactly as shipped."""
    project = copy_project(tmp_path_factory.mktemp("demo"))
    done = snakemake(project)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    return project


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """A project in which nothing has run; tests only ask."""
    return copy_project(tmp_path_factory.mktemp("fresh"))


@pytest.fixture
def demo(finished):
    """The finished project, put back after the test's edits (with the files' dates, which Snakemake reads)."""
    yield finished
    for name in ("config", "workflow", "profiles", "saccade", "methods"):
        shutil.rmtree(finished / name)
    data = finished / "data/motion-digits"
    for name in COPIED:
        if (ROOT / name).is_dir() and name != "data":
            shutil.copytree(ROOT / name, finished / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "data/motion-digits/card.yml", data / "card.yml")
    for extra in finished.glob("data/*"):
        if extra.name not in {path.name for path in (ROOT / "data").iterdir()}:
            shutil.rmtree(extra)


def test_the_demo_writes_its_report_and_tidy_metrics(finished):
    assert (finished / "reports/demo/index.html").stat().st_size > 1000
    assert (finished / "reports/demo/tsn.html").stat().st_size > 10000
    metrics = pd.read_csv(finished / "results/demo/metrics.csv")
    assert list(metrics.columns) == METRICS_COLUMNS
    assert not metrics.duplicated(METRICS_COLUMNS[:6]).any()
    accuracy = metrics[metrics["metric"].str.endswith(".top1")]
    assert accuracy["value"].between(0, 1).all()
    assert (accuracy["low"].le(accuracy["value"]) & accuracy["value"].le(accuracy["high"])).all()


def test_the_demo_learns_nouns_and_verbs(finished):
    """Far above chance (0.1 and 0.125) on unseen digits and backgrounds; verbs only where the order of frames is
    seen."""
    metrics = pd.read_csv(finished / "results/demo/metrics.csv")
    mean = metrics.groupby(["method", "variant", "point", "metric"])["value"].mean()
    assert mean["tsn", "resnet10-tiny", "uniform8", "noun.top1"] > 0.5
    assert mean["tsm", "resnet10-tiny-t8", "uniform", "verb.top1"] > 0.4
    assert mean["tsn", "resnet10-tiny", "uniform8", "verb.top1"] < 0.25


def test_snakemakes_own_report_works(finished):
    done = snakemake(finished, "--report", "report.zip", cores=None)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (finished / "report.zip").stat().st_size > 100_000


@pytest.mark.parametrize(
    "question", ["--unlock", "--summary", "--dag", "--rulegraph", "--list-changes=params", "--lint=text"]
)
def test_what_runs_no_job_needs_no_cores(fresh, question):
    done = snakemake(fresh, question, cores=None)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_video_has_one_row_per_point(finished):
    index = pd.read_parquet(finished / "data/motion-digits/prepared/demo/index.parquet")
    predictions = pd.read_parquet(finished / RUN / "predictions.parquet")
    expected = sorted(index.loc[index["split"] == "test", "video_id"])
    assert predictions["point"].nunique() >= 5
    for _, rows in predictions.groupby("point"):
        assert list(rows["video_id"]) == expected
        assert (rows["macs"] > 0).all()


def test_a_page_waits_for_the_baselines_whose_frontier_it_draws(tmp_path):
    project = copy_project(tmp_path)
    runs = "[motion-digits/tsn/resnet10-tiny, motion-digits/tsm/resnet10-tiny-t8]"
    (project / "config/both.yaml").write_text(f"budget: demo\nruns: {runs}\nseeds: [0]\npoints: []\n")
    arguments = ["--configfile", "config/both.yaml", "--", "reports/demo/tsm.html"]
    assert planned(project, *arguments)["score"] == 2
    edit(project / "methods/tsn/card.yml", "baseline: true", "baseline: false")
    assert planned(project, *arguments)["score"] == 1


def test_a_second_run_has_nothing_to_do(demo):
    assert planned(demo) == {}
    done = snakemake(demo)
    assert "Nothing to be done" in done.stdout + done.stderr


def test_a_comment_edited_runs_nothing(demo):
    edit(demo / "saccade/engine/loop.py", "def fit(", "# A comment.\ndef fit(")
    edit(demo / "methods/tsn/phases.py", '"""The phases of TSN', '"""The two phases of TSN')
    assert planned(demo) == {}


def test_predict_edited_predicts_again_and_trains_nothing(demo):
    edit(demo / "methods/tsn/model.py", 'decisions=[{"frames": row}', 'decisions=[{"chosen": row}')
    jobs = planned(demo)
    assert "train" not in jobs and "prepare" not in jobs
    assert jobs["predict"] == jobs["score"] == 4


def test_a_paper_added_is_told_and_trains_nothing(demo):
    (demo / "methods/tsn/paper/paper.yml").write_text(
        "paper: tsn2016\ntitle: T\nclaims: [{id: c01, where: Sec. 1, says: So.}]\n"
    )
    (demo / "methods/tsn/paper/claims.py").write_text("def c01(reported, ours):\n    return None\n")
    assert planned(demo) == {"claims": 1, "collect": 1, "notebook": 1, "page": 1, "index": 1}


def test_a_figure_of_the_notebook_edited_runs_the_notebooks(demo):
    edit(demo / "saccade/report/tradeoff.py", "def draw_tradeoff(", "ANOTHER = 1\n\n\ndef draw_tradeoff(")
    assert planned(demo) == {}
    edit(demo / "saccade/report/tradeoff.py", "axes.set(", "ANOTHER; axes.set(")
    jobs = planned(demo)
    assert jobs["notebook"] == jobs["page"] == 4 and "score" not in jobs


def test_a_file_added_to_nn_runs_nothing(demo):
    (demo / "saccade/nn/fresh.py").write_text("def fresh():\n    return 1\n")
    assert planned(demo) == {}


def test_an_operating_point_edited_predicts_again_and_trains_nothing(demo):
    edit(demo / "methods/tsn/card.yml", "num_frames: [1, 2, 4]", "num_frames: [1, 2, 5]")
    jobs = planned(demo)
    assert "train" not in jobs
    assert jobs["predict"] == 4


def test_a_phase_setting_edited_trains_again(demo):
    edit(demo / "methods/tsn/card.yml", "budgets:\n  demo:", "budgets:\n  demo:\n    gamma: 0.2\n")
    jobs = planned(demo)
    assert jobs["train"] == jobs["predict"] == jobs["score"] == 4
    assert "prepare" not in jobs


def test_a_setting_of_a_variant_that_is_not_selected_runs_nothing(demo):
    edit(demo / "methods/tsn/card.yml", "backbone: resnet18, width: 0.25", "backbone: resnet18, width: 0.375")
    assert planned(demo) == {}


def test_engine_code_edited_trains_again(demo):
    edit(
        demo / "saccade/engine/loop.py",
        "optimizer.zero_grad(set_to_none=True)",
        "optimizer.zero_grad(set_to_none=False)",
    )
    assert planned(demo)["train"] == 12


def test_a_knob_of_the_data_edited_prepares_again(demo):
    edit(demo / "data/motion-digits/card.yml", "crf: 23", "crf: 24")
    assert planned(demo)["prepare"] == 1


CARD = """
dataset: absent
title: A dataset that nobody brought
source: somewhere
licence: none
heads:
  noun: {kind: single, classes: [a, b]}
  verb: {kind: single, classes: [a, b]}
expects: [absent.zip]
acquire: Ask its authors for absent.zip.
"""


def test_a_dataset_missing_stops_only_its_own_runs_and_is_reported(demo):
    (demo / "data/absent").mkdir()
    (demo / "data/absent/card.yml").write_text(CARD)
    (demo / "data/absent/prepare.py").write_text(
        "def prepare(settings, raw, seed, workers):\n    raise AssertionError\n"
    )
    edit(demo / "config/demo.yaml", "runs:", "runs:\n  - absent/tsn/resnet18-tiny")
    jobs = planned(demo)
    assert not {"prepare", "train", "predict", "score"} & set(jobs)
    assert jobs["collect"] == 1
    done = snakemake(demo, "results/demo/planned.csv")
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(demo / "results/demo/planned.csv")
    missing = rows[rows["dataset"] == "absent"]
    assert set(missing["status"]) == {"not run"}
    assert missing.loc[missing["point"] == "uniform8", "why"].str.contains("Ask its authors for absent.zip").all()
    asked = snakemake(demo, "data/absent/prepared/demo/index.parquet")
    assert asked.returncode != 0
    assert "data/absent/raw lacks absent.zip" in (demo / "results/demo/logs/prepare/absent.log").read_text()


def test_the_paper_config_plans_without_any_data(demo):
    jobs = planned(demo, "--configfile", "config/paper.yaml")
    assert "prepare" not in jobs and jobs["index"] == 1


@pytest.mark.parametrize("name", ["study", "paper", "own"])
def test_every_shipped_config_plans(demo, name):
    assert planned(demo, "--configfile", f"config/{name}.yaml")["index"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "budgett=demo"], "config: unknown key 'budgett'; did you mean 'budget'"),
        (["--config", "runs=[motion-digits/tsnn/x]"], "unknown method 'tsnn'; did you mean 'tsn'"),
        (["--config", "points=[uniform3]"], "unknown point 'uniform3'"),
    ],
)
def test_a_wrong_config_stops_before_anything_runs_with_one_message(fresh, arguments, message):
    done = snakemake(fresh, "--dry-run", *arguments)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert message in said
    assert "Traceback" not in said and len(said.splitlines()) < 10, said


def test_a_failing_job_leaves_the_old_results_whole_and_the_next_run_mends_it(demo):
    edit(
        demo / "methods/tsn/model.py", "macs = cost.forward_macs(model, rgb.shape[1:])", "raise RuntimeError('planted')"
    )
    kept = ("metrics.json", "hits.parquet", "train.json", "train.safetensors")
    before = {name: (demo / RUN / name).read_bytes() for name in (*kept, "predictions.parquet")}
    for _ in range(2):  # again: nothing that is there may pass for what the failed job was to make
        done = snakemake(demo)
        assert done.returncode != 0
        assert "planted" in (demo / f"results/demo/logs/{RUN.removeprefix('results/demo/')}/predict.log").read_text()
    assert [file.name for file in (demo / RUN).iterdir() if file.name.startswith(".")] == []
    assert {name: (demo / RUN / name).read_bytes() for name in kept} == {name: before[name] for name in kept}
    assert not (demo / RUN / "predictions.parquet").exists()
    shutil.copy2(ROOT / "methods/tsn/model.py", demo / "methods/tsn/model.py")
    done = snakemake(demo)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    assert {name: (demo / RUN / name).read_bytes() for name in before} == before


def training_started(demo: Path, **popen) -> subprocess.Popen[str]:
    """Snakemake, training the first run again; it has begun when its log has grown."""
    log = demo / "results/demo/logs/motion-digits/tsn/resnet10-tiny/seed0/train.log"
    before = log.stat().st_mtime if log.exists() else 0.0
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--forcerun", "train", "--", f"{RUN}/train.json"]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=demo, start_new_session=True, text=True, **streams, **popen)
    for _ in range(600):
        if log.exists() and log.stat().st_mtime > before and "batch" in log.read_text():
            return process
        time.sleep(0.1)
    raise AssertionError(f"no training began: {log.read_text() if log.exists() else 'no log'}")


def trainings(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = [child for child in psutil.Process(process.pid).children(recursive=True) if "train" in child.cmdline()]
    assert found
    return found


def test_ctrl_c_and_a_killed_snakemake_leave_a_training_that_the_next_run_finishes(demo):
    """Twice interrupted and taken up twice, it ends with the weights of the run that nobody disturbed."""
    expected = (demo / RUN / "train.safetensors").read_bytes()
    # a shell's background jobs inherit SIGINT ignored
    process = training_started(demo, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    workers = trainings(process)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert not psutil.wait_procs(workers, timeout=60)[1]
    assert (demo / CHECKPOINT).is_file()

    process = training_started(demo)
    workers = trainings(process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not psutil.wait_procs(workers, timeout=60)[1]
    assert snakemake(demo, "--unlock").returncode == 0

    done = snakemake(demo, f"{RUN}/train.json", f"{RUN}/metrics.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((demo / RUN / "provenance.train.json").read_text())["resumed"] == 2
    assert not (demo / CHECKPOINT).exists()
    assert (demo / RUN / "train.safetensors").read_bytes() == expected
    assert planned(demo, f"{RUN}/metrics.json") == {}
