"""One dataset's state stops no other's runs: what is wrong with its raw files or its card is told, and the rest goes
on."""

import pytest
from conftest import copy_project

from saccade.__main__ import main
from saccade.cards.config import load_config
from saccade.cards.dataset import load_dataset
from saccade.plan import staleness
from saccade.plan.grid import planned_grid
from saccade.records import SaccadeError

LISTING = """
from saccade.records import SaccadeError
def look(raw):
    raise SaccadeError(f"{raw}: 'jump' is the only class")
"""
WRONG = "data/mine/raw: 'jump' is the only class"


@pytest.fixture
def mixed(project, monkeypatch):
    """The toy project, with own videos of one class beside it, and a dataset whose card is no YAML, first by name."""
    card = (project / "data/dots/card.yml").read_text()
    for name in ("mine", "aaa"):
        (project / "data" / name).mkdir()
    (project / "data/mine/card.yml").write_text(
        card.replace("dataset: dots", "dataset: mine").replace("[a, b]", "from-raw").replace("[videos.zip]", "[]")
    )
    (project / "data/mine/listing.py").write_text(LISTING)
    (project / "data/aaa/card.yml").write_text("dataset: [")
    monkeypatch.chdir(project)
    return project


def config(*runs: str):
    return load_config({"budget": "demo", "runs": list(runs), "seeds": [0]})


@pytest.mark.parametrize(
    "arguments",
    ["list", "list dots", "plan", "plan demo/dots/toy/plain/seed0", "plan --write plan.json", "plan --config own.yaml"],
)
def test_what_concerns_another_dataset_goes_on(mixed, capsys, arguments):
    (mixed / "own.yaml").write_text("budget: own\nruns: [mine/toy/plain, dots/toy/plain]\nseeds: [0]\n")
    assert main(arguments.split()) == 0
    assert arguments != "list" or "'jump' is the only class" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("verb", ["prepare mine", "acquire mine", "train demo/mine/toy/plain/seed0 base"])
def test_what_concerns_it_says_what_is_wrong(mixed, capsys, verb):
    assert main(verb.split()) == 1
    assert WRONG in capsys.readouterr().err


def test_its_runs_are_not_run_beside_others_and_an_error_alone(mixed):
    runs = planned_grid(mixed, config("mine/toy/plain", "dots/toy/plain"))["runs"]
    assert [(run["dataset"], run["status"], run["why"].endswith(WRONG[5:])) for run in runs] == [
        ("dots", "not run", False),
        ("mine", "not run", True),
    ]
    with pytest.raises(SaccadeError, match=WRONG):
        planned_grid(mixed, config("mine/toy/plain"))


def test_raw_files_that_cannot_be_read_are_told_like_wrong_ones(mixed):
    (mixed / "data/mine/listing.py").write_text("def look(raw):\n    (raw / 'x').stat()\n")
    assert load_dataset(mixed, "mine").wrong == f"{mixed}/data/mine/raw/x: No such file or directory"


def test_a_papers_cells_are_looked_up_whatever_lies_in_another_datasets_folder(tmp_path):
    copy_project(tmp_path, ["methods", "data"])
    expected = staleness.cells_settings(tmp_path, "atfr")
    load_dataset.cache_clear()
    (tmp_path / "data/folder/raw/jump").mkdir(parents=True)
    (tmp_path / "data/folder/raw/jump/a.mp4").touch()
    (tmp_path / "data/aaa").mkdir()
    (tmp_path / "data/aaa/card.yml").write_text("dataset: [")
    assert staleness.cells_settings(tmp_path, "atfr") == expected != ""
