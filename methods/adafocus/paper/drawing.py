"""The figures of `findings`, drawn and told in words. No torch."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saccade.report.cells import significant
from saccade.report.examples import WHITE, draw_box, draw_picture, draw_target, lay_out
from saccade.report.figures import ACCENT, INK, MUTED, PALETTE, WIDTH
from saccade.scoring.hit_rates import holds_centre

from .decisions import Example

COLOURS, LINES = PALETTE[:5], ["-", "--", ":"]  # as many colours as can be told apart, then other lines
REWARDS = {
    "advantage": "reward: p, less that of a random patch",
    "confidence": "reward: p",
    "increments": "reward: rise of p since the last frame",
}
A_ROW, MOST = 3, 20  # maps beside each other; percent at which their scale ends
GREEN = PALETTE[2]
PALE_TO_ACCENT = mpl.colors.LinearSegmentedColormap.from_list("accent", ["#eff1f3", ACCENT])


# ---- while the policy learns


@dataclass
class _Panel:
    title: str
    rows: pd.DataFrame  # variant, seed, epoch, value
    levels: dict[str, float]  # what dotted lines are called, and where they are


def draw_learning(rows: pd.DataFrame) -> Figure:
    """Panels over epochs. rows: `decisions.learning` of one dataset and size of patch."""
    panels, styles = _learning_panels(rows), _styles(rows)
    figure = Figure(figsize=(WIDTH, 0.5 + 0.09 * len(styles) + 1.55 * len(panels)), layout="constrained")
    for axes, panel in zip(figure.subplots(len(panels), squeeze=False, sharex=True)[:, 0], panels, strict=True):
        for name, level in panel.levels.items():
            axes.axhline(level, color=MUTED, linestyle=":", linewidth=1)
            _write_level(axes, name, level)
        for variant, lines in panel.rows.groupby("variant", sort=False):
            _draw_seeds(axes, lines.pivot(index="epoch", columns="seed", values="value"), styles[variant])
        axes.set_title(panel.title)
        axes.margins(y=0.14)
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    handles = [mpl.lines.Line2D([], [], **style, linewidth=1.8, label=variant) for variant, style in styles.items()]
    figure.legend(handles=handles, loc="outside upper left", frameon=False, ncols=2, fontsize=8)
    return figure


def _styles(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """How each variant's lines look."""
    kinds = [{"color": colour, "linestyle": line} for line in LINES for colour in COLOURS]
    return {variant: kinds[number % len(kinds)] for number, variant in enumerate(rows.variant.unique())}


def _write_level(axes: Axes, name: str, level: float) -> None:
    halo = [effects.withStroke(linewidth=2.5, foreground="#ffffff")]  # the page's background
    place: Any = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "ha": "right"}
    axes.annotate(name, (1, level), (0, 2), **place, color=MUTED, fontsize=8, path_effects=halo)


def _draw_seeds(axes: Axes, seeds: pd.DataFrame, style: dict[str, Any]) -> None:
    """seeds: a column each, by epoch."""
    if seeds.shape[1] > 1:
        axes.plot(seeds.index, seeds, **style, linewidth=0.6, alpha=0.6)
    axes.plot(seeds.index, seeds.mean(axis=1), **style, linewidth=1.8)


def _learning_panels(rows: pd.DataFrame) -> list[_Panel]:
    series = {name: group for name, group in rows.groupby("series")}
    none = rows.iloc[:0]

    def some(name: str, scale: float = 1) -> pd.DataFrame:
        found = series.get(name, none)
        return found.assign(value=scale * found.value)

    chance = {"anywhere": some("val.hit_random", 100), "in the middle": some("val.hit_central", 100)}
    entropy = some("train.entropy").query("places == 'grid'")
    levels = {name: one.value.mean() for name, one in chance.items() if len(one)}
    panels = [_Panel("best patch holds the target, val (%)", some("val.hit", 100), levels)]
    for reward, group in some("train.reward").groupby("reward", sort=False):
        panels.append(_Panel(REWARDS[reward], group, {"": 0.0} if reward != "confidence" else {}))
    panels.append(
        _Panel(
            "entropy (nats)",
            entropy,
            {f"evenly over {n} x {n}": np.log(n**2) for n in sorted(entropy.candidates.unique())},
        )
    )
    panels.append(_Panel("frames kept (%)", some("train.kept", 100), {}))
    return [panel for panel in panels if len(panel.rows)]


def told_learning(rows: pd.DataFrame) -> str:
    """Where each variant stands after its last epoch, mean over seeds."""
    names = {"val.hit": "hit rate", "val.hit_random": "by chance", "train.reward": "reward", "train.entropy": "entropy"}
    said = []
    for variant, group in rows.groupby("variant", sort=False):
        last = group[group.epoch == group.epoch.max()].groupby("series").value.mean()
        values = ", ".join(f"{name} {significant(last[key])}" for key, name in names.items() if key in last)
        said.append(f"{variant} after {group.epoch.max()} epochs: {values}")
    return "; ".join(said) + "."


# ---- after the first frames


