"""Videos that a page shows frame by frame: chosen by a rule, with as many failures as successes. No torch."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from saccade.report.figures import INK, PALETTE, WIDTH
from saccade.results.found import Found
from saccade.results.reader import NotRun, PlannedRun
from saccade.scoring.class_names import class_numbers
from saccade.scoring.hit_rates import read_targets
from saccade.scoring.metrics import Floats

LONGEST = 96  # pixels of a frame's longer side
HEADER = 0.21  # inches of a video's words
WHITE = "#fefefe"  # not the white that pages replace by their own background


@dataclass(frozen=True)
class Example:
    """A video of the test split: what is said of it, and whether it was classified rightly."""

    video: str
    words: str
    right: bool


def chosen(
    found: Found, run: PlannedRun, point: str, count: int, among: Collection[str] | None = None
) -> Iterator[Example]:
    """By name the first `count` videos (of `among`, where given) whose first head is right at that point, then the
    first `count` where it is wrong."""
    predictions = found.predictions(run, [point]).sort_values("video_id").set_index("video_id")
    predictions = predictions if among is None else predictions[predictions.index.isin(list(among))]
    head = next(name.removesuffix(".scores") for name in map(str, predictions) if name.endswith(".scores"))
    names, answers = found.classes(run, head), found.answers(run, head)
    said = predictions[f"{head}.scores"].map(np.argmax)
    true = predictions[f"{head}.target"].map(lambda label: np.atleast_1d(label).tolist())
    of_name = class_numbers(names, answers)
    right = pd.Series(
        [one in {of_name[k] for k in some} for one, some in zip(said, true, strict=True)], index=said.index
    )
    for video in [*right.index[right][:count], *right.index[~right][:count]]:
        label = " + ".join(names[number] for number in true[video]) or "no class"
        outcome = "recognised" if right[video] else f"taken for {answers[said[video]]}"
        yield Example(str(video), f"{video}: {label}, {outcome}", bool(right[video]))


def targets(found: Found, run: PlannedRun, videos: Collection[str]) -> dict[str, Floats]:
    """{video: boxes (T, 4) in fractions, nan where the target isn't to be seen}; {} where the truth isn't known."""
    try:
        truth = found.truth(run)
    except NotRun:
        return {}
    known = read_targets(truth[truth.video_id.isin(list(videos))], found.index(run))
    return {video: target.boxes for video, target in known.items() if target.boxes is not None}


def lay_out(
    titles: Sequence[tuple[str, bool]], columns: int, rows: int, aspects: Sequence[float]
) -> tuple[Figure, list[list[list[Axes]]]]:
    """A block per video: its words (in another colour where it was taken for something else), below them `rows` x
    `columns` empty axes. aspects: height / width of each video's pictures. The axes by video, row and column."""
    heights = [HEADER + rows * WIDTH / columns * aspect for aspect in aspects]
    figure, blocks, top = Figure(figsize=(WIDTH, sum(heights))), [], 1.0
    for (said, right), height in zip(titles, heights, strict=True):
        words: Any = {"fontsize": 8, "va": "top", "parse_math": False}
        figure.text(0, top - 0.07 / sum(heights), said, color=INK if right else PALETTE[3], **words)
        tall = (height - HEADER) / rows / sum(heights)
        bottom = top - height / sum(heights)
        blocks.append(
            [
                [
                    figure.add_axes((column / columns, bottom + (rows - 1 - row) * tall, 0.97 / columns, tall * 0.97))
                    for column in range(columns)
                ]
                for row in range(rows)
            ]
        )
        for axes in (one for row_axes in blocks[-1] for one in row_axes):
            axes.axis("off")
        top = bottom
    return figure, blocks


def draw_picture(axes: Axes, picture: np.ndarray, alpha: float = 1) -> None:
    """(H, W, 3) uint8, reduced, in fractions of its sides, so that boxes can be drawn over it."""
    axes.imshow(reduced(picture), extent=(0, 1, 1, 0), aspect="auto", alpha=alpha, interpolation="none")
    axes.set(xlim=(0, 1), ylim=(1, 0))


def draw_box(axes: Axes, box: Floats, colour: str, line: Any = "-") -> None:
    """(4,) in fractions, over a dark edge; nothing where it is nan."""
    _draw_outline(axes, box, colour, line, [effects.withStroke(linewidth=2.0, foreground="#000000", alpha=0.5)])


def draw_target(axes: Axes, box: Floats) -> None:
    """(4,) in fractions, dashed in white; nothing where it is nan."""
    _draw_outline(axes, box, WHITE, (0, (2, 1.5)), [])


def _draw_outline(axes: Axes, box: Floats, colour: str, line: Any, outline: list[Any]) -> None:
    if not np.isnan(box[0]):
        x0, y0, x1, y1 = box
        look: Any = {"edgecolor": colour, "linestyle": line, "linewidth": 1.2, "path_effects": outline}
        axes.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, **look))


def reduced(picture: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8: means of square blocks, so that the longer side has at most LONGEST pixels (a remainder at the
    edges is cut)."""
    block = -(-max(picture.shape[:2]) // LONGEST)
    height, width = (side // block for side in picture.shape[:2])
    blocks = picture[: height * block, : width * block].reshape(height, block, width, block, 3)
    return np.asarray(blocks.mean(axis=(1, 3)).round().astype(np.uint8))
