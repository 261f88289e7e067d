"""Sums over the neighbourhood of every cell of a map (Zhao, Jia, Koltun, "Exploring self-attention for image
recognition", CVPR 2020, Sec. 3.1), without what lies in the neighbourhoods ever being copied together.

A neighbourhood, the footprint, has F x F places, row by row. Inside, maps lie as (C, H, W, B): shifted by a cell, a row
of all samples is still one run of memory, however small the map is. Of a sample or two it is short all the same; then
channels that are treated alike lie innermost for a while (`channels_together`).

Beyond the border a map is continued by reflection. There are two official rules. Ours is that of the plain code: by
F // 2 cells at once, and where the map is too small for that, by one cell F // 2 times, on both axes. The CUDA kernel
reflects an index once at either end. Both agree where each side is longer than F // 2; they differ for a side of three
cells under a 7 x 7 footprint: a b c is continued to b a b | a b c | b c b by ours and to b c b | a b c | b a ? by the
kernel, which reads outside of the row; for a side of two cells it reads outside as well.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from saccade.records import SaccadeError

IN_CACHE, BUSY = 2**20, 2**26  # numbers under way: what a CPU's caches hold; what keeps a GPU busy
SHORT = 16  # numbers: so short a loop takes a CPU longer to enter than to run
Shape = tuple[int, ...]


def pad(maps: Tensor, footprint: int) -> Tensor:
    """`maps` (C, H, W, B) continued by footprint // 2 cells on each side. Raises SaccadeError where a side has a single
    cell, which can't be reflected."""
    margin, (height, width) = footprint // 2, maps.shape[1:3]
    if margin and min(height, width) < 2:
        raise SaccadeError(
            f"local attention: a map of {height} x {width} cells can't be reflected, each side needs at least 2; "
            "give larger frames, or take a network of fewer stages"
        )
    for step in [margin] if margin < min(height, width) else [1] * margin:
        maps = over_cells(maps, partial(functional.pad, pad=(step,) * 4, mode="reflect"))
    return maps


def over_cells(maps: Tensor, *layers: Callable[[Tensor], Tensor]) -> Tensor:
    """Layers that know no channels, such as a pooling of (N, C, H, W), of maps (C, H, W, B)."""
    images = maps.permute(0, 3, 1, 2)
    for layer in layers:
        images = layer(images)
    return images.permute(0, 2, 3, 1).contiguous()


def at_each_cell(maps: Tensor, *layers: Callable[[Tensor], Tensor]) -> Tensor:
    """Layers that see single cells of (N, C, H, W), such as 1 x 1 convolutions, normalisations and what follows them,
    of maps (C, H, W, B): they lie there as one large image, so that a convolution is one matrix product. An activation
    in place belongs among them: of a view, which the result is, it would copy everything on the way back."""
    image = maps.flatten(1, 2).unsqueeze(0)
    for layer in layers:
        image = layer(image)
    return image.squeeze(0).unflatten(1, maps.shape[1:3]).contiguous()


def inside(maps: Tensor) -> Tensor:
    """(B, ...) as (..., B)."""
    return maps.movedim(0, -1).contiguous()


def outside(maps: Tensor) -> Tensor:
    """(..., B) as (B, ...)."""
    return maps.movedim(-1, 0)


def short_rows(maps: Tensor) -> bool:
    """Whether a row of all samples of (..., W, B) is too short a run of memory for a CPU."""
    return maps.device.type == "cpu" and maps.shape[-2] * maps.shape[-1] < SHORT


def channels_together(maps: Tensor, dim: int) -> Tensor:
    """The same maps, of which what differs only in this dimension lies side by side in memory."""
    return maps.movedim(dim, -1).contiguous().movedim(-1, dim)


def windows(padded: Tensor, height: int, width: int) -> Tensor:
    """What lies at each place of the footprint: a view (..., F, F, height, width, B) of (..., height + F - 1, width + F
    - 1, B)."""
    return padded.unfold(-3, height, 1).unfold(-3, width, 1).movedim(-3, -1)


def by_place(seen: Tensor) -> list[Tensor]:
    """The places of `windows` one by one."""
    return [place for row in seen.unbind(-5) for place in row.unbind(-4)]


