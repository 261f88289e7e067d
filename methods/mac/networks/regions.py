"""Where a frame is looked at closely: the regions of its attention map (Sec. III-B), and what stands beside them.

Source of what the paper leaves open: the official code (thresholds, areas, suppression, projection). Cells and pixels
run rows before columns; boxes are half-open. All videos of a batch go through in one piece, and no step mixes them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from saccade.nn.patches import Size, drawn_corners, random_corners, room, true_centres
from saccade.records import SaccadeError
from saccade.video.loader import generator

from ..settings import Regions, Slots
from .slots import in_slots

Integers = NDArray[np.int64]

GRAIN = 2**16
WITHIN_A_PLANE = np.zeros((3, 3, 3), dtype=bool)  # neighbours across edges and corners, never in another plane
WITHIN_A_PLANE[1] = True


def corners(attention: Tensor, rules: Regions, size: Size) -> Tensor:
    """(B, T, k, 2) top and left in pixels of the regions of each map (B, T, H, W), in slot order, on its device.

    A frame of fewer than k regions has its last one again; one without any has the centre. Raises SaccadeError where
    k regions can't be on such a map, or a frame of `size` is smaller than a region.
    """
    return corners_and_number(attention, rules, size, rules.slots)[0]


def corners_and_number(attention: Tensor, rules: Regions, size: Size, slots: Slots) -> tuple[Tensor, Tensor]:
    """What `corners` gives, in such slots, and how many regions were found (B, T), 0 to k."""
    shape, cells = attention.shape[:2], (attention.shape[2], attention.shape[3])
    need_cells(rules.regions, cells, rules)
    found, number = boxes(attention.detach().flatten(0, 1).cpu().numpy(), rules.regions, rules)
    places = projected(found, cells, size, rules.region_size)
    places[number == 0] = np.array(_room(size, rules)) // 2
    places = in_slots(places.reshape(*shape, -1, 2), slots)
    return torch.from_numpy(places).to(attention.device), torch.from_numpy(number).unflatten(0, shape)


def need_cells(k: int, cells: Size, rules: Regions) -> None:
    """Raises SaccadeError where k regions can't lie apart on a map of so many cells."""
    largest = rules.largest_share * cells[0] * cells[1]
    most = -(-cells[0] // 2) * -(-cells[1] // 2) if largest > 1 else 0
    if k > most:
        raise SaccadeError(
            f"{k} regions of an attention map of {cells[0]}x{cells[1]} cells, on which at most {most} lie apart; set "
            f"`regions` to {most} or less, or `attention_layer` to a layer whose map is larger"
        )


# ---- regions of the map


def boxes(attention: NDArray[Any], k: int, rules: Regions) -> tuple[Integers, Integers]:
    """(N, k, 4) cells top, left, bottom, right of the regions of (N, H, W) maps, the most active first, and how many
    were found (N,); the last stands again where there are fewer, zeros where there is none.

    A region is a connected part of what exceeds a threshold, corners connecting; its activation is the sum of its
    cells. Maps are read to 2^-16 of a window's attention, so that sums are exact and what is alike stays alike in every
    batch and runtime; of regions of equal activation that of the lower threshold is better, then that whose first cell
    comes first row by row.
    """
    maps = np.round(attention.astype(np.float64) * GRAIN)
    which, box = _candidates(maps, rules)
    found = np.zeros((len(maps), k, 4), dtype=np.int64)
    number = np.zeros(len(maps), dtype=np.int64)
    left = np.ones(len(box), dtype=bool)
    for rank in range(k):
        standing = np.flatnonzero(left)
        of, first = np.unique(which[standing], return_index=True)  # sorted by map, then the best first
        best = standing[first]
        found[of, rank] = box[best]
        number[of] += 1
        left[best] = False
        left &= ~(_overlap(box, found[which, rank]) > rules.overlap)
    again = np.minimum(np.arange(k), np.maximum(number - 1, 0)[:, None])  # (N, k)
    return np.take_along_axis(found, again[..., None], axis=1), number


def _candidates(maps: NDArray[np.float64], rules: Regions) -> tuple[Integers, Integers]:
    """Of all regions of all thresholds, map by map and the best first: the map's number (R,), the box (R, 4)."""
    videos, height, width = maps.shape
    flat = maps.reshape(videos, -1)
    steps = np.linspace(-1, 1, rules.thresholds)
    levels = flat.mean(1)[:, None] + flat.std(1)[:, None] * steps  # (N, S)
    masks = maps[:, None] > levels[..., None, None]
    labels, count = ndimage.label(masks.reshape(-1, height, width), WITHIN_A_PLANE)
    cells = np.flatnonzero(labels)
    owner = labels.ravel()[cells]
    cells = cells[np.argsort(owner, kind="stable")]  # region by region, each row by row
    areas = np.bincount(owner, minlength=count + 1)[1:]
    starts = np.cumsum(areas) - areas
    if not count:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 4), dtype=np.int64)
    plane, place = np.divmod(cells, height * width)
    row, column = np.divmod(place, width)
    low = [np.minimum.reduceat(axis, starts) for axis in (row, column)]
    high = [np.maximum.reduceat(axis, starts) + 1 for axis in (row, column)]
    activation = np.add.reduceat(flat[plane // len(steps), place], starts)
    which, level = np.divmod(plane[starts], len(steps))
    small = areas < rules.largest_share * height * width
    order = np.lexsort((place[starts], level, -activation, which))
    order = order[small[order]]
    return which[order], np.stack([*low, *high], axis=-1)[order]


def _overlap(one: Integers, other: Integers) -> NDArray[np.float64]:
    """(R,) intersection over union of boxes (R, 4), each rounded to float32, as the official code compares it: 3/10 is
    more than 0.3."""
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    common = sides.clip(0).prod(1)
    areas = [(box[:, 2:] - box[:, :2]).prod(1) for box in (one, other)]
    return (common / (areas[0] + areas[1] - common)).astype(np.float32).astype(np.float64)


def projected(box: Integers, cells: Size, size: Size, region_size: int) -> Integers:
    """(..., 4) boxes in cells to (..., 2) top and left in pixels of squares around their middles, moved into the frame.
    The middle is rounded down to a cell's border, so odd boxes move up and left by half a cell (official code)."""
    middle = (box[..., :2] + box[..., 2:]) // 2 * np.array(size) // np.array(cells)
    return (middle - region_size // 2).clip(0, np.array(room(size, region_size, "region_size")))


# ---- what stands beside them


def other_corners(clip: dict[str, Any], rules: Regions, *, training: bool) -> Tensor:
    """(B, T, k, 2) top and left in pixels of clip["rgb"], on its device, by what `rules.look` says, not by attention.

    random: drawn uniformly, by torch's generator in training, else by the video's name. central: the same squares side
    by side around the middle of every frame. oracle: around the middle of the target's true box (of the frame, where it
    isn't known), all k of them, as of a map that has one region. Raises SaccadeError where the clip lacks the truth.
    """
    rgb, side = clip["rgb"], rules.region_size
    size, count = (rgb.shape[-2], rgb.shape[-1]), (*rgb.shape[:2], rules.regions)
    if rules.look == "random" and training:
        found = random_corners(count, size, side, setting="region_size")
    elif rules.look == "random":
        draws = [generator(0, 0, video, "regions") for video in clip["video_id"]]
        found = drawn_corners(draws, count[1] * count[2], size, side, "region_size").unflatten(1, count[1:])
    elif rules.look == "central":
        found = torch.from_numpy(side_by_side(rules, size))
    else:
        found = _around(true_centres(clip), rules, size)[:, :, None]
    return found.to(rgb.device).expand(*count, 2)


def side_by_side(rules: Regions, size: Size) -> Integers:
    """(k, 2) top and left of k squares that touch, in rows as near to a block as they come, its middle the frame's; of
    squares that the frame can't hold side by side the outer ones stand at its border."""
    _room(size, rules)
    rows = np.array_split(np.arange(rules.regions), int(rules.regions**0.5))
    tops = _spread(len(rows), size[0], rules.region_size)
    return np.array(
        [
            (top, left)
            for top, row in zip(tops, rows, strict=True)
            for left in _spread(len(row), size[1], rules.region_size)
        ]
    )


def _spread(count: int, length: int, side: int) -> Sequence[int]:
    if count * side <= length:
        return range((length - count * side) // 2, length - side + 1, side)[:count]
    return [number * (length - side) // (count - 1) for number in range(count)]


def _around(centres: Tensor, rules: Regions, size: Size) -> Tensor:
    """(..., 2) row and column to top and left of squares around them, moved into the frame."""
    largest = torch.tensor(_room(size, rules), device=centres.device)
    centres = torch.where(centres.isnan(), torch.tensor(size, device=centres.device) / 2, centres)
    return (centres - rules.region_size / 2).round().long().clamp(torch.zeros_like(largest), largest)


def _room(size: Size, rules: Regions) -> Size:
    return room(size, rules.region_size, "region_size")
