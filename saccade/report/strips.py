"""A strip per video: the whole of it as a film, and the frames that a method looked at, with the boxes it chose in
them. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch

from saccade.report import gate_curve
from saccade.report.chosen_boxes import draw_boxes
from saccade.report.figures import ACCENT, INK, MUTED, RULE, STYLE

DPI = 160
WIDTH, MARGIN = 10.0, 0.3  # inches
FILM, SECONDS, JOINS = 0.8, 0.42, 0.42  # heights of the film, of the space above it for seconds, and below it for lines
GAP, CAPTION = 0.08, 0.3  # between pictures, and below them
A_ROW, MOST = 8, 32  # pictures beside each other; pictures in all
NAME = 26  # letters of a class


@dataclass(frozen=True)
class Times:
    """When a video's frames are shown. starts_s: from when on, in seconds; duration_s: the last one's end."""

    starts_s: Sequence[float]
    duration_s: float

    def mark(self, number: int) -> float:
        """The second at which a frame is marked: the middle of the time for which it is shown, of a long one sooner, so
        that the mark stands near its beginning."""
        ends = [*self.starts_s[1:], self.duration_s]
        usual = float(np.median(np.subtract(ends, self.starts_s)))
        return self.starts_s[number] + min(ends[number] - self.starts_s[number], usual) / 2

    def along(self, count: int) -> list[int]:
        """The numbers of the frames shown in the middles of `count` equal parts of the video."""
        middles = (np.arange(count) + 0.5) * self.duration_s / count
        shown = np.searchsorted(self.starts_s, middles, side="right") - 1
        return [int(number) for number in shown.clip(0)]


@dataclass(frozen=True)
class Look:
    """A frame that was looked at: its number, its picture (H, W, 3) uint8, and the entries of it in a decision's
    `boxes`, each a box (x0, y0, x1, y1) in fractions of the picture or a list of such boxes, one a slot."""

    number: int
    picture: np.ndarray
    boxes: list[Sequence[Any]] = field(default_factory=list)


def giga(macs: int) -> str:
    """In 10^9, with three digits that count."""
    return f"{macs / 1e9:#.3g}".rstrip(".")


def pictures(rgb: Any, mean: Sequence[float], std: Sequence[float], channel_order: str = "rgb") -> np.ndarray:
    """(T, H, W, 3) uint8: what a clip (T, C, H, W) shows that was normalised by these settings."""
    shown = np.moveaxis(np.asarray(rgb), 1, 3) * np.asarray(std) + np.asarray(mean)
    shown = shown[..., ::-1] if channel_order == "bgr" else shown
    return np.asarray((shown * 255).round().clip(0, 255), dtype=np.uint8)


def thumbnails(aspect: float) -> int:
    """How many pictures of that shape (width / height) fill the film."""
    return max(round((WIDTH - 2 * MARGIN) / (FILM * aspect)), 1)


def evenly(frames: int, count: int) -> list[int]:
    """`count` of the numbers below `frames`, each the middle of an equal part of them."""
    return [int((number + 0.5) * frames / count) for number in range(count)]


def draw(
    title: str,
    lines: Sequence[str],
    classes: Mapping[str, Sequence[tuple[str, float]]],
    film: Sequence[np.ndarray],
    looks: Sequence[Look],
    offered: Sequence[int],
    times: Times,
    scanned: Sequence[int] = (),
    gates: Mapping[int, float] = MappingProxyType({}),
) -> Figure:
    """The strip. film: pictures spread evenly over the video (`Times.along`); offered: what the method could choose
    from; scanned: those that it only pre-scanned; gates: of frames that a selector looked at (`draw_gates`)."""
    shown = [looks[number] for number in evenly(len(looks), MOST)] if len(looks) > MOST else list(looks)
    columns = min(max(len(shown), 4), A_ROW)
    rows = -(-len(shown) // columns)
    inner = WIDTH - 2 * MARGIN
    cell = inner / columns
    tall = max((look.picture.shape[0] / look.picture.shape[1] for look in shown), default=0) * (cell - GAP)
    head = max(1.0, 0.2 + 0.2 * max(map(len, classes.values()), default=0))
    curve = gate_curve.ABOVE + gate_curve.HEIGHT if gates else 0.0
    height = MARGIN + head + SECONDS + FILM + curve + JOINS + rows * (tall + CAPTION) + MARGIN / 2
    with mpl.rc_context({**STYLE, "axes.grid": False, "figure.facecolor": "white", "savefig.facecolor": "white"}):
        figure = Figure(figsize=(WIDTH, height))
        place = _Placer(figure, height)
        _write(figure, place, title, lines, height)
        _draw_classes(place, classes, head)
        top = MARGIN + head + SECONDS
        strip = place(MARGIN, top, inner, FILM)
        _draw_film(strip, film, times.duration_s)
        foot = strip
        if gates:
            foot = place(MARGIN, top + FILM + gate_curve.ABOVE, inner, gate_curve.HEIGHT)
            foot.set_xlim(0, times.duration_s)
            seconds = {number: times.mark(number) for number in gates}
            gate_curve.draw_gates(foot, gates, [look.number for look in looks], seconds)
        _mark(strip, foot, shown, offered, times, scanned)
        top += FILM + curve + JOINS
        for number, look in enumerate(shown):
            row, column = divmod(number, columns)
            axes = place(MARGIN + column * cell + GAP / 2, top + row * (tall + CAPTION), cell - GAP, tall)
            _draw_look(axes, look, times, gates)
            if rows == 1:
                _join(figure, foot, axes, times.mark(look.number))
        return figure


class _Placer:
    """Axes at a place in inches from the figure's top left corner."""

    def __init__(self, figure: Figure, height: float) -> None:
        self.figure, self.height = figure, height

    def __call__(self, left: float, top: float, width: float, height: float) -> Axes:
        return self.figure.add_axes(
            (left / WIDTH, 1 - (top + height) / self.height, width / WIDTH, height / self.height)
        )


