"""Small videos for tests, every frame of which shows its own number in black and white bars."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 8
FIXTURES = Path(__file__).resolve().parents[2] / "shared" / "fixtures" / "videos"


def picture(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """(H, W, 3) uint8: bit k of the number is bar k, from the left; below them a texture that moves, to make a codec
    work."""
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    grey = (across * 5 + down * 3 + number * 4) % 256
    bits = number >> (across * BITS // width) & 1
    grey = np.where(down < height // 2, bits * 255, grey)
    return np.stack([grey, grey, 255 - grey], -1).astype(np.uint8)


def number_of(frame: np.ndarray) -> int:
    """The number that a decoded frame shows."""
    height, width = frame.shape[:2]
    middles = (np.arange(BITS) * 2 + 1) * width // (2 * BITS)
    return int(((frame[: height // 3, middles, 0].mean(0) > 127) << np.arange(BITS)).sum())


def tone(seconds: float, rate_hz: int = 16000, pitch_hz: float = 440.0) -> np.ndarray:
    """(samples,) float32 sine of amplitude 0.5."""
    return (0.5 * np.sin(2 * np.pi * pitch_hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def encode(
    path: Path,
    frames: int = 30,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    size: tuple[int, int] = (64, 48),
    fps: int = 10,
    sound: np.ndarray | None = None,
    rate_hz: int = 16000,
    container_options: dict[str, str] | None = None,
    shown_at: list[int] | None = None,
    sound_first: bool = False,
    sound_at_s: float = 0.0,
) -> Path:
    """Writes numbered pictures; `size` is (width, height). `sound`: (samples,) or (2, samples) float32; empty declares
    a silent track.

    `shown_at`: when each picture is shown, in frames, where not one after the other; it decides how many there are.
    `sound_first`: the sound's track stands before that of the pictures; `sound_at_s`: when it starts.
    """
    with av.open(str(path), "w", options=container_options or {}) as container:
        layout = "mono" if sound is None or sound.ndim == 1 else "stereo"
        if sound_first:
            track = container.add_stream("aac", rate=rate_hz, layout=layout)
        video = container.add_stream(codec, rate=fps)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.codec_context.options, video.codec_context.thread_count = options or {}, 1
        if sound is not None and not sound_first:
            track = container.add_stream("aac", rate=rate_hz, layout=layout)
        for number, time in enumerate(shown_at or range(frames)):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None and sound.size:
            samples = av.AudioFrame.from_ndarray(np.atleast_2d(sound), format="fltp", layout=layout)
            samples.sample_rate, samples.time_base = rate_hz, Fraction(1, rate_hz)
            samples.pts = round(sound_at_s * rate_hz)
            container.mux(track.encode(samples))
            container.mux(track.encode(None))
    return path
