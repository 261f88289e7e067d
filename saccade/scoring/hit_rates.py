"""Does a method look where the information is? Its `decisions` are compared with the ground truth per frame, and with
what chance reaches. No torch.

There are three measures, each a share per video. `hit.frames`: chosen frames that are informative. `hit.boxes`: frames
whose patch holds the target's centre. `cover.boxes`: frames whose patch holds COVERED of its box. Where several patches
are taken in a frame, it's enough that any of them does. Patches count only where the target can be seen: on informative
frames with VISIBLE of its box inside the frame.

Chance has the same number and size of choices: `random` (the expected value; k patches of chance p that are thrown
independently hold with 1 - (1 - p)^k), `even` (frames spread evenly) or `centre` (the patch in the middle), and
`fixed`: the best times or places that don't depend on the video, fitted on the truth of the other splits, of several
places each as the best beside those before it.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from saccade.records import TRUTH_COLUMNS, TRUTH_FILE, SaccadeError, boxes_at
from saccade.scoring.metrics import Booleans, Floats, Integers
from saccade.video.sampling import segments

VISIBLE = 0.5
COVERED = 0.9  # of the box: a pixel of rounding at its edge is no miss
BOX = ["x0", "y0", "x1", "y1"]
TIMES = 64  # bins of relative time
PLACES = 33  # positions of a patch along each side; odd, so that the middle is one of them
FITTED = 8  # frames of a video that the best place is fitted on
SIZES = 20  # steps of a side length between which the best place is taken to be the same


@dataclass(frozen=True)
class Target:
    """One video's truth. informative: (T,). boxes: (T, 4) in fractions of the frame, nan where the target can't be
    seen; None where the truth has no boxes."""

    informative: Booleans
    boxes: Floats | None


@dataclass
class Fixed:
    """The best choices that don't depend on the video. rates: (TIMES,), how often a moment of relative time informs.
    boxes: (M, 4), the targets that a place should hold."""

    rates: Floats
    boxes: Floats
    _places: dict[tuple[str, tuple[tuple[int, int], ...]], Floats] = field(default_factory=dict)

    def times(self, frames: int, n: int) -> Integers:
        """The n most promising of `frames` frames, earlier ones first where equal. Where n > frames they are taken
        again."""
        bins = ((np.arange(frames) + 0.5) * TIMES / frames).astype(np.int64)
        return np.argsort(-self.rates[bins], kind="stable")[np.arange(n) % frames]

    def places(self, measure: str, sizes: Floats) -> Floats:
        """Where patches of these sizes (k, 2) hold most targets: (k, 2), in [0, 1] of the room to the left and above.
        The first is the best alone, each further one the best for what those before it don't hold."""
        steps = np.clip(np.round(sizes * SIZES), 1, SIZES)
        key = (measure, tuple((int(across), int(down)) for across, down in steps))
        if key not in self._places:
            chosen, left = [], self.boxes
            for size in steps / SIZES:
                held = [MEASURES[measure](placed(place, size), left) for place in places()]
                best = int(np.argmax([some.sum() for some in held]))
                chosen.append(places()[best])
                left = left[~held[best]]
            self._places[key] = np.stack(chosen)
        return self._places[key]


def holds_centre(patches: Floats, targets: Floats) -> Booleans:
    """Whether the target's centre lies in the patch, edges included. Patches and targets (..., 4) as x0, y0, x1, y1;
    they broadcast."""
    centre = (targets[..., :2] + targets[..., 2:]) / 2
    return np.asarray(((patches[..., :2] <= centre) & (centre <= patches[..., 2:])).all(axis=-1))


def holds_box(patches: Floats, targets: Floats) -> Booleans:
    """Whether COVERED of the target's box, as far as it is inside the frame, lies in the patch. Shapes as in
    `holds_centre`."""
    inside = np.clip(targets, 0, 1)
    low, high = np.maximum(patches[..., :2], inside[..., :2]), np.minimum(patches[..., 2:], inside[..., 2:])
    area = np.prod(inside[..., 2:] - inside[..., :2], axis=-1)
    return np.asarray(np.prod(np.clip(high - low, 0, None), axis=-1) >= COVERED * area - 1e-9)


