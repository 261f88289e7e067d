"""What one file holds, found by decoding all of it: how many frames, when each is shown, how they lie.

Time is that of an ordinary player: by presentation, edit lists followed, from the first frame shown. A frame that an
edit list hides doesn't exist here, nor for `decode`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from saccade.video import timeline
from saccade.video.boxes import cut_short, outside_reference
from saccade.video.container import VideoError, audio_stream, need_file, opened, reason, video_stream, video_tracks
from saccade.video.endings import end_lacking
from saccade.video.upright import Turn, rgb_of, turn_of

_SLACK_S = 0.1  # how much sooner than its container says a whole file may end; or one and a half frames
_STATES_LENGTH = {"asf", "flv", "matroska", "mxf", "rm"}  # elsewhere FFmpeg takes the length from what is there


@dataclass(frozen=True)
class VideoInfo:
    """What a file holds. Everything is said of the frames as they are shown: upright, in the order of decoding.

    frames: how many really decode. fps: the rate at which frame n is shown at n / fps seconds, to within half a frame;
    where there is none, that of frames at their usual distance. duration_s: from the first frame to the end of the
    last. audio: whether at least one sample of sound decodes. bytes: the file's size. times_s: when each frame is
    shown, in seconds from the first; never falling. rotation: by how many degrees stored pictures are turned clockwise
    to lie upright (0, 90, 180, 270), where `mirrored` after a mirroring from top to bottom. pixel_aspect: width by
    height of a pixel. interlaced: whether a frame says so. video_tracks: how many there are beside cover pictures.
    """

    frames: int
    fps: float
    duration_s: float
    width: int
    height: int
    audio: bool
    bytes: int
    times_s: tuple[float, ...]
    rotation: int
    mirrored: bool
    pixel_aspect: float
    interlaced: bool
    video_tracks: int

    @property
    def steady(self) -> bool:
        """Whether frame n is shown at n / fps seconds, to within half a frame."""
        return timeline.steady(np.array(self.times_s), self.fps)

    def columns(self) -> dict[str, Any]:
        """The video's part of a row of the index. `times_s` is empty where `fps` says it all."""
        names = ("bytes", "frames", "fps", "duration_s", "width", "height", "audio")
        return {name: getattr(self, name) for name in names} | {"times_s": [] if self.steady else list(self.times_s)}


def probe(path: Path) -> VideoInfo:
    """What the file holds.

    Without sound, or with sound that doesn't decode, `audio` is False. Raises VideoError where the file is missing,
    empty, no video, or damaged. Damaged means: less is there than the container promises, packets or seconds, or a
    frame doesn't decode cleanly. What MPEG-TS lost without a trace can't be distinguished from a variable frame rate.
    """
    path = Path(path)
    need_file(path)
    if other := outside_reference(path):
        raise VideoError(f"{path}: its pictures or sounds are in another file ({other}); a video is one file")
    with opened(path) as container:
        if (cut := cut_short(path)) == "moov":  # what is left of it may name all pictures and no sound
            raise VideoError(f"{path}: truncated: its index (moov) is longer than what is there of the file")
        stream, sound = video_stream(path, container), audio_stream(container)
        indexed, tally, tick_s = len(stream.index_entries), _Tally(), stream.time_base
        _decode_all(container, stream, sound, tally)
        if (kind := container.format.name.partition(",")[0]) == "mov" and stream.duration:
            tally.ends_at = (stream.start_time or 0) + stream.duration
        lacking = _lacking(path, container, kind, stream, indexed, tally)
        if not lacking and kind == "mov" and not stream.frames and cut:
            lacking = "a fragment that is longer than the file"
        rates = [float(rate) for rate in (stream.average_rate, stream.guessed_rate) if rate]
        aspect, tracks = float(stream.sample_aspect_ratio or 1), video_tracks(container)
    if lacking:
        raise VideoError(f"{path}: truncated or damaged: the container promises {lacking}")
    if tally.problem or not tally.stamps:
        raise VideoError(f"{path}: {tally.problem or 'no frame of its video decodes'}")
    times, step_s, last_s = _timed(tally, kind, tick_s, rates)
    return VideoInfo(
        frames=len(times),
        fps=timeline.frame_rate(times, step_s, rates),
        duration_s=float(times[-1]) + last_s,
        width=tally.size[0],
        height=tally.size[1],
        audio=tally.sounds,
        bytes=path.stat().st_size,
        times_s=tuple(times.tolist()),
        rotation=tally.turn.degrees,
        mirrored=tally.turn.mirrored,
        pixel_aspect=1 / aspect if tally.turn.transposed else aspect,
        interlaced=tally.interlaced,
        video_tracks=tracks,
    )


