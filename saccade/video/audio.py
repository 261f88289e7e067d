"""From a waveform to a log-mel spectrogram."""

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
    window = torch.hann_window(settings.n_fft)
    # (n_fft/2+1, steps)
    spectrum = torch.stft(
        signal,
        settings.n_fft,
        settings.hop_length,
        window=window,
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    filters = mel_filters(settings.num_mels, settings.n_fft, settings.sample_rate_hz)
    return torch.log(filters @ spectrum.abs().square() + FLOOR)[None]


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
