"""The figure that matters most: accuracy against executed cost, with intervals, seeds, stand-ins and the Pareto front.
No torch."""

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from saccade.report.cells import percent, significant
from saccade.report.figures import INK, MANY, MUTED, STYLE, WIDTH, colours_of
from saccade.results.frontier import pareto_front
from saccade.results.runs import rows_of

MARKERS = {"oracle": "^", "random": "v", "fixed": "s", "static": "D"}
SIDES = [(7, 0), (-7, 0), (5, 5), (5, -5), (-5, 5), (-5, -5), (0, 7), (0, -7), (5, 12), (5, -12), (-5, 12), (-5, -12)]
GMACS = "GMACs per video (multiply-adds executed,\nall views and crops, head included)"


def draw_tradeoff(points: pd.DataFrame, seeds: pd.DataFrame, metric: str, baselines: pd.DataFrame) -> Figure:
    """Accuracy against executed cost: circles for own points (filled on their Pareto front), other hollow marks for
    stand-ins, a colour per variant, 95 % intervals, small dots for seeds; behind them, grey, the baselines' frontier.
    Points of equal cost stand side by side, a few pixels apart.

    points: frontier.tradeoff_points, at least one row; seeds: frontier.seed_points; metric: what the y axis says;
    baselines: frontier.static_frontier, which may be empty.
    """
    colours = colours_of(list(dict.fromkeys(points.variant)))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
        axes = figure.subplots()
        axes.set(xscale="log", xlabel=GMACS, ylabel=f"{metric} (%)")
        _limits(axes, points, baselines)
        points = _side_by_side(axes, points)
        _draw_baselines(axes, baselines)
        _draw_seeds(axes, points, seeds, colours)
        lines = _front(axes, points[points.stand_in == ""], "-") + _front(
            axes, points[points.stand_in == "static"], "--"
        )
        for p in rows_of(points):
            colour = colours[p.variant]
            axes.vlines(
                p.x, 100 * p.low, 100 * p.high, color=colour, linewidth=1.2, alpha=0.35 if p.stand_in else 0.7, zorder=3
            )
            face, marker = colour if p.front else "#ffffff", MARKERS.get(p.stand_in, "o")
            axes.scatter(
                p.x, 100 * p.value, s=38, marker=marker, facecolors=face, edgecolors=colour, linewidths=1.3, zorder=4
            )
        if 1 < len(colours) <= MANY:
            handles = [
                Line2D([], [], color=colour, marker="o", linestyle="", label=variant)
                for variant, colour in colours.items()
            ]
            figure.legend(
                handles=handles,
                loc="outside upper left",
                frameon=False,
                ncols=3,
                fontsize=9,
                handletextpad=0.2,
                borderaxespad=0,
            )
        _label_points(axes, points, baselines, lines)
        return figure


def _limits(axes: Axes, points: pd.DataFrame, baselines: pd.DataFrame) -> None:
    """Room for names right of the last point, and above and below every interval, the frontier and the chance level."""
    costs = np.log(pd.concat([points.gmacs, baselines.gmacs.astype(float)]))
    low, high = costs.min(), costs.max()
    right = 0.24  # of the axis
    width = max((high - low) / (0.9 - right), 1.0)
    axes.set_xlim(np.exp(high + (right - 1) * width), np.exp(high + right * width))
    span = np.exp(width)
    subs = (1, 1.5, 2, 3, 4, 5, 7) if span < 8 else (1, 2, 5) if span < 300 else (1,)
    axes.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=subs, numticks=9))
    axes.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    values = (
        100
        * pd.concat(
            [*(points[name] for name in ("value", "low", "high", "chance")), baselines.value.astype(float)]
        ).dropna()
    )
    room = max(4.0, 0.08 * (values.max() - values.min()))
    axes.set_ylim(max(values.min() - room, -2), min(values.max() + room, 102))


