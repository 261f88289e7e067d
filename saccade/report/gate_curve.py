"""The gates of a video's timesteps as a curve over its time, and which timesteps were chosen. No torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes

from saccade.report.figures import ACCENT, INK, MUTED, RULE

HEIGHT, ABOVE = 1.15, 0.1  # inches: of the curve, and between it and the film
THUMBNAILS = 16  # at least: a long video's film
OPEN = 0.5
PALE = "#d5e6f2"  # of the accent
HALO = [effects.withStroke(linewidth=2.5, foreground="white")]


def draw_gates(axes: Axes, gates: Mapping[int, float], chosen: Sequence[int], seconds: Mapping[int, float]) -> None:
    """Draws the curve, a dot for each timestep that was looked at, a larger one where it was chosen; dashed: from where
    on a gate is open. gates: frame -> its timestep's gate, 0 to 1; seconds: frame -> when it is shown. The axes have
    the film's limits."""
    frames = sorted(gates)
    across, up = (np.array([of[frame] for frame in frames]) for of in (seconds, gates))
    begin, end = axes.get_xlim()
    level = np.full(len(up), OPEN)
    axes.fill_between(across, level, up, where=up >= level, interpolate=True, color=PALE, linewidth=0)
    axes.plot([begin, end], [OPEN, OPEN], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), gid="open from here on")
    axes.plot(across, up, color=MUTED, linewidth=0.9)
    small: Any = {"linestyle": "", "marker": "o", "markeredgewidth": 0}
    axes.plot(across, up, color=MUTED, markersize=2.5, gid="looked at", **small)
    own = np.isin(frames, list(chosen))
    axes.plot(across[own], up[own], color=ACCENT, markersize=6.5, gid="chosen", path_effects=HALO, **small)
    axes.set(ylim=(-0.06, 1.06), yticks=[0, OPEN, 1], xticks=[])
    axes.set_yticklabels(["0", "½", "1"], fontsize=8, color=MUTED)
    axes.tick_params(axis="y", length=0, pad=3)
    axes.spines[:].set_visible(False)
    axes.spines["bottom"].set(visible=True, color=RULE)
    words: Any = {"fontsize": 8, "ha": "left", "path_effects": HALO, "zorder": 5}
    axes.annotate("gate open", (begin, OPEN), (3, 3), textcoords="offset points", color=INK, va="bottom", **words)
    axes.annotate("closed", (begin, OPEN), (3, -3), textcoords="offset points", color=MUTED, va="top", **words)
