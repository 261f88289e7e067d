"""What `try` found out about a video, and how it is told. No torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saccade.records import boxes_at
from saccade.report import strips
from saccade.report.chosen_boxes import slot_names

if TYPE_CHECKING:
    from saccade.video.probe import VideoInfo

READS, RUNS = 3, 5  # how often reading and the model are timed, after one untimed run


@dataclass(frozen=True)
class Tried:
    """One video: its classes (head -> [(name, probability)], likeliest first) and what they cost, all views together.

    read_s: decoding, resizing and cropping; model_s: the method's `predict` on one video. `decisions`: one per view.
    Where frames were decoded on demand `wanted_frames` is how many were asked for, and `of_all`: (how many the clip
    has, how many would be decoded for all of it).
    """

    path: Path
    info: "VideoInfo"
    classes: dict[str, list[tuple[str, float]]]
    macs: int
    frames: int
    decoded_frames: int
    views: int
    read_s: float
    model_s: float
    decisions: list[dict[str, Any]]
    wanted_frames: int | None = None
    of_all: tuple[int, int] = (0, 0)
    by_number: bool = False  # whether the clip was on demand


def described(tried: Tried, where: str) -> str:
    """The classes and the price as lines of text."""
    lines = []
    for head, classes in tried.classes.items():
        for number, (name, probability) in enumerate(classes):
            lines.append(f"  {head if number == 0 else '':7} {100 * probability:5.1f} %  {name}")
    of_views = f" in {tried.views} views" if tried.views > 1 else ""
    lines.append(
        f"  looked  at {tried.frames} of {tried.info.frames} frames{of_views}; {tried.decoded_frames} were decoded for "
        "them"
    )
    if tried.wanted_frames is not None:
        lines.append(
            f"          each when it was asked for: {tried.wanted_frames} of the clip's {tried.of_all[0]}, for which "
            f"{tried.of_all[1]} would be"
        )
    lines += _fates(tried.decisions[0])
    most = max((len(boxes_at(entry)) for view in tried.decisions for entry in view.get("boxes") or []), default=0)
    if most > 1:
        lines.append(f"  boxes   {most} in a frame, by colour: {slot_names(most)}")
    lines.append(f"  cost    {strips.giga(tried.macs)} GMACs (multiply-adds executed, in 10^9)")
    lines.append(f"  time    model {1000 * tried.model_s:.1f} ms, decoding and resizing {1000 * tried.read_s:.1f} ms")
    reads = READS if tried.wanted_frames is None and not tried.by_number else RUNS
    return "\n".join(
        [*lines, f"          ({where}, one video at a time, medians of {RUNS} and {reads} after a first one)"]
    )


def _fates(decision: dict[str, Any]) -> list[str]:
    """What became of the frames or timesteps of a view, and what a frame of either kind costs, where the decision says
    so."""
    if {"timesteps", "alpha"} <= set(decision):
        alpha = decision["alpha"]
        opened = sum(value >= 0 for value in alpha)
        return [f"  gates   {opened} of {len(alpha)} open; {len(decision['timesteps'])} timesteps chosen"]
    if not {"frames", "scanned", "skipped", "frame_macs"} <= set(decision):
        return []
    full, scanned = (strips.giga(macs) for macs in decision["frame_macs"])
    return [
        f"  frames  {len(decision['frames'])} in full ({full} GMACs each; the first for no decision a little less), "
        f"{len(decision['scanned'])} pre-scanned ({scanned}), {len(decision['skipped'])} skipped (nothing)"
    ]
