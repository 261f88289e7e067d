"""Frames and sound of one file, by PyAV. The number of a frame is its place in the order in which the file decodes.

Ignored are: rotation metadata (frames come as stored), the sample aspect ratio, presentation times (a variable frame
rate changes no index), every video stream but the first (cover pictures are passed over), and every sound but the
first. Colours follow what the file says of its matrix and range, and become full-range RGB. Every decoder uses one
thread.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter

from saccade.video import gops
from saccade.video.container import VideoError, opened, reason, video_stream

# Colour conversion starts a pool of threads per frame unless told not to; PyAV before 17 has neither the pool nor the
# argument.
_ONE_THREAD = {"threads": 1} if "threads" in (VideoReformatter.reformat.__doc__ or "") else {}
_SLACK_S = 0.5  # how much sooner than its container says a whole file may end, where the container counts frames too


@dataclass(frozen=True)
class VideoInfo:
    """What a file holds. frames: how many really decode. audio: whether at least one sample of sound decodes. bytes:
    the file's size."""

    frames: int
    fps: float
    duration_s: float
    width: int
    height: int
    audio: bool
    bytes: int


class Frames(NamedTuple):
    """rgb: (N, H, W, 3) uint8, in the order asked for; decoded_frames: how many frames were decoded to get them."""

    rgb: np.ndarray
    decoded_frames: int


def probe(path: Path) -> VideoInfo:
    """What the file holds, found by decoding all of it.

    fps is the average rate that the container states. duration_s runs from the first frame to the end of the last;
    where packets have no presentation times it is frames / fps. Without sound, or with sound that doesn't decode,
    `audio` is False. Raises VideoError where the file is missing, empty, no video, or damaged. Damaged means: less is
    there than the container promises, or a frame doesn't decode cleanly. What Matroska or MPEG-TS lost without a trace
    can't be distinguished from a variable frame rate.
    """
    with opened(path) as container:
        stream = video_stream(path, container)
        tally = _decode_all(container, stream)
        fps = float(stream.average_rate or stream.guessed_rate or 0) or tally.frames / max(tally.end_s, 1e-3)
        promised_s = ((container.duration or 0) + max(container.start_time or 0, 0)) / av.time_base
    promise = f"{path}: truncated or damaged: the container promises"
    if stream.frames > tally.packets:
        raise VideoError(f"{promise} {stream.frames} frames, {tally.packets} are there")
    if promised_s > tally.end_s + (_SLACK_S if stream.frames else max(0.1, 1.5 / max(fps, 1e-3))):
        raise VideoError(f"{promise} {promised_s:.2f} s, its content ends at {tally.end_s:.2f} s")
    if tally.problem or not tally.frames:
        raise VideoError(f"{path}: {tally.problem or 'no frame of its video decodes'}")
    timed = len(tally.shown) >= tally.frames
    duration_s = (
        max(end for _, end in tally.shown) - min(start for start, _ in tally.shown) if timed else tally.frames / fps
    )
    return VideoInfo(
        tally.frames, fps, duration_s, tally.width, tally.height, _has_sound(path), Path(path).stat().st_size
    )


def read_frames(path: Path, indices: Sequence[int] | np.ndarray, frames: int | None = None) -> Frames:
    """The frames of these numbers, in this order (any order, repeats allowed), and how many were decoded for them.

    Decodes from the beginning to the last one wanted. With `frames`, the number that `probe` found, pictures that no
    wanted frame depends on are passed over, if that provably gives the same frames (`gops`). The packets, as large as
    the file, are in memory meanwhile. Raises VideoError where the file can't be decoded, and where a number is outside
    the frames that decode.
    """
    wanted = np.asarray(indices, dtype=np.int64)
    if wanted.ndim != 1 or not len(wanted):
        raise ValueError("indices must be a list of at least one frame number")
    if wanted.min() < 0:
        raise VideoError(f"{path}: frame {wanted.min()} doesn't exist; frames are numbered from 0")
    last, taken = int(wanted.max()), _take(path, wanted, frames)
    if frames and not taken.numbers >= set(wanted.tolist()):  # the decoder contradicted the plan
        taken = replace(again := _take(path, wanted, None), decoded=taken.decoded + again.decoded)
    if last not in taken.numbers:
        raise VideoError(f"{path}: frame {last} was asked for, but only {taken.reached + 1} frames decode")
    return Frames(taken.rgb, taken.decoded)


@dataclass
class _Taken:
    """The frames collected so far. numbers: which frames are in rgb; decoded: how many were decoded; reached: the
    number of the last."""

    rgb: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0, 3), np.uint8))
    numbers: set[int] = field(default_factory=set)
    decoded: int = 0
    reached: int = -1


def _take(path: Path, wanted: np.ndarray, frames: int | None) -> _Taken:
    taken, asked = _Taken(), set(wanted.tolist())
    with opened(path) as container:
        for taken.reached, frame in _decoded(container, video_stream(path, container), asked, frames):
            taken.decoded += 1
            if taken.reached in asked:
                _put(path, taken, frame, wanted)
            if taken.reached == max(asked):
                break
    return taken


