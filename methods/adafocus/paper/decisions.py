"""What the runs decided, scored and logged, as tidy tables: what `findings` tells and `drawing` draws. No torch."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from saccade.report.examples import chosen, targets
from saccade.report.strips import evenly
from saccade.results.reader import NotRun, dataset_label
from saccade.results.runs import heads_of

KEYS = ["dataset", "variant", "point", "seed"]
OWN = "offline"  # the point at which a run's own choices are all there is
# points after the first frames begin so: of those spread over the video, or of the video
READINGS = ("prefix", "begin")
WHOLE = "(?!prefix|begin|online).*"  # points that see the whole video at once
EXAMPLES, FRAMES = 3, 8  # videos of either kind that are drawn, and frames of each


@dataclass(frozen=True)
class Example:
    """A video: what is said of it, whether it was classified rightly, frames (N, H, W, 3), patches and targets (N, 4)
    in fractions."""

    words: str
    right: bool
    frames: np.ndarray
    patches: np.ndarray  # nan where skipped
    targets: np.ndarray  # nan where none is to be seen, or known


def scored(found: Any) -> pd.DataFrame:
    """KEYS, head, gmacs, frames, top1, map: a row per run, point and head; nan where the head has no such metric."""
    metrics, rows = found.metrics, []
    heads = {dataset: heads_of(found.grid, metrics, dataset) for dataset in metrics.dataset.unique()}
    for key, one in metrics.groupby(KEYS, sort=False):
        values = dict(zip(one.metric, one.value, strict=True))
        for head in heads[key[0]]:
            rows.append(
                [
                    *key,
                    head,
                    *(values.get(name) for name in ("gmacs.mean", "frames.mean", f"{head}.top1", f"{head}.map")),
                ]
            )
    table = pd.DataFrame(rows, columns=[*KEYS, "head", "gmacs", "frames", "top1", "map"])
    return table.astype(dict.fromkeys(["gmacs", "frames", "top1", "map"], float)).dropna(
        subset=["top1", "map"], how="all"
    )


def online(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of `scored` at points that see the first frames only, and of `prefix` the one that sees all; `reading`
    says which."""
    found = [scores.iloc[:0].assign(reading="")]
    for reading in READINGS:
        some = scores[scores.point.str.match(rf"{reading}\d")]
        whole = scores[scores.point == OWN].merge(some[["dataset", "variant"]].drop_duplicates())
        parts = [some, whole] if reading == "prefix" else [some]
        found.append(pd.concat(parts).assign(reading=reading))
    return pd.concat(found, ignore_index=True)


def learning(found: Any) -> pd.DataFrame:
    """The history of stage II of every run with results (runs.HISTORY_COLUMNS), and the settings that tell its lines
    apart."""
    keys = {"patch": "patch_size", "reward": "reward", "places": "places", "candidates": "candidates"}
    rows = []
    for run in found.runs():
        settings = found.settings(run, next(point["name"] for point in run["points"] if not point.get("why")))
        rows.append([dataset_label(run), run["variant"], run["seed"], *(settings[key] for key in keys.values())])
    known = pd.DataFrame(rows, columns=["dataset", "variant", "seed", *keys])
    return known.merge(found.history[found.history.phase == "learn_policy"], on=["dataset", "variant", "seed"])


def decided(found: Any, wanted: str = WHOLE) -> pd.DataFrame:
    """A row per run, planned point of such a name and video whose decisions hold patches: KEYS, title (of the point),
    video_id, frames, boxes (T, 4; nan where skipped), actions (None where places aren't candidates), the point's
    settings. NotRun where no run has any."""
    rows = []
    for run in found.runs():
        titles = {
            point["name"]: point.get("title") or point["name"]
            for point in run["points"]
            if re.fullmatch(wanted, point["name"])
        }
        for point, table in found.predictions(run, list(titles)).groupby("point", sort=False):
            if "boxes" not in table.decisions.iloc[0][0]:
                continue
            settings = found.settings(run, point)
            for video, (view,) in zip(table.video_id, table.decisions, strict=True):
                boxes = np.array([box or [np.nan] * 4 for box in view["boxes"]], dtype=float)
                actions = np.array(view["actions"]) if "actions" in view else None
                key = [dataset_label(run), run["variant"], point, run["seed"]]
                rows.append([*key, titles[point], video, view["frames"], boxes, actions, settings])
    if not rows:
        raise NotRun("no run takes patches")
    return pd.DataFrame(rows, columns=[*KEYS, "title", "video_id", "frames", "boxes", "actions", "settings"])


