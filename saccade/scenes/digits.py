"""The pictures: scikit-learn's handwritten digits (1,797 of 8 × 8 pixels, by the same 13 writers throughout) and
procedural backgrounds."""

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.records import SPLITS, SaccadeError
from saccade.scenes.script import Face

NUM_CLASSES = 10
FACE_PX = 160  # side of the magnified picture: so fine that the renderer may take the nearest point
WAVES = 20  # plane waves in a background
INK = 1.6  # the grey strokes of the set are made firmer by this factor


_loaded: dict[str, NDArray[Any]] = {}


def digit_arrays() -> dict[str, NDArray[Any]]:
    """images (1797, 8, 8) float32 in [0, 1] and labels (1797,) int64: what sklearn.datasets.load_digits gives."""
    if not _loaded:
        spec = importlib.util.find_spec("sklearn")
        places = list(spec.submodule_search_locations or []) if spec else []
        file = Path(places[0]) / "datasets/data/digits.csv.gz" if places else Path()
        if not file.is_file():
            raise SaccadeError(f"scikit-learn's digits are not at {file}; install scikit-learn as constraints.txt says")
        table = np.loadtxt(file, delimiter=",", dtype=np.float32)  # read directly: importing scikit-learn takes seconds
        _loaded.update(images=table[:, :-1].reshape(-1, 8, 8) / 16, labels=table[:, -1].astype(np.int64))
    return _loaded


def use_digit_arrays(arrays: dict[str, NDArray[Any]]) -> None:
    """Takes these arrays instead of loading them: a worker gets its parent's."""
    _loaded.update(arrays)


def digit_labels() -> NDArray[np.int64]:
    """The class of each instance, (1797,)."""
    return digit_arrays()["labels"]


def split_instances(seed: int, shares: dict[str, float]) -> dict[str, list[list[int]]]:
    """{split: for each class, its instances in a random order}; no instance is in two splits."""
    rng = np.random.default_rng([seed, 101])
    result: dict[str, list[list[int]]] = {split: [] for split in SPLITS}
    for label in range(NUM_CLASSES):
        instances = rng.permutation(np.flatnonzero(digit_labels() == label))
        cuts = np.round(np.cumsum([shares[split] for split in SPLITS])[:-1] * len(instances)).astype(int)
        for split, part in zip(SPLITS, np.split(instances, cuts), strict=True):
            result[split].append(part.tolist())
    return result


def split_backgrounds(counts: dict[str, int]) -> dict[str, list[int]]:
    """{split: numbers of its backgrounds}; no number is in two splits."""
    result, first = {}, 0
    for split in SPLITS:
        result[split] = list(range(first, first + counts[split]))
        first += counts[split]
    return result


@lru_cache(maxsize=256)
def _face(instance: int, order: tuple[int, ...]) -> NDArray[np.float32]:
    image = digit_arrays()["images"][instance]
    if order:
        blocks = image.reshape(4, 2, 4, 2).transpose(0, 2, 1, 3).reshape(16, 2, 2)[list(order)]
        image = blocks.reshape(4, 4, 2, 2).transpose(0, 2, 1, 3).reshape(8, 8)
    weights = _magnifier()
    magnified = INK * weights @ np.pad(image, 1) @ weights.T  # padded: strokes end inside the picture
    return np.asarray(np.clip(magnified, 0.0, 1.0), dtype=np.float32)


@lru_cache(maxsize=1)
def _magnifier() -> NDArray[np.float32]:
    """Weights of cubic interpolation (Keys, a = -1/2) from 10 pixels to FACE_PX, (FACE_PX, 10)."""
    distance = np.abs(((np.arange(FACE_PX) + 0.5) * 10 / FACE_PX - 0.5)[:, None] - np.arange(10)[None, :])
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0)).astype(np.float32)


def face_picture(face: Face) -> NDArray[np.float32]:
    """The ink of a face in [0, 1], (FACE_PX, FACE_PX)."""
    return _face(face.instance, tuple(face.order))


@lru_cache(maxsize=8)
def background(number: int, height: int, width: int) -> NDArray[np.float32]:
    """Luminance of a background, (height, width), mean 0.45; it repeats at its borders, so a camera can pan over it."""
    rng = np.random.default_rng([number, 202])
    waves = rng.integers(-7, 8, (WAVES, 2))
    phases = rng.uniform(0, 2 * np.pi, WAVES)
    amplitudes = 0.11 / np.maximum(1.0, np.hypot(waves[:, 0], waves[:, 1])) * (waves.any(axis=1))
    across = 2 * np.pi * np.outer(waves[:, 0], (np.arange(width) + 0.5) / width) + phases[:, None]
    down = 2 * np.pi * np.outer(waves[:, 1], (np.arange(height) + 0.5) / height)
    waves_down = amplitudes[:, None] * np.stack([np.cos(down), -np.sin(down)])  # (2, WAVES, height)
    # no BLAS: its threads would multiply
    sums = np.einsum("pkh,pkw->hw", waves_down, np.stack([np.cos(across), np.sin(across)]))
    return np.asarray(0.45 + sums, dtype=np.float32)


@lru_cache(maxsize=1024)
def tint(number: int) -> tuple[int, int]:
    """The chroma (Cb, Cr) of a background."""
    rng = np.random.default_rng([number, 303])
    return int(rng.integers(112, 145)), int(rng.integers(112, 145))
