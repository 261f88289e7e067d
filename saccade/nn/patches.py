"""Cutting patches out of frames, and the places that are drawn or known beforehand: pixels, rows before columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saccade.records import SaccadeError

Size = tuple[int, int]  # height, width of the frame in pixels


def room(size: Size, patch: int, setting: str = "patch_size") -> Size:
    """The largest top and left offset. Raises SaccadeError where the patch, which `setting` says, is larger than the
    frame."""
    if min(size) < patch:
        most = f"set `{setting}` to {min(size)} or less"
        raise SaccadeError(f"a patch of {patch} pixels doesn't fit into frames of {size[1]}x{size[0]}; {most}")
    return size[0] - patch, size[1] - patch


def random_corners(
    count: Sequence[int], size: Size, patch: int, generator: torch.Generator | None = None, setting: str = "patch_size"
) -> Tensor:
    """(*count, 2) top and left drawn uniformly from all offsets, both ends included, on the CPU; by torch's own
    generator without another."""
    return torch.stack(
        [torch.randint(largest + 1, tuple(count), generator=generator) for largest in room(size, patch, setting)],
        dim=-1,
    )


def drawn_corners(
    draws: Sequence[np.random.Generator], count: int, size: Size, patch: int, setting: str = "patch_size"
) -> Tensor:
    """As `random_corners`, (B, count, 2), each video's by its own generator, whatever else is in the batch."""
    highest = [largest + 1 for largest in room(size, patch, setting)]
    return torch.from_numpy(np.stack([draw.integers(highest, size=(count, 2)) for draw in draws]))


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
    """(N, C, H, W) frames and (N, 2) top and left to (N, C, patch, patch), or (N, k, 2) to (N, k, C, patch, patch), in
    channels-last memory, nothing resampled."""
    along = torch.arange(patch, device=frames.device)
    rows = (corners[..., 0, None] + along)[..., :, None]
    columns = (corners[..., 1, None] + along)[..., None, :]
    number = torch.arange(len(frames), device=frames.device).reshape(-1, *[1] * (rows.ndim - 1))
    return frames.permute(0, 2, 3, 1)[number, rows, columns].movedim(-1, -3)