def _put(path: Path, taken: _Taken, frame: Any, wanted: np.ndarray) -> None:
    """Writes the frame wherever its number is wanted. There is no list of pictures in between, as copying them takes a
    tenth of the time."""
    if frame.is_corrupt:
        raise VideoError(f"{path}: frame {taken.reached} decodes with errors")
    shape = (len(wanted), frame.height, frame.width, 3)
    if not taken.numbers:
        taken.rgb = np.empty(shape, np.uint8)
    if shape != taken.rgb.shape:
        raise VideoError(
            f"{path}: its frames differ in size: {taken.rgb.shape[2]}x{taken.rgb.shape[1]}, "
            f"{frame.width}x{frame.height}"
        )
    taken.rgb[wanted == taken.reached] = frame.to_ndarray(format="rgb24", **_ONE_THREAD)
    taken.numbers.add(taken.reached)


def _decoded(container: Any, stream: Any, asked: set[int], frames: int | None) -> Iterator[tuple[int, Any]]:
    """(number, frame) of the frames to decode: by plan where the file allows one, else all from the beginning."""
    if not frames:
        return enumerate(container.decode(stream))
    packets = [
        packet for packet in container.demux(stream) if packet.size or packet.dts is not None or packet.pts is not None
    ]
    if (known := gops.plan(packets, stream.codec_context, frames)) and max(asked) < frames:
        return gops.decode(packets, stream.codec_context, known, asked)
    return enumerate(frame for packet in [*packets, None] for frame in stream.codec_context.decode(packet))


def read_audio(path: Path, sample_rate_hz: int) -> np.ndarray:
    """The file's sound as (samples,) float32 in one channel at this rate, resampled by libswresample.

    Sample 0 is the first that decodes. The channel is the mean of all channels (libswresample's own mixing can exceed
    1). Raises VideoError where there is no sound.
    """
    pieces = []
    with opened(path) as container:
        if not container.streams.audio:
            raise VideoError(f"{path}: has no sound")
        resampler = av.AudioResampler(format="fltp", rate=sample_rate_hz)  # (channels, samples)
        for frame in container.decode(container.streams.audio[0]):
            frame.pts = None  # so that gaps in the timestamps aren't filled
            pieces += [piece.to_ndarray().mean(0) for piece in resampler.resample(frame)]
        if pieces:
            pieces += [piece.to_ndarray().mean(0) for piece in resampler.resample(None)]
    if not sum(map(len, pieces)):
        raise VideoError(f"{path}: declares sound, but holds no sample of it")
    return np.concatenate(pieces)


@dataclass
class _Tally:
    """What one pass over a file found. shown: from when to when each packet of the video is shown, in seconds."""

    packets: int = 0
    frames: int = 0
    end_s: float = 0.0
    width: int = 0
    height: int = 0
    problem: str = ""
    shown: list[tuple[float, float]] = field(default_factory=list)


def _decode_all(container: Any, stream: Any) -> _Tally:
    """Decodes the stream up to its first problem. Counts its packets and notes where the content of all streams
    ends."""
    tally = _Tally()
    for packet in container.demux():
        if packet.size:
            _note_packet(tally, packet, packet.stream_index == stream.index, container.format.name)
        if packet.stream_index != stream.index or tally.problem:
            continue
        try:
            for frame in packet.decode():
                _note_frame(tally, frame)
        except FFmpegError as error:
            tally.problem = f"decoding fails after {tally.frames} frames: {reason(error)}"
    return tally


def _note_packet(tally: _Tally, packet: Any, of_video: bool, container_format: str) -> None:
    start = packet.dts if packet.pts is None else packet.pts
    span = (
        None
        if start is None
        else (float(start * packet.time_base), float((start + (packet.duration or 0)) * packet.time_base))
    )
    if span:
        tally.end_s = max(tally.end_s, span[1])
    if not of_video:
        return
    # An AVI counts empty places as frames too; no packet comes from them, but the next one's dts has moved on.
    tally.packets = packet.dts + 1 if container_format == "avi" and packet.dts is not None else tally.packets + 1
    if span and packet.pts is not None and not packet.is_discard:
        tally.shown.append(span)
    if packet.is_corrupt:
        tally.problem = tally.problem or f"damaged near frame {tally.frames}"


def _note_frame(tally: _Tally, frame: Any) -> None:
    if not tally.frames:
        tally.width, tally.height = frame.width, frame.height
    if frame.is_corrupt:
        tally.problem = tally.problem or f"frame {tally.frames} decodes with errors"
    if (size := (frame.width, frame.height)) != (tally.width, tally.height):
        change = f"from {tally.width}x{tally.height} to {size[0]}x{size[1]} at frame {tally.frames}"
        tally.problem = tally.problem or f"the size changes {change}; encode it at one size"
    tally.frames += 1


def _has_sound(path: Path) -> bool:
    """Whether `read_audio` would give samples."""
    with opened(path) as container:
        if not container.streams.audio:
            return False
        try:
            # a list: all of it must decode
            return any([frame.samples for frame in container.decode(container.streams.audio[0])])
        except FFmpegError:
            return False
