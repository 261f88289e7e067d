"""Frames and samples as H.264 + AAC in an MP4 file."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from saccade.scenes.sound import SAMPLE_RATE_HZ

PRESET = "veryfast"
KEYFRAME_EVERY = 32  # at fixed places: x264's own choice of key frames would tell about the content
AUDIO_BIT_RATE = 48_000
AAC_FRAME = 1024  # samples


def write_mp4(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    size: tuple[int, int],
    fps: float,
    crf: int,
    samples: NDArray[np.float32] | None,
) -> None:
    """Writes yuv420p `frames` (each (height * 3 / 2, width)) of `size` (height, width) and mono `samples` to `path`;
    without samples the file has no sound track.

    x264 runs in one thread, so that the file doesn't depend on the machine's cores. Its macroblock tree is off: that
    vector code reads memory that nobody wrote where a row of blocks is no multiple of four, so that two runs of one
    process could differ.
    """
    height, width = size
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.options = {
            "crf": str(crf),
            "preset": PRESET,
            "x264-params": (
                f"threads=1:lookahead-threads=1:keyint={KEYFRAME_EVERY}:min-keyint={KEYFRAME_EVERY}"
                ":scenecut=0:no-mbtree=1"
            ),
        }
        audio = _audio_stream(container) if samples is not None else None
        for planes in frames:
            container.mux(video.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(video.encode(None))
        if audio is not None and samples is not None:
            _write_samples(container, audio, samples)


def _audio_stream(container: Any) -> Any:
    audio = container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono")
    audio.codec_context.bit_rate = AUDIO_BIT_RATE
    audio.codec_context.options = {"aac_coder": "fast"}
    return audio


def _write_samples(container: Any, audio: Any, samples: NDArray[np.float32]) -> None:
    for first in range(0, len(samples), AAC_FRAME):
        block = av.AudioFrame.from_ndarray(samples[None, first : first + AAC_FRAME], format="fltp", layout="mono")
        block.sample_rate, block.pts = SAMPLE_RATE_HZ, first
        container.mux(audio.encode(block))
    container.mux(audio.encode(None))