Holds = Callable[[Floats, Floats], Booleans]
MEASURES: dict[str, Holds] = {"hit.boxes": holds_centre, "cover.boxes": holds_box}


def places() -> Floats:
    """(PLACES ** 2, 2) positions as shares of the room to the left and above. They are the middles of equal cells, so
    that their mean is the expected value."""
    along = (np.arange(PLACES) + 0.5) / PLACES
    return np.stack(np.meshgrid(along, along, indexing="ij"), axis=-1).reshape(-1, 2)


def placed(place: Floats, size: Floats) -> Floats:
    """(..., 4) patches of `size` (..., 2) at `place` (..., 2), wholly inside the frame."""
    corner = place * (1 - size)
    return np.concatenate([corner, corner + size], axis=-1)


def read_targets(truth: pd.DataFrame, index: pd.DataFrame) -> dict[str, Target]:
    """{video_id: Target} of every video of the index that the truth knows. SaccadeError where frames are missing."""
    if lacking := [column for column in TRUTH_COLUMNS if column not in truth]:
        raise SaccadeError(f"{TRUTH_FILE} lacks the column {', '.join(lacking)}; prepare again")
    with_boxes = all(column in truth for column in BOX)
    known: dict[str, dict[str, Any]] = index.set_index("video_id").to_dict("index")  # type: ignore[assignment]
    found = {}
    for name, table in truth.sort_values(["video_id", "frame"]).groupby("video_id", sort=False):
        video = str(name)
        if video not in known:
            continue
        if not np.array_equal(table["frame"], np.arange(known[video]["frames"])):
            raise SaccadeError(f"{TRUTH_FILE} has other frames of video {video} than the index; prepare again")
        informative = table["informative"].to_numpy(bool)
        found[video] = Target(informative, _boxes(table, informative, known[video]) if with_boxes else None)
    return found


def _boxes(table: pd.DataFrame, informative: Booleans, video: dict[str, Any]) -> Floats:
    """(T, 4) in fractions of the frame, nan where the target isn't to be seen."""
    boxes = table[BOX].to_numpy(np.float64) / [video["width"], video["height"], video["width"], video["height"]]
    seen = informative & (table["visibility"].to_numpy() >= VISIBLE) if "visibility" in table else informative
    return np.where(seen[:, None], boxes, np.nan)


def fit(targets: Iterable[Target]) -> Fixed | None:
    """The best fixed choices for these videos, each of which weighs the same. None where there is no video."""
    known = list(targets)
    if not known:
        return None
    bins = (np.arange(TIMES) + 0.5) / TIMES
    rates = np.mean([one.informative[(bins * len(one.informative)).astype(np.int64)] for one in known], axis=0)
    boxes = [_thinned(one.boxes[~np.isnan(one.boxes[:, 0])]) for one in known if one.boxes is not None]
    return Fixed(rates, np.concatenate([np.empty((0, 4)), *boxes]))


def _thinned(boxes: Floats) -> Floats:
    return boxes[segments(len(boxes), FITTED)] if len(boxes) > FITTED else boxes


def hit_rates_of(table: pd.DataFrame, targets: dict[str, Target], fixed: Fixed | None) -> dict[str, pd.DataFrame]:
    """{measure: one row per video, in the table's order, with `value` and its chance levels}; nan where a video has
    nothing to judge.

    table: video_id and `decisions`, as they were predicted. A measure that no video allows is left out.
    """
    rows: dict[str, list[dict[str, float]]] = {"hit.frames": [], **{name: [] for name in MEASURES}}
    for video, text in zip(table["video_id"], table["decisions"], strict=True):
        frames, patches = _chosen(str(video), text)
        target = targets.get(str(video))
        rows["hit.frames"].append(
            {} if target is None or not len(frames) else _frame_rates(video, frames, target, fixed)
        )
        for name in MEASURES:
            there = target is not None and target.boxes is not None and len(patches)
            rows[name].append(_box_rates(name, frames, patches, target.boxes, fixed) if there else {})  # type: ignore[union-attr, arg-type]
    found = {name: pd.DataFrame(some) for name, some in rows.items()}
    return {name: some.astype(float) for name, some in found.items() if "value" in some}


