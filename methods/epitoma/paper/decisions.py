"""What each choice of timesteps is worth, and what the selector selects of which class, as tidy tables: what `findings`
tells and `drawing` draws. No torch."""

import re
from typing import Any

import numpy as np
import pandas as pd

from saccade.results.reader import dataset_label

KEYS = ["dataset", "variant", "seed"]
# How timesteps are chosen, in the order of the tables, and by what name.
SAMPLINGS = {
    "selector": "Selector",
    "wide": "Selector, of all",
    "first": "Uniform, first",
    "centre": "Uniform, centre",
    "equal": "Uniform, at the selector's cost",
    "random": "Random",
    "truth": "True",
}
POINT = re.compile(rf"({'|'.join(SAMPLINGS)})(\d+)(?:-\d+)?")
THRESHOLD = re.compile(r"threshold(\d+)")
MEASURES = ("top1", "map")  # the first that a head was scored by is the one that is shown
MEANS = {"gmacs": "gmacs.mean", "looked": "frames.mean", "decoded": "decoded_frames.mean"}
# what a variant's name says: its network, whether selector and classifier were trained together, and what else differs
NAMES = re.compile(r"(?P<network>(?:tiny-)?(?:i3d|shufflenet3d|resnet(?:50)?))(?P<jointly>-e2e)?(?:-(?P<other>.+))?")


def by_timesteps(found: Any) -> pd.DataFrame:
    """A row per run, sampling and number of timesteps: KEYS, sampling, timesteps, head, measure; the mean over drawings
    of its value, of GMACs a video, and of frames that were looked at and decoded; `spread`, the sample standard
    deviation of the value over drawings (nan where there is one)."""
    metrics = found.metrics
    place = metrics.point.str.fullmatch(POINT.pattern)
    rows = metrics[place].assign(
        sampling=metrics.point[place].str.replace(POINT, r"\1", regex=True),
        timesteps=metrics.point[place].str.replace(POINT, r"\2", regex=True).astype(int),
    )
    how: Any = {"index": [*KEYS, "sampling", "timesteps"], "columns": "metric", "values": "value", "sort": False}
    wide, spread = (rows.pivot_table(aggfunc=name, **how) for name in ("mean", "std"))
    tables = []
    for head, measure in _shown(wide):
        name = f"{head}.{measure}"
        of_head = wide[name].rename("value").to_frame().assign(head=head, measure=measure)
        of_head["spread"] = spread.get(name, np.nan)
        for name, metric in MEANS.items():
            of_head[name] = wide.get(metric, np.nan)
        tables.append(of_head.dropna(subset="value").reset_index())
    names = [*KEYS, "sampling", "timesteps", "value", "spread", "head", "measure", *MEANS]
    return pd.concat(tables, ignore_index=True)[names] if tables else pd.DataFrame(columns=names)


def main(rows: pd.DataFrame) -> pd.DataFrame:
    """Those of variants that the paper's figures compare: each network, trained apart and together; the network and
    `jointly` as columns."""
    return _named(rows, rows.variant.map(lambda name: _kind(name)[2] is None).astype(bool))


def with_and_without_context(rows: pd.DataFrame) -> pd.DataFrame:
    """Those of variants that have a counterpart without context, and the counterparts; `context` as a column."""
    frame = rows.variant.map(lambda name: _kind(name)[2] == "frame").astype(bool)
    pairs = {_kind(name)[:2] for name in rows.variant[frame]}
    kept = rows.variant.map(lambda name: _kind(name)[2] in (None, "frame") and _kind(name)[:2] in pairs).astype(bool)
    return _named(rows, kept).assign(context=~frame[kept])


def _named(rows: pd.DataFrame, kept: Any) -> pd.DataFrame:
    own = rows[kept]
    kinds = [_kind(name) for name in own.variant]
    return own.assign(network=[kind[0] for kind in kinds], jointly=[kind[1] for kind in kinds])


def _kind(variant: str) -> tuple[str, bool, str | None]:
    """Network, whether trained together, what else differs; a variant that isn't named so is a network of its own."""
    found = NAMES.fullmatch(variant)
    return (found["network"], bool(found["jointly"]), found["other"]) if found else (variant, False, None)


def opened(found: Any) -> pd.DataFrame:
    """A row per run and point of open gates: KEYS, pool, `share`, the mean share of the pool that is open, and `value`,
    the measure of the first head there."""
    metrics = found.metrics[found.metrics.metric.str.endswith(tuple(f".{name}" for name in MEASURES))]
    firsts, rows = metrics.drop_duplicates([*KEYS, "point"]).set_index([*KEYS, "point"]).value, []
    for (*key, pool), one in shares(found).groupby([*KEYS, "pool"], sort=False):
        value = firsts.get((*key, f"threshold{pool}"), np.nan)
        rows.append([*key, pool, np.average(one.share, weights=one.videos), value])
    return pd.DataFrame(rows, columns=[*KEYS, "pool", "share", "value"])


def _shown(wide: pd.DataFrame) -> list[tuple[str, str]]:
    """Of each head the measure that is shown."""
    pairs = [str(name).rpartition(".")[::2] for name in wide]
    heads = dict.fromkeys(head for head, measure in pairs if measure in MEASURES)
    return [(head, next(measure for measure in MEASURES if (head, measure) in pairs)) for head in heads]


def shares(found: Any) -> pd.DataFrame:
    """A row per run, point of open gates and class: KEYS, pool, class, `share`, the mean share of the pool that is
    selected of the videos of the class (one of several labels counts for each), and how many videos these are."""
    rows = []
    for run in found.runs():
        points = {entry["name"]: int(of[1]) for entry in run["points"] if (of := THRESHOLD.fullmatch(entry["name"]))}
        for point, table in found.predictions(run, list(points)).groupby("point", sort=False) if points else ():
            head = next(name.removesuffix(".target") for name in map(str, table) if name.endswith(".target"))
            told = pd.DataFrame(
                {
                    "share": [np.mean([view["ratio"] for view in views]) for views in table.decisions],
                    "class": [np.atleast_1d(labels).tolist() for labels in table[f"{head}.target"]],
                }
            ).explode("class")
            names = found.classes(run, head)
            for number, mine in told.groupby("class").share:
                key = [dataset_label(run), run["variant"], run["seed"], points[str(point)]]
                rows.append([*key, names[int(number)], mine.mean(), len(mine)])
    return pd.DataFrame(rows, columns=[*KEYS, "pool", "class", "share", "videos"])


def between_classes(rows: pd.DataFrame) -> pd.DataFrame:
    """Of `shares`: a row per run and pool: the mean over classes, the least and the most of a class, and the variance
    between classes (Fig. 6)."""
    groups = rows.groupby([*KEYS, "pool"], sort=False).share
    return groups.agg(mean="mean", least="min", most="max", variance=lambda one: one.var(ddof=0)).reset_index()