def _write(figure: Figure, place: _Placer, title: str, lines: Sequence[str], height: float) -> None:
    words: Any = {"ha": "left", "va": "top", "parse_math": False}
    left, top = MARGIN / WIDTH, 1 - (MARGIN - 0.05) / height
    figure.text(left, top, _short(title, 48), fontsize=15, fontweight="bold", color=INK, **words)
    for number, line in enumerate(lines):
        figure.text(left, 1 - (MARGIN + 0.33 + 0.23 * number) / height, line, fontsize=9.5, color=MUTED, **words)


def _draw_classes(place: _Placer, classes: Mapping[str, Sequence[tuple[str, float]]], head: float) -> None:
    """A panel of bars per head, the likeliest class in the accent, at the right."""
    width = 4.3 / max(len(classes), 1)
    for number, (name, rows) in enumerate(classes.items()):
        left = WIDTH - MARGIN - (len(classes) - number) * width
        # names left of it, percentages right
        axes = place(left + 0.5 * width, MARGIN + 0.2, 0.26 * width, 0.2 * len(rows))
        axes.barh(
            range(len(rows)),
            [probability for _, probability in rows],
            color=[ACCENT] + [RULE] * (len(rows) - 1),
            height=0.66,
        )
        axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xticks=[])
        axes.set_yticks(
            range(len(rows)),
            [_short(label, round(NAME / max(len(classes), 1) ** 0.7)) for label, _ in rows],
            parse_math=False,
        )
        axes.tick_params(axis="y", length=0, labelsize=9, labelcolor=INK)
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.text(0, -0.75, name, fontsize=9, color=MUTED, parse_math=False)
        for row, (_, probability) in enumerate(rows):
            axes.annotate(
                f"{100 * probability:.0f} %",
                (probability, row),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )


