"""What only this method shows: a method's optional `findings.py` makes tables and figures of its decisions. No torch.

    tables(found)  -> [(name, title, caption, DataFrame), ...]
    figures(found) -> [(name, title, caption, alt, matplotlib Figure), ...]

Either may be absent, and either may be a generator. What raises `NotRun` because a piece is missing shows nothing from there on.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from saccade.figures import STYLE
from saccade.files import read_json
from saccade.ours import Run, prepared_folder
from saccade.project import load_module
from saccade.records import SaccadeError
from saccade.tables import Plan, collect_metrics, read_history, run_folder, runs_of
from saccade.typeset import about, significant, source
from saccade.verdict import NotRun
from saccade.video.decode import read_frames

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
About = dict[str, str]


@dataclass(frozen=True, eq=False)
class Found:
    """What the runs of one method left, as its findings.py is given it. A run is an entry of the plan: run, dataset, variant, seed..."""

    plan: Plan
    root: Path
    method: str

    def runs(self) -> list[Run]:
        """The method's planned runs that have been predicted and scored."""
        names = ("predictions.parquet", "metrics.json")
        return [run for run in runs_of(self.plan, self.method) if all((run_folder(run, self.root) / name).exists() for name in names)]

    def predictions(self, run: Run, points: Sequence[str] | None = None) -> pd.DataFrame:
        """predictions.parquet, a row per point (only `points`, where given) and test video; `decisions` parsed: a list with an object for
        each view."""
        rows = self._read(run_folder(run, self.root) / "predictions.parquet", run)
        rows = rows if points is None else rows[rows["point"].isin(points)].reset_index(drop=True)
        return rows.assign(decisions=rows["decisions"].map(json.loads))

    def index(self, run: Run) -> pd.DataFrame:
        """The prepared index that the run read, all splits."""
        return self._read(prepared_folder(self.plan, self.root, run) / "index.parquet", run)

    def truth(self, run: Run) -> pd.DataFrame:
        """The truth per frame of the run's videos; NotRun where the dataset has none."""
        return self._read(prepared_folder(self.plan, self.root, run) / "truth.parquet", run)

    def frames(self, run: Run, video: str, numbers: Sequence[int]) -> Any:
        """(N, H, W, 3) uint8: these frames of one of the run's videos; NotRun where its file isn't there as it was prepared."""
        row: Any = self.index(run).set_index("video_id").loc[video]
        path = self.root / row["path"]
        if not path.is_file() or path.stat().st_size != row["bytes"]:
            raise NotRun(f"{run['run']}: {path} is missing, or has changed since it was prepared")
        return read_frames(path, numbers, row["frames"]).rgb

    def settings(self, run: Run, point: str) -> dict[str, Any]:
        """What the run was predicted with at that point; NotRun where it didn't say."""
        path = run_folder(run, self.root) / "provenance.predict.json"
        told = read_json(path).get("settings", {}) if path.exists() else {}
        if point not in told:
            raise NotRun(f"{run['run']} doesn't say with which settings it was predicted at '{point}'")
        return dict(told[point])

    @cached_property
    def history(self) -> pd.DataFrame:
        """Every number that the method's runs logged while they were trained, tidy (`tables.HISTORY_COLUMNS`)."""
        return read_history(self.plan, self.root, self.method)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Every metric of the method's runs, tidy, as in metrics.csv."""
        return collect_metrics({**self.plan, "runs": runs_of(self.plan, self.method)}, self.root)

    def classes(self, run: Run, head: str) -> list[str]:
        """The names of the head's classes, by number."""
        known = {entry["name"]: entry["classes"] for entry in self.plan["datasets"]}[run["dataset"]]
        if head not in known:
            raise NotRun(f"{run['run']} has no head '{head}' ({', '.join(known)})")
        return list(known[head])

    def _read(self, path: Path, run: Run) -> pd.DataFrame:
        if not path.exists():
            raise NotRun(f"{run['run']} has no {path.name}")
        return pd.read_parquet(path)


def finding_tables(found: Found) -> Iterator[tuple[str, About, pd.DataFrame]]:
    """(file name, what a page says about it, table of text) of each of the method's own tables that isn't empty."""
    for name, title, caption, table in _made(found, "tables"):
        if len(table):
            yield _file(found, name), _about(found, title, caption), table.map(_text)


def finding_figures(found: Found) -> Iterator[tuple[str, About, Figure]]:
    """(file name, what a page says about it, figure) of each of the method's own figures."""
    with mpl.rc_context(STYLE):
        made = list(_made(found, "figures"))
    for name, title, caption, alt, figure in made:
        yield _file(found, name), _about(found, title, caption, alt=alt), figure


def _made(found: Found, what: str) -> Iterator[Any]:
    """What the method's function gives; nothing without it, without a result, or from the first missing piece on."""
    path = found.root / "methods" / found.method / "findings.py"
    make: Callable[[Found], Iterable[Any]] | None = getattr(load_module(path), what, None) if path.is_file() and found.runs() else None
    try:
        yield from make(found) if make else ()
    except NotRun:
        return


def _file(found: Found, name: str) -> str:
    if not NAME.fullmatch(name):
        raise SaccadeError(f"methods/{found.method}/findings.py: '{name}' can't name a file: lower-case letters, digits and '-'")
    return f"findings--{name}"


def _about(found: Found, title: str, caption: str, **more: str) -> About:
    return about(found.plan, "findings", title=title, caption=source(found.plan) + caption, **more)


def _text(value: Any) -> str:
    """A cell: numbers with three significant digits unless they are whole; text as it is."""
    return significant(float(value)) if isinstance(value, Real) and not isinstance(value, Integral) else str(value)
