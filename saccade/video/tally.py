"""What one pass over a file finds, held against what its container promises."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from saccade.video import timeline
from saccade.video.container import opened
from saccade.video.endings import end_lacking
from saccade.video.upright import Turn, need_colours, turn_of

_SLACK_S = 0.1  # how much sooner than its container says a whole file may end; or one and a half frames
_STATES_LENGTH = {"asf", "flv", "matroska", "mxf", "rm"}  # elsewhere FFmpeg takes the length from what is there


@dataclass
class Tally:
    """What one pass over a file found, times of the track in its ticks.

    packets: of the track. places: when they are decoded: where an AVI has them. reordered: whether pictures are shown
    in another order than they are decoded in; before: when that of the last packet is shown; both without what an edit
    list hides. stamps, lengths: when frames are shown and for how long, in their order. given_at: when the packet is
    decoded with which the decoder gives the frame; None after the last packet. content_end_s: of all tracks. ends_at:
    when an MP4 says that the track does. broken_off: whether the last packet of all is longer than what is there.
    """

    packets: int = 0
    places: list[int] = field(default_factory=list)
    reordered: bool = False
    before: int | None = None
    stamps: list[int | None] = field(default_factory=list)
    given_at: list[int | None] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    content_end_s: float = 0.0
    ends_at: int = 0
    broken_off: bool = False
    size: tuple[int, int] = (0, 0)
    turn: Turn = field(default_factory=Turn)
    interlaced: bool = False
    sounds: bool = False
    problem: str = ""

    def note_packet(self, packet: Any, own: bool) -> None:
        """Of any track with content; `own`: whether it is the one of the pictures."""
        self.broken_off = packet.is_corrupt
        start = packet.dts if packet.pts is None else packet.pts
        end_s = 0.0 if start is None else float((start + (packet.duration or 0)) * packet.time_base)
        self.content_end_s = max(self.content_end_s, 0.0 if packet.is_discard else end_s)
        if not own:
            return
        self.packets += 1
        if packet.dts is not None:
            self.places.append(packet.dts)
        if not packet.is_discard and packet.pts is not None:
            self.reordered |= self.before is not None and packet.pts < self.before
            self.before = packet.pts
        if packet.is_corrupt:
            self.problem = self.problem or f"damaged near frame {len(self.stamps)}"

    def note_frame(self, frame: Any) -> None:
        number, turn = len(self.stamps), turn_of(frame)
        size = turn.size(frame.width, frame.height)
        if not number:
            self.size, self.turn = size, turn
            need_colours(frame)
        if frame.is_corrupt:
            self.problem = self.problem or f"frame {number} decodes with errors"
        if size != self.size:
            change = f"from {self.size[0]}x{self.size[1]} to {size[0]}x{size[1]} at frame {number}"
            self.problem = self.problem or f"the size changes {change}; encode it at one size"
        self.interlaced |= frame.interlaced_frame
        self.stamps.append(frame.pts)
        self.given_at.append(frame.dts)
        self.lengths.append(frame.duration or 0)


def lacking(path: Path, container: Any, kind: str, stream: Any, indexed: int, tally: Tally) -> str:
    """What the container promises and isn't there, in words; nothing where it's whole.

    An MP4 promises the packets of its index (`indexed`) or of its fragments, which hold what edit lists show and what
    that depends on; where these are fewer than it declares, an edit list must be why. Its index says where sound lies,
    too. An AVI promises places; no packet comes from an empty one, but the next one's dts has moved on. Others promise
    seconds.
    """
    if kind == "mov":
        indexed = max(indexed, len(stream.index_entries))
        if indexed > tally.packets:
            return f"{indexed} frames, {tally.packets} are there"
        if stream.frames > indexed and stream.frames > (there := _without_edits(path, stream.index)):
            return f"{stream.frames} frames, {there} are there"
        ends = [entry.pos + entry.size for track in container.streams.audio for entry in track.index_entries]
        if (end := max(ends, default=0)) > (size := path.stat().st_size):
            return f"sound up to byte {end}, the file has {size}"
    elif kind == "avi" and tally.places:
        # nothing says how many places an only frame takes; two, where a rate was doubled for interlaced codes
        there = max(tally.packets, round(tally.places[-1] + (timeline.usual_step(tally.places) or 2)))
        if stream.frames > there:
            return f"{stream.frames} frames, {there} are there"
    elif stream.frames > tally.packets and kind != "ivf":  # whose writers count ticks
        return f"{stream.frames} frames, {tally.packets} are there"
    if kind in _STATES_LENGTH:
        promised_s = (container.duration or 0) / av.time_base
        slack_s = max(_SLACK_S, 1.5 * timeline.usual_step(tally.stamps) * float(stream.time_base))
        if promised_s > tally.content_end_s + slack_s:
            return f"{promised_s:.2f} s, its content ends at {tally.content_end_s:.2f} s"
    if kind not in ("mpegts", "mpeg") and tally.broken_off:  # these call a packet corrupt where one before was lost
        return "a whole packet where the file ends"
    return end_lacking(path, kind)


def _without_edits(path: Path, track: int) -> int:
    """How many frames the index of an MP4's track holds, hidden ones included."""
    with opened(path, {"ignore_editlist": "1"}) as container:
        return len(container.streams[track].index_entries)