def _timed(tally: "_Tally", kind: str, tick_s: Fraction, rates: Sequence[float]) -> tuple[np.ndarray, float, float]:
    """When each frame is shown, from the first, their usual distance, and for how long the last one is; in seconds."""
    # An AVI has places and no times; FFmpeg's guess of them isn't even the order of its frames. A frame is shown at the
    # place of the packet that makes the decoder give it.
    placed = kind == "avi" and any(place is not None for place in tally.given_at)
    stamps, own = timeline.joined(tally.given_at if placed else tally.stamps), tally.lengths[-1]
    step = timeline.usual_step(stamps) or own or float(1 / (rates or [25.0])[0] / tick_s)
    ticks = timeline.shown_at(stamps, step)
    # Of reordered pictures some containers keep the distances of decoding, not how long they are shown.
    last = own if own and not placed and not tally.reordered else step
    if stamps[-1] is not None and stamps[-1] < tally.ends_at:
        last = min(last, tally.ends_at - stamps[-1])
    return ticks * tick_s.numerator / tick_s.denominator, float(step * tick_s), float(last * tick_s)


@dataclass
class _Tally:
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


def _lacking(path: Path, container: Any, kind: str, stream: Any, indexed: int, tally: _Tally) -> str:
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
    promised_s = (container.duration or 0) / av.time_base if kind in _STATES_LENGTH else 0.0
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


def _decode_all(container: Any, stream: Any, sound: Any, tally: _Tally) -> None:
    """Decodes the track up to its first problem, and the sound up to its own. Notes where the content of all tracks
    ends."""
    silent = sound is None
    for packet in container.demux():
        # a flush packet says 0 for `stream_index`, whatever its track
        own, of_sound = packet.stream.index == stream.index, not silent and packet.stream.index == sound.index
        if packet.size and packet.stream.type in ("video", "audio", "subtitle"):
            tally.broken_off = packet.is_corrupt
            _note_packet(tally, packet, own)
        try:
            if own and not tally.problem:
                for frame in packet.decode():
                    _note_frame(tally, frame)
            elif of_sound:
                tally.sounds |= any([frame.samples for frame in packet.decode()])
        except FFmpegError as error:
            if own:
                tally.problem = f"decoding fails after {len(tally.stamps)} frames: {reason(error)}"
            else:
                silent |= tally.sounds  # a recording may begin within a packet of sound
    tally.sounds &= not silent


def _note_packet(tally: _Tally, packet: Any, own: bool) -> None:
    start = packet.dts if packet.pts is None else packet.pts
    end_s = 0.0 if start is None else float((start + (packet.duration or 0)) * packet.time_base)
    tally.content_end_s = max(tally.content_end_s, 0.0 if packet.is_discard else end_s)
    if not own:
        return
    tally.packets += 1
    if packet.dts is not None:
        tally.places.append(packet.dts)
    if not packet.is_discard and packet.pts is not None:
        tally.reordered |= tally.before is not None and packet.pts < tally.before
        tally.before = packet.pts
    if packet.is_corrupt:
        tally.problem = tally.problem or f"damaged near frame {len(tally.stamps)}"


def _note_frame(tally: _Tally, frame: Any) -> None:
    number, turn = len(tally.stamps), turn_of(frame)
    size = turn.size(frame.width, frame.height)
    if not number:
        tally.size, tally.turn = size, turn
        rgb_of(frame)  # there are colours that libswscale refuses
    if frame.is_corrupt:
        tally.problem = tally.problem or f"frame {number} decodes with errors"
    if size != tally.size:
        change = f"from {tally.size[0]}x{tally.size[1]} to {size[0]}x{size[1]} at frame {number}"
        tally.problem = tally.problem or f"the size changes {change}; encode it at one size"
    tally.interlaced |= frame.interlaced_frame
    tally.stamps.append(frame.pts)
    tally.given_at.append(frame.dts)
    tally.lengths.append(frame.duration or 0)
