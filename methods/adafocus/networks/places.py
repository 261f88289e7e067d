"""Where AdaFocus may put a patch: pixels of the clip, rows before columns. How it is cut: saccade/nn/patches.py.

A place is the share of the room that is left above and to the left: (0, 0) is the top left corner, (1, 1) the bottom
right one, so every corner of the frame can be reached. Source: official code (`get_patch_grid`-like arithmetic on
normalised offsets), checked in the tests.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from saccade.nn.patches import Size, room, true_centres
from saccade.video.loader import generator as of_video


def candidate_corners(actions: Tensor, candidates: int, size: Size, patch: int) -> Tensor:
    """(...) numbers k = row * candidates + column to (..., 2) top and left: floor(row / (candidates - 1) * room), in
    whole numbers."""
    down, across = room(size, patch)
    steps = max(candidates - 1, 1)
    return torch.stack([actions // candidates * down // steps, actions % candidates * across // steps], dim=-1)


def corners_at(places: Tensor, size: Size, patch: int) -> Tensor:
    """(..., 2) places in [0, 1] to (..., 2) top and left in pixels, rounded down."""
    largest = torch.tensor(room(size, patch), device=places.device)
    return (places.clamp(0, 1) * largest).floor().long()


def gaussian_places(clip: dict[str, Any], count: Size, sigma: float, training: bool) -> Tensor:
    """(B, T, 2) the middle plus `sigma` half rooms times a standard normal number, cut to the frame; drawn anew in
    training, else by the videos' names. Table 5 says "standard gaussian distribution centred the frame", in no unit:
    our reading."""
    if training:
        drawn = torch.randn(*count, 2)
    else:
        shape = (count[1], 2)
        drawn = torch.from_numpy(
            np.stack([of_video(0, 0, v, "place gaussian").standard_normal(shape) for v in clip["video_id"]])
        ).float()
    return (0.5 + 0.5 * sigma * drawn).clamp(0, 1)


def true_actions(clip: dict[str, Any], candidates: int, size: Size, patch: int) -> Tensor:
    """(B, T) the candidate whose middle is nearest to that of the target's true box: what an oracle chooses."""
    centres = true_centres(clip)[..., None, :]  # (B, T, 1, 2)
    corners = candidate_corners(torch.arange(candidates**2, device=centres.device), candidates, size, patch)
    return ((corners + patch / 2 - centres) ** 2).sum(-1).argmin(-1)


def shrink(frames: Tensor, patch: int) -> Tensor:
    """(N, C, H, W) to (N, C, patch, patch): what the whole frame looks like at the price of a patch."""
    return functional.interpolate(frames, (patch, patch), mode="bilinear", antialias=True)
