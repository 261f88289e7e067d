"""Feature maps of one clip, row by row: what a method's `maps` gives, drawn. No torch."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from saccade.report.figures import STYLE

MOST = 8  # moments a row shows, evenly spread over those it has
CHANNELS = 4  # the first ones of each map


def draw_maps(rows: Mapping[str, NDArray[Any]], title: str) -> Figure:
    """A block per name: pictures (N, H, W, 3) of bytes in one row, feature maps (N, C, H, W) in a row for each of the
    first CHANNELS, each channel scaled by its own extremes over the block; what is nan stays blank. Above a column
    stands which of the N it is."""
    lines = [
        (name, channel)
        for name, values in rows.items()
        for channel in range(1 if _pictures(values) else min(CHANNELS, values.shape[1]))
    ]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(0.95 * MOST + 1.2, 0.95 * len(lines) + 0.6), layout="constrained")
        figure.suptitle(title, fontsize=10)
        grid = figure.subplots(len(lines), MOST, squeeze=False)
        for (name, channel), axes in zip(lines, grid, strict=True):
            values = rows[name] if _pictures(rows[name]) else rows[name][:, channel]
            chosen = np.unique(np.linspace(0, len(values) - 1, min(MOST, len(values))).round().astype(int))
            for place, one in enumerate(axes):
                one.axis("off")
                if place < len(chosen):
                    one.imshow(values[chosen[place]], cmap="viridis", vmin=np.nanmin(values), vmax=np.nanmax(values))
                    one.set_title(
                        str(chosen[place] + 1) if channel == 0 else "",
                        fontsize=7,
                        pad=2,
                        fontweight="normal",
                        loc="center",
                    )
            if channel == 0:
                axes[0].text(-0.1, 0.5, name, transform=axes[0].transAxes, ha="right", va="center", fontsize=8)
    return figure


def _pictures(values: NDArray[Any]) -> bool:
    return values.dtype == np.uint8
