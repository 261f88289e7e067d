"""How many of the chosen timesteps hold evidence, and how much of the evidence was chosen, beside chance. No torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from saccade.results.reader import NotRun, dataset_label

from .decisions import KEYS, POINT

SHOWN = ("selector", "wide", "truth", "centre")  # what any choice would find by chance needs no drawing
MEASURED = ("precision", "recall", "chance precision", "chance recall")
# Measures of what else the truth may know of a frame, by its column: whether it shows what would be evidence in some
# video (a digit of any family), and whether it shows what tells evidence from that.
ALSO = {"key": "any evidence", "marker": "with a marker"}


def key_timesteps(found: Any) -> pd.DataFrame:
    """A row per run, sampling of SHOWN and number of timesteps: KEYS, sampling, timesteps, and means over the videos in
    which a timestep of the grid holds evidence: precision, the share of the chosen ones that hold it; recall, the share
    of those that hold it that were chosen; both of as many timesteps by lot; and of ALSO, nan where the truth doesn't
    know it: the share of the chosen ones that show what would be evidence in some video, and the share of the videos of
    which one chosen timestep or more shows a marker. Runs without truth have no rows."""
    rows = []
    for run in found.runs():
        points = {str(entry["name"]): of for entry in run["points"] if (of := POINT.fullmatch(entry["name"]))}
        points = {name: of for name, of in points.items() if of[1] in SHOWN}
        try:
            held = places_that_hold(found, run, next(iter(points))) if points else {}
            others = {column: places_that_hold(found, run, next(iter(points)), column) for column in ALSO if held}
        except NotRun:
            continue
        for name, table in found.predictions(run, list(points)).groupby("point", sort=False) if held else ():
            pairs = zip(table.video_id, table.decisions, strict=True)
            told = [measured(held[video], views[0]["timesteps"]) for video, views in pairs if held[video].any()]
            means = dict(zip(MEASURED, np.mean(told, axis=0).tolist(), strict=True)) if told else {}
            chosen = {
                str(video): views[0]["timesteps"] for video, views in zip(table.video_id, table.decisions, strict=True)
            }
            means |= also(others, {video: one for video, one in chosen.items() if held[video].any()})
            key = dict(zip(KEYS, (dataset_label(run), run["variant"], run["seed"]), strict=True))
            sampling, count = points[str(name)].group(1, 2)
            rows.append(key | {"sampling": sampling, "timesteps": int(count)} | means)
    columns = [*KEYS, "sampling", "timesteps", *MEASURED, *ALSO.values()]
    return pd.DataFrame(rows, columns=columns).dropna(subset="precision")


def measured(held: NDArray[np.bool_], chosen: Sequence[int]) -> tuple[float, float, float, float]:
    """MEASURED of one video. held: (G,), which places of the grid hold evidence, at least one."""
    right = int(held[list(chosen)].sum())
    return right / len(chosen), right / int(held.sum()), float(held.mean()), len(chosen) / len(held)


def also(
    others: Mapping[str, Mapping[str, NDArray[np.bool_]]], chosen: Mapping[str, Sequence[int]]
) -> dict[str, float]:
    """The measures of ALSO whose column the truth has. others: column -> video -> (G,); chosen: places, by video."""
    shares = {"key": np.mean, "marker": np.any}  # of the chosen timesteps; whether one of them does
    return {
        ALSO[column]: float(np.mean([shares[column](shown[video][list(places)]) for video, places in chosen.items()]))
        for column, shown in others.items()
        if shown and chosen
    }


def places_that_hold(found: Any, run: Any, point: str, column: str = "informative") -> dict[str, NDArray[np.bool_]]:
    """Video -> (G,): whether the HeavyNet sees an informative frame at each place of the grid, as for true timesteps
    (networks/places.py, which needs torch; a test holds this one to it); or one of which the truth says something else,
    by its column; {} where it has no such column."""
    settings, truth = found.settings(run, point), found.truth(run)
    grid, length = (int(settings.get(name, usual)) for name, usual in (("timesteps", 256), ("timestep_frames", 8)))
    if column not in truth:
        return {}
    informs = {str(video): one[column].to_numpy(bool) for video, one in truth.groupby("video_id", sort=False)}
    alone = settings.get("heavy") == "resnet"
    return {video: holding(shown, grid, length, alone) for video, shown in informs.items()}


def holding(shown: NDArray[np.bool_], grid: int, length: int, alone: bool = False) -> NDArray[np.bool_]:
    """(G,): whether each place's snippet of so many frames has one that is shown, (F,); of those that see one frame of
    it alone, whether that in the middle is."""
    starts = np.minimum(np.arange(grid) * len(shown) // grid, max(len(shown) - length, 0))
    seen = np.array([length // 2]) if alone else np.arange(length)
    return np.asarray(shown[np.minimum(starts[:, None] + seen, len(shown) - 1)].any(1))
