"""From a waveform to what a network hears: a log-mel spectrogram of a whole track, or log-power spectrograms of windows
around the frames that a network sees."""

import functools

import numpy as np
import torch

from saccade.records import SaccadeError
from saccade.settings import Input

FLOOR = 1e-6  # added to the energies, so that silence has a logarithm: -13.8


def log_mel(waveform: np.ndarray, settings: Input) -> torch.Tensor:
    """The natural logarithm of the mel energies of `waveform` (samples,): (1, mels, steps) float32 with steps = 1 +
    samples // hop_length.

    First the power of a short-time Fourier transform (periodic Hann window of n_fft samples, unnormalised, step t
    centred on sample t*hop_length, zeros beyond the ends), then `mel_filters`, then log(. + 1e-6).
    """
    signal = torch.from_numpy(np.ascontiguousarray(waveform, dtype=np.float32))
    if signal.ndim != 1 or not len(signal):
        raise ValueError(f"waveform has shape {tuple(signal.shape)}, should be (samples,) with at least one")
    filters = mel_filters(settings.num_mels, settings.n_fft, settings.sample_rate_hz)
    return torch.log(filters @ _power(signal, settings) + FLOOR)[None]


def windows(waveform: np.ndarray, moments_s: np.ndarray, settings: Input) -> torch.Tensor:
    """The log-power spectrogram of `window_s` seconds of `waveform` (samples,) around each moment: (T, 1, n_fft//2+1,
    steps) float32, frequencies from 0 up; `window_shape` tells the last two.

    A window that would begin before the sound is the sound's first `window_s`, one that would end after it the last.
    The power is that of `log_mel`'s transform (its Hann window `win_length` samples wide, in the middle of n_fft), and
    its logarithm log(. + 1e-6). Equal windows are transformed once. Source: Kazakos et al. 2019 (TBN), whose code takes
    1.279 s at the ends and 1.278 s elsewhere; it has no rule for a shorter track, which is a ValueError here.
    """
    length = window_samples(settings)
    if len(waveform) < length:
        raise ValueError(f"{len(waveform)} samples are shorter than a window of {length}")
    starts = np.round((moments_s - settings.window_s / 2) * settings.sample_rate_hz).astype(np.int64)
    starts, places = np.unique(starts.clip(0, len(waveform) - length), return_inverse=True)
    cut = np.lib.stride_tricks.sliding_window_view(np.asarray(waveform, dtype=np.float32), length)[starts]
    heard = torch.log(_power(torch.from_numpy(cut), settings) + FLOOR)  # (windows, n_fft/2+1, steps)
    return heard[torch.from_numpy(places)][:, None]


def window_samples(settings: Input) -> int:
    """How many samples a window of `window_s` seconds holds, at least one."""
    return max(round(settings.window_s * settings.sample_rate_hz), 1)


def window_shape(settings: Input) -> tuple[int, int]:
    """(frequencies, steps) of a window's spectrogram."""
    # an odd n_fft has a sample less on one side of its middle
    steps = 1 + (window_samples(settings) - settings.n_fft % 2) // settings.hop_length
    return settings.n_fft // 2 + 1, steps


def _power(signals: torch.Tensor, settings: Input) -> torch.Tensor:
    """(..., samples) to (..., n_fft/2+1, steps)."""
    width = settings.win_length or settings.n_fft
    spectrum = torch.stft(
        signals,
        settings.n_fft,
        settings.hop_length,
        width,
        window=torch.hann_window(width),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return spectrum.abs().square()


@functools.lru_cache(maxsize=8)
def mel_filters(num_mels: int, n_fft: int, sample_rate_hz: int) -> torch.Tensor:
    """(num_mels, n_fft/2+1) float32: triangles of height 1, centres evenly spaced in mel from 0 Hz to half the sample
    rate.

    mel = 2595 log10(1 + Hz/700) (O'Shaughnessy 1987). Raises SaccadeError where a triangle is so narrow that it holds
    no frequency.
    """
    top = 2595 * np.log10(1 + sample_rate_hz / 2 / 700)
    corners = 700 * (10 ** (np.linspace(0, top, num_mels + 2) / 2595) - 1)  # Hz
    frequencies = np.linspace(0, sample_rate_hz / 2, n_fft // 2 + 1)
    low, centre, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    filters = np.maximum(0, np.minimum((frequencies - low) / (centre - low), (high - frequencies) / (high - centre)))
    if empty := np.flatnonzero(filters.sum(1) == 0).tolist():
        raise SaccadeError(
            f"mel filter {empty[0]} holds no frequency: {num_mels} mels are too many for n_fft {n_fft} at "
            f"{sample_rate_hz} Hz; lower num_mels or raise n_fft"
        )
    return torch.from_numpy(filters.astype(np.float32))
