"""The sound of a scene."""

import numpy as np
from numpy.typing import NDArray

from saccade.scenes.script import Scene, Sound

SAMPLE_RATE_HZ = 16_000


def waveform(scene: Scene) -> NDArray[np.float32] | None:
    """Mono samples in [-1, 1] at SAMPLE_RATE_HZ, as long as the video; all zero where the scene is silent, None where
    it has no sound track."""
    if scene.sounds is None:
        return None
    total = round(scene.duration_s * SAMPLE_RATE_HZ)
    samples = np.zeros(total, dtype=np.float32)
    if scene.silent:
        return samples
    rng = np.random.default_rng([*scene.seed, 505])
    samples += scene.hum * rng.standard_normal(total, dtype=np.float32)
    for sound in scene.sounds:
        first = round(sound.start_s * SAMPLE_RATE_HZ)
        tone = _tone(sound, rng)[: max(0, total - first)]
        samples[first : first + len(tone)] += tone
    np.clip(samples, -1.0, 1.0, out=samples)
    return samples


def _tone(sound: Sound, rng: np.random.Generator) -> NDArray[np.float32]:
    length = round(sound.duration_s * SAMPLE_RATE_HZ)
    time = np.arange(length) / SAMPLE_RATE_HZ
    envelope = np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
    if sound.kind == "hiss":
        return (sound.level * envelope * rng.standard_normal(length)).astype(np.float32)
    ratio = np.log(sound.high_hz / sound.low_hz) / sound.duration_s  # octaves pass evenly
    phase = 2 * np.pi * sound.low_hz * np.expm1(ratio * time) / ratio
    tone = np.sin(phase) * envelope
    directed: NDArray[np.float32] = (sound.level * (tone if sound.kind == "rise" else tone[::-1])).astype(np.float32)
    return directed
