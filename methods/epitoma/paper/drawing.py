"""The figures of `findings`, drawn and told in words. No torch."""

import itertools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saccade.report.figures import ACCENT, MUTED, PALETTE, STYLE, WIDTH

from .decisions import SAMPLINGS

LOOKS = dict(zip(SAMPLINGS, zip(PALETTE, "oXs^vDP", strict=False), strict=True))
PANEL, LOW, SHORT = 1.9, 1.4, 1.1  # inches: heights of a panel
NAMED = 30  # classes whose names fit below their bars


def draw_by_timesteps(rows: pd.DataFrame, across: str, label: str, measure: str) -> Figure:
    """A row of panels per network, apart and together, a line per sampling: the measure in % against a column of
    `by_timesteps`; means over seeds. Behind random timesteps a band of a standard deviation over drawings."""
    panels = list(dict.fromkeys(zip(rows.network, rows.jointly, strict=True)))
    networks, columns = list(dict.fromkeys(rows.network)), sorted({jointly for _, jointly in panels})
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, PANEL * len(networks) + 1.0), layout="constrained")
        grid = figure.subplots(len(networks), len(columns), squeeze=False, sharex=True, sharey=True)
        for (row, network), (column, jointly) in itertools.product(enumerate(networks), enumerate(columns)):
            axes = grid[row, column]
            own = rows[(rows.network == network) & (rows.jointly == jointly)]
            for sampling in (name for name in SAMPLINGS if name in set(own.sampling)):
                _draw_line(axes, own[own.sampling == sampling], sampling, across)
            axes.set_title(f"{network}, {'together' if jointly else 'apart'}", fontsize=9)
            axes.set_visible(bool(len(own)))
            axes.set_xscale("log", base=2 if across == "timesteps" else 10)
        if across == "timesteps":
            ticks = sorted(rows.timesteps.unique())
            grid[-1, 0].set_xticks(ticks, list(map(str, ticks)))
            grid[-1, 0].minorticks_off()
        for axes in grid[-1]:
            axes.set_xlabel(label, fontsize=9)
        figure.supylabel(f"{measure} (%)", fontsize=10)
        _legend(figure, grid.ravel())
    return figure


def _draw_line(axes: Axes, one: pd.DataFrame, sampling: str, across: str) -> None:
    line = one.groupby("timesteps", as_index=False)[["gmacs", "value", "spread"]].mean().sort_values(across)
    colour, marker = LOOKS[sampling]
    look: Any = {"color": colour, "marker": marker, "markersize": 3.5, "linewidth": 1.2}
    if line.spread.notna().any():
        ends = [100 * (line.value + way * line.spread) for way in (-1, 1)]
        axes.fill_between(line[across], *ends, color=colour, alpha=0.2, linewidth=0)
    axes.plot(line[across], 100 * line.value, label=SAMPLINGS[sampling], **look)


def _legend(figure: Figure, panels: Any) -> None:
    """Of all lines that any panel has, below them."""
    pairs = [zip(*reversed(axes.get_legend_handles_labels()), strict=True) for axes in panels]
    handles = dict(itertools.chain.from_iterable(pairs))
    look: Any = {"loc": "outside lower center", "ncols": 2, "fontsize": 8, "frameon": False}
    figure.legend(handles.values(), handles.keys(), **look)


def told_by_timesteps(rows: pd.DataFrame) -> str:
    """The least and the most timesteps of each line."""
    said = []
    for (variant, sampling), one in rows.groupby(["variant", "sampling"], sort=False):
        means = one.groupby("timesteps").value.mean()
        few, many = means.index.min(), means.index.max()
        name = SAMPLINGS[str(sampling)]
        said.append(f"{variant}, {name}: {100 * means[few]:.1f} % at {few}, {100 * means[many]:.1f} % at {many}")
    return "; ".join(said) + "."