def at_once(each: int, number: int, like: Tensor) -> int:
    """How many of `number` equal steps to take at once, `each` of which needs so many numbers."""
    most = IN_CACHE if like.device.type == "cpu" else BUSY
    parts = -(-each * number // most)
    return -(-number // min(parts, number))


def summed(maps: Tensor, footprint: int) -> Tensor:
    """The sum of what lies in each window of a footprint's size: (C, H, W, B) to (C, H - F + 1, W - F + 1, B)."""
    for axis in (1, 2):
        length = maps.shape[axis] - footprint + 1
        first, *others = (maps.narrow(axis, start, length) for start in range(footprint))
        maps = first.clone()
        for other in others:
            maps += other
    return maps


class Differences(torch.autograd.Function):
    """Of each channel the mean and the variance (R,), double, of what differs between a query of queries (R, H, W, B)
    and any of its keys, in keys (R, H + F - 1, W + F - 1, B). The differences themselves are nowhere: what is needed of
    them are sums over windows, added up in double precision."""

    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys: Tensor, footprint: int) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        cells, ctx.footprint = queries[0].numel(), footprint
        share = _shared_out(
            torch.ones_like(queries[:1, :, :, :1]), footprint
        )  # of all windows, those that hold the key
        # Of numbers far from zero, squares would lose digits.
        levels = [maps.mean((1, 2, 3), keepdim=True) for maps in (queries, keys)]
        queries, keys = queries - levels[0], keys - levels[1]
        around = summed(keys, footprint) / footprint**2
        parts = queries, keys * share, queries.square(), keys.square() * share, queries * around
        own, other, own2, other2, both = (part.sum((1, 2, 3), dtype=torch.float64) / cells for part in parts)
        mean = own - other
        ctx.save_for_backward(queries, keys, around, share, mean)
        level = (levels[0] - levels[1]).flatten().double()
        return mean + level, (own2 + other2 - 2 * both - mean.square()).clamp_min(0)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, by_mean: Tensor, by_var: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        queries, keys, around, share, mean = ctx.saved_tensors
        mean, by_mean, by_var = (
            one.to(queries.dtype)[:, None, None, None]
            for one in (mean, by_mean / queries[0].numel(), 2 * by_var / queries[0].numel())
        )
        by_queries = (queries - around - mean) * by_var + by_mean
        by_keys = ((keys + mean) * share - _shared_out(queries, ctx.footprint)) * by_var - by_mean * share
        return by_queries, by_keys, None


def _shared_out(maps: Tensor, footprint: int) -> Tensor:
    """What each cell of (C, H, W, B) gives to the windows' cells, each place the same share: (C, H + F - 1, W + F - 1,
    B)."""
    return summed(functional.pad(maps, (0, 0) + (footprint - 1,) * 4), footprint) / footprint**2


@torch.library.custom_op("saccade::aggregate", mutates_args=())
def aggregate(values: Tensor, weights: Tensor) -> Tensor:
    """The weighted sums of values over each cell's footprint: (C, H, W, B).

    values: (C, H + F - 1, W + F - 1, B); weights: (G, F * F, H, W, B); value channel c takes weight channel c mod G.
    """
    values, weights = values.unflatten(0, (-1, len(weights))), weights[None]
    if short_rows(weights):
        values, weights = channels_together(values, 1), channels_together(weights, 1)
    found = torch.zeros_like(values[:, :, : weights.shape[3], : weights.shape[4]])  # lies as values do
    for rows, around in _by_rows(values, weights):
        for window, share in zip(around, weights[:, :, :, rows].unbind(2), strict=True):
            found[:, :, rows].addcmul_(window, share)
    return found.flatten(0, 1).contiguous()


@torch.library.custom_op("saccade::aggregate_backward", mutates_args=())
def aggregate_backward(gradient: Tensor, values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients by the values and by the weights."""
    values, weights = values.unflatten(0, (-1, len(weights))), weights[None]
    gradient = gradient.unflatten(0, values.shape[:2])
    by_values, by_weights = torch.zeros_like(values), torch.empty_like(weights)
    for (rows, around), (_, found) in zip(_by_rows(values, weights), _by_rows(by_values, weights), strict=True):
        given = gradient[:, :, rows]
        changes = by_weights[0, :, :, rows].unbind(1)
        for window, share, by, change in zip(around, weights[:, :, :, rows].unbind(2), found, changes, strict=True):
            torch.mul(given[0], window[0], out=change)
            for one, other in zip(given[1:], window[1:], strict=True):
                change.addcmul_(one, other)
            by.addcmul_(given, share)
    return by_values.flatten(0, 1), by_weights[0]


def _by_rows(values: Tensor, weights: Tensor) -> Iterator[tuple[slice, list[Tensor]]]:
    """Some rows of the map at a time, and what lies around their cells."""
    height, width, batch = weights.shape[3:]
    margins = values.shape[2] - height
    most = at_once(4 * values.shape[0] * values.shape[1] * width * batch, height, values)
    for first in range(0, height, most):
        last = min(first + most, height)
        yield slice(first, last), by_place(windows(values[:, :, first : last + margins], last - first, width))


def aggregate_macs(values: Shape, weights: Shape, **others: Any) -> int:
    """The multiply-adds of `aggregate`: a product for every value channel, place, cell and sample."""
    return values[0] * weights[1] * weights[2] * weights[3] * weights[4]


def aggregate_backward_macs(gradient: Shape, *read: Shape, **others: Any) -> int:
    return 2 * aggregate_macs(*read)


@aggregate.register_fake
def _(values: Tensor, weights: Tensor) -> Tensor:
    return values.new_empty(len(values), *weights.shape[2:])


@aggregate_backward.register_fake
def _(gradient: Tensor, values: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    return torch.empty_like(values), torch.empty_like(weights)


def _keep(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


aggregate.register_autograd(
    lambda ctx, gradient: aggregate_backward(gradient.contiguous(), *ctx.saved_tensors), setup_context=_keep
)
