"""A made-up paper beside the made-up results: layouts, printed numbers, counts, claims, findings, and what the runs
decided."""

import json
import zlib
from pathlib import Path
from typing import Any

import fake_results
import numpy as np
import pandas as pd
from seals import seal

from saccade.cards.paper import Paper
from saccade.judging.system_scores import SystemScores
from saccade.judging.systems import system_of
from saccade.records import COST_COLUMNS, REPORTED_COLUMNS
from saccade.results.reader import NotRun

PAPER = """
paper: tsn2016
title: "Frames & <means>"
tables:
  "Table 1":
    title: Frames
    dataset: motion-digits
    columns: [top1, GFLOPs]
    rows: [Eight, Adaptive, Lost, Unnamed, Theirs, 16]
    runs:
      Eight: {run: motion-digits/tsn/tiny, point: uniform8}
      Adaptive: {run: motion-digits/tsn/tiny, point: uniform4}
      Lost: {run: motion-digits/tsn/large, point: uniform8}
      16: {run: motion-digits/tsn/tiny, point: uniform16}
    metrics: {top1: noun.top1, GFLOPs: gmacs.mean}
    note: The last row has a number for a name.
  "Table A.2":
    title: Elsewhere
    dataset: kinetics400
    columns: [top1]
    rows: [Eight]
    runs:
      Eight: {run: kinetics400/tsn/tiny, point: uniform8}
    metrics: {top1: noun.top1}
claims:
  - {id: c01, where: "Table 1", says: "Eight frames <beat> four."}
  - {id: c02, where: "Sec. 5", says: "As good as theirs & cheaper."}
  - {id: m01, where: "mechanism", says: "The oracle beats chance."}
  - {id: m02, where: "mechanism", says: "Bins follow moments."}
"""
CLAIMS = """
from saccade.judging.compare import difference
from saccade.judging.verdict import Cited, Finding, better


def gap(ours, first, second):
    hits = [ours.hits("tiny", point, "motion-digits", "noun") for point in (first, second)]
    return better(difference(*hits))


def c01(reported, ours):
    printed = reported("Table 1", "Eight", "top1") > reported("Table 1", "Adaptive", "top1")
    return Finding(printed, lambda: gap(ours, "uniform8", "uniform4"))


def c02(reported, ours):
    printed = reported("Table 1", "Eight", "top1") >= reported("Table 1", "Theirs", "top1")
    return Cited(printed, ("pre-training", "views"))


def m01(reported, ours):
    return Finding(None, lambda: gap(ours, "oracle8", "random8"))


def m02(reported, ours):
    def on_ours():
        return better(difference(ours.follows("wide", "uniform8", "motion-digits"), ours.bins("tiny", "uniform8", "x")))

    return Finding(None, on_ours)
"""
FINDINGS = """
from matplotlib.figure import Figure

from saccade.report.tidy import Column, tidy, words


def tables(found):
    (run, *_) = found.runs()
    rows = found.predictions(run)
    bins = [views[0]["bins"] for views in rows.decisions]
    rows = [{"class": name, "bins": n} for name, n in zip(found.classes(run, "noun"), [sum(bins) / len(bins), 7])]
    columns = [words("Class", "class"), Column("Bins", ("bins",), "significant")]
    yield "bins", "Bins <per> class", "How many.", tidy(rows, columns)
    rows = [{"moments": found.truth(run).moment.max(), "videos": len(found.index(run))}]
    columns = [Column("Moments", ("moments",), "whole"), Column("Videos", ("videos",), "whole")]
    yield "moments", "Moments", "True ones.", tidy(rows, columns)


def figures(found):
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([0, len(found.metrics)])
    return [("line", "A line", "It rises.", "a rising <line>", figure)]
"""
PRINTED = [
    ["Table 1", "Eight", "top1", "motion-digits", "48.0", "%", "own"],
    ["Table 1", "Eight", "GFLOPs", "motion-digits", "33", "GMACs per video", "own"],
    ["Table 1", "Adaptive", "top1", "motion-digits", "41.0", "%", "own"],
    ["Table 1", "Adaptive", "GFLOPs", "motion-digits", "100", "MMACs per view", "own"],
    ["Table 1", "Lost", "top1", "motion-digits", "40", "%", "own"],
    ["Table 1", "Unnamed", "top1", "motion-digits", "39", "%", "own"],
    ["Table 1", "Theirs", "top1", "motion-digits", "45", "%", "cited"],
    ["Table 1", "Theirs", "GFLOPs", "motion-digits", "20", "GMACs per video", "cited"],
    ["Table 1", "16", "top1", "motion-digits", "49", "%", "own"],
    ["Table A.2", "Eight", "top1", "kinetics400", "70", "%", "own"],
]
COUNTED = [  # row, unit, printed, ours: of the column GFLOPs
    ["Eight", "GMACs per video", 33.0, 33.33],
    ["Adaptive", "MMACs per view", 100.0, np.nan],
    ["Theirs", "GMACs per video", 20.0, 20.2],
]


