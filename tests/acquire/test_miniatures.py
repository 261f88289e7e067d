"""Every published dataset in miniature, from its servers to a score, through the command line."""

import json

import pandas as pd
import pytest
from acquire.loopback import Loopback
from conftest import ROOT, edit
from miniature import project_of, with_its_videos

from saccade.__main__ import main
from saccade.cards.dataset import load_dataset
from saccade.files import read_json
from saccade.project import load_module, names
from saccade.records import SPLITS

PUBLISHED = [name for name in names(ROOT, "data") if load_dataset(ROOT, name).obtained]


@pytest.fixture(scope="module", params=PUBLISHED)
def miniature(request, tmp_path_factory):
    """(project, name): the miniature's project, in which the dataset was acquired from a server on loopback."""
    home = tmp_path_factory.mktemp(request.param)
    with Loopback(home / "served") as server, pytest.MonkeyPatch.context() as patch:
        project = project_of(home / "project", request.param, home / "served", server.address)
        patch.chdir(project)
        for name in with_its_videos(request.param):
            assert main(["acquire", name]) == 0
    return project, request.param


@pytest.fixture
def here(miniature, monkeypatch):
    monkeypatch.chdir(miniature[0])
    return miniature


def test_it_is_indexed_as_its_lists_say(here):
    project, name = here
    dataset, sample = load_dataset(project, name), load_module(project / "data" / name / "sample.py")
    for edition in ("", *dataset.editions):
        address = f"{name}@{edition}" if edition else name
        assert main(["prepare", address, "--budget", "own", "--workers", "1"]) == 0
        folder = project / "data" / name / "prepared" / f"own{'@' * bool(edition)}{edition}"
        index, coverage = pd.read_parquet(folder / "index.parquet"), read_json(folder / "coverage.json")
        assert coverage["problems"] == []
        found = index["split"].value_counts().to_dict()
        wanted = sample.COUNTS.get(edition, sample.COUNTS[""])
        assert set(found) == set(SPLITS) and found["test"] == wanted["test"]
        assert found["train"] + found["val"] == sum(wanted.values()) - wanted["test"]


def test_a_network_learns_from_it_and_is_scored(here, capsys):
    project, name = here
    card = project / "methods/tsn/card.yml"
    edit(card, "    epochs: 20\n    batch_size: 8\n", "    epochs: 1\n    batch_size: 8\n")
    edit(card, "    resize: 128\n    crop: 112\n", "    resize: 32\n    crop: 32\n")
    run = f"own/{name}/tsn/resnet18-tiny/seed0"
    assert main(["prepare", name, "--budget", "own", "--workers", "1"]) == 0
    for arguments in (["train", run, "train"], ["predict", run], ["score", run]):
        assert main(arguments) == 0, capsys.readouterr().err
    metrics = json.loads((project / "results" / run / "metrics.json").read_text())
    assert metrics
