"""From attention weights of every position to one map of the frame (Sec. III-A, eq. 3)."""

import torch
from torch import Tensor
from torch.nn import functional


def cumulative(weights: Tensor) -> Tensor:
    """(N, G, F*F, H, W) softmax weights, offsets row by row, to (N, G, H, W): how much attention each cell gets from
    all positions whose footprint holds it.

    Every position's window is added onto the map where it lies; what falls beyond the border, on cells that were
    padded, is dropped. Nothing is normalised (official code): a cell in the middle is in more windows, see `uniform`.
    """
    side = round(weights.shape[2] ** 0.5)
    size = (weights.shape[3], weights.shape[4])
    return functional.fold(weights.flatten(3).flatten(1, 2), size, side, padding=side // 2)


def uniform(height: int, width: int, footprint: int) -> Tensor:
    """(H, W): `cumulative` of weights that are all alike, so the share of a footprint's cells that the border leaves.
    It leans to the centre: on 7 x 7 cells with a 7 x 7 footprint from 16/49 in a corner to 1 in the middle."""
    reach = footprint // 2
    along = [
        (torch.arange(length).clamp(max=reach) + torch.arange(length - 1, -1, -1).clamp(max=reach) + 1).double()
        for length in (height, width)
    ]
    return (along[0][:, None] * along[1] / footprint**2).float()
