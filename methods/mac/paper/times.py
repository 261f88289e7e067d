"""What the temporal samplers decided, on which frames, and how well attention was foreseen there, as tidy tables: what
`findings_times` tells and `drawing_times` draws. No torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from saccade.records import boxes_at
from saccade.report.examples import Example, chosen
from saccade.results.reader import NotRun, dataset_label
from saccade.scoring.frame_shares import FATES as FATES

from .decisions import KEYS, MAPS, own_point

GUESSES = ("similarity", "copied", "shifted")  # of attention with what was expected, with the last map, with it moved
STRETCHES = ("all", "still", "predictable", "surprising")
SURPRISING = 0.25  # of the state, in object sizes: so far it goes within what the truth calls one moment
TERMS = ("classes", "usage", "efficiency")


@dataclass(frozen=True)
class Traced:
    """A video on its way: the frames offered (N, H, W, 3) and what became of each (N,), FATES; by place the attention
    and what was expected of it (h, w), their SSIM, and the boxes (k, 4) of full frames."""

    of: Example
    frames: np.ndarray
    fates: Sequence[str]
    attention: dict[int, np.ndarray]
    expected: dict[int, np.ndarray]
    similarity: dict[int, float]
    boxes: dict[int, np.ndarray]


def decided(found: Any) -> pd.DataFrame:
    """A row per run, point and video of temporal samplers: KEYS, point, drawn (decisions, not the likeliest), most (M),
    efficiency (which loss), regions (k), video_id, FATES (numbers of frames), decisions, GUESSES (of the frames looked
    at but the first; None where not asked for), view (the whole decision). NotRun where no run decides."""
    rows = []
    for run in found.runs():
        for point in [one["name"] for one in run["points"]]:
            try:
                settings = found.settings(run, point)
            except NotRun:
                continue
            if not settings.get("skips"):
                continue
            said = {"point": point, "drawn": settings["decide"] == "sampled", "most": settings["skips"]}
            said |= {"efficiency": settings["efficiency"], "regions": settings["regions"]}
            for row in found.predictions(run, [point]).itertuples(index=False):
                (view,) = row.decisions
                if "decisions" not in view:  # a head that no sampler chooses frames for
                    break
                one = dict(zip(KEYS, (dataset_label(run), run["variant"], run["seed"]), strict=True))
                one |= said | {"video_id": row.video_id, "view": view, "decisions": view["decisions"]}
                one |= {"full": view["frames"], "scanned": view["scanned"], "skipped": view["skipped"]}
                alike = {"similarity": view["similarity"]}
                alike |= {name: view.get(f"similarity_{name}") for name in GUESSES[1:]}
                rows.append(one | alike)
    if not rows:
        raise NotRun("no run chooses frames")
    return pd.DataFrame(rows)


def uses(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per run and point: KEYS, drawn, most, `share.m` of its decisions for each m from 0 to M, FATES as shares of
    the frames, similarity (mean over frames looked at but the first)."""
    found = []
    for key, one in rows.groupby([*KEYS, "point", "drawn", "most"], sort=False):
        said: dict[str, Any] = dict(zip([*KEYS, "point", "drawn", "most"], key, strict=True))
        made = np.concatenate([np.asarray(some, dtype=int) for some in one.decisions])
        counts = np.bincount(made, minlength=said["most"] + 1)
        said |= {f"share.{m}": count / max(len(made), 1) for m, count in enumerate(counts)}
        numbers = {fate: one[fate].map(len).sum() for fate in FATES}
        said |= {fate: number / sum(numbers.values()) for fate, number in numbers.items()}
        found.append(said | {"similarity": _mean(one.similarity)})
    return pd.DataFrame(found)


def own(rows: pd.DataFrame) -> pd.DataFrame:
    """Those of each run's own point, where decisions are the likeliest."""
    return rows[~rows.drawn & (rows.point != MAPS)]


# ---- beside the truth


