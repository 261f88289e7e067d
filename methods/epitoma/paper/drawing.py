"""The figures of `findings`, drawn and told in words. No torch."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from saccade.report.figures import ACCENT, PALETTE, STYLE, WIDTH

from .decisions import SAMPLINGS

LOOKS = dict(zip(SAMPLINGS, zip(PALETTE, "os^vDP", strict=False), strict=True))
PANEL, SHORT = 2.6, 1.1  # inches
NAMED = 30  # classes whose names fit below their bars


def draw_by_timesteps(rows: pd.DataFrame, across: str, label: str, measure: str) -> Figure:
    """A panel per variant, a line per sampling: the measure in % against a column of `by_timesteps`; means over
    seeds."""
    variants = list(dict.fromkeys(rows.variant))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, PANEL * len(variants) + 0.6), layout="constrained")
        panels = figure.subplots(len(variants), squeeze=False, sharex=True, sharey=True)[:, 0]
        for axes, variant in zip(panels, variants, strict=True):
            for sampling, one in rows[rows.variant == variant].groupby("sampling", sort=False):
                line = one.groupby("timesteps", as_index=False)[["gmacs", "value"]].mean().sort_values(across)
                colour, marker = LOOKS[str(sampling)]
                look = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.2}
                axes.plot(line[across], 100 * line.value, label=SAMPLINGS[str(sampling)], **look)
            axes.set(title=variant, ylabel=f"{measure} (%)")
            axes.set_xscale("log", base=2 if across == "timesteps" else 10)
        if across == "timesteps":
            ticks = sorted(rows.timesteps.unique())
            panels[-1].set_xticks(ticks, list(map(str, ticks)))
        panels[-1].set_xlabel(label)
        handles = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def told_by_timesteps(rows: pd.DataFrame) -> str:
    """The least and the most timesteps of each line."""
    said = []
    for (variant, sampling), one in rows.groupby(["variant", "sampling"], sort=False):
        means = one.groupby("timesteps").value.mean()
        few, many = means.index.min(), means.index.max()
        name = SAMPLINGS[str(sampling)]
        said.append(f"{variant}, {name}: {100 * means[few]:.1f} % at {few}, {100 * means[many]:.1f} % at {many}")
    return "; ".join(said) + "."


def draw_shares(rows: pd.DataFrame) -> Figure:
    """A panel of bars per variant, one for each class; means over seeds. rows: `shares` of one dataset and pool."""
    variants, classes = (list(dict.fromkeys(rows[name])) for name in ("variant", "class"))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, SHORT * len(variants) + 0.6), layout="constrained")
        panels = figure.subplots(len(variants), squeeze=False, sharex=True, sharey=True)[:, 0]
        for axes, variant in zip(panels, variants, strict=True):
            means = rows[rows.variant == variant].groupby("class").share.mean().reindex(classes)
            axes.bar(np.arange(len(classes)), 100 * means, width=0.7, color=ACCENT)
            axes.set_title(variant)
        named = classes if len(classes) <= NAMED else [""] * len(classes)
        panels[-1].set_xticks(np.arange(len(classes)), named, rotation=0 if max(map(len, named)) < 3 else 90)
        figure.supylabel("selected of the timesteps looked at (%)", fontsize=10)
    return figure


def told_shares(rows: pd.DataFrame) -> str:
    """The classes of which each variant selects least and most."""
    said = []
    for variant, one in rows.groupby("variant", sort=False):
        means = one.groupby("class", sort=False).share.mean()
        least, most = means.idxmin(), means.idxmax()
        ends = [f"of {name}, {100 * means[name]:.0f} %" for name in (least, most)]
        said.append(f"{variant} selects least {ends[0]}, and most {ends[1]}")
    return "; ".join(said) + "."