def draw_online(rows: pd.DataFrame, key: str, metric: str) -> Figure:
    """rows: `decisions.online` of one dataset and head; key: the column that is drawn, called `metric`."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    axes, styles = figure.subplots(), _styles(rows)
    for (variant, reading), group in rows.groupby(["variant", "reading"], sort=False):
        at, colour, begins = _by_frames(group, key), styles[variant]["color"], reading == "begin"
        spread = np.stack([at["mean"] - at["min"], at["max"] - at["mean"]])
        line: Any = {
            "color": colour,
            "linestyle": "--" if begins else "-",
            "linewidth": 1.4,
            "elinewidth": 0.8,
            "marker": "o",
            "ms": 4,
        }
        axes.errorbar(
            at.gmacs, at["mean"], spread, **line, mfc=WHITE, label=f"{variant}, where it begins" if begins else variant
        )
        axes.plot(at.gmacs.iloc[-1:], at["mean"].iloc[-1:], "o", color=colour, ms=4.5, zorder=5)
        for one in at.itertuples():
            axes.annotate(
                f"{one.Index:g}", (one.gmacs, one.mean), (4, -9), textcoords="offset points", color=MUTED, fontsize=7.5
            )
    axes.margins(0.08, 0.12)
    axes.set_xlim(left=0)
    axes.set(xlabel="GMACs per video", ylabel=f"{metric} (%)")
    figure.legend(loc="outside upper left", frameon=False, ncols=2, fontsize=8)
    return figure


def _by_frames(group: pd.DataFrame, key: str) -> pd.DataFrame:
    """By number of frames: gmacs, and mean, min and max over seeds in percent."""
    by = group.assign(percent=100 * group[key]).groupby("frames")
    return by.percent.agg(["mean", "min", "max"]).assign(gmacs=by.gmacs.mean())


def told_online(rows: pd.DataFrame, key: str) -> str:
    said = []
    for (variant, reading), group in rows.groupby(["variant", "reading"], sort=False):
        at = _by_frames(group, key)
        values = ", ".join(f"{one.mean:.1f} % after {one.Index:g}" for one in at.itertuples())
        said.append(f"{variant}{', from the beginning' if reading == 'begin' else ''}: {values} frames")
    return "; ".join(said) + "."


# ---- chosen places


def draw_places(maps: Sequence[tuple[str, np.ndarray]]) -> Figure:
    """A heat map for each (title, shares (candidates, candidates)), all on one scale of square roots that ends at
    MOST."""
    rows, most = -(-len(maps) // A_ROW), 100 * max(grid.max() for _, grid in maps)
    figure = Figure(figsize=(WIDTH, 0.75 + 1.7 * rows), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06, hspace=0.06)  # type: ignore[union-attr, call-arg]
    scale = mpl.colors.PowerNorm(0.5, vmin=0, vmax=min(most, MOST), clip=True)
    panels = figure.subplots(rows, A_ROW, squeeze=False)
    for axes in panels.flat[len(maps) :]:
        axes.axis("off")
    for axes, (title, shares) in zip(panels.flat, maps, strict=False):
        image = axes.imshow(100 * shares, norm=scale, cmap=PALE_TO_ACCENT, interpolation="none")
        axes.set_title("\n".join(textwrap.wrap(title, 20)), fontsize=8, color=INK)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(True)
        axes.grid(visible=False)
    bar = figure.colorbar(image, ax=panels, location="bottom", aspect=40, pad=0.02)
    ticks = [tick for tick in (0, 1, 2, 5, 10, 20, 50) if tick <= min(most, MOST)]
    bar.set_ticks(ticks, labels=[f"≥ {tick}" if tick == MOST and most > MOST else str(tick) for tick in ticks])
    bar.set_label("share of the frames (%)", fontsize=9)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return figure


# ---- patches on frames


def draw_examples(videos: Sequence[Example]) -> Figure:
    """A row of frames per video, its words above."""
    columns = max(len(video.frames) for video in videos)
    aspects = [video.frames.shape[1] / video.frames.shape[2] for video in videos]
    figure, blocks = lay_out([(video.words, video.right) for video in videos], columns, 1, aspects)
    for video, ((*panels,),) in zip(videos, blocks, strict=True):
        for axes, frame, patch, target in zip(panels, video.frames, video.patches, video.targets, strict=False):
            draw_picture(axes, frame, alpha=0.35 if np.isnan(patch[0]) else 1)
            draw_target(axes, target)
            draw_box(axes, patch, GREEN)
    return figure


def told_examples(videos: Sequence[Example]) -> str:
    """Who they are, and how often a drawn patch holds the middle of a drawn target."""
    pairs = [np.concatenate([getattr(video, name) for video in videos]) for name in ("patches", "targets")]
    judged = ~np.isnan(pairs[0][:, 0]) & ~np.isnan(pairs[1][:, 0])
    hits = holds_centre(pairs[0][judged], pairs[1][judged]).sum()
    held = (
        f" The patch holds the middle of the target on {hits} of {judged.sum()} frames where both are drawn."
        if judged.any()
        else ""
    )
    return "; ".join(video.words for video in videos) + "." + held
