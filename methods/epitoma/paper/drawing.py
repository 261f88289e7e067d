"""The figures of `findings`, drawn and told in words. No torch."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from saccade.report.figures import PALETTE, STYLE, WIDTH, colours_of

from .decisions import SAMPLINGS

LOOKS = dict(zip(SAMPLINGS, zip(PALETTE, "os^vDP", strict=False), strict=True))
PANEL, BAR = 2.6, 0.22  # inches


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
    """A group of bars per class, one for each variant; means over seeds. rows: `shares` of one dataset and pool."""
    wide = rows.pivot_table(index="class", columns="variant", values="share", sort=False)
    variants = list(map(str, wide))
    colours = colours_of(variants)
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x"}):
        figure = Figure(figsize=(WIDTH, 0.9 + BAR * wide.size), layout="constrained")
        axes = figure.subplots()
        height = 0.8 / len(variants)
        for number, variant in enumerate(variants):
            places = np.arange(len(wide)) + (number - (len(variants) - 1) / 2) * height
            axes.barh(places, 100 * wide[variant], height=height, color=colours[variant], label=variant)
        axes.set_yticks(np.arange(len(wide)), list(map(str, wide.index)))
        axes.set_ylim(len(wide) - 0.5, -0.5)
        axes.set_xlabel("selected of the timesteps looked at (%)")
        figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
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