def draw_shares(rows: pd.DataFrame, titles: Mapping[str, str] = MappingProxyType({})) -> Figure:
    """A panel of bars per variant, one for each class; means over seeds. rows: `shares` of one dataset and pool;
    titles: of variants, in the place of their names."""
    variants, classes = (list(dict.fromkeys(rows[name])) for name in ("variant", "class"))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, SHORT * len(variants) + 0.6), layout="constrained")
        panels = figure.subplots(len(variants), squeeze=False, sharex=True, sharey=True)[:, 0]
        for axes, variant in zip(panels, variants, strict=True):
            means = rows[rows.variant == variant].groupby("class").share.mean().reindex(classes)
            axes.bar(np.arange(len(classes)), 100 * means, width=0.7, color=ACCENT)
            axes.set_title(titles.get(variant, variant), fontsize=9)
        named = classes if len(classes) <= NAMED else [""] * len(classes)
        panels[-1].set_xticks(np.arange(len(classes)), named, rotation=0 if max(map(len, named)) < 3 else 90)
        figure.supylabel("selected (%)", fontsize=10)
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


def draw_keys(rows: pd.DataFrame) -> Figure:
    """A row per variant, precision at the left and recall at the right by number of timesteps, a line per sampling;
    dashed: by chance. rows: `key_timesteps` of one dataset."""
    variants = list(dict.fromkeys(rows.variant))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, LOW * len(variants) + 1.0), layout="constrained")
        grid = figure.subplots(len(variants), 2, squeeze=False, sharex=True, sharey=True)
        for (row, variant), (column, name) in itertools.product(
            enumerate(variants), enumerate(("precision", "recall"))
        ):
            axes, own = grid[row, column], rows[rows.variant == variant]
            for sampling, one in own.groupby("sampling", sort=False):
                line, (colour, marker) = 100 * one.groupby("timesteps")[name].mean(), LOOKS[str(sampling)]
                look: Any = {"color": colour, "marker": marker, "markersize": 3.5, "linewidth": 1.2}
                axes.plot(line.index, line, label=SAMPLINGS[str(sampling)], **look)
            chance = 100 * own.groupby("timesteps")[f"chance {name}"].mean()
            axes.plot(chance.index, chance, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), label="By chance")
            axes.set_title(variant if column == 0 else "", fontsize=9)
            axes.set_ylabel(f"{name} (%)", fontsize=9)
            axes.set_xscale("log", base=2)
        ticks = sorted(rows.timesteps.unique())
        grid[-1, 0].set_xticks(ticks, list(map(str, ticks)))
        grid[-1, 0].minorticks_off()
        for axes in grid[-1]:
            axes.set_xlabel("timesteps that are chosen", fontsize=9)
        _legend(figure, grid.ravel())
    return figure


def told_keys(rows: pd.DataFrame) -> str:
    """Precision and recall of the most that the selector chose of all, or else of its pool."""
    said = []
    for (variant, sampling), one in rows[rows.sampling.isin(["selector", "wide"])].groupby(["variant", "sampling"]):
        last = one[one.timesteps == one.timesteps.max()][["precision", "recall", "chance precision"]].mean()
        said.append(
            f"{variant}, {SAMPLINGS[str(sampling)]}, {one.timesteps.max()}: precision {100 * last.precision:.1f} % "
            f"(by chance {100 * last['chance precision']:.1f} %), recall {100 * last.recall:.1f} %"
        )
    return "; ".join(said) + "."


def draw_activations(curves: pd.DataFrame) -> Figure:
    """What becomes of a gating value in training, one line each (Fig. 3). curves: `value`, then a column each."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
        axes = figure.subplots()
        dashes: list[Any] = ["-", (0, (5, 2)), (0, (2, 1.5)), (0, (1, 1))]
        for name, colour, dash in zip(curves.columns.drop("value"), PALETTE, dashes, strict=False):
            axes.plot(curves.value, curves[name], label=name, color=colour, linestyle=dash, linewidth=1.8)
        axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        axes.set(xlabel="gating value", ylabel="multiplied by", ylim=(-0.1, 2.1))
        axes.legend(frameon=False, fontsize=9, loc="upper left")
    return figure
