"""What re-runs a job: of the settings those that aren't at their published default, and the code."""

import json
import subprocess
import sys

import fake_results
import pytest
from conftest import DATASET, copy_project, edit

from saccade.cards.dataset import load_dataset
from saccade.cards.method import load_method
from saccade.plan import describe, staleness
from saccade.plan.phases import phase_settings, phases_of
from saccade.plan.runs import Run

ALL_PARAMS = """
import json
from pathlib import Path
from saccade.cards.config import load_config
from saccade.cards.dataset import load_dataset
from saccade.plan import staleness
from saccade.plan.grid import selected_runs
from saccade.plan.phases import weights_of
from saccade.project import names

root, found = Path.cwd(), {}
for run in selected_runs(root, load_config(root / "config/demo.yaml")):
    found[run.name] = [staleness.predict_params(root, run), staleness.measure_params(root, run)]
    for need in weights_of(root, run):
        found[need.product.as_posix()] = staleness.train_params(root, need.run, need.phase)
    dataset = load_dataset(root, run.dataset)
    found[run.prepared.as_posix()] = staleness.prepare_params(root, dataset, run.budget, run.edition)
for name in names(root, "methods"):
    found[name] = [staleness.cells_settings(root, name), staleness.cells_code(root, name)]
print(json.dumps(found))
"""


def test_a_new_setting_with_a_default_re_runs_nothing(tmp_path):
    """A shared one, one of each method, one of a dataset: all that any job of the demo is made with stays the same."""
    copied = copy_project(tmp_path, ["Snakefile", "config", "saccade", "methods", "data"])

    def params() -> dict:
        done = subprocess.run(
            [sys.executable, "-c", ALL_PARAMS], cwd=copied, capture_output=True, text=True, check=True
        )
        return json.loads(done.stdout)

    before = params()
    assert len(before) > 10
    edit(copied / "saccade/settings.py", "    stride: Count = 1", "    new_option: int = 0\n    stride: Count = 1")
    fields = {"tsn": "width", "tsm": "width", "atfr": "width", "adafocus": "global_width"}
    for method, field in fields.items():
        file, line = copied / f"methods/{method}/settings.py", f"    {field}: Width"
        edit(file, line, f"    other_option: int = 0\n{line}")
    edit(
        copied / "data/motion-digits/settings.py",
        "    locate_cue: Share",
        "    new_option: int = 0\n    locate_cue: Share",
    )
    assert params() == before


def test_many_classes_decide_by_a_digest_and_few_by_their_names(project, monkeypatch):
    """Snakemake prints what has changed, all of it."""
    for code in ("prepare_code", "step_code"):
        monkeypatch.setattr(staleness, code, lambda *_: "")
    card, made = project / "data/dots/card.yml", []
    several = [f"class {number:03}" for number in range(400)]
    for classes in (["a", "b"], several, [*several[:-1], "another"], several[::-1], several[:20], several[:21]):
        card.write_text(DATASET.replace("classes: [a, b]", f"classes: {classes}"))
        load_dataset.cache_clear()
        prepared = staleness.prepare_params(project, load_dataset(project, "dots"), "demo", "")["settings"]
        made.append((prepared, staleness.score_params(project, RUN)["settings"]))
    assert all('"classes":["a","b"]' in spec for spec in made[0])
    assert len(set(made)) == len(made) and all(len(spec) < 200 for pair in (*made[1:4], made[5]) for spec in pair)
    assert all("class 019" in spec for spec in made[4]) and all("class 0" not in spec for spec in made[5])
    assert all('"classes":"400 classes, sha256 ' in spec for spec in made[1])


RUN = Run("demo", "dots", "", "toy", "plain", 0)
NEW = ("    width: int = 4", "    width: int = 4\n    new_option: int = 0")


@pytest.fixture
def trained(project, monkeypatch):
    """A toy run whose phase `base` was trained before `new_option` came."""
    run = RUN
    monkeypatch.setattr(staleness, "train_code", lambda *_: "abc")
    base = phases_of(project, run)[0]
    facts = {"settings": phase_settings(project, run, base), "code": staleness.train_code(project, "toy", "base")}
    fake_results.write(
        project / run.folder / "base.json", facts | {"trains": list(base.trains), "sha256": "", "result": {}}
    )
    return project, run


def stale(project, run) -> list[str]:
    """As a process would say that starts now."""
    load_method.cache_clear()
    for name in [name for name in sys.modules if name.startswith("saccade_methods_toy")]:
        del sys.modules[name]
    return describe.stale(project, run, phases_of(project, run)[0])


def test_the_plan_says_what_a_new_setting_changes_once_it_leaves_its_default(trained):
    project, run = trained
    edit(project / "methods/toy/settings.py", *NEW)
    assert stale(project, run) == []
    edit(project / "methods/toy/card.yml", "lr: 0.1}", "lr: 0.1, new_option: 3}")
    assert stale(project, run) == ["new_option 0 -> 3"]


def test_the_plan_says_what_leaves_its_default_and_what_returns_to_it(trained):
    project, run = trained
    edit(project / "methods/toy/card.yml", "lr: 0.1}", "lr: 0.1, gamma: 0.2}")
    assert stale(project, run) == ["gamma 0.1 -> 0.2"]
    edit(project / "methods/toy/card.yml", "gamma: 0.2", "gamma: 0.1")
    assert stale(project, run) == []
    facts = json.loads((project / run.folder / "base.json").read_text())
    fake_results.write(
        project / run.folder / "base.json", facts | {"settings": facts["settings"] | {"gamma": 0.2, "width": 5}}
    )
    assert stale(project, run) == ["gamma 0.2 -> 0.1", "width 5 -> 4"]


def test_the_plan_compares_what_a_phase_no_longer_reads_as_snakemake_does(trained):
    project, run = trained
    edit(project / "methods/toy/card.yml", "reads: [recipe, network]", "reads: [recipe]")
    assert stale(project, run) == []
    facts = json.loads((project / run.folder / "base.json").read_text())
    fake_results.write(project / run.folder / "base.json", facts | {"settings": facts["settings"] | {"width": 5}})
    assert stale(project, run) == ["width 5 -> (not read)"]


def test_what_re_runs_a_job_names_only_what_differs_from_a_default(trained):
    project, run = trained
    spec = json.loads(staleness.train_params(project, run, phases_of(project, run)[0])["settings"])
    assert spec["settings"] == {"lr": 0.2, "epochs": 1, "batch_size": 4}
