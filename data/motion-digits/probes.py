"""What checks.py looks at and looks with: one pass over the decoded videos, and simple strong classifiers."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.signal import stft
from sklearn.metrics import roc_auc_score
from torch import nn
from tqdm import tqdm

from saccade.scenes.encode import KEYFRAME_EVERY
from saccade.scenes.probes import Decoded, crop, decode, fit_network, halved, thumbnail
from saccade.scenes.sound import SAMPLE_RATE_HZ

CROPS = 6  # informative frames per video that the resolution test sees
FRAMES = 8  # frames per video that the single-frame checks see


def spectrogram(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log power, (frequencies up to 4 kHz, time)."""
    power = np.abs(stft(sound, SAMPLE_RATE_HZ, nperseg=512, noverlap=256)[2][:128]) ** 2
    return np.log(power + 1e-7).astype(np.float32)


def sweep_features(log_power: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much more energy rises than falls in frequency over time: a spectrogram against itself shifted in both,
    (6,)."""
    energy = np.maximum(log_power - np.median(log_power, axis=1, keepdims=True), 0)[4:72]
    result = []
    for bins, steps in ((1, 1), (2, 1), (3, 1), (2, 2), (4, 2), (8, 4)):
        rising, falling = (
            (energy[:-bins, :-steps] * energy[bins:, steps:]).sum(),
            (energy[bins:, :-steps] * energy[:-bins, steps:]).sum(),
        )
        result.append((rising - falling) / (rising + falling + 1e-6))
    return np.array(result, dtype=np.float32)


def look(videos: pd.DataFrame, truth: pd.DataFrame, side: int, seed: int = 0) -> dict[str, Any]:
    """One decoding pass: arrays by name, first axis videos (crops, per-frame rows: see their `_video` index)."""
    kept: dict[str, list] = {}
    by_video = dict(list(truth.groupby("video_id", sort=False)))
    for number, row in enumerate(tqdm(videos.itertuples(), total=len(videos), desc="looking", mininterval=5)):
        rng = np.random.default_rng([seed, number])
        decoded, facts = decode(Path(row.path)), by_video[row.video_id]
        boxes = facts[["x0", "y0", "x1", "y1"]].to_numpy()
        frames, total = decoded.luminance, len(decoded.luminance)
        uniform = (np.arange(FRAMES) + 0.5) * total // FRAMES
        masked = mask_target(frames[total // 2], boxes[total // 2])
        log_power = spectrogram(decoded.sound)
        add = {
            "file": [
                decoded.file_bytes, decoded.packets.sum(), decoded.packets[1:].std(), total, *loudness(decoded.sound)
            ],
            "mean_spectrum": log_power.mean(axis=1),
            "sweeps": sweep_features(log_power),
            "first": thumbnail(frames[0]), "last": thumbnail(frames[-1]), "masked": thumbnail(masked),
            "mean": thumbnail(frames.mean(axis=0)), "uniform": np.stack([thumbnail(frames[int(i)]) for i in uniform]),
            "artefacts": frame_artefacts(decoded, facts),
            "standing": thumbnail(median_frame(frames))[0],
        }  # fmt: skip
        for index in rng.permutation(np.flatnonzero(facts["informative"]))[:CROPS]:
            add_crop(kept, number, frames[index], boxes[index], side)
        for index in rng.integers(0, total, 3):
            kept.setdefault("half_frames", []).append(halved(frames[index]).astype(np.float16))
            kept.setdefault("half_boxes", []).append(boxes[index] / 2)
            kept.setdefault("half_video", []).append(number)
        for name, value in add.items():
            kept.setdefault(name, []).append(np.asarray(value, dtype=np.float32))
    return {name: np.stack(values) for name, values in kept.items()}


def median_frame(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median over time: what doesn't move."""
    return np.median(frames[:: max(1, len(frames) // 16)], axis=0)


def add_crop(kept: dict[str, list], number: int, frame: NDArray, box: NDArray, side: int) -> None:
    full = crop(frame, box, side)
    kept.setdefault("crops", []).append(full)
    kept.setdefault("half_crops", []).append(np.kron(halved(full), np.ones((2, 2), np.float32)))
    kept.setdefault("crops_video", []).append(number)


def mask_target(frame: NDArray[np.float32], box: NDArray) -> NDArray[np.float32]:
    """The frame with a grey square, of a size and at an offset that don't depend on the box's size, over the target."""
    side = 0.5 * min(frame.shape)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    result = frame.copy()
    result[max(0, int(y - side / 2)) : int(y + side / 2), max(0, int(x - side / 2)) : int(x + side / 2)] = 0.45
    return result


def loudness(sound: NDArray[np.float32]) -> list[float]:
    return [float(np.sqrt((sound**2).mean())), float(np.abs(sound).max()), float(np.quantile(np.abs(sound), 0.9))]


def frame_artefacts(decoded: Decoded, facts: pd.DataFrame) -> list[float]:
    """AUC of `informative` within the video, from packet size, GOP phase, brightness and change of a frame; frames next
    to a change of face are left out. Not a number where all frames are alike."""
    informative = facts["informative"].to_numpy()
    changes = np.flatnonzero(np.diff(informative.astype(int))) + 1
    kept = np.ones(len(informative), dtype=bool)
    for offset in (-2, -1, 0, 1, 2):
        kept[np.clip(changes + offset, 0, len(kept) - 1)] = False
    if len(set(informative[kept])) < 2:
        return [float("nan")] * 4
    change = facts["novelty_pixels"].to_numpy()
    features = (decoded.packets, np.arange(len(kept)) % KEYFRAME_EVERY, decoded.luminance.mean(axis=(1, 2)), change)
    return [float(roc_auc_score(informative[kept], feature[kept])) for feature in features]


def locate(frames: NDArray, boxes: NDArray, tests: NDArray, epochs: int = 8) -> NDArray[np.float64]:
    """Centres (x, y) in half-resolution pixels that a fully convolutional network finds in `tests` (N, H, W)."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs, stride in ((1, 16, 2), (16, 32, 2), (32, 48, 2), (48, 48, 1), (48, 48, 1)):
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Conv2d(48, 1, 1), nn.Flatten())
    columns = -(-frames.shape[2] // 8)
    centres = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2], axis=1)
    cells = (centres[:, 1] // 8).astype(int) * columns + (centres[:, 0] // 8).astype(int)
    best = fit_network(model, frames[:, None], cells, epochs, tests[:, None], shift=0).argmax(axis=1)
    return np.stack([best % columns * 8 + 4, best // columns * 8 + 4], axis=1).astype(float)
