"""Every variant with published weights, through the user's door: a file in the authors' layout is imported, predicts,
is scored and tried, in the real networks on a small input.

A new method's variants are found by their cards; its tests/as_published.py says how its authors name things.
"""

import os
import re
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from conftest import ROOT, copy_project, snakemake
from matplotlib.image import imread
from numbered import encode
from published_files import VARIANTS, as_published, filled, flat, layout, save
from safetensors.torch import load_file

from saccade.__main__ import main
from saccade.cards.method import load_method
from saccade.files import read_json
from saccade.plan.published import class_names
from saccade.report import strips
from saccade.steps import try_video

VIDEOS = 2
PREPARE = """
import pandas as pd

def prepare(settings, raw, seed, workers):
    videos = sorted((raw.parents[3] / "videos").iterdir())
    rows = [(path.stem, "test", path.stem, str(path), number) for number, path in enumerate(videos)]
    return pd.DataFrame(rows, columns=["video_id", "split", "cluster", "path", "label"]), None
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project with a few videos, whose methods have one operating point each: a small input."""
    root = copy_project(tmp_path_factory.mktemp("released"))
    for method in sorted({method for method, _ in VARIANTS}):
        file = root / "methods" / method / "card.yml"
        card = yaml.safe_load(file.read_text())
        file.write_text(yaml.safe_dump(card | {"points": {"small": as_published(method).SMALL}}, sort_keys=False))
    (root / "videos").mkdir()
    for number in range(VIDEOS):
        encode(root / f"videos/v{number}.mp4", frames=16 + number, size=(80, 64))
    return root


def dataset(root: Path, method: str, variant: str, classes: int) -> str:
    """The name of a dataset with so many classes, those of the weights where they are known, made where it isn't
    there."""
    name, folder = f"clips{classes}", root / f"data/clips{classes}"
    if not folder.exists():
        (folder / "raw").mkdir(parents=True)
        card = load_method(ROOT, method)
        names = class_names(card, card.variants[variant].released) or [f"class {number}" for number in range(classes)]
        head = {"kind": "single", "classes": list(names)}
        card = {"dataset": name, "title": "Clips", "source": "made up", "licence": "none", "heads": {"label": head}}
        (folder / "card.yml").write_text(yaml.safe_dump(card))
        (folder / "prepare.py").write_text(PREPARE)
    return name


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
    budget, data, *_ = run.split("/")
    prepared = Path("data", data, "prepared", budget).exists()
    wanted = [["train", run, "import"], ["predict", run], ["score", run]]
    for command in wanted if prepared else [["prepare", data, "--budget", budget], *wanted]:
        assert main(command) == 0, command


def by_snakemake(run: str) -> None:
    """All of them, by the name of what is wanted."""
    selected = f"runs=[{run.removeprefix('paper/').removesuffix('/seed0')}]"
    arguments = ["--configfile", "config/paper.yaml", "--config", selected]
    done = snakemake(Path.cwd(), f"results/{run}/metrics.json", *arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "variant"), VARIANTS, ids=["-".join(names) for names in VARIANTS])
def test_a_published_file_becomes_a_scored_run_and_a_strip(project, files, method, variant, monkeypatch, capsys):
    monkeypatch.chdir(project)
    monkeypatch.setattr(try_video, "RUNS", 1)  # what the clock says is another test's
    released, classes = load_method(ROOT, method).variants[variant].released, as_published(method).classes(variant)
    run = f"paper/{dataset(project, method, variant, classes)}/{method}/{variant}/seed0"
    file, given = files(method, variant)
    (project / "methods" / method / "released").mkdir(exist_ok=True)
    os.link(file, project / "methods" / method / "released" / released.file)
    (by_snakemake if (method, variant) == VARIANTS[-1] else by_commands)(run)

    folder = project / "results" / run
    kept = {name: tensor for name, tensor in load_file(folder / "import.safetensors").items() if tensor.numel()}
    assert prints(kept) <= given  # nothing of the network is left as it was initialised
    assert read_json(folder / "import.json")["released"]["file"] == released.file
    predicted = pd.read_parquet(folder / "predictions.parquet")
    assert list(predicted["point"]) == ["small"] * VIDEOS
    assert all(
        len(scores) == classes and sum(scores) == pytest.approx(1, abs=1e-4) for scores in predicted["label.scores"]
    )
    metrics = {row["metric"]: row for row in read_json(folder / "metrics.json")["rows"]}
    assert metrics["label.top1"]["n"] == VIDEOS and metrics["gmacs.mean"]["value"] > 0
    capsys.readouterr()
    assert main(["try", run, "videos/v1.mp4"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^  label  +[\d.]+ %  \S.*$", said, re.M) and "of 17 frames" in said
    assert imread(folder / "try/v1-small.png").shape[1] == strips.DPI * strips.WIDTH
