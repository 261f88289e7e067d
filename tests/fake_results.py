"""A tiny results tree with obviously invented numbers, for the tests of tables, figures and the report."""

import json
import shutil
from pathlib import Path
from typing import Any

import numbered
import numpy as np
import pandas as pd
from seals import seal

from saccade import products

HEADS = {"noun": 10, "verb": 4, "action": 40}
OMITTED = [{"metric": "verb.top5", "reason": "verb has 4 classes, so a top-5 answer can't miss"}]
POINTS = {  # name: title, stand-in, GMACs, top-1 of noun
    "uniform4": ("uniform 4", None, 0.2, 0.40),
    "uniform8": ("uniform 8", None, 0.4, 0.50),
    "oracle8": ("oracle 8", "oracle", 0.4, 0.70),
    "random8": ("random 8", "random", 0.4, 0.30),
}


def make_grid(seeds: int = 2, variants: tuple[str, ...] = ("tiny",), budget: str = "demo") -> dict[str, Any]:
    runs = [make_run(budget, "motion-digits", "", variant, seed) for variant in variants for seed in range(seeds)]
    runs.append(make_run(budget, "ucf101", "2", "tiny", 0, why="data/ucf101/raw lacks UCF101.rar; ask its authors"))
    return {
        "budget": budget,
        "runs": runs,
        "methods": [
            {
                "name": "tsn",
                "title": "TSN",
                "summary": "Frames, then a mean: 100 % of T & <nothing> else_",
                "paper": "",
                "baseline": True,
            }
        ],
        "datasets": [
            {
                "name": "motion-digits",
                "title": "Motion digits",
                "classes": {"": {"noun": ["0", "1"], "verb": ["go_left", "go_right"]}},
            },
            {"name": "ucf101", "title": "UCF101", "classes": {"2": {"action": ["a", "b"]}}},
        ],
    }


def make_run(
    budget: str, dataset: str, edition: str, variant: str, seed: int, why: str | None = None
) -> dict[str, Any]:
    data = f"{dataset}@{edition}" if edition else dataset
    return {
        "run": f"{budget}/{data}/tsn/{variant}/seed{seed}",
        **{"dataset": dataset, "edition": edition, "method": "tsn", "variant": variant, "title": variant, "seed": seed},
        "points": [
            {
                "name": name,
                "title": title,
                "stand_in": stand_in,
                "of": [f"{variant}/uniform8"] if stand_in else [],
                "why": None,
            }
            for name, (title, stand_in, *_) in POINTS.items()
        ],
        **{
            "phases": ["train"],
            "gates": {},
            "weights": [f"results/{budget}/{data}/tsn/{variant}/seed{seed}/train.json"],
        },
        **{"status": "not run" if why else "available", "why": why},
    }


def write_run(root: Path, run: dict[str, Any]) -> None:
    """The files that a finished run leaves."""
    folder = root / "results" / run["run"]
    folder.mkdir(parents=True)
    shift = 0.02 * run["seed"] + 0.01 * len(run["variant"]) - 0.04
    rows = [row for point in POINTS for row in make_rows(point, shift)]
    write(
        folder / "metrics.json",
        {"run": run["run"], "rows": rows, "expected": 60, "evaluated": 60, "clusters": 20, "omitted": OMITTED}
        | {"classes": {"noun": {"without_positives": ["none & no one"], "rare": ["few"]}}},
    )
    make_hits(shift).to_parquet(folder / "hits.parquet")
    lines = [
        {
            "epoch": e,
            "train.loss": 2 / e,
            "val.loss": 1 + 1 / e + shift,
            "val.noun.top1": 0.1 * e + shift,
            "val.verb.top1": 0.2,
        }
        for e in range(1, 6)
    ]
    (folder / "train.log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    record = {
        "sha256": "feed" * 16,
        "settings": {"lr": 0.1, "epochs": 5},
        "code": "c0de" * 16,
        "result": {"val.noun.top1": 0.1},
        "trains": ["*"],
    }
    write(folder / "train.json", record)
    where = {
        "made": "2001-01-01T00:00:00+00:00",
        "python": "3.99",
        "packages": {"torch": "9.9"},
        "system": "Invented x86",
        "cores": 2,
    }
    for step in ("train", "predict"):
        write(
            folder / f"provenance.{step}.json",
            {**where, "commit": "", "device": "cpu", "seconds": 12.5, "threads": 1, "code": "", "settings": {}},
        )
    modules = {"": 1000, "backbone": 900, "backbone.layer1.0": 600, "backbone.layer1.1": 100, "backbone.layer2": 200}
    modules |= {"heads.noun": 60, "heads.verb": 40}
    cost = [
        {"name": name, "type": "Conv2d", "macs": macs * 10**5, "share": macs / 1000} for name, macs in modules.items()
    ]
    write(folder / "cost.json", {"variant": run["variant"], "modules": cost, "macs_per_frame": 10**8})


