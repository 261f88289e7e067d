"""The figures of `findings`, drawn and told in words. No torch."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saccade.report.examples import WHITE, draw_picture, draw_target, lay_out
from saccade.report.figures import PALETTE

from .decisions import VIDEOS, Magnified

HOT = mpl.colormaps["inferno"]
LOOKS = {"discriminative": ("o", PALETTE[1]), "complementary": ("s", PALETTE[9])}  # of its peaks
SETS = "Peaks: round and orange where they are discriminative, square and blue where they are complementary."
COLUMNS = 3
HALO = [effects.withStroke(linewidth=1.8, foreground="#000000")]


def draw_magnified(videos: Sequence[Magnified]) -> Figure:
    """A block per video. Left: the frame with its peaks, and below it its responses; beside them a row for each of the
    videos made of it: its attention, its frame."""
    titles = [(video.of.words, video.of.right) for video in videos]
    aspects = [video.frame.shape[0] / video.frame.shape[1] for video in videos]
    figure, blocks = lay_out(titles, COLUMNS, max(len(video.made) for video in videos), aspects)
    for video, block in zip(videos, blocks, strict=True):
        draw_picture(block[0][0], video.frame)
        draw_target(block[0][0], video.target)
        draw_peaks(block[0][0], video.peaks, on_frame(video))
        write(block[0][0], "frame")
        if len(block) > 1:
            draw_map(block[1][0], video.responses)
            draw_peaks(block[1][0], video.peaks, video.peaks[:, :2])
            write(block[1][0], "responses")
        for (_, attention, made), name in zip(block, (name for name in VIDEOS if name in video.made), strict=False):
            flat = ":\nthe same everywhere" if np.ptp(video.attention[name]) == 0 else ""
            draw_map(attention, video.attention[name])
            write(attention, f"attention, {name}{flat}")
            draw_picture(made, video.made[name])
            write(made, name)
    return figure


def on_frame(video: Magnified) -> np.ndarray:
    """(M, 2): rows and columns of the peaks in fractions of the frame's sides, from whose first pixel's middle to the
    last one's the grid reaches."""
    sides = np.array(video.frame.shape[:2])
    return np.asarray((video.peaks[:, :2] / (len(video.responses) - 1) * (sides - 1) + 0.5) / sides)


def draw_peaks(axes: Axes, peaks: np.ndarray, at: np.ndarray) -> None:
    """at: (M, 2), row and column of each, in what the axes count."""
    for name, (marker, colour) in LOOKS.items():
        mine = at[(peaks[:, 3] > 0) == (name == "discriminative")]
        look: Any = {"marker": marker, "color": colour, "markeredgecolor": "#000000", "markersize": 4.5}
        axes.plot(mine[:, 1], mine[:, 0], linestyle="none", markeredgewidth=0.6, clip_on=False, **look)


def draw_map(axes: Axes, values: np.ndarray) -> None:
    axes.imshow(values, cmap=HOT, aspect="auto", interpolation="none")


def write(axes: Axes, said: str) -> None:
    """In the corner of a picture."""
    look: Any = {"fontsize": 6.5, "color": WHITE, "path_effects": HALO, "va": "top"}
    axes.text(0.03, 0.96, said, transform=axes.transAxes, **look)


def told_magnified(videos: Sequence[Magnified]) -> str:
    """Who they are, and their peaks."""
    said = []
    for video in videos:
        first = int((video.peaks[:, 3] > 0).sum())
        counts = ", ".join(
            f"{number} {name}" for number, name in zip((first, len(video.peaks) - first), VIDEOS, strict=True)
        )
        said.append(f"{video.of.words}; its frame has {counts} peaks")
    return ". ".join(said) + "."