def _side_by_side(axes: Axes, points: pd.DataFrame) -> pd.DataFrame:
    """`points` with `x`: the cost, shifted by 2 % of the axis for each further point of (nearly) equal cost."""
    low, high = np.log(axes.get_xlim())
    points = points.sort_values(["variant", "stand_in", "value"], kind="stable")
    group = (np.log(points.gmacs) / (0.03 * (high - low))).round()
    rank = points.groupby(group).cumcount() - (points.groupby(group).gmacs.transform("size") - 1) / 2
    return points.assign(x=points.gmacs * np.exp(0.02 * (high - low) * rank))


def _draw_baselines(axes: Axes, baselines: pd.DataFrame) -> None:
    """The best that any baseline reaches for at most that cost, as a pale broad step line to the right edge, with its
    points."""
    if baselines.empty:
        return
    x, y = [*baselines.gmacs, axes.get_xlim()[1]], 100 * baselines.value.to_numpy(float)
    axes.plot(
        x,
        [*y, y[-1]],
        drawstyle="steps-post",
        color=MUTED,
        linewidth=4,
        alpha=0.3,
        zorder=1.5,
        solid_capstyle="butt",
        gid="baselines",
    )
    axes.scatter(baselines.gmacs, y, s=14, color=MUTED, alpha=0.5, linewidth=0, zorder=1.6)


def _draw_seeds(axes: Axes, points: pd.DataFrame, seeds: pd.DataFrame, colours: dict[str, str]) -> None:
    dots = seeds.merge(points[["variant", "point", "x", "seeds"]], on=["variant", "point"]).query("seeds > 1")
    if dots.empty:
        return
    low, high = np.log(axes.get_xlim())
    x = dots.x * np.exp(-0.011 * (high - low))  # left of the mark, so that both can be seen
    axes.scatter(x, 100 * dots.value, s=8, c=dots.variant.map(colours), alpha=0.7, linewidth=0, zorder=3)


def _front(axes: Axes, points: pd.DataFrame, linestyle: str) -> list[tuple[float, float, float]]:
    """Draws the best accuracy for at most that cost, as steps; gives back its level parts (from, to, height)."""
    best = points[pareto_front(points.gmacs, points.value)].sort_values("x")
    axes.plot(
        best.x,
        100 * best.value,
        drawstyle="steps-post",
        color=MUTED,
        linestyle=linestyle,
        linewidth=1,
        alpha=0.8,
        zorder=2,
    )
    return list(zip(best.x, best.x[1:], 100 * best.value, strict=False))


@dataclass
class _Space:
    """Pixels: where names may stand, the centres of the marks (N, 2), what a name must not cover, what it should rather
    not cross."""

    room: Bbox
    marks: np.ndarray
    solid: list[Bbox]
    lines: list[Bbox]


