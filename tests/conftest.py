"""What tests share: the project's root, and a small project to break."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import fake_results
import pytest
import torch
from filelock import FileLock

torch.set_num_threads(1)

ROOT = Path(__file__).parents[1]
TOY = ROOT / "tests/toy"
ODD_NAME = "{a} {{b}} $HOME 100%d #1 & 'é'"

SETTINGS = """
from dataclasses import dataclass
from saccade.settings import Section, Shared

@dataclass(frozen=True, kw_only=True)
class Network(Section):
    width: int = 4

@dataclass(frozen=True, kw_only=True)
class Settings(Shared, Network):
    pass
"""

METHOD = """
method: toy
title: Toy
settings: {heads: [noun], num_frames: 4, resize: 0, crop: 0, epochs: 2, batch_size: 4, lr: 0.1}
phases:
  base: {reads: [recipe, network]}
  policy: {needs: [base], trains: [policy.*]}
datasets: {dots: {lr: 0.2}}
budgets: {demo: {epochs: 1, phases: {policy: {epochs: 3}}}}
contract: [plain]
variants:
  plain: {}
  wide: {width: 8}
  shared: {use: [policy], phases: {policy: {needs: [plain/base]}}}
points:
  "frames{num_frames}": {grid: {num_frames: [1, 2]}}
  truthful: {sampler: oracle, requires: [truth]}
"""

DATASET = """
dataset: dots
title: Dots
source: made up
licence: none
heads:
  noun: {kind: single, classes: [a, b]}
expects: [videos.zip]
acquire: Ask the authors for videos.zip.
editions: {"2": {}}
"""


def pytest_collection_modifyitems(items):
    """Files with most slow tests first, so that no worker is left alone with one of them at the end."""
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[item.path])


@pytest.fixture
def grid():
    """The grid of made-up results: two seeds of TSN."""
    return fake_results.make_grid(seeds=2)


@pytest.fixture
def root(tmp_path, grid):
    """A project root in which that grid has been run."""
    fake_results.write_tree(tmp_path, grid)
    return tmp_path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A root with one toy method, one toy dataset whose raw files are missing, and a config."""
    (tmp_path / "Snakefile").touch()
    for name, text in (
        ("methods/toy/settings.py", SETTINGS),
        ("methods/toy/card.yml", METHOD),
        ("data/dots/card.yml", DATASET),
        ("config/demo.yaml", "budget: demo\nruns: [dots/toy/*]\nseeds: [0]\npoints: []\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory) -> Path:
    """The toy project (tests/toy), run as it comes: nobody has brought the published weights. It is made once for all
    of pytest's processes, so a test that changes something takes `toy`. Its folder, its Python's and its temporary
    directory have names that shells and formats could take for something else."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    project, python, temporary = (shared / f"{name} {ODD_NAME}" for name in ("toy", "venv", "tmp"))
    with FileLock(shared / "toy.lock"):
        if not (project / "finished").exists():
            new_toy(project)
            python.symlink_to(sys.prefix)
            temporary.mkdir()
            done = snakemake(project, python=python / "bin/python", TMPDIR=str(temporary))
            assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
            (project / "finished").touch()
    return project


@pytest.fixture
def toy(toy_run, tmp_path) -> Path:
    """A copy of the finished toy project, the files' dates included, which Snakemake reads."""
    return shutil.copytree(toy_run, tmp_path / "toy")


def new_toy(project: Path) -> Path:
    """The toy project in which nothing has run."""
    project.mkdir(parents=True, exist_ok=True)
    copy_project(project, ["Snakefile", "workflow", "profiles", "saccade", "environment.yml"])
    return shutil.copytree(TOY, project, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def edit(file: Path, old: str, new: str) -> None:
    """Replaces `old` once in `file`; a test that edits nothing would prove nothing."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


COPIED = ["Snakefile", "config", "workflow", "profiles", "saccade", "methods", "data", "environment.yml"]


def copy_project(target: Path, names: Sequence[str] = COPIED) -> Path:
    """A copy of the project, or of the named parts of it, without what data and results it holds."""
    ignore = shutil.ignore_patterns("__pycache__", "raw", "prepared", "released")
    for name in names:
        source = ROOT / name
        shutil.copytree(source, target / name, ignore=ignore) if source.is_dir() else shutil.copy(source, target / name)
    return target


def snakemake(
    project: Path, *arguments: str, cores: int | None = 2, python: Path | str = sys.executable, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Snakemake, ended. `variables` are of its environment."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "SNAKEMAKE"))}
    command = [str(python), "-m", "snakemake", *(["--cores", str(cores)] if cores else []), *arguments]
    return subprocess.run(command, cwd=project, env=environment | variables, capture_output=True, text=True)


def planned(project: Path, *arguments: str) -> dict[str, int]:
    """How many jobs of each rule a dry run would do; `all` and totals aside."""
    done = snakemake(project, "--dry-run", *arguments)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Job stats:" in said or "Nothing to be done" in said
    table = said.split("Job stats:")[1].split("\n\n")[0] if "Job stats:" in said else ""
    rows = re.findall(r"^(\w+) +(\d+)$", table, re.M)
    return {rule: int(count) for rule, count in rows if rule not in ("all", "total")}
