"""Where a patch may be, and how it is cut: pixels of the clip, rows before columns.

A place is the share of the room that is left above and to the left: (0, 0) is the top left corner, (1, 1) the bottom
right one, so every corner of the frame can be reached. Source: official code (`get_patch_grid`-like arithmetic on
normalised offsets), checked in the tests.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from saccade.records import SaccadeError
from saccade.video.loader import generator as of_video

Size = tuple[int, int]  # height, width of the frame in pixels


def room(size: Size, patch: int) -> Size:
    """The largest top and left offset. Raises SaccadeError where the patch is larger than the frame."""
    if min(size) < patch:
        most = f"set `patch_size` to {min(size)} or less"
        raise SaccadeError(f"a patch of {patch} pixels doesn't fit into frames of {size[1]}x{size[0]}; {most}")
    return size[0] - patch, size[1] - patch


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


def random_corners(count: Size, size: Size, patch: int, generator: torch.Generator | None = None) -> Tensor:
    """(B, T, 2) drawn uniformly from all offsets, both ends included (the official code never draws the last), on the
    CPU."""
    return torch.stack(
        [torch.randint(largest + 1, count, generator=generator) for largest in room(size, patch)], dim=-1
    )


def random_corners_of(videos: Sequence[str], count: int, size: Size, patch: int) -> Tensor:
    """As `random_corners`, at test time: (B, count, 2) by the videos' names, whatever else is in the batch."""
    highest = [largest + 1 for largest in room(size, patch)]
    return torch.from_numpy(
        np.stack([of_video(0, 0, video, "place").integers(highest, size=(count, 2)) for video in videos])
    )


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


def true_centres(clip: dict[str, Any]) -> Tensor:
    """(B, T, 2) row and column of the middle of the target's true box in pixels. Raises SaccadeError where the clip
    doesn't bring it."""
    if "truth.y0" not in clip:
        raise SaccadeError(
            "the true place is asked for; set truth: [x0, y0, x1, y1, visibility, informative], on data that has it"
        )
    y0, x0, y1, x1 = (clip[f"truth.{key}"] for key in ("y0", "x0", "y1", "x1"))
    return torch.stack([(y0 + y1) / 2, (x0 + x1) / 2], dim=-1)


def cut(frames: Tensor, corners: Tensor, patch: int) -> Tensor:
    """(N, C, H, W) frames and (N, 2) top and left to (N, C, patch, patch), in channels-last memory, nothing
    resampled."""
    along = torch.arange(patch, device=frames.device)
    rows, columns = (corners[:, axis, None] + along for axis in (0, 1))  # (N, patch)
    number = torch.arange(len(frames), device=frames.device)[:, None, None]
    return frames.permute(0, 2, 3, 1)[number, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def shrink(frames: Tensor, patch: int) -> Tensor:
    """(N, C, H, W) to (N, C, patch, patch): what the whole frame looks like at the price of a patch."""
    return functional.interpolate(frames, (patch, patch), mode="bilinear", antialias=True)
