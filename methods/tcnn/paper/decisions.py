"""What the runs magnified, answered branch by branch and learned, as tidy tables: what `findings` tells and `drawing`
draws. No torch."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import map_coordinates

from saccade.report.examples import Example, chosen, targets
from saccade.results.reader import NotRun, dataset_label
from saccade.scoring.class_names import class_numbers

KEYS = ["dataset", "variant", "seed"]
VIDEOS = ("discriminative", "complementary")  # that are made of the original
PEAKS = tuple(f"peaks.{video}" for video in VIDEOS)
BRANCHES = {"original": "O", "discriminative": "D", "complementary": "C"}
PAIRS = list(itertools.combinations(BRANCHES, 2))
VIEWS = {"one": ("single", ""), "30": ("views30", "views30-")}  # the point of all branches; how those of one begin
MAPS = "maps"  # the point that keeps maps of some frames
EXAMPLES = 1  # videos of either kind that are drawn


@dataclass(frozen=True)
class Magnified:
    """A video and its frame as the network was given it (H, W, 3); the response map (G, G), its peaks (M, 4: row,
    column, height, discriminative), and of each video made of it attention (G, G) and the new frame (H, W, 3); the
    target (4,) in fractions, nan where it isn't to be seen, or known."""

    of: Example
    frame: np.ndarray
    responses: np.ndarray
    peaks: np.ndarray
    attention: dict[str, np.ndarray]
    made: dict[str, np.ndarray]
    target: np.ndarray


# ---- numbers


def magnifications(found: Any) -> pd.DataFrame:
    """A row per run and point that measures: KEYS, point, title, the mean over videos of each of `magnified.<video>`
    and of chance, `magnified.<video>.anywhere` (nan where no target shows), videos (in which one does)."""
    rows = []
    for run in found.runs():
        titles = {point["name"]: point.get("title") or point["name"] for point in run["points"]}
        for point, table in found.predictions(run, list(titles)).groupby("point", sort=False):
            told = pd.DataFrame([view for views in table.decisions for view in views])
            measured = [name for name in told if str(name).startswith("magnified.")]
            if measured:
                means = told[measured].astype(float)
                shows = int(means.notna().any(axis=1).sum())
                rows.append([*_key(run), point, titles[point], shows, means.mean().to_dict()])
    table = pd.DataFrame(rows, columns=[*KEYS, "point", "title", "videos", "means"])
    names = [f"magnified.{video}{at}" for video in VIDEOS for at in ("", ".anywhere")]
    return table.drop(columns="means").join(pd.DataFrame(table.means.tolist(), table.index).reindex(columns=names))


def agreement(found: Any) -> pd.DataFrame:
    """A row per run and kind of views at which several branches answered alone: KEYS, views, the accuracy of each of
    BRANCHES and of `total`; `same.<pair>`, the share of the videos that both name the same class for; `any`, the share
    that one of them is right on; `misled`, the share that the original alone is right on, the discriminative branch and
    the total wrong."""
    rows = []
    for run in found.runs():
        for views in VIEWS:
            said, right = answers(found, run, views)
            there = [name for name in BRANCHES if name in said]
            if len(there) < 2 or "total" not in said:
                continue
            row = dict(zip(KEYS, _key(run), strict=True)) | {"views": views, **right.mean().to_dict()}
            for one, other in itertools.combinations(there, 2):
                row[f"same.{one}.{other}"] = (said[one] == said[other]).mean()
            row |= {"any": right[there].any(axis=1).mean(), "misled": misled(right).mean()}
            rows.append(row)
    names = [*KEYS, "views", *BRANCHES, "total", *(f"same.{one}.{other}" for one, other in PAIRS), "any", "misled"]
    return pd.DataFrame(rows).reindex(columns=names)


