"""The figures of `findings_times`, drawn and told in words. No torch."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from saccade.report.examples import draw_picture, lay_out
from saccade.report.figures import ACCENT, INK, PALETTE, WIDTH

from .drawing import common_scale, draw_map, draw_slots, write
from .times import Traced

COLUMNS = 8  # frames beside each other
PANELS = 3  # variants beside each other
LETTERS = 20  # of a variant's name in a line
EDGES = {"full": "#ff3b30", "scanned": "#34c759"}  # as in the paper's Figure 12
PALE = 0.35  # how much of a frame that wasn't looked at is shown


# ---- decisions


def draw_decisions(uses: pd.DataFrame) -> Figure:
    """Of `times.uses`, a panel per variant: how often each decision is made, the likeliest (a bar, the mean over seeds;
    dots: the seeds) and drawn (the mean over seeds and drawings, and their sample standard deviation), and equal
    use."""
    variants = list(dict.fromkeys(uses.variant))
    columns = min(PANELS, len(variants))
    lines = -(-len(variants) // columns)
    figure = Figure(figsize=(WIDTH, 0.3 + 1.5 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
    for axes in panels.flat[len(variants) :]:
        axes.axis("off")
    for axes, variant in zip(panels.flat, variants, strict=False):
        _draw_shares(axes, uses[uses.variant == variant])
        axes.set_title(textwrap.fill(variant, LETTERS), fontsize=8)
    for row in panels:
        row[0].set_ylabel("% of decisions", fontsize=8.5)
    marks = {"likeliest": {"marker": "s", "color": ACCENT}, "drawn": {"marker": "D", "color": PALETTE[1]}}
    handles = [panels.flat[0].plot([], [], linestyle="none", **look, label=name)[0] for name, look in marks.items()]
    handles += panels.flat[0].plot([], [], color=INK, linestyle=(0, (3, 1.5)), linewidth=1, label="equal use")
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, fontsize=8.5)
    return figure


def _draw_shares(axes: Axes, uses: pd.DataFrame) -> None:
    most = int(uses.most.max())
    at = np.arange(most + 1)
    shares = 100 * uses[[f"share.{m}" for m in at]].to_numpy()
    drawn = uses.drawn.to_numpy(dtype=bool)
    if not drawn.all():
        axes.bar(at - 0.2, shares[~drawn].mean(0), width=0.36, color=ACCENT)
    for seed in shares[~drawn] if (~drawn).sum() > 1 else ():
        axes.plot(at - 0.2, seed, ".", color=INK, markersize=3)
    if drawn.any():
        spread = shares[drawn].std(0, ddof=1) if drawn.sum() > 1 else None
        axes.errorbar(at + 0.2, shares[drawn].mean(0), spread, fmt="D", color=PALETTE[1], markersize=4, capsize=2)
    axes.axhline(100 / (most + 1), color=INK, linestyle=(0, (3, 1.5)), linewidth=1)
    axes.set(xticks=at, xlim=(-0.6, most + 0.6), ylim=(0, 105))
    axes.set_xlabel("decision", fontsize=8.5)


def told_decisions(uses: pd.DataFrame) -> str:
    """How often each decision is made, by variant, mean over seeds: the likeliest, or as it is drawn."""
    said = []
    for (variant, drawn), one in uses.groupby(["variant", "drawn"], sort=False):
        shares = [one[f"share.{m}"].mean() for m in range(int(one.most.max()) + 1)]
        said.append(
            f"{variant}{', drawn' * drawn} " + ", ".join(f"{m}: {100 * share:.0f} %" for m, share in enumerate(shares))
        )
    return "; ".join(said) + "."


# ---- ways through videos


def draw_ways(videos: Sequence[Traced]) -> Figure:
    """Per video and COLUMNS frames three rows: the frames, edged by what became of them, with the crops of full ones;
    attention; what was expected of it."""
    figure, blocks = _bands(videos, [range(len(video.frames)) for video in videos])
    for video, block in zip(videos, blocks, strict=True):
        scale = common_scale([*video.attention.values(), *video.expected.values()])
        for place, (picture, fate) in enumerate(zip(video.frames, video.fates, strict=True)):
            frame, attention, expected = _panels(block, place)
            draw_picture(frame, picture, 1 if fate in EDGES else PALE)
            if place in video.boxes:
                draw_slots(frame, video.boxes[place])
            if fate in EDGES:
                frame.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=EDGES[fate], linewidth=3.5))
            _draw_maps(attention, expected, video, place, scale)
    return figure


def told_ways(videos: Sequence[Traced]) -> str:
    letters = {"full": "full", "scanned": "pre-scanned", "skipped": "skipped"}
    return "; ".join(f"{video.of.words}: {', '.join(letters[fate] for fate in video.fates)}" for video in videos) + "."


def draw_foreseen(videos: Sequence[Traced]) -> Figure:
    """Per video and COLUMNS of the frames looked at three rows: the frames, attention, and what was expected, with
    minus SSIM of the two."""
    looked = [sorted(video.attention) for video in videos]
    figure, blocks = _bands(videos, looked)
    for video, block, places in zip(videos, blocks, looked, strict=True):
        scale = common_scale([*video.attention.values(), *video.expected.values()])
        for number, place in enumerate(places):
            frame, attention, expected = _panels(block, number)
            draw_picture(frame, video.frames[place])
            _draw_maps(attention, expected, video, place, scale)
            if place in video.similarity:
                write(expected, f"−{video.similarity[place]:.3f}".replace("−-", ""))
    return figure


def told_foreseen(videos: Sequence[Traced]) -> str:
    said = []
    for video in videos:
        numbers = ", ".join(f"{-value:.3f}".replace("-", "−") for value in video.similarity.values())
        said.append(f"{video.of.words}: {numbers or 'nothing was foreseen'}")
    return "; ".join(said) + "."


def _bands(videos: Sequence[Traced], shown: Sequence[Sequence[int]]) -> tuple[Figure, list[list[list[Axes]]]]:
    """Empty axes for so many frames of each video, in bands of three rows."""
    most = max(map(len, shown))
    columns = min(most, COLUMNS)
    aspects = [video.frames.shape[1] / video.frames.shape[2] for video in videos]
    titles = [(video.of.words, video.of.right) for video in videos]
    return lay_out(titles, columns, 3 * -(-most // columns), aspects)


def _panels(block: list[list[Axes]], number: int) -> list[Axes]:
    band, column = divmod(number, len(block[0]))
    return [row[column] for row in block[3 * band : 3 * band + 3]]


def _draw_maps(attention: Axes, expected: Axes, video: Traced, place: int, scale: dict[str, Any]) -> None:
    """What there is of a frame."""
    for axes, maps in ((attention, video.attention), (expected, video.expected)):
        if place in maps:
            draw_map(axes, maps[place], **scale, interpolation="none")
