"""What one file holds, found by decoding all of it: how many frames, when each is shown, how they lie.

Time is that of an ordinary player: by presentation, edit lists followed, from the first frame shown. A frame that an
edit list hides doesn't exist here, nor for `decode`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError

from saccade.video import timeline
from saccade.video.boxes import cut_short, outside_reference
from saccade.video.container import VideoError, audio_stream, need_file, opened, reason, video_stream, video_tracks
from saccade.video.tally import Tally, lacking

# Goes through the open file: (container, the track of its pictures, that of its sound or None, what it fills).
Pass = Callable[[Any, Any, Any, Tally], None]


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
        """A file's part of a row of the index. `times_s` is empty where `fps` says it all."""
        names = ("bytes", "frames", "fps", "duration_s", "width", "height", "audio")
        measured = {name: getattr(self, name) for name in names}
        return {"first_frame": 0} | measured | {"times_s": [] if self.steady else list(self.times_s)}


def probe(path: Path) -> VideoInfo:
    """What the file holds.

    Without sound, or with sound that doesn't decode, `audio` is False. Raises VideoError where the file is missing,
    empty, no video, or damaged. Damaged means: less is there than the container promises, packets or seconds, or a
    frame doesn't decode cleanly. What MPEG-TS lost without a trace can't be distinguished from a variable frame rate.
    """
    return probe_by(decode_all, path)


def probe_by(read: Pass, path: Path, **options: Mapping[str, str]) -> VideoInfo:
    """What the file holds, as `read` finds it. `options`: those of `opened`. Raises VideoError as `probe` does, and
    what `read` raises."""
    path = Path(path)
    need_file(path)
    if other := outside_reference(path):
        raise VideoError(f"{path}: its pictures or sounds are in another file ({other}); a video is one file")
    with opened(path, **options) as container:
        if (cut := cut_short(path)) == "moov":  # what is left of it may name all pictures and no sound
            raise VideoError(f"{path}: truncated: its index (moov) is longer than what is there of the file")
        stream, sound = video_stream(path, container), audio_stream(container)
        indexed, tally, tick_s = len(stream.index_entries), Tally(), stream.time_base
        read(container, stream, sound, tally)
        if (kind := container.format.name.partition(",")[0]) == "mov" and stream.duration:
            tally.ends_at = (stream.start_time or 0) + stream.duration
        missing = lacking(path, container, kind, stream, indexed, tally)
        if not missing and kind == "mov" and not stream.frames and cut:
            missing = "a fragment that is longer than the file"
        rates = [float(rate) for rate in (stream.average_rate, stream.guessed_rate) if rate]
        ratio, tracks = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio, video_tracks(container)
    if missing:
        raise VideoError(f"{path}: truncated or damaged: the container promises {missing}")
    if tally.problem or not tally.stamps:
        raise VideoError(f"{path}: {tally.problem or 'no frame of its video decodes'}")
    aspect = float(ratio or 1)
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


def _timed(tally: Tally, kind: str, tick_s: Fraction, rates: Sequence[float]) -> tuple[np.ndarray, float, float]:
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


def decode_all(
    container: Any, stream: Any, sound: Any, tally: Tally, each: Callable[[Any], object] = lambda frame: None
) -> None:
    """Decodes the track up to its first problem, and the sound up to its own. Notes where the content of all tracks
    ends. `each` is given every frame before the problem."""
    silent = sound is None
    for packet in container.demux():
        # a flush packet says 0 for `stream_index`, whatever its track
        own, of_sound = packet.stream.index == stream.index, not silent and packet.stream.index == sound.index
        if packet.size and packet.stream.type in ("video", "audio", "subtitle"):
            tally.note_packet(packet, own)
        try:
            if own and not tally.problem:
                for frame in packet.decode():
                    tally.note_frame(frame)
                    if not tally.problem:
                        each(frame)
            elif of_sound:
                tally.sounds |= any([frame.samples for frame in packet.decode()])
        except FFmpegError as error:
            if own:
                tally.problem = f"decoding fails after {len(tally.stamps)} frames: {reason(error)}"
            else:
                silent |= tally.sounds  # a recording may begin within a packet of sound
    tally.sounds &= not silent
