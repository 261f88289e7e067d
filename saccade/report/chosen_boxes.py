"""The boxes that a method chose in a frame, drawn on its picture: one in amber, several in the colours of their slots.
No torch."""

import itertools
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from saccade.records import boxes_at

ALONE = "#ffb000"
# of several boxes, by slot: they can be told apart where they coincide, and without the colours, too
SLOTS = {"red": ("#ff3b30", "-"), "green": ("#34c759", (0, (5, 2.5))), "blue": ("#0a84ff", (0, (2, 1.5)))}
OUTLINE: dict[str, Any] = {"edgecolor": "black", "linewidth": 3.2, "zorder": 1}  # below the colours of all
ORDER = ("first", "second", "third")  # and from the beginning again


def slot_names(boxes: int) -> str:
    """Which of so many boxes in a frame is drawn in which colour."""
    again = ", and so on" * (boxes > len(SLOTS))
    return ", ".join(f"{place} {name}" for place, name in list(zip(ORDER, SLOTS, strict=True))[:boxes]) + again


def draw_boxes(axes: Axes, entry: Sequence[Any] | None, width: int, height: int) -> None:
    """Draws a frame's entry of a decision's `boxes`, in fractions of the picture that `axes` shows (`imshow`), which is
    so many pixels wide and high."""
    taken = boxes_at(entry)
    looks = itertools.cycle(SLOTS.values()) if len(taken) > 1 else [(ALONE, "-")]
    for (x0, y0, x1, y1), (colour, line) in zip(taken, looks, strict=False):
        place: dict[str, Any] = {
            "xy": (x0 * width - 0.5, y0 * height - 0.5),
            "width": (x1 - x0) * width,
            "height": (y1 - y0) * height,
        }
        for style in (OUTLINE, {"edgecolor": colour, "linestyle": line, "linewidth": 1.8, "zorder": 2}):
            axes.add_patch(Rectangle(**place, fill=False, **style))