def on_frames(found: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """A row per frame offered but the first, of `decided`'s rows: KEYS, full, and of the truth informative, surprising
    (somewhere since the frame offered before) and still (everywhere since then). Videos without truth have none."""
    told = []
    for run, one in _by_run(found, rows):
        truth = _truth(found, run)
        for row in one[one.video_id.isin(list(truth))].itertuples(index=False):
            offered, full = _offered(row._asdict()), set(row.full)
            for before, number in zip(offered, offered[1:], strict=False):
                informs = bool(truth[row.video_id].informative.iloc[number])
                said = _since(truth[row.video_id], before, number)
                told.append([row.dataset, row.variant, row.seed, number in full, informs, *said])
    return pd.DataFrame(told, columns=[*KEYS, "full", "informative", "surprising", "still"])


def foreseen(found: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """A row per frame looked at but the first, where it was asked how well attention was foreseen: KEYS, GUESSES,
    stretch: what happened since the frame looked at before (STRETCHES; None where the truth isn't known)."""
    told = []
    for run, one in _by_run(found, rows[rows.copied.notna()]):
        truth = _truth(found, run)
        for row in one.itertuples(index=False):
            looked = sorted([*row.full, *row.scanned])
            for place, (before, number) in enumerate(zip(looked, looked[1:], strict=False)):
                stretch = None
                if row.video_id in truth:
                    surprising, still = _since(truth[row.video_id], before, number)
                    stretch = "still" if still else "surprising" if surprising else "predictable"
                alike = [getattr(row, name)[place] for name in GUESSES]
                told.append([row.dataset, row.variant, row.seed, *alike, stretch])
    return pd.DataFrame(told, columns=[*KEYS, *GUESSES, "stretch"])


def _since(truth: pd.DataFrame, before: int, number: int) -> tuple[bool, bool]:
    """Whether something surprising came after frame `before` up to frame `number`, and whether all stood still."""
    some = truth.iloc[before + 1 : number + 1]
    return bool((some.surprise > SURPRISING).any()), bool(some.still.all())


def _truth(found: Any, run: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """{video: its frames in order}; {} where the truth isn't known, or says nothing of surprise."""
    try:
        truth = found.truth(run)
    except NotRun:
        return {}
    if not {"informative", "surprise", "still"} <= set(truth):
        return {}
    return {str(name): one for name, one in truth.sort_values(["video_id", "frame"]).groupby("video_id")}


def _offered(row: dict[str, Any]) -> list[int]:
    return sorted(number for fate in FATES for number in row[fate])


# ---- what it learns from


def pushes(found: Any) -> pd.DataFrame:
    """A row per training of a temporal sampler that told how far each term of its loss pushes: KEYS, loss (code,
    paper), when (first, last), TERMS (nan where the loss has none)."""
    rows = []
    for run in found.runs():
        if "train_times" not in run["phases"]:
            continue
        try:
            result, settings = found.result(run, "train_times"), found.settings(run, own_point(run))
        except NotRun:
            continue
        for when in ("first", "last"):
            lengths = [result.get(f"gradient.{when}.{term}", np.nan) for term in TERMS]
            if not np.isnan(lengths[0]):
                key = (dataset_label(run), run["variant"], run["seed"])
                rows.append([*key, settings["efficiency"], when, *lengths])
    return pd.DataFrame(rows, columns=[*KEYS, "loss", "when", *TERMS])


# ---- examples


def traced(found: Any, rows: pd.DataFrame) -> Iterator[Traced]:
    """Of one run's rows of `decided` at MAPS: among the videos whose maps were kept the first by name that is
    recognised, and the first that isn't. NotRun without the videos."""
    ((run, one),) = _by_run(found, rows)
    kept = one[one.view.map(lambda view: "foreseen" in view)].set_index("video_id")
    for example in chosen(found, run, MAPS, 1, among=list(kept.index)):
        view = kept.loc[example.video, "view"]
        fates = {number: fate for fate in FATES for number in kept.loc[example.video, fate]}
        offered, maps = sorted(fates), view["foreseen"]
        looked = [offered.index(number) for number in maps["frames"]]
        boxes = zip(view["frames"], view.get("boxes", []), strict=False)
        yield Traced(
            example,
            found.frames(run, example.video, offered),
            [fates[number] for number in offered],
            dict(zip(looked, map(np.array, maps["attention"]), strict=True)),
            dict(zip(looked[1:], map(np.array, maps["expected"]), strict=True)),
            dict(zip(looked[1:], view["similarity"], strict=True)),
            {offered.index(number): np.array(boxes_at(entry)) for number, entry in boxes},
        )


def _by_run(found: Any, rows: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    runs = {(dataset_label(run), run["variant"], run["seed"]): run for run in found.runs()}
    for key, one in rows.groupby(KEYS, sort=False):
        yield runs[key], one


def _mean(parts: pd.Series) -> float:
    values = np.concatenate([np.asarray(some, dtype=float) for some in parts])
    return float(values.mean()) if len(values) else np.nan
