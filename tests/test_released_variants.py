"""The variants with published weights, through the user's door: a file in the authors' layout is imported, predicts, is
scored and tried, in the real networks on a small input; what only gives weights to others is imported.

A new method's variants are found by their cards; its tests/as_published.py says how its authors name things.
"""

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from conftest import ROOT, copy_project, snakemake
from matplotlib.image import imread
from numbered import encode, tone
from published_files import VARIANTS, as_published, filled, flat, layout, save
from safetensors.torch import load_file

from saccade.__main__ import main
from saccade.cards.method import load_method
from saccade.files import read_json
from saccade.report import strips
from saccade.steps import try_video

TAKEN = [names for names in VARIANTS if names[1] in getattr(as_published(names[0]), "TAKEN", [names[1]])]
PARTS = [names for names in TAKEN if load_method(ROOT, names[0]).variants[names[1]].part]
WHOLE = [names for names in TAKEN if names not in PARTS]
LABELS = ["abseiling", "air drumming"]  # Kinetics' first two classes; where names aren't published here, the test's


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project with videos of the user's, whose methods have one operating point each: a small input."""
    root = copy_project(tmp_path_factory.mktemp("released"))
    for number, label in enumerate(LABELS):
        (root / "data/folder/raw" / label).mkdir(parents=True)
        encode(root / "data/folder/raw" / label / "v.mp4", frames=16 + number, size=(80, 64), sound=tone(1.7))
    for method in sorted({method for method, _ in VARIANTS}):
        file = root / "methods" / method / "card.yml"
        card = yaml.safe_load(file.read_text())
        for layer in (card, *card["budgets"].values()):
            layer.pop("points", None)
        for variant in card["variants"].values():  # which may stand for points that are gone
            variant.pop("stand_in", None)
            variant.pop("of", None)
        file.write_text(yaml.safe_dump(card | {"points": {"small": as_published(method).SMALL}}, sort_keys=False))
        (file.parent / "released").mkdir()
    for method, variant in VARIANTS:
        released = load_method(root, method).variants[variant].released
        for head in released.heads or ("label",):
            if released.names_of(head) and not (file := root / "methods" / method / released.names_of(head)).exists():
                names = [*LABELS, *(f"class {number}" for number in range(2, released.classes_of(head)))]
                file.write_text("\n".join(names) + "\n")
    return root


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Gives the checkpoint of a variant and what is in it; variants of one layout share one."""
    folder, made = tmp_path_factory.mktemp("checkpoints"), {}

    def checkpoint(method: str, variant: str) -> tuple[Path, set[tuple]]:
        empty = layout(method, variant)
        names = tuple((name, tensor.shape) for name, tensor in flat(empty))
        if names not in made:
            content = filled(empty)
            made[names] = save(content, folder / f"{len(made)}.pth"), prints(dict(flat(content)))
        return made[names]

    return checkpoint


def prints(tensors: dict[str, torch.Tensor]) -> set[tuple]:
    """What tells each of the random tensors from the others; counts, which are all alike, aside."""
    return {(*tensor.shape, float(tensor.sum())) for tensor in tensors.values() if tensor.is_floating_point()}


def by_commands(run: str) -> None:
    """Each verb by itself, as a user types it."""
    wanted = [["train", run, "import"], ["predict", run], ["score", run]]
    prepared = Path("data/folder/prepared/released").exists()
    for command in wanted if prepared else [["prepare", "folder", "--budget", "released"], *wanted]:
        assert main(command) == 0, command


def by_snakemake(run: str) -> None:
    """All of them, by the name of what is wanted."""
    done = snakemake(Path.cwd(), f"results/{run}/metrics.json", "--configfile", "config/released.yaml")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "variant"), WHOLE, ids=["-".join(names) for names in WHOLE])
def test_a_published_file_becomes_a_scored_run_and_a_strip(project, files, method, variant, monkeypatch, capsys):
    monkeypatch.chdir(project)
    monkeypatch.setattr(try_video, "RUNS", 1)  # what the clock says is another test's
    run = f"released/folder/{method}/{variant}/seed0"
    given = publish(project, files, method, variant)
    (by_snakemake if (method, variant) == WHOLE[-1] else by_commands)(run)

    folder = project / "results" / run
    assert came_in(folder, method, variant) <= given  # nothing of the network is left as it was initialised
    predicted = pd.read_parquet(folder / "predictions.parquet")
    assert list(predicted["point"]) == ["small"] * len(LABELS)
    classes = as_published(method).classes(variant)
    for head, number in (classes if isinstance(classes, dict) else {"label": classes}).items():
        for scores in predicted[f"{head}.scores"]:
            assert len(scores) == number and sum(scores) == pytest.approx(1, abs=1e-4)
    metrics = {row["metric"]: row for row in read_json(folder / "metrics.json")["rows"]}
    assert metrics["gmacs.mean"]["value"] > 0
    if isinstance(classes, int):  # the videos have labels for the one head
        assert metrics["label.top1"]["n"] == len(LABELS)
    capsys.readouterr()
    assert main(["try", run, f"data/folder/raw/{LABELS[1]}/v.mp4"]) == 0
    said = capsys.readouterr().out
    for head in classes if isinstance(classes, dict) else ("label",):
        assert re.search(rf"^  {head}  +[\d.]+ %  \w+", said, re.M)
    assert "of 17 frames" in said
    assert imread(folder / "try/v-small.png").shape[1] == strips.DPI * strips.WIDTH


@pytest.mark.slow
@pytest.mark.parametrize(("method", "variant"), PARTS, ids=["-".join(names) for names in PARTS])
def test_a_published_file_becomes_a_phase_that_others_need(project, files, method, variant, monkeypatch):
    """It isn't predicted itself."""
    monkeypatch.chdir(project)
    run = f"released/folder/{method}/{variant}/seed0"
    given = publish(project, files, method, variant)
    assert main(["train", run, "import"]) == 0
    assert came_in(project / "results" / run, method, variant) <= given


def publish(project: Path, files, method: str, variant: str) -> set[tuple]:
    """Brings the variant's file; gives back what tells its tensors apart."""
    file, given = files(method, variant)
    os.link(file, project / "methods" / method / "released" / load_method(ROOT, method).variants[variant].released.file)
    return given


def came_in(folder: Path, method: str, variant: str) -> set[tuple]:
    """What tells the imported tensors apart, but those that are reckoned from the file's."""
    released = load_method(ROOT, method).variants[variant].released
    assert read_json(folder / "import.json")["released"]["file"] == released.file
    reckoned = getattr(as_published(method), "COMPUTED", {}).get(variant, ())
    kept = load_file(folder / "import.safetensors")
    assert kept
    return prints(
        {
            name: tensor
            for name, tensor in kept.items()
            if tensor.numel() and not any(fnmatchcase(name, glob) for glob in reckoned)
        }
    )
