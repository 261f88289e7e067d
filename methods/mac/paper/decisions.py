"""Where the runs looked and what they scored, as tidy tables: what `findings` tells and `drawing` draws. No torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from saccade.records import boxes_at
from saccade.report.examples import Example, chosen, targets
from saccade.report.strips import evenly
from saccade.results.reader import NotRun, dataset_label
from saccade.results.runs import heads_of

KEYS = ["dataset", "variant", "seed"]
MAPS = "attention"  # the point that keeps the attention of every layer, of some videos; a run's own is the first other
HITS = ("", ".chance_random", ".chance_centre", ".chance_fixed")
EXAMPLES, FRAMES = 2, 6  # videos of either kind that are drawn, and frames of each


@dataclass(frozen=True)
class Watched:
    """A video and what is drawn of it: frames (N, H, W, 3), attention (N, h, w) or None, boxes (N, k, 4) and targets
    (N, 4) in fractions, nan where none is to be seen, or known."""

    of: Example
    frames: np.ndarray
    attention: np.ndarray | None
    boxes: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class Mapped:
    """A video, the frame (H, W, 3) whose attention was kept, each layer's map (h, w), and of the layer that the sampler
    reads the local maps (F, F) by cell."""

    of: Example
    frame: np.ndarray
    own: str
    layers: dict[str, np.ndarray]
    local: dict[tuple[int, int], np.ndarray]


# ---- where the crops lie


def looked(found: Any) -> pd.DataFrame:
    """A row per run and video whose decisions hold boxes: KEYS, video_id, frames, boxes (T, k, 4), attention (T, h, w)
    or None, fallback (frames whose map had no region; nan where no map chose), settings. NotRun where no run crops."""
    rows = []
    for run in found.runs():
        for row in found.predictions(run, [own_point(run)]).itertuples(index=False):
            (view,) = row.decisions
            if not view.get("boxes"):
                break
            boxes = np.array([boxes_at(entry) for entry in view["boxes"]], dtype=float)
            attention = np.array(view["attention"]) if "attention" in view else None
            rows.append([*_key(run), row.video_id, view["frames"], boxes, attention, view.get("fallback", np.nan)])
            rows[-1].append(found.settings(run, own_point(run)))
    if not rows:
        raise NotRun("no run takes crops")
    columns = [*KEYS, "video_id", "frames", "boxes", "attention", "fallback", "settings"]
    return pd.DataFrame(rows, columns=columns)


def habits(rows: pd.DataFrame) -> dict[str, float]:
    """Of one run's rows: `fallback`, the share of the frames whose map had no region; `distinct`, how many of a frame's
    boxes differ; `move`, how far a slot's box goes from one frame to the next, in sides of the frame; `frequent`, the
    share of the boxes at the most frequent place; `same`, of attention's variance over its cells the share that is
    the same on every frame."""
    frames = sum(map(len, rows.frames))
    moves = [np.linalg.norm(np.diff(_middles(boxes), axis=0), axis=-1).ravel() for boxes in rows.boxes]
    distinct = [len(np.unique(boxes, axis=0)) for video in rows.boxes for boxes in video]
    _, counts = np.unique(np.concatenate([boxes.reshape(-1, 4) for boxes in rows.boxes]), axis=0, return_counts=True)
    return {
        "crops": rows.boxes.iloc[0].shape[1],
        "fallback": rows.fallback.sum(skipna=False) / frames,
        "distinct": float(np.mean(distinct)),
        "move": float(np.concatenate(moves).mean()) if frames > len(rows) else np.nan,
        "frequent": counts.max() / counts.sum(),
        "same": np.nan if rows.attention.isna().any() else same_share(np.concatenate(list(rows.attention))),
    }


def same_share(maps: np.ndarray) -> float:
    """(N, h, w): the variance over cells of the mean map, as a share of the maps' own mean variance; nan where these
    are flat."""
    own = maps.var(axis=(1, 2)).mean()
    return float(maps.mean(axis=0).var() / own) if own > 0 else np.nan


def _middles(boxes: np.ndarray) -> np.ndarray:
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def compared(found: Any) -> pd.DataFrame:
    """A row per run and head at its own point: KEYS, head, settings, gmacs, top1, and hit.boxes with its levels of
    chance, nan where the truth isn't known."""
    metrics, rows = found.metrics, []
    for run in found.runs():
        try:
            settings = found.settings(run, own_point(run))
        except NotRun:
            continue
        same = metrics.point == own_point(run)
        for name, value in zip(KEYS, _key(run), strict=True):
            same &= metrics[name] == value
        values = dict(zip(metrics.metric[same], metrics.value[same], strict=True))
        hits = [values.get(f"hit.boxes{level}", np.nan) for level in HITS]
        for head in heads_of(found.grid, metrics, dataset_label(run)):
            if f"{head}.top1" in values:
                rows.append([*_key(run), head, settings, values["gmacs.mean"], values[f"{head}.top1"], *hits])
    return pd.DataFrame(rows, columns=[*KEYS, "head", "settings", "gmacs", "top1", *(f"hit{level}" for level in HITS)])


