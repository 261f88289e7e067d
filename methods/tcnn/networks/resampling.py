"""Resampling a frame so that what attention wants is magnified (Recasens et al., Learning to Zoom, ECCV 2018, eq. 3; so
do S3N and Sec. 2.2)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class Resampler(nn.Module):
    """Where each cell of an even grid looks: x(u) = sum of A(v) k(u - v) v / sum of A(v) k(u - v), over places v of a
    grid that is continued beyond the edges by the values there; k is a Gaussian.

    The published form is a convolution of 61 x 61. A Gaussian is a product of two, and what lies beyond an edge has the
    edge's value, so both sums are products with one matrix a side: `smooth` (G, G), and `moved` (G, G), whose terms are
    multiplied by their place, 0 to 1 within the frame. Same numbers within rounding, 1.4 % of the multiply-adds.
    """

    smooth: Tensor
    moved: Tensor

    def __init__(self, side: int, width: float) -> None:
        """side: G. width: of k, full at half its height, in cells."""
        super().__init__()
        ring = side - 1  # cells that the attention is continued, and that k reaches (S3N: 30 of a grid of 31)
        places = torch.arange(-ring, side + ring, dtype=torch.float64)
        apart = places - torch.arange(side, dtype=torch.float64)[:, None]
        kernel = torch.exp(-4 * math.log(2) * (apart / width) ** 2) * (apart.abs() <= ring)
        source = places.long().clamp(0, side - 1).expand(side, -1)
        for name, terms in (("smooth", kernel), ("moved", kernel * places / (side - 1))):
            found = torch.zeros(side, side, dtype=torch.float64).scatter_add(1, source, terms)
            found /= kernel.sum(1, keepdim=True)  # which changes no ratio
            self.register_buffer(name, found.float(), persistent=False)

    def forward(self, attention: Tensor) -> Tensor:
        """(N, G, G), above 0, to (N, G, G, 2): x and y where each cell looks, -1 to 1 from the first pixel's middle to
        the last one's."""
        beside = attention @ self.smooth.T
        weight = self.smooth @ beside
        x = self.smooth @ (attention @ self.moved.T) / weight
        y = self.moved @ beside / weight
        return (2 * torch.stack([x, y], dim=-1) - 1).clamp(-1, 1)


def resample(frames: Tensor, grid: Tensor) -> Tensor:
    """(N, C, H, W) as the grid (N, G, G, 2) looks at them, bilinear twice: the grid is spread to the pixels, then the
    pixels are read. Corners are aligned, as in the PyTorch of S3N's time."""
    return functional.grid_sample(frames, spread(grid, frames.shape[-2:]), "bilinear", "zeros", align_corners=True)


def spread(grid: Tensor, size: tuple[int, ...]) -> Tensor:
    """(N, G, G, 2) to (N, H, W, 2)."""
    planes = grid.movedim(-1, 1).contiguous()  # with x and y innermost in memory it would take seven times as long
    pixels = functional.interpolate(planes, tuple(size), mode="bilinear", align_corners=True)
    return pixels.movedim(1, -1)
