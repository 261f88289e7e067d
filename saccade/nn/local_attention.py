"""Pairwise self-attention over the neighbourhood of every cell of a map (Zhao, Jia, Koltun, "Exploring self-attention
for image recognition", CVPR 2020, Sec. 3.1).

A neighbourhood, the footprint, has F x F cells, row by row. Beyond the border a map is continued by reflection. There
are two official rules. Ours is that of the plain code: pad by F // 2 at once, and where the map is too small for that,
by one cell F // 2 times, on both axes. The CUDA kernel reflects an index once at either end. Both agree where each side
is longer than F // 2; for a 7 x 7 footprint and a side of 3 cells they differ: continued by three cells, a b c is
b a b | a b c | b c b by ours and b c b | a b c | b a ? by the kernel, which reads outside of the row.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor

from saccade.records import SaccadeError

SHARE = 8  # value channels that one attention channel weighs


@cache
def continued(size: int, other: int, footprint: int) -> tuple[int, ...]:
    """For each cell of an axis of `size` cells after padding, the cell of the map that stands there. `other` is the
    size of the map's other axis, which decides the rule, too."""
    margin = footprint // 2
    cells = list(range(size))
    if margin < min(size, other):
        return (*cells[margin:0:-1], *cells, *cells[-2 : -2 - margin : -1])
    for _ in range(margin):
        cells = [cells[1], *cells, cells[-2]]
    return tuple(cells)


def pad(maps: Tensor, footprint: int) -> Tensor:
    """`maps` (..., H, W) continued by footprint // 2 cells on each side. Raises SaccadeError where a side has a single
    cell, which can't be reflected."""
    height, width = maps.shape[-2:]
    if min(height, width) < 2 and footprint > 1:
        raise SaccadeError(
            f"local attention: a map of {height} x {width} cells can't be reflected, each side needs at least 2; "
            "give larger frames, or a network of fewer stages"
        )
    for dim, (size, other) in ((-2, (height, width)), (-1, (width, height))):
        cells = torch.tensor(continued(size, other, footprint), device=maps.device)
        maps = maps.index_select(dim, cells)
    return maps


def windows(padded: Tensor, footprint: int) -> Tensor:
    """A view (..., F, F, H, W) of padded maps: what each cell has at each place of its footprint."""
    return padded.unfold(-2, padded.shape[-2] - footprint + 1, 1).unfold(-2, padded.shape[-1] - footprint + 1, 1)


def position(height: int, width: int, like: Tensor) -> Tensor:
    """(2, H, W): for each cell its column, then its row, from -1 to 1."""
    options: dict[str, Any] = {"dtype": like.dtype, "device": like.device}
    columns, rows = torch.linspace(-1, 1, width, **options), torch.linspace(-1, 1, height, **options)
    return torch.stack([columns.expand(height, width), rows[:, None].expand(height, width)])


@torch.library.custom_op("saccade::aggregate", mutates_args=())
def aggregate(padded: Tensor, weights: Tensor) -> Tensor:
    """The weighted sums of values over each cell's footprint: (B, C, H, W).

    padded: values (B, C, H + F - 1, W + F - 1); weights: (B, G, F * F, H, W); value channel c takes weight channel
    c mod G.
    """
    values, shared = _by_weight(padded, weights)
    found = values.new_zeros(*values.shape[:3], *weights.shape[3:])
    for offset, window in _each(values, weights):
        found.addcmul_(window, shared[:, :, :, offset])
    return found.flatten(1, 2)


@aggregate.register_fake
def _(padded: Tensor, weights: Tensor) -> Tensor:
    return padded.new_empty(*padded.shape[:2], *weights.shape[3:])


@torch.library.custom_op("saccade::aggregate_backward", mutates_args=())
def aggregate_backward(gradient: Tensor, padded: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients by the padded values and by the weights."""
    values, shared = _by_weight(padded, weights)
    gradient = gradient.unflatten(1, values.shape[1:3])
    by_values, by_weights = torch.zeros_like(values), torch.empty_like(weights)
    for (offset, window), (_, found) in zip(_each(values, weights), _each(by_values, weights), strict=True):
        torch.sum(gradient * window, 1, out=by_weights[:, :, offset])
        found.addcmul_(gradient, shared[:, :, :, offset])
    return by_values.flatten(1, 2), by_weights


@aggregate_backward.register_fake
def _(gradient: Tensor, padded: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty_like(padded), torch.empty_like(weights)


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _differentiate(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
    return aggregate_backward(gradient, *ctx.saved_tensors)


aggregate.register_autograd(_differentiate, setup_context=_keep)


def _by_weight(padded: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the axes (B, C // G, G, ...)."""
    return padded.unflatten(1, (-1, weights.shape[1])), weights[:, None]


def _each(values: Tensor, weights: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Every place of the footprint, and the view (..., H, W) of what lies there."""
    height, width = weights.shape[3:]
    footprint = values.shape[-1] - width + 1
    for offset in range(footprint**2):
        row, column = divmod(offset, footprint)
        yield offset, values[..., row : row + height, column : column + width]


def aggregate_macs(padded: tuple[int, ...], weights: tuple[int, ...], **others: Any) -> int:
    """The multiply-adds of `aggregate`, from the shapes of its inputs."""
    batch, channels = padded[:2]
    places, height, width = weights[2:]
    return batch * channels * places * height * width


def aggregate_backward_macs(gradient: tuple[int, ...], padded: tuple[int, ...], weights: Any, **others: Any) -> int:
    return 2 * aggregate_macs(padded, weights)
