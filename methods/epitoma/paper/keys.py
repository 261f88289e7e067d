"""How many of the chosen timesteps hold evidence, and how much of the evidence was chosen, beside chance. No torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from saccade.results.reader import NotRun, dataset_label

from .decisions import KEYS, POINT

SHOWN = ("selector", "wide", "truth", "centre")  # what any choice would find by chance needs no drawing
MEASURED = ("precision", "recall", "chance precision", "chance recall")


def key_timesteps(found: Any) -> pd.DataFrame:
    """A row per run, sampling of SHOWN and number of timesteps: KEYS, sampling, timesteps, and means over the videos in
    which a timestep of the grid holds evidence: precision, the share of the chosen ones that hold it; recall, the share
    of those that hold it that were chosen; and both of as many timesteps by lot. Runs without truth have no rows."""
    rows = []
    for run in found.runs():
        points = {str(entry["name"]): of for entry in run["points"] if (of := POINT.fullmatch(entry["name"]))}
        points = {name: of for name, of in points.items() if of[1] in SHOWN}
        try:
            held = places_that_hold(found, run, next(iter(points))) if points else {}
        except NotRun:
            continue
        for name, table in found.predictions(run, list(points)).groupby("point", sort=False) if held else ():
            pairs = zip(table.video_id, table.decisions, strict=True)
            told = [measured(held[video], views[0]["timesteps"]) for video, views in pairs if held[video].any()]
            means = dict(zip(MEASURED, np.mean(told, axis=0).tolist(), strict=True)) if told else {}
            key = dict(zip(KEYS, (dataset_label(run), run["variant"], run["seed"]), strict=True))
            sampling, count = points[str(name)].group(1, 2)
            rows.append(key | {"sampling": sampling, "timesteps": int(count)} | means)
    return pd.DataFrame(rows, columns=[*KEYS, "sampling", "timesteps", *MEASURED]).dropna(subset="precision")


def measured(held: NDArray[np.bool_], chosen: Sequence[int]) -> tuple[float, float, float, float]:
    """MEASURED of one video. held: (G,), which places of the grid hold evidence, at least one."""
    right = int(held[list(chosen)].sum())
    return right / len(chosen), right / int(held.sum()), float(held.mean()), len(chosen) / len(held)


def places_that_hold(found: Any, run: Any, point: str) -> dict[str, NDArray[np.bool_]]:
    """Video -> (G,): whether the HeavyNet sees an informative frame at each place of the grid, as for true timesteps
    (networks/places.py, which needs torch; a test holds this one to it)."""
    settings, truth = found.settings(run, point), found.truth(run)
    grid, length = (int(settings.get(name, usual)) for name, usual in (("timesteps", 256), ("timestep_frames", 8)))
    informs = {str(video): one.informative.to_numpy(bool) for video, one in truth.groupby("video_id", sort=False)}
    alone = settings.get("heavy") == "resnet"
    return {video: holding(shown, grid, length, alone) for video, shown in informs.items()}


def holding(shown: NDArray[np.bool_], grid: int, length: int, alone: bool = False) -> NDArray[np.bool_]:
    """(G,): whether each place's snippet of so many frames has one that is shown, (F,); of those that see one frame of
    it alone, whether that in the middle is."""
    starts = np.minimum(np.arange(grid) * len(shown) // grid, max(len(shown) - length, 0))
    seen = np.array([length // 2]) if alone else np.arange(length)
    return np.asarray(shown[np.minimum(starts[:, None] + seen, len(shown) - 1)].any(1))
