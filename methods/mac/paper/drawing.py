"""The figures of `findings`, drawn and told in words. No torch."""

import itertools
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from saccade.report.chosen_boxes import ALONE, SLOTS, slot_names
from saccade.report.examples import draw_box, draw_picture, draw_target, lay_out
from saccade.report.figures import ACCENT, MUTED, RULE, WIDTH
from saccade.scoring.hit_rates import holds_centre

from .decisions import Mapped, Watched

HOT = mpl.colormaps["inferno"].with_extremes(bad=RULE)  # hotter is more salient, as in the paper
COLUMNS = 5  # maps beside each other
HALO = [effects.withStroke(linewidth=1.8, foreground="#000000")]


# ---- what SAN19 costs


def draw_sides(curve: Sequence[tuple[int, float]], marks: Sequence[tuple[int, float]]) -> Figure:
    """(side, GMACs) of a line, and of those that are named."""
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*curve, strict=True), color=ACCENT, linewidth=1.4)
    axes.plot(*zip(*marks, strict=True), "o", color=ACCENT, ms=5)
    for side, value in marks:
        axes.annotate(
            f"{side}: {value:.3f}", (side, value), (-6, 5), textcoords="offset points", ha="right", fontsize=8.5
        )
    axes.set(xlabel="side N of the input, 3 × N × N", ylabel="GMACs", ylim=(0, None))
    axes.set_xticks(sorted({side for side, _ in marks} | {32, 160, 256}))
    return figure


def draw_depth(sums: "pd.Series[float]", read: str) -> Figure:
    """Accumulated GMACs by layer, in order; the one that is read is named."""
    blocks = [name for name in sums.index if name.startswith("layer")]
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    colours = [ACCENT if name == read else MUTED for name in blocks]
    axes.bar(range(len(blocks)), sums[blocks], color=colours, width=0.7)
    axes.annotate(
        f"{sums[read]:.3f}",
        (blocks.index(read), sums[read]),
        (0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )
    axes.set_xticks(range(len(blocks)), [name.removeprefix("layer").replace(".", "-") for name in blocks], rotation=90)
    axes.set(xlabel="block: layer and its number in it", ylabel="GMACs up to and with it")
    return figure


# ---- crops on frames


def slots(boxes: int) -> str:
    """How a frame's crops are told apart."""
    return f"Crops by slot: {slot_names(boxes)}." if boxes > 1 else "The crop in amber."


def draw_crops(videos: Sequence[Watched]) -> Figure:
    """Two rows per video: frames with crops, and attention where there is any."""
    columns = max(len(video.frames) for video in videos)
    rows = 2 if all(video.attention is not None for video in videos) else 1
    aspects = [video.frames.shape[1] / video.frames.shape[2] for video in videos]
    figure, blocks = lay_out([(video.of.words, video.of.right) for video in videos], columns, rows, aspects)
    scale = common_scale([video.attention for video in videos if video.attention is not None])
    for video, block in zip(videos, blocks, strict=True):
        for number, picture in enumerate(video.frames):
            draw_picture(block[0][number], picture)
            draw_target(block[0][number], video.targets[number])
            draw_slots(block[0][number], video.boxes[number])
            if rows == 2 and video.attention is not None:
                draw_map(block[1][number], video.attention[number], **scale, interpolation="none")
    return figure


def draw_slots(axes: Axes, boxes: np.ndarray) -> None:
    looks = itertools.cycle(SLOTS.values()) if len(boxes) > 1 else [(ALONE, "-")]
    for box, (colour, line) in zip(boxes, looks, strict=False):
        draw_box(axes, box, colour, line)


def told_crops(videos: Sequence[Watched]) -> str:
    """Who they are, and how often a drawn crop holds the middle of a drawn target."""
    boxes, aims = (np.concatenate([getattr(video, name) for video in videos]) for name in ("boxes", "targets"))
    seen = ~np.isnan(aims[:, 0])
    hits = holds_centre(boxes[seen], aims[seen][:, None]).any(axis=1).sum()
    said = "; ".join(video.of.words for video in videos) + "."
    if not seen.any():
        return said
    return f"{said} A crop holds the middle of the target on {hits} of the {seen.sum()} frames where it is drawn."


# ---- attention


def draw_layers(videos: Sequence[Mapped]) -> Figure:
    """A block per video: the maps of its layers in order, the frame in the top right corner (or behind the last)."""
    names = list(videos[0].layers)
    columns = min(COLUMNS, len(names) + 1)
    rows = -(-(len(names) + 1) // columns)
    titles = [(video.of.words, video.of.right) for video in videos]
    figure, blocks = lay_out(titles, columns, rows, [1.0] * len(videos))
    for video, block in zip(videos, blocks, strict=True):
        draw_picture(block[0][-1], video.frame)
        panels = [axes for row in block for axes in row if axes is not block[0][-1]]
        for axes, (name, values) in zip(panels, video.layers.items(), strict=False):
            draw_map(axes, values, interpolation="bilinear")
            said = f"{name}\n{values.min():.2f} to {values.max():.2f}"
            write(axes, said, bold=name == video.own)
    return figure


def told_layers(videos: Sequence[Mapped]) -> str:
    said = []
    for video in videos:
        spans = ", ".join(f"{name} {values.min():.2f} to {values.max():.2f}" for name, values in video.layers.items())
        said.append(f"{video.of.words}: {spans}")
    return "; ".join(said) + "."


def draw_local(videos: Sequence[Mapped]) -> Figure:
    """A row per video: the frame, its attention, and local attention on the same cells."""
    columns = 2 + max(len(video.local) for video in videos)
    titles = [(video.of.words, video.of.right) for video in videos]
    figure, blocks = lay_out(titles, columns, 1, [1.0] * len(videos))
    for video, ((frame, whole, *cells),) in zip(videos, blocks, strict=True):
        draw_picture(frame, video.frame)
        own = video.layers[video.own]
        draw_map(whole, own, interpolation="none")
        write(whole, "A")
        for axes, (cell, values) in zip(cells, video.local.items(), strict=False):
            draw_map(axes, spread(values, cell, own.shape), interpolation="none")
            axes.add_patch(Rectangle((cell[1] - 0.5, cell[0] - 0.5), 1, 1, fill=False, edgecolor="#00c8ff"))
            write(axes, f"a at {cell[0] + 1}, {cell[1] + 1}")
    return figure


def spread(values: np.ndarray, cell: tuple[int, int], shape: tuple[int, ...]) -> np.ndarray:
    """(F, F) local attention of a cell on the map's cells (h, w), nan where it doesn't look; what fell outside the map
    is left out."""
    reach = len(values) // 2
    padded = np.full([side + 2 * reach for side in shape], np.nan)
    padded[cell[0] : cell[0] + len(values), cell[1] : cell[1] + len(values)] = values
    return padded[reach : reach + shape[0], reach : reach + shape[1]]


def common_scale(maps: Sequence[np.ndarray]) -> dict[str, Any]:
    if not maps:
        return {}
    return {"vmin": min(one.min() for one in maps), "vmax": max(one.max() for one in maps)}


def draw_map(axes: Axes, values: np.ndarray, **how: Any) -> None:
    axes.imshow(values, cmap=HOT, aspect="auto", **how)


def write(axes: Axes, said: str, bold: bool = False) -> None:
    """In the corner of a picture."""
    look: Any = {"fontsize": 6.5, "color": "#fefefe", "path_effects": HALO, "va": "top", "parse_math": False}
    axes.text(0.04, 0.95, said, transform=axes.transAxes, fontweight="bold" if bold else "normal", **look)