def make_rows(point: str, shift: float) -> list[dict[str, Any]]:
    gmacs, noun = POINTS[point][2:]
    values = {
        "gmacs.mean": gmacs,
        "gmacs.p50": gmacs,
        "gmacs.p95": 1.1 * gmacs,
        "frames.mean": 20 * gmacs,
        "decoded_frames.mean": 40.0,
    }
    rows: list[dict[str, Any]] = [{"metric": metric, "value": value} for metric, value in values.items()]
    for i, (head, classes) in enumerate(HEADS.items()):
        value = noun + shift - 0.1 * i
        rows.append({"metric": f"{head}.top1", "value": value, "low": value - 0.08, "high": value + 0.08})
        rows.append({"metric": f"{head}.top5", "value": value + 0.2, "low": value + 0.1, "high": value + 0.25})
        rows.append({"metric": f"{head}.map", "value": value + 0.03, "low": value - 0.05, "high": value + 0.1})
        rows.append({"metric": f"{head}.chance", "value": 1 / classes})
    return [{"point": point, "low": None, "high": None, "n": 60, **row} for row in rows]


def make_hits(shift: float) -> pd.DataFrame:
    """60 videos in 20 clusters; the first so many are hit that the share is about the point's accuracy."""
    videos = np.arange(60)
    rows = {"video_id": [f"v{i:02}" for i in videos], "cluster": [f"c{i % 20}" for i in videos]}
    tables = []
    for point in POINTS:
        shares = {f"{head}.top1": POINTS[point][3] + shift - 0.1 * i for i, head in enumerate(HEADS)}
        hits = {name: (videos < 60 * share).astype(float) for name, share in shares.items()}
        tables.append(pd.DataFrame({"point": point, **rows, **hits}))
    return pd.concat(tables, ignore_index=True)


def write_tree(root: Path, grid: dict[str, Any]) -> Path:
    """The grid's file, every run that it says is available, and the coverage of motion-digits."""
    for run in grid["runs"]:
        if run["status"] == "available":
            write_run(root, run)
    problems = [{"video_id": "v61", "path": "raw/v61.mp4", "reason": "no frame could be decoded & it is <empty>"}]
    coverage = {"expected": 181, "usable": 180, "by_split": {"train": 100, "val": 20, "test": 60}, "problems": problems}
    coverage |= {"sound": {"with": 100, "without": 80}, "decoder": "av", "untrained": {"noun": ["unseen"]}}
    coverage |= {"lost_classes": {"noun": {"val": ["lost"]}}, "copies": [["v1", "v2"], ["v3", "v4"]]}
    coverage |= {"settings": {}, "peculiar": {"rotated": {"videos": 7, "first": ["v1", "v2", "v3", "v4", "v5"]}}}
    write(root / f"data/motion-digits/prepared/{grid['budget']}/coverage.json", coverage)
    path = root / "results" / grid["budget"] / "plan.json"
    write(path, grid)
    seal(root)
    return path


def write(path: Path, value: Any) -> None:
    """A JSON product, as a step writes it."""
    beside = products.beside(path)
    products.write(path, {key: value[key] for key in value if key not in (products.PRODUCT, "files", "sum")}, beside)


def write_project(root, grid, runs=True):
    """A project with the real templates and notebook, and (unless `runs` is False) finished runs."""
    for name in ("templates", "notebooks"):
        shutil.copytree(Path(__file__).parents[1] / "workflow" / name, root / "workflow" / name)
    if not runs:
        grid["runs"] = [
            {**run, "status": "not run", "why": run["why"] or "no <data> & no time_"} for run in grid["runs"]
        ]
    return write_tree(root, grid)


def write_videos(root: Path, prepared: Path, encoded: bool = True) -> None:
    """Four test videos of eight frames, v0 to v3, in the index of a prepared dataset; without pictures where they
    aren't to be encoded."""
    prepared.mkdir(parents=True)
    index = []
    for number in range(4):
        path = root / f"v{number}.mp4"
        size = numbered.encode(path, frames=8).stat().st_size if encoded else 1
        index.append({"video_id": path.stem, "path": path.name, "bytes": size, "frames": 8, "width": 64, "height": 48})
    pd.DataFrame(index).assign(split="test").to_parquet(prepared / "index.parquet")
    write(prepared / "coverage.json", {"problems": [], "settings": {}})