def _draw_film(axes: Axes, film: Sequence[np.ndarray], duration_s: float) -> None:
    """Pictures edge to edge along the video's time, paled, with seconds above."""
    box = axes.get_window_extent()
    shape = (box.width / len(film)) / box.height
    for number, picture in enumerate(film):
        low, high = number * duration_s / len(film), (number + 1) * duration_s / len(film)
        axes.imshow(
            _cropped(picture, shape), extent=(low, high, 0, 1), aspect="auto", alpha=0.6, interpolation="antialiased"
        )
        if number:
            axes.axvline(low, color="white", linewidth=1)
    axes.set(xlim=(0, duration_s), ylim=(0, 1), yticks=[])
    seconds = [tick for tick in mpl.ticker.MaxNLocator(8).tick_values(0, duration_s) if 0 <= tick <= duration_s]
    axes.set_xticks(seconds, [f"{tick:g} s" for tick in seconds], color=MUTED, fontsize=8.5)
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False, length=3, width=0.7, pad=2)
    axes.spines[:].set_visible(False)


def _mark(
    film: Axes, foot: Axes, looks: Sequence[Look], offered: Sequence[int], times: Times, scanned: Sequence[int]
) -> None:
    """On the film a line where the method looked; below it, or what stands below it, a triangle there, an empty one
    where it only pre-scanned, a grey dot where it could have looked."""
    chosen = {look.number: times.mark(look.number) for look in looks}
    across = foot.get_xaxis_transform()
    below: Any = {"transform": across, "clip_on": False}
    skipped = [times.mark(number) for number in offered if number not in chosen and number not in scanned]
    foot.plot(skipped, [-0.09] * len(skipped), ".", color=MUTED, markersize=4, **below)
    half = [times.mark(number) for number in scanned]
    foot.plot(half, [-0.09] * len(half), "^", color=ACCENT, markerfacecolor="white", markersize=6, **below)
    for second in chosen.values():
        halo = [effects.withStroke(linewidth=3.2, foreground="white")]
        film.axvline(second, color=ACCENT, linewidth=1.6, path_effects=halo)
        if foot is not film:
            foot.axvline(second, color=ACCENT, linewidth=0.8, alpha=0.6, zorder=0)
    foot.plot(list(chosen.values()), [-0.09] * len(chosen), "^", color=ACCENT, markersize=6, **below)


def _draw_look(axes: Axes, look: Look, times: Times, gates: Mapping[int, float]) -> None:
    """The picture; of a timestep with its gate, in a frame of the accent."""
    axes.imshow(look.picture, interpolation="antialiased")
    height, width = look.picture.shape[:2]
    for entry in look.boxes:
        draw_boxes(axes, entry, width, height)
    axes.set(xticks=[], yticks=[])
    axes.set_anchor("N")
    axes.spines[:].set(visible=look.number in gates, color=ACCENT, linewidth=1.6)
    second, gate = times.starts_s[look.number], gates.get(look.number)
    said = f"{second:.2f} s  ·  #{look.number}" if gate is None else f"{second:.1f} s, gate {gate:.2g}"
    axes.set_xlabel(said, fontsize=8.5, color=MUTED, labelpad=3)


def _join(figure: Figure, film: Axes, axes: Axes, second: float) -> None:
    """A thin line from the frame's place in the film to its picture."""
    ends: Any = {"coordsA": film.get_xaxis_transform(), "coordsB": axes.transAxes}
    figure.add_artist(ConnectionPatch((second, -0.16), (0.5, 1.02), color=RULE, linewidth=1, zorder=-1, **ends))


def _cropped(picture: np.ndarray, shape: float) -> np.ndarray:
    """Its middle, of that width / height."""
    height, width = picture.shape[:2]
    wide, tall = min(width, round(height * shape)), min(height, round(width / shape))
    top, left = (height - tall) // 2, (width - wide) // 2
    return picture[top : top + tall, left : left + wide]


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"
