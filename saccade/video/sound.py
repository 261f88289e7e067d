"""The sound of one file, by PyAV, on the clock of its pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from saccade.video.container import VideoError, audio_stream, opened, video_stream

_GAP_S = 0.1  # what stamps may be off by before silence is put in or sound cut: libswresample's `min_hard_comp`
_FALLS_BACK_S = 1.0  # where stamps do so, another recording begins, whose clock is another
_LONGEST_GAP_S = 3600.0  # more is a mistake of the stamps, and would fill the memory with silence


def read_audio(path: Path, sample_rate_hz: int) -> np.ndarray:
    """The file's sound as (samples,) float32 in one channel at this rate, resampled by libswresample.

    Sample 0 belongs to the moment in which the first frame is shown: sound before it is cut, a track that starts later
    is preceded by silence. Where stamps leave a gap of more than 0.1 s it is filled with silence, and what stamps lay
    over sound that is there already is cut; where they fall back by more than a second (files that were put one behind
    the other) sound goes on. What encoders put before and after (priming, padding) is left out as the container says.
    The channel is the mean of all channels (libswresample's own mixing can exceed 1). Raises VideoError where there is
    no sound.
    """
    begin_s = first_shown_s(path)
    pieces: list[np.ndarray] = []
    there, decoded = 0, 0
    with opened(path) as container:
        if not container.streams.audio:
            raise VideoError(f"{path}: has no sound")
        track = audio_stream(container)
        if track is None:
            raise VideoError(f"{path}: its sound is in a code that can't be decoded")
        for start_s, stretch in _stretches(container, track, sample_rate_hz, begin_s):
            decoded += len(stretch)
            silence = round((start_s - begin_s) * sample_rate_hz) - there
            if silence > _LONGEST_GAP_S * sample_rate_hz:
                raise VideoError(f"{path}: its sound stops for {silence / sample_rate_hz:.0f} s; encode it anew")
            pieces.append(np.pad(stretch, (silence, 0)) if silence > 0 else stretch[-silence:])
            there += len(pieces[-1])
    if not decoded:
        raise VideoError(f"{path}: declares sound, but holds no sample of it")
    return np.concatenate(pieces)


def _stretches(container: Any, track: Any, rate_hz: int, begin_s: float) -> Iterator[tuple[float, np.ndarray]]:
    """(start in seconds, samples) of each stretch of the track without a gap or a change of rate or channels."""
    resampler, kind, start_s, end_s, shift_s = None, None, begin_s, begin_s, 0.0
    pieces = [np.empty(0, np.float32)]
    for frame in _decoded(container, track):
        at_s = end_s if frame.pts is None else float(frame.pts * frame.time_base) + shift_s
        if resampler is not None and at_s < end_s - _FALLS_BACK_S:
            shift_s, at_s = shift_s + end_s - at_s, end_s
        own_kind = frame.format.name, frame.layout.name, frame.sample_rate
        if resampler is None or own_kind != kind or abs(at_s - end_s) > _GAP_S:
            if resampler is not None:
                yield start_s, np.concatenate([*pieces, *_mixed(resampler, None)])
            resampler, kind = av.AudioResampler(format="fltp", rate=rate_hz), own_kind
            start_s, end_s, pieces = at_s, at_s, pieces[:1]
        end_s += frame.samples / frame.sample_rate
        frame.pts = None  # so that the resampler leaves small gaps alone
        pieces += _mixed(resampler, frame)
    if resampler is not None:
        yield start_s, np.concatenate([*pieces, *_mixed(resampler, None)])


def _decoded(container: Any, track: Any) -> Iterator[Any]:
    """The frames of sound. What doesn't decode before the first of them is passed over, as a recording may begin within
    a packet."""
    begun = False
    for packet in container.demux(track):
        try:
            frames = packet.decode()
        except FFmpegError:
            if begun:
                raise
            continue
        begun |= bool(frames)
        yield from frames


def _mixed(resampler: Any, frame: Any) -> list[np.ndarray]:
    """(samples,) arrays: the mean of the channels (channels, samples)."""
    return [piece.to_ndarray().mean(0) for piece in resampler.resample(frame)]


def first_shown_s(path: Path) -> float:
    """When the first frame is shown, in seconds on the container's clock.

    Found from packets, without decoding: what comes before the first key frame isn't shown, and none is shown before it
    is decoded; so once a packet is decoded after the earliest time seen, no earlier one comes.
    """
    with opened(path) as container:
        # an AVI doesn't tell when pictures are shown; FFmpeg shifts its guess and not the sound
        untimed = container.format.name == "avi"
        keyed, first, before = False, None, None
        for packet in container.demux(video_stream(path, container)):
            stamp = packet.dts if packet.pts is None or untimed else packet.pts
            keyed |= packet.is_keyframe  # also where an edit list hides it
            if not packet.size or packet.is_discard or stamp is None:
                continue
            at_s = stamp * packet.time_base
            before = at_s if before is None else min(before, at_s)
            if not keyed:
                continue
            if first is not None and packet.dts is not None and packet.dts * packet.time_base >= first:
                break
            first = at_s if first is None else min(first, at_s)
    return float(first if first is not None else before or 0)
