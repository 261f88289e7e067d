"""How a SAN's attention is weighed: every cell's query against the keys around it (`local_attention`), through two
convolutions with a normalisation between them.

What is compared has C / 16 + 2 numbers for every cell and place of its footprint. They are computed for some places at
once and not kept, and computed anew on the way back. While the normalisation learns, what the first convolution makes
of them, C / 16 numbers, waits for its mean and variance; on the way back as many gradients wait beside them.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from saccade.nn.local_attention import Shape, at_once, by_place, channels_together, short_rows, windows
from saccade.nn.product import multiply

POSITIONS = 2  # channels that say where a neighbour lies


@torch.library.custom_op("saccade::weigh", mutates_args=())
def weigh(
    queries: Tensor,
    keys: Tensor,
    places: Tensor,
    first: Tensor,
    norm: list[Tensor],
    epsilon: float,
    learning: bool,
    last: Tensor,
    bias: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """What two 1 x 1 convolutions with a normalisation and a ReLU between them make of how every cell compares with
    each place of its footprint: (G, F * F, H, W, B). And the normalisation's mean and variance.

    The first convolution reads R + P channels: relu(query - key) of queries (R, H, W, B) and keys (R, H + F - 1, W + F
    - 1, B), and `places` (P, F * F, H, W), which are the same for every sample. first: (K, R + P); norm: its weight,
    bias, mean and variance (K,), of which the last two come from the batch while it is `learning`; last: (G, K), bias:
    (G,).
    """
    found = queries.new_empty(len(last), places.shape[1], *queries.shape[1:])
    mean, var = norm[2], norm[3]
    if learning:
        related, mean, var = _related(queries, keys, places, first)
        scale, shift = affine(norm[0], norm[1], mean, var, epsilon)
        parts: Iterator[tuple[slice, Tensor]] = (
            (part, torch.addcmul(shift, some, scale, out=some)) for part, some in related
        )
    else:
        scale, shift = affine(norm[0], norm[1], mean, var, epsilon)
        first = torch.cat([first * scale, shift], 1)
        places = functional.pad(places, (0, 0) * 3 + (0, 1), value=1.0)  # what the shift is multiplied with
        inputs = _compared(queries, keys, places, len(first))
        parts = ((part, multiply(first, compared.flatten(1))) for part, compared in inputs)
    for part, some in parts:
        torch.add(multiply(last, some.relu_()), bias[:, None], out=found[:, part].flatten(1))
    return found, mean.clone(), var.clone()


@torch.library.custom_op("saccade::weigh_backward", mutates_args=())
def weigh_backward(
    gradient: Tensor,
    queries: Tensor,
    keys: Tensor,
    places: Tensor,
    first: Tensor,
    norm: list[Tensor],
    epsilon: float,
    learning: bool,
    last: Tensor,
) -> list[Tensor]:
    """The gradients by queries, keys, places, the first convolution, the normalisation's weight and bias, the last
    convolution and its bias."""
    weight, norm_bias, mean, var = norm
    scale, shift = affine(weight, norm_bias, mean, var, epsilon)
    by_scale, by_shift, by_last = torch.zeros_like(scale), torch.zeros_like(shift), torch.zeros_like(last)
    by_bias = last.new_zeros(len(last))
    back = _Back(queries, keys, places, first)
    kept = []
    for part, compared in _compared(queries, keys, places, len(first)):
        related = multiply(first, compared.flatten(1))
        active = torch.addcmul(shift, related, scale).relu_()
        given = gradient[:, part].flatten(1).contiguous()
        by_last += multiply(given, active.T)
        by_bias += given.sum(1)
        change = _behind_relu(multiply(last.T, given), active)
        by_shift += change.sum(1, keepdim=True)
        by_scale += torch.mul(change, related, out=active).sum(1, keepdim=True)
        if learning:
            kept.append((change, related))
        else:
            back.add(part, compared, change.mul_(scale))
    deviation = (var + epsilon).sqrt()
    by_scale = (by_scale.squeeze(1) - mean * by_shift.squeeze(1)) / deviation  # by the normalised numbers
    by_shift = by_shift.squeeze(1)
    if learning:
        number = gradient[0].numel()
        slope = scale.squeeze(1) * by_scale / (deviation * number)
        level = scale.squeeze(1) * by_shift / number - slope * mean
        for part, compared in _compared(queries, keys, places, len(first)):
            change, related = kept.pop(0)
            change.mul_(scale).addcmul_(related, slope[:, None], value=-1).sub_(level[:, None])
            back.add(part, compared, change)
    return [back.by_queries, back.by_keys, back.by_places, back.by_first, by_scale, by_shift, by_last, by_bias]


class _Back:
    """Gathers the gradients by what the first convolution reads."""

    def __init__(self, queries: Tensor, keys: Tensor, places: Tensor, first: Tensor) -> None:
        self.first = first
        self.by_queries, self.by_keys = torch.zeros_like(queries), torch.zeros_like(keys)
        self.by_places, self.by_first = torch.empty_like(places), torch.zeros_like(first)
        self.windows = by_place(windows(self.by_keys, *queries.shape[1:3]))

    def add(self, part: slice, compared: Tensor, change: Tensor) -> None:
        """`change`: the gradient by the convolution's output at these places."""
        relations = len(self.by_queries)
        self.by_first += multiply(change, compared.flatten(1).T)
        changes = multiply(self.first.T, change).view(compared.shape)
        torch.sum(changes[relations:], -1, out=self.by_places[:, part])
        changes = _behind_relu(changes[:relations], compared[:relations])
        self.by_queries += changes.sum(1)
        for window, one in zip(self.windows[part], changes.unbind(1), strict=True):
            window.sub_(one)