def _label_points(
    axes: Axes, points: pd.DataFrame, baselines: pd.DataFrame, lines: list[tuple[float, float, float]]
) -> None:
    """Names beside the points, front first; one for which there is no place is left to the table."""
    axes.get_figure().draw_without_rendering()  # type: ignore[union-attr]
    frame, to_pixels = axes.get_window_extent(), axes.transData.transform
    marks = to_pixels(np.column_stack([points.x, 100 * points.value]))
    space = _Space(Bbox.from_extents(frame.x0, frame.y0, frame.x1 + 6, frame.y1 + 8), marks, [], [])
    space.solid += [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in marks]
    space.lines += [Bbox([to_pixels((x0, y)), to_pixels((x1, y)) + 1]) for x0, x1, y in lines]
    for p in rows_of(points.dropna(subset=["low", "high"])):
        space.lines.append(Bbox([to_pixels((p.x, 100 * p.low)) - 1, to_pixels((p.x, 100 * p.high)) + 1]))
    for chance in points.chance.dropna()[:1]:
        axes.axhline(100 * chance, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        left, right = axes.get_xlim()
        words = f"chance {100 * chance:.1f} %"
        if not _place(axes, space, words, (left, 100 * chance), MUTED, [(2, 3), (2, -3)], near=False):
            _place(axes, space, words, (right, 100 * chance), MUTED, [(-2, 3), (-2, -3)], near=False)
        height = to_pixels((left, 100 * chance))[1]
        space.lines.append(Bbox.from_extents(frame.x0, height - 1, frame.x1, height + 1))
    _label_baselines(axes, space, baselines)
    several = points.variant.nunique() > MANY
    for p in rows_of(
        points.assign(own=points.stand_in == "").sort_values(["front", "own", "value"], ascending=False, kind="stable")
    ):
        name = f"{p.variant} · {p.title}" if several else p.title
        _place(axes, space, name, (p.x, 100 * p.value), MUTED if p.stand_in else INK, SIDES)


def _label_baselines(axes: Axes, space: _Space, baselines: pd.DataFrame) -> None:
    """`baselines` above or below the frontier's last level part, else above an earlier one; the line itself is kept
    clear of names."""
    if baselines.empty:
        return
    to_pixels, ends = axes.transData.transform, [*baselines.gmacs[1:], axes.get_xlim()[1]]
    levels = [(x0, x1, 100 * y) for x0, x1, y in zip(baselines.gmacs, ends, baselines.value, strict=True)]
    space.lines += [Bbox([to_pixels((x0, y)) - 2, to_pixels((x1, y)) + 2]) for x0, x1, y in levels]
    last = (axes.get_xlim()[1], levels[-1][2])
    spots = [(last, [(-2, 5), (-2, -5)])] + [((x0, y), [(2, 5), (2, -5)]) for x0, _, y in levels[::-1]]
    any(_place(axes, space, "baselines", at, MUTED, sides, near=False) for at, sides in spots)


def _place(
    axes: Axes,
    space: _Space,
    words: str,
    at: tuple[float, float],
    color: str,
    sides: list[tuple[int, int]],
    near: bool = True,
) -> bool:
    """Write `words` on the side (an offset in points) that crosses fewest lines; whether there was one inside the room,
    clear of marks and other names and (`near`) closer to its own mark than to any other."""
    text = axes.annotate(
        words, at, (0, 0), textcoords="offset points", color=color, fontsize=9, va="center", ha="center"
    )
    size, centre = text.get_window_extent(), axes.transData.transform(at)
    scale = axes.get_figure().dpi / 72  # type: ignore[union-attr]
    best: tuple[int, tuple[float, float], Bbox] | None = None
    for side in sides:
        shift = np.sign(side) * np.array([size.width, size.height]) / 2 + np.array(side) * scale
        box = size.translated(*shift)
        inside = (
            space.room.x0 <= box.x0 and box.x1 <= space.room.x1 and space.room.y0 <= box.y0 and box.y1 <= space.room.y1
        )
        if (
            not inside
            or any(box.overlaps(other) for other in space.solid)
            or (near and not _nearest(box, centre, space.marks))
        ):
            continue
        crossed = sum(box.overlaps(line) for line in space.lines)
        if best is None or crossed < best[0]:
            best = crossed, tuple(shift / scale), box
    if best is None:
        text.remove()
        return False
    text.set_position(best[1])
    space.solid.append(best[2])
    return True


def _nearest(box: Bbox, centre: np.ndarray, marks: np.ndarray) -> bool:
    """Whether no mark is nearer to the box than the one at `centre`."""

    def distance(spots: np.ndarray) -> np.ndarray:
        beyond = np.maximum(0, np.maximum(box.min - spots, spots - box.max))
        return np.asarray(np.hypot(*beyond.T))

    return bool(distance(centre[None])[0] <= distance(marks).min() + 0.5)


def describe_tradeoff(points: pd.DataFrame, metric: str, dataset: str, baselines: pd.DataFrame) -> str:
    """What draw_tradeoff shows, in words."""
    rows = rows_of(points.sort_values("gmacs", kind="stable"))
    said = [
        f"{p.variant}, {p.title}: {percent(p.value, low=p.low, high=p.high)} % at {significant(p.gmacs)}" for p in rows
    ]
    chance = points.chance.dropna()
    floor = f" Chance level: {percent(chance.iloc[0])} %." if len(chance) else ""
    steps = "; ".join(f"{percent(p.value)} % at {significant(p.gmacs)}" for p in rows_of(baselines))
    static = f" The baselines' frontier: {steps}." if steps else ""
    return f"{metric} against GMACs per video on {dataset}. {'; '.join(said)}.{static}{floor}"