def habits(rows: pd.DataFrame) -> dict[str, float]:
    """Of one seed at one point: `places` ever chosen, `entropy` of their histogram in bits, `share` of the most
    frequent one, mean `move` between neighbouring patches in sides of the frame, `kept` share of the frames."""
    moves = np.concatenate([np.linalg.norm(np.diff(boxes[:, :2], axis=0), axis=1) for boxes in rows.boxes])
    kept = np.mean([1 - np.isnan(boxes[:, 0]).mean() for boxes in rows.boxes])
    shares = np.array([]) if rows.actions.isna().any() else histogram(rows)
    used = shares[shares > 0]
    if not len(used):
        return {"places": np.nan, "entropy": np.nan, "share": np.nan, "move": pd.Series(moves).mean(), "kept": kept}
    entropy = (used * np.log2(1 / used)).sum()
    return {"places": len(used), "entropy": entropy, "share": used.max(), "move": pd.Series(moves).mean(), "kept": kept}


def histogram(rows: pd.DataFrame) -> np.ndarray:
    """The share of each candidate (candidates^2,) among the patches looked at."""
    chosen = np.concatenate(
        [actions[~np.isnan(boxes[:, 0])] for actions, boxes in zip(rows.actions, rows.boxes, strict=True)]
    )
    return np.bincount(chosen, minlength=rows.settings.iloc[0]["candidates"] ** 2) / max(len(chosen), 1)


def place_maps(found: Any, rows: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
    """(title, shares (candidates, candidates)): for each size of patch and grid where targets are, then each variant's
    choices."""
    maps = []
    sizes = rows.settings.map(lambda settings: (settings["patch_size"], settings["candidates"]))
    for (patch, candidates), same in rows.groupby(sizes, sort=False):
        nearest = _true_places(
            found, same[(same.variant == same.variant.iloc[0]) & (same.seed == same.seed.iloc[0])], candidates
        )
        if len(nearest):
            maps.append((f"targets, {patch} px", np.bincount(nearest, minlength=candidates**2) / len(nearest)))
        for variant, one in same.groupby("variant", sort=False):
            maps.append((str(variant), np.mean([histogram(seed) for _, seed in one.groupby("seed")], axis=0)))
    return [(title, shares.reshape(round(len(shares) ** 0.5), -1)) for title, shares in maps]


def _true_places(found: Any, rows: pd.DataFrame, candidates: int) -> np.ndarray:
    """The candidate nearest to the target on every frame looked at where it is to be seen; none where the truth isn't
    known."""
    known = _targets(found, rows)
    aims = [known[video][frames] for video, frames in zip(rows.video_id, rows.frames, strict=True) if video in known]
    boxes, patches = np.concatenate([np.empty((0, 4)), *aims]), np.concatenate(list(rows.boxes))
    side = (patches[:, 2:] - patches[:, :2])[~np.isnan(patches[:, 0])][:1]
    return nearest_places(boxes[~np.isnan(boxes[:, 0])], side, candidates)


def nearest_places(boxes: np.ndarray, side: np.ndarray, candidates: int) -> np.ndarray:
    """(N, 4) targets to the numbers of the candidates whose patches, of that `side` (1, 2) across and down, have the
    nearest middle."""
    steps = max(candidates - 1, 1)
    corners = (boxes[:, :2] + boxes[:, 2:]) / 2 - side / 2  # of a patch around each target
    across, down = np.clip(np.round(corners / np.maximum(1 - side, 1e-9) * steps), 0, candidates - 1).astype(int).T
    return down * candidates + across


def examples(found: Any, rows: pd.DataFrame) -> Iterator[Example]:
    """Of one run's rows: the first videos by name that are classified rightly, then the first that aren't. NotRun
    without the videos."""
    run, boxes, looks = _run_of(found, rows), _targets(found, rows), rows.set_index("video_id")
    for one in chosen(found, run, OWN, EXAMPLES):
        look = looks.loc[one.video]
        shown = evenly(len(look.frames), min(FRAMES, len(look.frames)))
        frames = [look.frames[at] for at in shown]
        aims = boxes[one.video][frames] if one.video in boxes else np.full((len(frames), 4), np.nan)
        yield Example(one.words, one.right, found.frames(run, one.video, frames), look.boxes[shown], aims)


def _targets(found: Any, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    return targets(found, _run_of(found, rows), rows.video_id)


def _run_of(found: Any, rows: pd.DataFrame) -> dict[str, Any]:
    key = tuple(rows[["dataset", "variant", "seed"]].iloc[0])
    return next(run for run in found.runs() if (dataset_label(run), run["variant"], run["seed"]) == key)
