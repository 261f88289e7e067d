"""What the datasets' own checks look with: decoded frames, and simple strong classifiers. They import torch and
scikit-learn; nothing that makes or reads a dataset imports this."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import nn

THUMB = 64  # side of a thumbnail


@dataclass
class Decoded:
    """What the checks keep of one video."""

    luminance: NDArray[np.float32]  # (T, height, width) in [0, 1]
    packets: NDArray[np.float64]  # bytes of each frame, in display order
    sound: NDArray[np.float32]  # (samples,), none without a track
    file_bytes: int


def decode(path: Path) -> Decoded:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        planes = [frame.to_ndarray() for frame in container.decode(video)]
        container.seek(0)
        packets = [(packet.pts, packet.size) for packet in container.demux(video) if packet.size]
        sound = [np.zeros(0, dtype=np.float32)]
        if container.streams.audio:
            container.seek(0)
            sound += [frame.to_ndarray()[0] for frame in container.decode(container.streams.audio[0])]
    luminance: NDArray[np.float32] = (np.stack(planes)[:, : video.height].astype(np.float32) - 16) / np.float32(219)
    sizes = np.array([size for _, size in sorted(packets)], dtype=float)
    return Decoded(luminance, sizes, np.concatenate(sound), path.stat().st_size)


def halved(images: NDArray) -> NDArray:
    """Means of 2 × 2 pixels over the last two axes."""
    return (images[..., 0::2, 0::2] + images[..., 1::2, 0::2] + images[..., 0::2, 1::2] + images[..., 1::2, 1::2]) / 4


def shrunk(frames: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(N, H, W) to (N, side, side), as the loader resizes."""
    pictures = torch.from_numpy(np.ascontiguousarray(frames))[:, None]
    resized = nn.functional.interpolate(pictures, (side, side), mode="bilinear", antialias=True)
    return resized[:, 0].numpy()  # type: ignore[no-any-return]


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
