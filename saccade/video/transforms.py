"""From decoded frames to what a network sees. All frames of a clip share one crop and one flip.

Resizing is torchvision's, bilinear with antialiasing, on uint8, before the scaling to [0, 1]. What is drawn is drawn
here, from the generator that is passed in.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from saccade.settings import Input
from saccade.video import sampling

Box = tuple[int, int, int, int]  # top, left, height, width
_SCALES = (1, 0.875, 0.75, 0.66)  # of the short side: Wang et al. 2016, Sec. 3.3 (256, 224, 192, 168 of 256)
# The 13 places of a multiscale crop, in quarters of the free room (down, across): corners, centre, edge middles, and
# between.
_PLACES = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2), (0, 2), (2, 0), (2, 4), (4, 2), (1, 1), (1, 3), (3, 1), (3, 3)]


def train_clip(frames: np.ndarray, settings: Input, generator: np.random.Generator) -> torch.Tensor:
    """(T, H, W, 3) uint8 to (T, C, H, W) float32, normalised: resized, cropped as `train_crop` says, flipped half of
    the time."""
    drawn = int(generator.integers(settings.resize, settings.resize_to + 1)) if settings.resize_to else settings.resize
    clip = _resized(frames, drawn)
    if settings.crop:
        box = _train_box(clip.shape[-2], clip.shape[-1], settings, generator)
        clip = _cut(clip, box, settings.crop)
    if settings.flip and generator.random() < 0.5:
        clip = clip.flip(-1)
    return _normalised(clip, settings)


def test_clip(frames: np.ndarray, settings: Input, crop_number: int = 0) -> torch.Tensor:
    """(T, H, W, 3) uint8 to (T, C, H, W) float32, normalised: resized, then crop `crop_number` of `num_crops`; nothing
    is drawn."""
    clip = _resized(frames, settings.resize)
    if settings.crop:
        clip = _cut(clip, _test_box(clip.shape[-2], clip.shape[-1], settings, crop_number), settings.crop)
    return _normalised(clip, settings)


test_clip.__test__ = False  # type: ignore[attr-defined]  # the name begins like a test's


def in_test_clip(box: Sequence[float], height: int, width: int, settings: Input, crop_number: int = 0) -> list[float]:
    """[x0, y0, x1, y1] in fractions of a whole frame of that size, as fractions of what `test_clip` leaves of it.

    Below 0 or above 1 where the box reaches beyond the crop.
    """
    tall, wide = resized_size(height, width, settings.resize)
    top, left, rows, columns = _test_box(tall, wide, settings, crop_number) if settings.crop else (0, 0, tall, wide)
    x0, y0, x1, y1 = box
    return [
        (x0 * wide - left) / columns,
        (y0 * tall - top) / rows,
        (x1 * wide - left) / columns,
        (y1 * tall - top) / rows,
    ]


def from_test_clip(box: Sequence[float], height: int, width: int, settings: Input, crop_number: int = 0) -> list[float]:
    """The way back of `in_test_clip`: a box in fractions of what `test_clip` leaves, as fractions of the whole
    frame."""
    tall, wide = resized_size(height, width, settings.resize)
    top, left, rows, columns = _test_box(tall, wide, settings, crop_number) if settings.crop else (0, 0, tall, wide)
    x0, y0, x1, y1 = box
    return [
        (left + x0 * columns) / wide,
        (top + y0 * rows) / tall,
        (left + x1 * columns) / wide,
        (top + y1 * rows) / tall,
    ]


def resized_size(height: int, width: int, resize: int) -> tuple[int, int]:
    """(height, width) after the short side is brought to `resize` pixels (0 keeps it); the long side is rounded
    down."""
    if not resize:
        return height, width
    return (resize, resize * width // height) if height <= width else (resize * height // width, resize)


def multiscale_box(height: int, width: int, generator: np.random.Generator) -> Box:
    """Height and width drawn from four scales of the short side, at most one scale apart, at one of 13 places (TSN)."""
    sides = [int(min(height, width) * scale) for scale in _SCALES]
    pairs = [(a, b) for i, a in enumerate(sides) for j, b in enumerate(sides) if abs(i - j) <= 1]
    tall, wide = pairs[generator.integers(len(pairs))]
    down, across = _PLACES[generator.integers(len(_PLACES))]
    return (height - tall) * down // 4, (width - wide) * across // 4, tall, wide


def random_resized_box(height: int, width: int, generator: np.random.Generator) -> Box:
    """A box of 8 to 100 % of the area with an aspect ratio from 3/4 to 4/3 (Szegedy et al. 2015). After 10 draws that
    don't fit it is the largest centred box."""
    ratios = (3 / 4, 4 / 3)
    for _ in range(10):
        area = height * width * generator.uniform(0.08, 1.0)
        ratio = math.exp(generator.uniform(math.log(ratios[0]), math.log(ratios[1])))
        tall, wide = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
        if 0 < tall <= height and 0 < wide <= width:
            return int(generator.integers(height - tall + 1)), int(generator.integers(width - wide + 1)), tall, wide
    ratio = min(max(width / height, ratios[0]), ratios[1])
    tall, wide = (height, round(height * ratio)) if width / height > ratio else (round(width / ratio), width)
    return (height - tall) // 2, (width - wide) // 2, tall, wide


def _test_box(height: int, width: int, settings: Input, crop_number: int) -> Box:
    """The part of the resized frame that becomes crop `crop_number`."""
    top, left = sampling.crops(height, width, settings.crop, settings.num_crops)[crop_number]
    return top, left, settings.crop, settings.crop


def _train_box(height: int, width: int, settings: Input, generator: np.random.Generator) -> Box:
    """The part of the frame that becomes the crop, before it is brought to the crop's size."""
    crop = settings.crop
    if settings.train_crop == "multiscale":
        return multiscale_box(height, width, generator)
    if settings.train_crop == "random-resized":
        return random_resized_box(height, width, generator)
    top, left = sampling.crops(height, width, crop, 1)[0]  # also where a crop that doesn't fit is refused
    if settings.train_crop == "random":
        top, left = int(generator.integers(height - crop + 1)), int(generator.integers(width - crop + 1))
    return top, left, crop, crop


def _resized(frames: np.ndarray, resize: int) -> torch.Tensor:
    """(T, C, H, W) uint8."""
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        raise ValueError(f"frames are {frames.dtype} {frames.shape}, should be uint8 (T, H, W, 3)")
    clip = torch.from_numpy(frames).permute(0, 3, 1, 2)  # (T, C, H, W)
    size = resized_size(frames.shape[1], frames.shape[2], resize)
    return clip if size == frames.shape[1:3] else _resize(clip, size)


def _cut(clip: torch.Tensor, box: Box, side: int) -> torch.Tensor:
    top, left, height, width = box
    clip = clip[..., top : top + height, left : left + width]
    return clip if (height, width) == (side, side) else _resize(clip, (side, side))


def _resize(clip: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    # here, since torchvision takes as long to load as torch, and not every network is its
    from torchvision.transforms.v2.functional import resize

    resized: torch.Tensor = resize(clip, list(size), antialias=True)
    return resized


def _normalised(clip: torch.Tensor, settings: Input) -> torch.Tensor:
    """As torchvision's `to_dtype` and `normalize`, to the last bit."""
    mean, std = (torch.tensor(values, dtype=torch.float32)[:, None, None] for values in (settings.mean, settings.std))
    return clip.contiguous().to(torch.float32).mul_(1 / 255).sub_(mean).div_(std)