def _frame_rates(video: str, frames: Integers, target: Target, fixed: Fixed | None) -> dict[str, float]:
    informative, total, n = target.informative, len(target.informative), len(frames)
    if frames.min() < 0 or frames.max() >= total:
        wrong = frames.min() if frames.min() < 0 else frames.max()
        raise SaccadeError(f"video {video}: a decision names frame {wrong}, but it has {total} frames")
    if not informative.any():
        return {}
    rates = {
        "value": informative[frames].mean(),
        "random": informative.mean(),
        "even": informative[segments(total, n)].mean(),
    }
    return rates if fixed is None else {**rates, "fixed": informative[fixed.times(total, n)].mean()}


def _box_rates(name: str, frames: Integers, patches: Floats, boxes: Floats, fixed: Fixed | None) -> dict[str, float]:
    """frames: (n,); patches: (n, k, 4), nan where there was none; boxes: (T, 4)."""
    judged = ~np.isnan(patches[..., 0]).all(axis=1) & ~np.isnan(boxes[frames, 0])
    if not judged.any():
        return {}
    holds, patch, target = MEASURES[name], patches[judged], boxes[frames[judged]][:, None]  # (n, k, 4), (n, 1, 4)
    size = patch[..., 2:] - patch[..., :2]
    rates = {"value": holds(patch, target).any(axis=1).mean(), "random": _by_chance(holds, size, target)}
    rates["centre"] = holds(placed(np.full(2, 0.5), size), target).any(axis=1).mean()
    if fixed is not None and len(fixed.boxes):
        best = np.full_like(size, np.nan)
        for place, one in zip(best, size, strict=True):
            taken = ~np.isnan(one[:, 0])
            place[taken] = fixed.places(name, one[taken])
        rates["fixed"] = holds(placed(best, size), target).any(axis=1).mean()
    return rates


def _by_chance(holds: Holds, size: Floats, target: Floats) -> float:
    """The expected share of frames (n) where any of k patches of these sizes (n, k, 2; nan where there is none) holds
    the target (n, 1, 4). In whole numbers, so that one patch gives its count."""
    held = holds(placed(places()[:, None, None], size[None]), target[None]).sum(axis=0)  # (n, k) of so many places
    of, k = float(PLACES**2), size.shape[1]
    return float((of**k - (of - held).prod(axis=1)).sum() / (len(size) * of**k))


def _chosen(video: str, text: str) -> tuple[Integers, Floats]:
    """The chosen frame numbers (n,) and patches (n, k, 4) of all views, nan where a frame has fewer than the one with
    most. Patches are empty where the method takes none. SaccadeError where the decisions aren't as `Prediction`
    says."""
    frames: list[int] = []
    patches: list[list[Sequence[float]]] = []
    for view in json.loads(text) if text else []:
        view = view if isinstance(view, dict) else {}
        chosen, boxes = view.get("frames") or [], view.get("boxes")
        if boxes is not None and len(boxes) != len(chosen):
            raise SaccadeError(
                f"video {video}: decisions name {len(chosen)} frames and {len(boxes)} boxes; each frame needs a box, a "
                "list of boxes or null"
            )
        frames += chosen
        patches += [boxes_at(entry) for entry in boxes or []]
    if patches and len(patches) != len(frames):
        raise SaccadeError(f"video {video}: some views name boxes and others don't")
    if any(len(box or []) != len(BOX) for taken in patches for box in taken):
        raise SaccadeError(f"video {video}: a box of the decisions is not four numbers, x0, y0, x1, y1")
    values = np.full((len(patches), max(map(len, patches), default=0), len(BOX)), np.nan)
    for number, taken in enumerate(patches):
        values[number, : len(taken)] = np.reshape(taken, (-1, len(BOX)))
    if ((values < -1e-6) | (values > 1 + 1e-6)).any() or (values[..., 2:] <= values[..., :2]).any():
        raise SaccadeError(f"video {video}: a box of the decisions is not x0 < x1, y0 < y1 in fractions of the frame")
    return np.asarray(frames, dtype=np.int64), values