def write_paper(root: Path, **texts: str) -> Path:
    """The method's folder with paper.yml, reported.csv, claims.py and findings.py (or what is given in their place),
    and cost.csv."""
    folder = root / "methods/tsn/paper"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"paper.yml": PAPER, "claims.py": CLAIMS, "findings.py": FINDINGS, **texts}.items():
        (folder / name).write_text(text)
    lines = [["tsn2016", *line, ""] for line in PRINTED] + [
        ["other2020", "Table 1", "Eight", "top1", "x", "1", "%", "own", ""]
    ]
    pd.DataFrame(lines, columns=REPORTED_COLUMNS).to_csv(folder / "reported.csv", index=False)
    counts = [
        ["tsn2016", "Table 1", row, "GFLOPs", "motion-digits", unit, printed, ours, ours / printed - 1, "conv only", ""]
        for row, unit, printed, ours in COUNTED
    ]
    (root / "results").mkdir(exist_ok=True)
    pd.DataFrame(counts, columns=COST_COLUMNS).to_csv(root / "results/cost.csv", index=False)
    seal(root)
    return folder


def write_decisions(root: Path, grid: dict[str, Any]) -> None:
    """predictions.parquet of every available run, two views each, and the index and the truth that they were made with.

    Video i has i % 2 for a noun, i % 4 for a verb and i % 5 + 1 moments; its bins are as many, less the seed's share of
    disorder.
    """
    videos = [f"v{i:02}" for i in range(60)]
    for run in (run for run in grid["runs"] if run["status"] == "available"):
        rng = np.random.default_rng(run["seed"])
        tables = [predictions(videos, point, run["seed"], rng) for point in fake_results.POINTS]
        pd.concat(tables, ignore_index=True).to_parquet(root / "results" / run["run"] / "predictions.parquet")
        settings = {
            point: {"num_clips": 2, "num_crops": 1, "sampler": "consecutive", "crop": 0}
            for point in fake_results.POINTS
        }
        made = {"settings": settings, "code": ""}
        fake_results.write(root / "results" / run["run"] / "provenance.predict.json", made)
    folder = root / f"data/motion-digits/prepared/{grid['budget']}"
    folder.mkdir(parents=True, exist_ok=True)
    index = pd.DataFrame(
        {"video_id": videos, "split": "test", "noun": [i % 2 for i in range(60)], "verb": [i % 2 for i in range(60)]}
    )
    index.to_parquet(folder / "index.parquet")
    frames = [(video, frame, min(frame, i % 5)) for i, video in enumerate(videos) for frame in range(8)]
    pd.DataFrame(frames, columns=["video_id", "frame", "moment"]).assign(informative=True).to_parquet(
        folder / "truth.parquet"
    )
    seal(root)


def predictions(videos: list[str], point: str, seed: int, rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for i, video in enumerate(videos):
        bins = i % 5 + 1 + seed * (i == 0)
        views = [{"bins": bins, "frames": list(range(8))}, {"bins": bins + 2, "frames": list(range(8))}]
        scores = {"noun.scores": np.eye(10)[i % 2], "verb.scores": np.eye(10)[9 - i % 2] + np.linspace(0, 0.5, 10)}
        targets = {"noun.target": i % 2, "verb.target": 0 if i % 3 else 8}
        decided = {"macs": (i + 1) * 10**9, "frames": 16, "decoded_frames": 16, "decisions": json.dumps(views)}
        rows.append({"point": point, "video_id": video, "cluster": f"c{i % 20}", **decided, **targets, **scores})
    return pd.DataFrame(rows)


# what a claim may ask, without any run


class Absent:
    """No run is there."""

    def __getattr__(self, name):
        def ask(*system, **options):
            raise NotRun(f"{name} of {system[0]}: no such run")

        return ask


SEEDS, CLUSTERS, SIZE = 5, 20, 2


class Planted:
    """Results in which a system has the value planted for (variant, point) or its variant, else the usual one, and luck
    of its own. A method's tests say in a class of their own what its paper.yml says, what is usual, how large luck is,
    and which questions can be asked."""

    paper: Paper
    usual: dict[str, float]
    luck: dict[str, float]

    def __init__(self, **planted):
        self.planted, self.asked = planted, set()

    def row(self, table, row, column=""):
        return system_of(self.paper.source(table, row, column), self.paper.method)

    def named(self, name):
        return system_of(self.paper.source("", name), self.paper.method)

    def ask(self, what, variant, point, dataset):
        self.asked.add((f"{dataset}/{variant if '/' in variant else f'{self.paper.method}/{variant}'}", point))
        table = self.planted.get(what, {})
        value = table.get((variant, point), table.get(variant, self.usual[what]))
        generator = np.random.default_rng(zlib.crc32("/".join((what, variant, point, dataset)).encode()))
        videos = np.array([f"{dataset}-{number}" for number in range(CLUSTERS * SIZE)])
        noise = generator.normal(size=(SEEDS, len(videos))) * self.luck[what]
        return SystemScores(
            value + noise,
            videos,
            np.repeat(np.arange(CLUSTERS), SIZE),
            tuple(f"{variant}/seed{s}" for s in range(SEEDS)),
        )
