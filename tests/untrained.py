"""A run that looks finished: prepared videos, and random weights in the place of trained ones."""

import shutil
from pathlib import Path
from typing import Any

import fake_results
import pandas as pd
import torch
from conftest import ROOT
from numbered import encode
from seals import seal

from saccade.engine import weights
from saccade.plan.layers import heads_of, resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.video.probe import probe


def put_videos(project: Path, videos: int, frames: int, **how: Any) -> None:
    """So many numbered videos of the split `test` of the dataset `dots`, with its index; `how`: see `encode`."""
    folder = project / "data/dots/prepared/demo"
    folder.mkdir(parents=True)
    rows = []
    for number in range(videos):
        path = encode(project / f"data/dots/v{number}.mp4", frames=frames, **how)
        facts = {"video_id": f"v{number}", "split": "test", "cluster": number, "path": f"data/dots/v{number}.mp4"}
        rows.append(facts | {"noun": 0} | probe(path).columns())
    pd.DataFrame(rows).to_parquet(folder / "index.parquet")
    fake_results.write(folder / "coverage.json", {"problems": [], "settings": {}})
    seal(project)


def put_weights(project: Path, run: Run, phase: str) -> None:
    """Those that the run's network starts with, as what the phase trained; beside them the code, which is hashed."""
    settings = resolve(project, run).typed
    torch.manual_seed(0)
    model = load_module(project / "methods" / run.method / "model.py").build(settings, heads_of(project, run))
    facts = {"settings": {}, "code": "", "trains": ["*"], "result": {}}
    weights.save(project / run.folder / f"{phase}.json", model, ["*"], facts)
    shutil.copytree(ROOT / "saccade", project / "saccade", ignore=shutil.ignore_patterns("__pycache__"))
