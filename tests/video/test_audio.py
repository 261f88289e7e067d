"""The spectrograms against scipy's transform and formulas made by hand."""

import numpy as np
import pytest
import torch
from numbered import tone
from scipy import signal

from saccade.records import SaccadeError
from saccade.settings import Input
from saccade.video import audio


def _settings(**changes) -> Input:
    return Input(**{"heads": ["noun"], "num_frames": 1, "resize": 0, "crop": 0} | changes)


def _mel(hz: float) -> float:
    return 1127.0105 * np.log(1 + hz / 700)  # the natural-logarithm form of 2595 log10


def _by_hand(waveform: np.ndarray, settings: Input) -> np.ndarray:
    """(mels, steps) in loops."""
    n, rate = settings.n_fft, settings.sample_rate_hz
    window = signal.get_window("hann", n)  # periodic
    padded = np.concatenate([np.zeros(n // 2), waveform, np.zeros(n // 2)])
    steps = 1 + len(waveform) // settings.hop_length
    power = np.array([np.abs(np.fft.rfft(window * padded[t * settings.hop_length :][:n])) ** 2 for t in range(steps)])
    marks = np.linspace(0, _mel(rate / 2), settings.num_mels + 2)
    result = np.zeros((settings.num_mels, steps))
    for m in range(settings.num_mels):
        low, centre, high = (700 * (np.exp(mark / 1127.0105) - 1) for mark in marks[m : m + 3])
        for k in range(n // 2 + 1):
            hz = k * rate / n
            weight = (hz - low) / (centre - low) if hz <= centre else (high - hz) / (high - centre)
            result[m] += max(weight, 0) * power[:, k]
    return np.log(result + 1e-6)


@pytest.mark.parametrize("samples", [100, 1600, 1601, 4321])
def test_against_a_formula_written_by_hand(samples):
    waveform = np.random.default_rng(samples).normal(0, 0.3, samples).astype(np.float32)
    settings = _settings(num_mels=20)
    spectrogram = audio.log_mel(waveform, settings)
    assert spectrogram.shape == (1, 20, 1 + samples // 160) and spectrogram.dtype == torch.float32
    assert np.abs(spectrogram[0].numpy() - _by_hand(waveform, settings)).max() < 1e-3


def test_the_transform_is_scipys():
    settings = _settings()
    waveform = np.random.default_rng(0).normal(0, 0.3, 3200).astype(np.float32)
    _, _, spectrum = signal.stft(waveform, 16000, "hann", 512, 512 - 160, boundary="zeros", padded=False)
    power = np.abs(spectrum * 256) ** 2  # scipy divides by the window's sum, 256
    filters = audio.mel_filters(64, 512, 16000).numpy()
    expected = np.log(filters @ power + 1e-6)
    ours = audio.log_mel(waveform, settings)[0].numpy()
    shared = min(ours.shape[1], expected.shape[1])
    assert shared >= 20 and np.abs(ours[:, :shared] - expected[:, :shared]).max() < 1e-3


def test_a_tone_is_loudest_in_the_filter_that_holds_it():
    settings = _settings()
    loudest = audio.log_mel(tone(1.0, pitch_hz=1000.0), settings)[0, :, 50].argmax().item()
    marks = np.linspace(0, _mel(8000), 66)
    assert loudest == np.abs(marks[1:-1] - _mel(1000)).argmin()


def test_silence_is_the_logarithm_of_the_floor():
    assert torch.allclose(audio.log_mel(np.zeros(1600, np.float32), _settings()), torch.tensor(-13.8155))


def test_neighbouring_triangles_add_up_to_one():
    filters = audio.mel_filters(20, 512, 16000)
    between = filters.sum(0)[filters[0].argmax() + 1 : filters[-1].argmax()]
    assert torch.allclose(between, torch.ones_like(between), atol=1e-5)


def test_more_mels_than_frequencies_is_refused():
    with pytest.raises(
        SaccadeError, match="mel filter 0 holds no frequency: 128 mels are too many for n_fft 128 at 16000 Hz"
    ):
        audio.mel_filters(128, 128, 16000)


@pytest.mark.parametrize("waveform", [np.zeros(0, np.float32), np.zeros((2, 5), np.float32)])
def test_other_arrays_are_refused(waveform):
    with pytest.raises(ValueError, match="should be"):
        audio.log_mel(waveform, _settings())


# TBN's sound, as its code has it: 24 kHz, transforms of 511 samples with a window of 10 ms, every 5 ms
TBN = {"sound": "windows", "sample_rate_hz": 24000, "n_fft": 511, "win_length": 240, "hop_length": 120}
SMALL = {"sound": "windows", "window_s": 0.1, "sample_rate_hz": 1000, "n_fft": 16, "hop_length": 10}


def _power_by_hand(waveform: np.ndarray, settings: Input) -> np.ndarray:
    """(frequencies, steps), its window in the middle of n_fft zeros as librosa lays it."""
    n, width = settings.n_fft, settings.win_length or settings.n_fft
    window, left = np.zeros(n), (n - width) // 2
    window[left : left + width] = signal.get_window("hann", width)
    padded = np.pad(waveform.astype(np.float64), n // 2)
    starts = range(0, len(padded) - n + 1, settings.hop_length)
    return np.array([np.abs(np.fft.rfft(window * padded[at : at + n])) ** 2 for at in starts]).T


@pytest.mark.parametrize("changes", [TBN, SMALL, SMALL | {"win_length": 8}, SMALL | {"n_fft": 15}])
def test_windows_against_a_formula_written_by_hand(changes):
    settings = _settings(**changes)
    rate, length = settings.sample_rate_hz, audio.window_samples(settings)
    waveform = np.random.default_rng(0).normal(0, 0.3, 3 * length).astype(np.float32)
    middle_s = 1.4 * settings.window_s
    heard = audio.windows(waveform, np.array([middle_s]), settings)
    start = round((middle_s - settings.window_s / 2) * rate)
    expected = np.log(_power_by_hand(waveform[start : start + length], settings) + 1e-6)
    assert heard.shape == (1, 1, *audio.window_shape(settings)) == (1, 1, *expected.shape)
    assert heard.dtype == torch.float32 and np.abs(heard[0, 0].numpy() - expected).max() < 1e-2


def test_tbns_numbers_give_a_picture_of_256_by_256():
    assert audio.window_shape(_settings(**TBN)) == (256, 256)


def test_a_window_that_would_reach_beyond_the_sound_is_its_beginning_or_its_end():
    waveform = np.random.default_rng(0).normal(0, 0.3, 250).astype(np.float32)
    settings = _settings(**SMALL)
    heard = audio.windows(waveform, np.array([0.0, 0.04, 0.05, 0.06, 0.19, 0.2, 0.21, 0.25]), settings)[:, 0]
    own = {
        start: torch.tensor(np.log(_power_by_hand(waveform[start : start + 100], settings) + 1e-6), dtype=torch.float32)
        for start in (0, 10, 140, 150)
    }
    for found, start in zip(heard, [0, 0, 0, 10, 140, 150, 150, 150], strict=True):
        torch.testing.assert_close(found, own[start], rtol=1e-3, atol=1e-3)


def test_equal_windows_are_transformed_once(monkeypatch):
    transformed, power = [], audio._power
    monkeypatch.setattr(audio, "_power", lambda cut, settings: transformed.append(len(cut)) or power(cut, settings))
    waveform = np.random.default_rng(0).normal(0, 0.3, 250).astype(np.float32)
    heard = audio.windows(waveform, np.array([0.25, 0.1, 0.0, 0.1, 0.24]), _settings(**SMALL))
    assert transformed == [3] and len(heard) == 5
    assert torch.equal(heard[0], heard[4]) and torch.equal(heard[1], heard[3]) and not torch.equal(heard[0], heard[1])


def test_a_sound_shorter_than_its_window_is_refused():
    with pytest.raises(ValueError, match="99 samples are shorter than a window of 100"):
        audio.windows(np.zeros(99, np.float32), np.array([0.0]), _settings(**SMALL))


def test_a_window_must_fit_into_its_transform():
    with pytest.raises(ValueError, match="win_length is 17, but n_fft 16"):
        _settings(**SMALL | {"win_length": 17})