def _behind_relu(gradient: Tensor, active: Tensor) -> Tensor:
    """The gradient, nothing where a ReLU gave nothing; in place."""
    return torch.ops.aten.threshold_backward.grad_input(gradient, active, 0, grad_input=gradient)  # type: ignore[no-any-return]


def affine(weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """A normalisation as the scale and shift (K, 1) of its channels."""
    scale = weight / (var + epsilon).sqrt()
    return scale[:, None], (bias - mean * scale)[:, None]


def _related(
    queries: Tensor, keys: Tensor, places: Tensor, first: Tensor
) -> tuple[list[tuple[slice, Tensor]], Tensor, Tensor]:
    """The first convolution's output (K, n * H * W * B) at n places at a time, and which; its mean and variance."""
    related = []
    middle = None  # near the mean, so that the squares are no large numbers
    sums, squares = queries.new_zeros(2, len(first), dtype=torch.float64)
    for part, compared in _compared(queries, keys, places, len(first)):
        some = multiply(first, compared.flatten(1))
        related.append((part, some))
        middle = some.mean(1, keepdim=True) if middle is None else middle
        apart = some - middle
        sums += apart.sum(1)
        squares += apart.square_().sum(1)
    assert middle is not None
    number = places.shape[1] * queries[0].numel()
    mean, var = sums / number, squares / number - (sums / number).square()
    return related, (mean + middle.squeeze(1)).to(first.dtype), var.to(first.dtype)


def _compared(queries: Tensor, keys: Tensor, places: Tensor, also: int) -> Iterator[tuple[slice, Tensor]]:
    """The first convolution's input (R + P, n, H, W, B) at n places of the footprint: which, and the numbers, which are
    overwritten by the next. `also`: as many channels will stand beside them."""
    relations, channels, cells = len(queries), len(queries) + len(places), queries.shape[1:]
    together, numbers = short_rows(queries), channels * queries[0].numel()
    if together:
        queries, keys = channels_together(queries, 0), channels_together(keys, 0)
    around = windows(keys, *cells[:2])
    side, each = around.shape[1], numbers + also * queries[0].numel()
    rows = at_once(side * each, side, queries)
    columns = side if rows > 1 else at_once(each, side, queries)
    buffer = queries.new_empty(rows * columns * numbers)
    for row, column in itertools.product(range(0, side, rows), range(0, side, columns)):
        seen = around[:, row : row + rows, column : column + columns]
        first, number = row * side + column, seen.shape[1] * seen.shape[2]
        part, here = slice(first, first + number), buffer[: number * numbers]
        compared = here.view(channels, number, *cells)
        if together:
            compared = here.view(number, *cells, channels).movedim(-1, 0)
        torch.sub(queries[:, None, None], seen, out=compared[:relations].unflatten(1, seen.shape[1:3])).relu_()
        compared[relations:] = places[:, part, ..., None]
        yield part, compared


def weigh_macs(queries: Shape, keys: Shape, places: Shape, first: Shape, *rest: Any, **others: Any) -> int:
    """The multiply-adds of `weigh`: its two convolutions, and the one that made the position channels. What concerns
    those is computed once a batch and counted for every sample, so that a batch costs what its samples would."""
    last = rest[3]
    cells = queries[1] * queries[2] * queries[3]
    return cells * (places[1] * (first[0] * first[1] + last[0] * last[1]) + POSITIONS**2)


def weigh_backward_macs(gradient: Shape, *read: Any, **others: Any) -> int:
    return 2 * weigh_macs(*read)


@weigh.register_fake
def _(queries: Tensor, keys: Tensor, places: Tensor, first: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    norm, last = rest[0], rest[3]
    found = queries.new_empty(len(last), places.shape[1], *queries.shape[1:])
    return found, torch.empty_like(norm[2]), torch.empty_like(norm[3])


@weigh_backward.register_fake
def _(gradient: Tensor, *read: Any) -> list[Tensor]:
    tensors = *read[:4], *read[4][:2], read[7], read[7][:, 0]
    return [torch.empty_like(one) for one in tensors]


def _keep_weighing(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    queries, keys, places, first, norm, ctx.epsilon, ctx.learning, last, _ = inputs
    ctx.save_for_backward(queries, keys, places, first, *norm[:2], *output[1:], last)
    ctx.mark_non_differentiable(*output[1:])


def _weighed_back(ctx: Any, gradient: Tensor, *_: Any) -> tuple[Any, ...]:
    queries, keys, places, first, *norm, last = ctx.saved_tensors
    read = (queries, keys, places, first, norm, ctx.epsilon, ctx.learning, last)
    *by, by_weight, by_bias, by_last, by_last_bias = weigh_backward(gradient.contiguous(), *read)
    return *by, [by_weight, by_bias, None, None], None, None, by_last, by_last_bias


weigh.register_autograd(_weighed_back, setup_context=_keep_weighing)
