"""Which of a frame's k regions the classifier reads in which place (slot)."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ..settings import Slots

Integers = NDArray[np.int64]


def in_slots(places: Integers, slots: Slots) -> Integers:
    """(B, T, k, 2) top and left of squares of one size, the most active first, to the same in slot order."""
    if places.shape[2] < 2 or slots == "activation":
        return places
    return np.take_along_axis(places, slot_order(places, slots)[..., None], axis=2)


def order_of_seen(places: Integers, slots: Slots, seen: NDArray[np.bool_]) -> Integers:
    """(B, T, k) which region of each frame is in each slot, where slots follow the frames seen (B, T) alone, at least
    one of each video; at the others the most active comes first (official code)."""
    order = np.tile(np.arange(places.shape[2]), (*places.shape[:2], 1))
    numbers = seen.sum(1)
    for number in np.unique(numbers):  # all videos of as many frames at once
        at = np.nonzero(seen & (numbers == number)[:, None])  # by video and frame
        order[at] = slot_order(places[at].reshape(-1, number, *places.shape[2:]), slots).reshape(-1, places.shape[2])
    return order


def features_in_order(crops: Tensor, order: Integers) -> Tensor:
    """(B, T, k * D) features of k crops a frame, put in an order (B, T, k)."""
    apart = crops.unflatten(2, (order.shape[2], -1))
    return apart.gather(2, torch.from_numpy(order).to(crops.device)[..., None].expand_as(apart)).flatten(2)


def slot_order(places: Integers, slots: Slots) -> Integers:
    """(B, T, k): which of each frame's squares (B, T, k, 2), the most active first, is in each slot."""
    if slots == "activation":
        return np.tile(np.arange(places.shape[2]), (*places.shape[:2], 1))
    return _trajectories(places) if slots == "trajectories" else _pairs(places)


def _trajectories(places: Integers) -> Integers:
    """(B, T, k) which region of each frame is in each slot: slot 0 is the cheapest path from the first frame to the
    last, slot 1 the cheapest of those through what is left, and so on (official code).

    Of paths that cost the same the one is taken whose region is the more active where they part.

    The official code forgets at the last frame which regions are taken and keeps paths from regions that bear a taken
    one's number a frame earlier; here each region is in one slot.
    """
    videos, frames, count = places.shape[:3]
    cost = _steps(places)
    taken = 1 + cost.sum(axis=(1, 2, 3), keepdims=True)[..., 0]  # (B, 1, 1): more than any path
    burden = np.zeros((videos, frames, count), dtype=np.int64)
    order = np.empty((videos, frames, count), dtype=np.int64)
    every = np.arange(videos)
    for slot in range(count):
        ahead = np.empty_like(burden)  # the cheapest way from each region to the last frame
        ahead[:, -1] = burden[:, -1]
        for frame in range(frames - 2, -1, -1):
            ahead[:, frame] = burden[:, frame] + (cost[:, frame] + ahead[:, frame + 1, None]).min(-1)
        at = ahead[:, 0].argmin(-1)
        order[:, 0, slot] = at
        for frame in range(1, frames):
            at = (cost[every, frame - 1, at] + ahead[:, frame]).argmin(-1)
            order[:, frame, slot] = at
        np.put_along_axis(burden, order[..., slot, None], taken, axis=2)
    return order


def _steps(places: Integers) -> Integers:
    """(B, T - 1, k, k) what it costs to go from a region to one of the next frame, in tenths: the squared distance of
    the boxes' four coordinates, at least 0.1 (official code; the boxes' areas, which it compares too, are equal)."""
    apart = places[:, :-1, :, None] - places[:, 1:, None]
    return np.maximum(20 * (apart**2).sum(-1), 1)


def _pairs(places: Integers) -> Integers:
    """(B, T, k): frame by frame the assignment that is nearest to the frame before, in squares; the first frame's is by
    activation."""
    order = np.tile(np.arange(places.shape[2]), (*places.shape[:2], 1))
    for video, own in enumerate(places):
        before = own[0]
        for frame in range(1, len(own)):
            apart = ((before[:, None] - own[frame]) ** 2).sum(-1)
            order[video, frame] = linear_sum_assignment(apart)[1]
            before = own[frame, order[video, frame]]
    return order
