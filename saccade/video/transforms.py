"""From decoded frames to what a network sees. All frames of a clip share one crop and one flip.

Resizing is bilinear, before the scaling to [0, 1], as `resampling` says: on uint8 with antialiasing, or on floats
without (normalised before or after, it's the same to within 1e-6). What is drawn is drawn here, from the generator that
is passed in.
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
    clip = _resized(frames, settings, drawn)
    if settings.crop:
        box = _train_box(clip.shape[-2], clip.shape[-1], settings, generator)
        clip = _cut(clip, box, settings)
    if settings.flip and generator.random() < 0.5:
        clip = clip.flip(-1)
    return _normalised(clip, settings)


def test_clip(frames: np.ndarray, settings: Input, crop_number: int = 0) -> torch.Tensor:
    """(T, H, W, 3) uint8 to (T, C, H, W) float32, normalised: resized, then crop `crop_number` of `num_crops`; nothing
    is drawn."""
    clip = _resized(frames, settings, settings.resize)
    if settings.crop:
        clip = _cut(clip, _test_box(clip.shape[-2], clip.shape[-1], settings, crop_number), settings)
    return _normalised(clip, settings)


test_clip.__test__ = False  # type: ignore[attr-defined]  # the name begins like a test's


def in_test_clip(box: Sequence[float], height: int, width: int, settings: Input, crop_number: int = 0) -> list[float]:
    """[x0, y0, x1, y1] in fractions of a whole frame of that size, as fractions of what `test_clip` leaves of it.

    Below 0 or above 1 where the box reaches beyond the crop.
    """
    tall, wide = resized_size(height, width, settings.resize, settings.resampling)
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
    tall, wide = resized_size(height, width, settings.resize, settings.resampling)
    top, left, rows, columns = _test_box(tall, wide, settings, crop_number) if settings.crop else (0, 0, tall, wide)
    x0, y0, x1, y1 = box
    return [
        (left + x0 * columns) / wide,
        (top + y0 * rows) / tall,
        (left + x1 * columns) / wide,
        (top + y1 * rows) / tall,
    ]


def resized_size(height: int, width: int, resize: int, resampling: str = "torchvision") -> tuple[int, int]:
    """(height, width) after the short side is brought to `resize` pixels (0 keeps it); the long side is rounded
    down. With `resampling` pyslowfast it is one pixel less where that code's floats miss a whole number."""
    short, long = min(height, width), max(height, width)
    if not resize or short == resize:
        return height, width
    longer = math.floor(long / short * resize) if resampling == "pyslowfast" else resize * long // short
    return (resize, longer) if height <= width else (longer, resize)


def multiscale_box(height: int, width: int, generator: np.random.Generator) -> Box:
    """Height and width drawn from four scales of the short side, at most one scale apart, at one of 13 places (TSN)."""
    tall, wide, down, across = _multiscale([int(min(height, width) * scale) for scale in _SCALES], generator)
    return (height - tall) * down // 4, (width - wide) * across // 4, tall, wide


def tsn_box(height: int, width: int, crop: int, generator: np.random.Generator) -> Box:
    """`multiscale_box` as in the code of TSN: a side less than 3 pixels from the crop's is the crop's, and a place is a
    number of whole quarter steps, so that the far end of a box may be up to 3 pixels from the edge."""
    sides = [int(min(height, width) * scale) for scale in _SCALES]
    sides = [crop if abs(side - crop) < 3 and crop <= min(height, width) else side for side in sides]
    tall, wide, down, across = _multiscale(sides, generator)
    return (height - tall) // 4 * down, (width - wide) // 4 * across, tall, wide


def _multiscale(sides: Sequence[int], generator: np.random.Generator) -> tuple[int, int, int, int]:
    """(height, width, quarters down, quarters across), drawn."""
    pairs = [(a, b) for i, a in enumerate(sides) for j, b in enumerate(sides) if abs(i - j) <= 1]
    return *pairs[generator.integers(len(pairs))], *_PLACES[generator.integers(len(_PLACES))]


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
    places = sampling.crops(height, width, settings.crop, settings.num_crops, settings.crop_rounding)
    top, left = places[crop_number]
    return top, left, settings.crop, settings.crop


def _train_box(height: int, width: int, settings: Input, generator: np.random.Generator) -> Box:
    """The part of the frame that becomes the crop, before it is brought to the crop's size."""
    crop = settings.crop
    if settings.train_crop == "multiscale":
        return multiscale_box(height, width, generator)
    if settings.train_crop == "tsn":
        return tsn_box(height, width, crop, generator)
    if settings.train_crop == "random-resized":
        return random_resized_box(height, width, generator)
    # also where a crop that doesn't fit is refused
    top, left = sampling.crops(height, width, crop, 1, settings.crop_rounding)[0]
    if settings.train_crop == "random":
        top, left = int(generator.integers(height - crop + 1)), int(generator.integers(width - crop + 1))
    return top, left, crop, crop


def _resized(frames: np.ndarray, settings: Input, resize: int) -> torch.Tensor:
    """(T, C, H, W) of 0 to 255: uint8, or float32 after a resizing on floats."""
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        raise ValueError(f"frames are {frames.dtype} {frames.shape}, should be uint8 (T, H, W, 3)")
    clip = torch.from_numpy(frames).permute(0, 3, 1, 2)  # (T, C, H, W)
    size = resized_size(frames.shape[1], frames.shape[2], resize, settings.resampling)
    return clip if size == frames.shape[1:3] else _resize(clip, size, settings.resampling)


def _cut(clip: torch.Tensor, box: Box, settings: Input) -> torch.Tensor:
    top, left, height, width = box
    side = settings.crop
    clip = clip[..., top : top + height, left : left + width]
    return clip if (height, width) == (side, side) else _resize(clip, (side, side), settings.resampling)


def _resize(clip: torch.Tensor, size: tuple[int, int], resampling: str) -> torch.Tensor:
    if resampling == "pyslowfast":
        return torch.nn.functional.interpolate(clip.float(), size=size, mode="bilinear", align_corners=False)
    if resampling == "pillow":
        return _resize_by_pillow(clip, size)
    # here, since torchvision takes as long to load as torch, and not every network is its
    from torchvision.transforms.v2.functional import resize

    resized: torch.Tensor = resize(clip, list(size), antialias=True)
    return resized


def _resize_by_pillow(clip: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    from PIL import Image  # here, for who has no need of it

    pictures = clip.permute(0, 2, 3, 1).contiguous().numpy()
    resized = [Image.fromarray(picture).resize(size[::-1], Image.Resampling.BILINEAR) for picture in pictures]
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in resized])).permute(0, 3, 1, 2)


def _normalised(clip: torch.Tensor, settings: Input) -> torch.Tensor:
    """As torchvision's `to_dtype` and `normalize`, to the last bit; colours in the order of `channel_order`."""
    clip = clip.flip(1) if settings.channel_order == "bgr" else clip
    mean, std = (torch.tensor(values, dtype=torch.float32)[:, None, None] for values in (settings.mean, settings.std))
    return clip.contiguous().to(torch.float32).mul_(1 / 255).sub_(mean).div_(std)
