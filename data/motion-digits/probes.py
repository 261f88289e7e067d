"""What checks.py looks at and looks with: one pass over the decoded videos, and simple strong classifiers."""

import dataclasses
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.signal import stft
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from torch import nn
from tqdm import tqdm

from saccade.scenes.encode import KEYFRAME_EVERY
from saccade.scenes.sound import SAMPLE_RATE_HZ

THUMB = 64  # side of a thumbnail
CROPS = 6  # informative frames per video that the resolution test sees
FRAMES = 8  # frames per video that the single-frame checks see


@dataclasses.dataclass
class Decoded:
    """What the checks keep of one video."""

    luminance: NDArray[np.float32]  # (T, height, width) in [0, 1]
    packets: NDArray[np.float64]  # bytes of each frame, in display order
    sound: NDArray[np.float32]  # (samples,)
    file_bytes: int


def decode(path: Path) -> Decoded:
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        planes = [frame.to_ndarray() for frame in container.decode(video)]
        container.seek(0)
        packets = [(packet.pts, packet.size) for packet in container.demux(video) if packet.size]
        container.seek(0)
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio)])
    luminance = (np.stack(planes)[:, : video.height].astype(np.float32) - 16) / 219
    return Decoded(luminance, np.array([size for _, size in sorted(packets)], dtype=float), sound, path.stat().st_size)


def halved(images: NDArray) -> NDArray:
    """Means of 2 × 2 pixels over the last two axes."""
    return (images[..., 0::2, 0::2] + images[..., 1::2, 0::2] + images[..., 0::2, 1::2] + images[..., 1::2, 1::2]) / 4


def with_detail(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, H, W) to (N, 2, H, W): the image, and the strength of its single-pixel detail, so that no network need learn
    to see a carrier."""
    luminance = torch.from_numpy(np.ascontiguousarray(images))[:, None]
    detail = (luminance - nn.functional.avg_pool2d(luminance, 3, 1, 1, count_include_pad=False)).abs()
    return torch.cat([luminance, 4 * detail], 1).numpy()


def thumbnail(frame: NDArray[np.float32]) -> NDArray[np.float32]:
    """Luminance and the strength of single-pixel detail, both shrunk to THUMB: (2, THUMB, THUMB)."""
    return nn.functional.interpolate(torch.from_numpy(with_detail(frame[None])), (THUMB, THUMB), mode="area")[0].numpy()


def crop(frame: NDArray[np.float32], box: NDArray, side: int) -> NDArray[np.float32]:
    """`side` × `side` pixels around the box, even-aligned; beyond the frame its border is repeated."""
    padded = np.pad(frame, side, mode="edge")
    left, top = (int(2 * round((low + high - side) / 4)) + side for low, high in ((box[0], box[2]), (box[1], box[3])))
    return padded[top : top + side, left : left + side]


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


def network(channels: int, classes: int, width: int) -> nn.Sequential:
    """Four convolutions; the input keeps its resolution through the first."""
    layers: list[nn.Module] = []
    for inputs, outputs, stride in (
        (channels, width, 1),
        (width, 2 * width, 2),
        (2 * width, 4 * width, 2),
        (4 * width, 4 * width, 2),
    ):
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16 * width, classes)
    )


def fit_network(
    model: nn.Module,
    images: NDArray,
    targets: NDArray,
    epochs: int,
    tests: NDArray,
    seed: int = 0,
    shift: int = 2,
    lr: float = 3e-3,
) -> NDArray[np.float32]:
    """Train with Adam, one cycle and random shifts by whole pairs of pixels; the outputs for `tests`."""
    torch.manual_seed(seed)
    inputs, goals = torch.from_numpy(np.asarray(images, dtype=np.float32)), torch.from_numpy(np.asarray(targets)).long()
    mean, std = inputs.mean(), inputs.std()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=1e-4)
    steps = epochs * -(-len(inputs) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    model.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(64):
            moves = torch.randint(-shift // 2, shift // 2 + 1, (2,)).tolist() if shift else [0, 0]
            moved = torch.roll(inputs[batch], [2 * move for move in moves], (-2, -1))
            loss = nn.functional.cross_entropy(model((moved - mean) / std), goals[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        parts = torch.from_numpy(np.asarray(tests, dtype=np.float32)).split(64)
        return torch.cat([model((part - mean) / std) for part in parts]).numpy()


def classify(
    images: NDArray, targets: NDArray, tests: NDArray, classes: int, epochs: int = 10, width: int = 12
) -> NDArray[np.int64]:
    """The classes a network trained on `images` (N, C, H, W) gives `tests`."""
    torch.manual_seed(0)
    return fit_network(network(images.shape[1], classes, width), images, targets, epochs, tests).argmax(axis=1)


def boosted(features: NDArray, targets: NDArray, tests: NDArray) -> NDArray:
    """The classes gradient-boosted trees give `tests`."""
    model = HistGradientBoostingClassifier(max_iter=40, learning_rate=0.1, max_leaf_nodes=15, random_state=0)
    return model.fit(features, targets).predict(tests)


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