# ---- examples


def watched(found: Any, rows: pd.DataFrame) -> Iterator[Watched]:
    """Of one run's rows of `looked`: the first videos by name that are recognised, then the first that aren't. NotRun
    without the videos."""
    run, looks = _run_of(found, rows), rows.set_index("video_id")
    known = targets(found, run, rows.video_id)
    for one in chosen(found, run, own_point(run), EXAMPLES):
        look = looks.loc[one.video]
        shown = evenly(len(look.frames), min(FRAMES, len(look.frames)))
        numbers = [look.frames[at] for at in shown]
        aims = known[one.video][numbers] if one.video in known else np.full((len(numbers), 4), np.nan)
        maps = None if look.attention is None else look.attention[shown]
        yield Watched(one, found.frames(run, one.video, numbers), maps, look.boxes[shown], aims)


def kept_maps(found: Any) -> pd.DataFrame:
    """A row per run and video whose attention of all layers was kept at MAPS: KEYS, video_id, frame (its number),
    layers {name: (h, w)}, local {(row, column): (F, F)}, own (the layer that the sampler reads). NotRun where none
    was."""
    rows = []
    for run in found.runs():
        for row in found.predictions(run, [MAPS]).itertuples(index=False):
            (view,) = row.decisions
            if "layers" not in view:
                continue
            layers = {name: np.array(values) for name, values in view["layers"].items()}
            local = {tuple(map(int, cell.split(","))): np.array(one) for cell, one in view["local"].items()}
            rows.append([*_key(run), row.video_id, view["shown"], layers, local])
            rows[-1].append(found.settings(run, MAPS)["attention_layer"])
    if not rows:
        raise NotRun("no run kept the attention of its layers")
    return pd.DataFrame(rows, columns=[*KEYS, "video_id", "frame", "layers", "local", "own"])


def mapped(found: Any, rows: pd.DataFrame) -> Iterator[Mapped]:
    """Of one run's rows of `kept_maps`: the first video by name that is recognised, and the first that isn't."""
    run, kept = _run_of(found, rows), rows.set_index("video_id")
    for one in chosen(found, run, MAPS, 1, among=list(kept.index)):
        row = kept.loc[one.video]
        (frame,) = found.frames(run, one.video, [row.frame])
        yield Mapped(one, frame, row.own, row.layers, row.local)


def concentration(rows: pd.DataFrame) -> pd.DataFrame:
    """Of `kept_maps`: KEYS, layer, cells, half: the least share of the cells that holds half of the map's sum."""
    found = []
    for row in rows.itertuples(index=False):
        for layer, values in row.layers.items():
            found.append([row.dataset, row.variant, row.seed, layer, values.size, half_share(values)])
    return pd.DataFrame(found, columns=[*KEYS, "layer", "cells", "half"])


def half_share(values: np.ndarray) -> float:
    """The least share of the cells whose values make half of their sum; 0.5 where they are equal. A cell may be
    counted in part."""
    held = np.concatenate([[0.0], np.cumsum(np.sort(values, axis=None)[::-1])])
    return float(np.interp(held[-1] / 2, held, np.linspace(0, 1, len(held))))


def own_point(run: dict[str, Any]) -> str:
    return str(next(point["name"] for point in run["points"] if point["name"] != MAPS))


def _key(run: dict[str, Any]) -> tuple[Any, ...]:
    return (dataset_label(run), run["variant"], run["seed"])


def _run_of(found: Any, rows: pd.DataFrame) -> dict[str, Any]:
    key = tuple(rows[KEYS].iloc[0])
    return next(run for run in found.runs() if _key(run) == key)