def answers(found: Any, run: dict[str, Any], views: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """By video, a column for each of BRANCHES and `total` that the run has a point of: the class that it names, and
    whether that is right. Of the first head."""
    whole, prefix = VIEWS[views]
    points = {whole: "total"} | {f"{prefix}{name}": name for name in BRANCHES}
    rows = found.predictions(run, list(points))
    head = next(name.removesuffix(".scores") for name in map(str, rows) if name.endswith(".scores"))
    of_name = class_numbers(found.classes(run, head), found.answers(run, head))
    rows = rows.assign(branch=rows.point.map(points), said=rows[f"{head}.scores"].map(np.argmax).astype(int))
    rows["right"] = [
        said in {of_name[label] for label in np.atleast_1d(true).tolist()}
        for said, true in zip(rows.said, rows[f"{head}.target"], strict=True)
    ]
    wide = rows.pivot(index="video_id", columns="branch", values=["said", "right"])
    return wide.get("said", pd.DataFrame()), wide.get("right", pd.DataFrame()).astype(bool)


def misled(right: pd.DataFrame) -> "pd.Series[bool]":
    """Of `answers`: whom the original alone is right on, the discriminative branch and the total wrong; nobody where
    one of them is missing."""
    needed = {"original", "discriminative", "total"}
    if not needed <= set(right):
        return pd.Series(np.nan, right.index)
    return right.original & ~right.discriminative & ~right.total


def peaks(found: Any) -> pd.DataFrame:
    """A row per run that tells of its peaks: KEYS, per frame the number of `discriminative` and of `complementary`
    ones; `none`, the share of the frames without a complementary one; `sure`, that of those the network was sure of."""
    rows = []
    for run in found.runs():
        table = found.predictions(run, [MAPS, "magnified"])
        point = MAPS if MAPS in set(table.point) else "magnified"
        views = [view for views in table[table.point == point].decisions for view in views]
        if not views or "sure" not in views[0]:
            continue
        dis, com, sure = (np.concatenate([view[name] for view in views]) for name in (*PEAKS, "sure"))
        rows.append([*_key(run), dis.mean(), com.mean(), (com == 0).mean(), sure.mean()])
    return pd.DataFrame(rows, columns=[*KEYS, *VIDEOS, "none", "sure"])


def betas(found: Any) -> pd.DataFrame:
    """A row per trained run and video whose attention has a width: KEYS, video, start, learned."""
    rows = []
    for run in found.runs():
        try:
            settings, result = found.settings(run, "single"), found.result(run, "train_jointly")
        except NotRun:
            continue
        if settings["places"] in ("uniform", "crops"):  # where no peak has a width
            continue
        starts = dict(zip(VIDEOS, (settings["beta_dis"], settings["beta_com"]), strict=True))
        rows += [
            [*_key(run), video, starts[video], result[f"beta.{video}"]] for video in VIDEOS if f"beta.{video}" in result
        ]
    return pd.DataFrame(rows, columns=[*KEYS, "video", "start", "learned"])


# ---- frames


def kept_maps(found: Any) -> pd.DataFrame:
    """A row per run and video whose maps were kept: KEYS, video_id, shown. NotRun where none was."""
    rows = [
        [*_key(run), row.video_id, row.decisions[0]["shown"]]
        for run in found.runs()
        for row in found.predictions(run, [MAPS]).itertuples(index=False)
        if "shown" in row.decisions[0]
    ]
    if not rows:
        raise NotRun("no run kept its maps")
    return pd.DataFrame(rows, columns=[*KEYS, "video_id", "shown"])


def examples(found: Any, rows: pd.DataFrame) -> Iterator[Magnified]:
    """Of one run's rows of `kept_maps`: the first videos by name that are recognised, then the first that aren't.
    NotRun without the videos."""
    run = run_of(found, rows)
    for one in chosen(found, run, MAPS, EXAMPLES, among=list(rows.video_id)):
        yield _magnified(found, run, one, rows.set_index("video_id").shown[one.video])


def failures(found: Any, rows: pd.DataFrame) -> Iterator[Magnified]:
    """Of one run's rows of `kept_maps`: the first videos by name that are `misled`."""
    run = run_of(found, rows)
    _, right = answers(found, run, "one")
    some = misled(right)[lambda lost: lost == 1].index.intersection(rows.video_id).sort_values()[:EXAMPLES]
    for one in chosen(found, run, MAPS, EXAMPLES, among=list(some)) if len(some) else ():
        yield _magnified(found, run, one, rows.set_index("video_id").shown[one.video])


def _magnified(found: Any, run: dict[str, Any], one: Example, shown: dict[str, Any]) -> Magnified:
    (whole,) = found.frames(run, one.video, [shown["frame"]])
    seen = np.array(shown["seen"])
    frame = _cut(whole, seen)
    known = targets(found, run, [one.video]).get(one.video)
    aim = np.full(4, np.nan) if known is None else known[shown["frame"]]
    origin, size = np.tile(seen[:2], 2), np.tile(seen[2:] - seen[:2], 2)
    return Magnified(
        of=one,
        frame=frame,
        responses=np.array(shown["responses"]),
        peaks=np.array(shown["peaks"]).reshape(-1, 4),
        attention={name: np.array(values) for name, values in shown["attention"].items()},
        made={name: resampled(frame, np.array(grid)) for name, grid in shown["grids"].items()},
        target=(aim - origin) / size,
    )


def _cut(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """(H, W, 3): what lies in a box in fractions."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = np.round(box * [width, height, width, height]).astype(int)
    return frame[y0:y1, x0:x1]


def resampled(picture: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(H, W, 3) bytes as a grid (G, G, 2) looks at it: x and y, -1 to 1 from the first pixel's middle to the last
    one's. Bilinear twice, as the network's own resampling."""
    height, width = picture.shape[:2]
    cells = np.meshgrid(*(np.linspace(0, len(grid) - 1, side) for side in (height, width)), indexing="ij")
    x, y = (map_coordinates(grid[..., axis], cells, order=1) for axis in (0, 1))
    pixels = [(y + 1) / 2 * (height - 1), (x + 1) / 2 * (width - 1)]
    channels = [map_coordinates(channel.astype(float), pixels, order=1) for channel in np.moveaxis(picture, -1, 0)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def _key(run: dict[str, Any]) -> tuple[Any, ...]:
    return (dataset_label(run), run["variant"], run["seed"])


def run_of(found: Any, rows: pd.DataFrame) -> dict[str, Any]:
    key = tuple(rows[KEYS].iloc[0])
    return next(run for run in found.runs() if _key(run) == key)
