"""SAN (Zhao, Jia, Koltun, "Exploring self-attention for image recognition", CVPR 2020, pairwise form): an image network
of local attention, which says for every cell of its maps where it looked.

Parameters are named as in the authors' code, and the published weights fit.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from saccade.nn.local_attention import Differences, aggregate, at_each_cell, inside, outside, over_cells, pad, windows
from saccade.nn.product import Pointwise
from saccade.nn.weighing import POSITIONS, affine, weigh
from saccade.records import SaccadeError, first_few

SHARE = 8  # value channels that one attention channel weighs
Maps = tuple[Tensor, Tensor]


class PairwiseAttention(nn.Module):
    """(C, H, W, B) to (C / 4, H, W, B): every cell's sum of the values around it, weighed by how it compares with them
    (Sec. 3.1, subtraction)."""

    def __init__(self, channels: int, footprint: int) -> None:
        super().__init__()
        self.footprint = footprint
        relations, values = channels // 16, channels // 4
        self.conv1 = Pointwise(channels, relations)
        self.conv2 = Pointwise(channels, relations)
        self.conv3 = Pointwise(channels, values)
        self.conv_w = nn.Sequential(
            nn.BatchNorm2d(relations + POSITIONS),
            nn.ReLU(inplace=True),
            nn.Conv2d(relations + POSITIONS, relations, 1, bias=False),
            nn.BatchNorm2d(relations),
            nn.ReLU(inplace=True),
            nn.Conv2d(relations, values // SHARE, 1),
        )
        self.conv_p = nn.Conv2d(POSITIONS, POSITIONS, 1)

    def forward(self, x: Tensor) -> Maps:
        """The sums, and the softmax weights (C / 32, F * F, H, W, B)."""
        queries, keys, values = (at_each_cell(x, convolution) for convolution in (self.conv1, self.conv2, self.conv3))
        weights = self._weights(queries, pad(keys, self.footprint))
        return aggregate(pad(values, self.footprint), weights), weights

    def _weights(self, queries: Tensor, keys: Tensor) -> Tensor:
        """(G, F * F, H, W, B): the softmax over each footprint of what `conv_w` makes of the relations."""
        first, _, convolution, second, _, last = cast(Sequence[Any], self.conv_w)
        apart = self._apart(queries)
        scale, shift = self._normalised(first, queries, keys, apart)
        (own, each), (more, most) = (part[..., None, None].split([len(queries), POSITIONS]) for part in (scale, shift))
        queries, places = queries * own + more, (apart * each + most).relu()
        if isinstance(second, nn.Identity):  # folded into the convolution
            ones, zeros = torch.ones_like(convolution.bias), torch.zeros_like(convolution.bias)
            norm, epsilon, learning = [ones, convolution.bias, zeros, ones], 0.0, False
        else:
            norm = [second.weight, second.bias, second.running_mean, second.running_var]
            epsilon, learning = second.eps, second.training
        layers = convolution.weight.flatten(1), norm, epsilon, learning, last.weight.flatten(1), last.bias
        scores, mean, var = weigh(queries, keys * own, places, *layers)
        if learning:
            _learn(second, mean, var, scores[0].numel())
        return scores.softmax(1) if scores.requires_grad else torch.softmax(scores, 1, out=scores)

    def _apart(self, like: Tensor) -> Tensor:
        """(2, F * F, H, W): how far each place of the footprint lies from its cell, in learned coordinates."""
        height, width = like.shape[1:3]
        columns = torch.linspace(-1, 1, width, dtype=like.dtype, device=like.device).expand(height, width)
        rows = torch.linspace(-1, 1, height, dtype=like.dtype, device=like.device)[:, None].expand(height, width)
        weight, bias = self.conv_p.weight.flatten(1)[..., None, None], cast(Tensor, self.conv_p.bias)
        own = (weight[:, 0] * columns + weight[:, 1] * rows + bias[:, None, None])[..., None]
        around = windows(pad(own, self.footprint), height, width)
        return (own[:, None, None] - around).flatten(1, 2)[..., 0]

    def _normalised(self, norm: Any, queries: Tensor, keys: Tensor, apart: Tensor) -> Maps:
        """Scale and shift of the first normalisation. While it learns, the relations' mean and variance come from
        those of queries and keys, since the relations themselves are nowhere."""
        if not norm.training:
            return affine(norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.eps)
        mean, var = Differences.apply(queries, keys, self.footprint)  # type: ignore[no-untyped-call]
        apart = apart.double().flatten(1)
        mean, var = torch.cat([mean, apart.mean(1)]), torch.cat([var, apart.var(1, correction=0)])
        _learn(norm, mean, var, queries[0].numel() * self.footprint**2)
        scale, shift = affine(norm.weight, norm.bias, mean, var, norm.eps)
        return scale.to(norm.weight.dtype), shift.to(norm.weight.dtype)


@torch.no_grad()
def _learn(norm: Any, mean: Tensor, var: Tensor, number: int) -> None:
    """Moves the running statistics as the layer itself would."""
    norm.num_batches_tracked += 1
    for running, now in ((norm.running_mean, mean), (norm.running_var, var * number / (number - 1))):
        running.lerp_(now.to(running.dtype), norm.momentum)


class Block(nn.Module):
    """A residual block around the attention, activated before it (Fig. 1)."""

    def __init__(self, channels: int, footprint: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.sam = PairwiseAttention(channels, footprint)
        self.bn2 = nn.BatchNorm2d(channels // 4)
        self.conv = Pointwise(channels // 4, channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attend(x)[0]

    def attend(self, x: Tensor) -> Maps:
        """The block's output (C, H, W, B) as its input, and the softmax weights (C / 32, F * F, H, W, B)."""
        seen, weights = self.sam(at_each_cell(x, self.bn1, self.relu))
        return x + at_each_cell(seen, self.bn2, self.relu, self.conv), weights


class Halving(nn.MaxPool2d):
    """The largest of every 2 x 2 cells. Without gradients it takes a third of the time of PyTorch's own, which is slow
    for a few samples side by side in memory."""

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, x: Tensor) -> Tensor:
        if x.requires_grad or min(x.shape[2:]) < 2:
            return super().forward(x)
        rows = torch.maximum(x[:, :, :-1:2], x[:, :, 1::2])
        return torch.maximum(rows[..., :-1:2], rows[..., 1::2])


class SAN(nn.Module):
    """Stages of blocks; each halves the map, then takes it to its number of channels, which must be a multiple of 32.
    `blocks`, `channels` and `footprints` have a number for each stage, `stem` is the channels before the first.
    `transition`: the side of the convolutions before the blocks, the authors' see single cells."""

    def __init__(
        self,
        blocks: Sequence[int],
        channels: Sequence[int],
        footprints: Sequence[int],
        in_channels: int = 3,
        stem: int = 64,
        num_classes: int = 1000,
        transition: int = 1,
    ) -> None:
        super().__init__()
        self.stages = len(blocks)
        self.conv_in = _transition(in_channels, stem, transition)
        self.bn_in = nn.BatchNorm2d(stem)
        for stage, (before, after) in enumerate(zip((stem, *channels), channels, strict=False)):
            setattr(self, f"conv{stage}", _transition(before, after, transition))
            setattr(self, f"bn{stage}", nn.BatchNorm2d(after))
            parts = [Block(after, footprints[stage]) for _ in range(blocks[stage])]
            setattr(self, f"layer{stage}", nn.Sequential(*parts))
        self.relu = nn.ReLU(inplace=True)
        self.pool = Halving()
        self.fc = nn.Linear(channels[-1], num_classes)

    @property
    def layers(self) -> list[str]:
        """The blocks' names, in order: layer0.0, ..."""
        return [f"layer{stage}.{block}" for stage in range(self.stages) for block in range(self._depth(stage))]

    def footprint(self, layer: str) -> int:
        """The side F of the neighbourhood that the block looks at."""
        return self._attention(layer).footprint

    def attention_channels(self, layer: str) -> int:
        """How many softmax weights G the block has for every cell and place."""
        return cast(nn.Conv2d, self._attention(layer).conv_w[-1]).out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the classifier's scores of the averaged features, or to the features (N, D) once `fc` is an
        identity."""
        return self._scores(self._through(self.layers, inside(x)))

    def attend(self, x: Tensor, layer: str) -> Maps:
        """What `forward` gives, and the softmax weights (N, G, F * F, H, W) of a block."""
        maps, weights = self.prescan(x, layer)
        return self.resume(maps, layer), weights

    def prescan(self, x: Tensor, layer: str) -> Maps:
        """The maps behind a block, and its softmax weights (N, G, F * F, H, W). What comes after it isn't computed."""
        maps, weights = self._attend(self._through(self._until(layer)[:-1], inside(x)), layer)
        return outside(maps), outside(weights)

    def resume(self, maps: Tensor, layer: str) -> Tensor:
        """What `forward` gives, from the maps behind the block that `prescan` stopped at."""
        return self._scores(self._through(self.layers[len(self._until(layer)) :], inside(maps)))

    def every_attention(self, x: Tensor) -> dict[str, Tensor]:
        """The softmax weights (N, G, F * F, H, W) of every block."""
        maps, found = inside(x), {}
        for layer in self.layers:
            maps, weights = self._attend(maps, layer)
            found[layer] = outside(weights)
        return found

    def _through(self, layers: Sequence[str], maps: Tensor) -> Tensor:
        for layer in layers:
            maps = self._attend(maps, layer)[0]
        return maps

    def _attend(self, maps: Tensor, layer: str) -> Maps:
        block = self.get_submodule(layer)
        assert isinstance(block, Block)
        return block.attend(self._before(maps, layer))

    def _attention(self, layer: str) -> PairwiseAttention:
        return cast(Block, self.get_submodule(self._until(layer)[-1])).sam

    def _depth(self, stage: int) -> int:
        return len(self.get_submodule(f"layer{stage}"))  # type: ignore[arg-type]

    def _until(self, layer: str) -> list[str]:
        layers = self.layers
        if layer not in layers:
            raise SaccadeError(f"there is no attention layer '{layer}'; there are {first_few(layers, len(layers))}")
        return layers[: layers.index(layer) + 1]

    def _before(self, x: Tensor, layer: str) -> Tensor:
        """What the block reads: x itself, or where it is the first of its stage, what leads from one to the next."""
        stage, number = layer.removeprefix("layer").split(".")
        if number != "0":
            return x
        x = _convolved(self.conv_in, x) if stage == "0" else x
        norm = self.get_submodule("bn_in" if stage == "0" else f"bn{int(stage) - 1}")
        x = at_each_cell(x, norm)
        x = over_cells(x, self.pool, self.relu)  # fewer cells to activate than before the pooling
        return _convolved(cast(nn.Conv2d, self.get_submodule(f"conv{stage}")), x)

    def _scores(self, x: Tensor) -> Tensor:
        x = at_each_cell(x, self.get_submodule(f"bn{self.stages - 1}"), self.relu)
        scores: Tensor = self.fc(x.mean((1, 2)).T.contiguous())
        return scores


def _transition(before: int, after: int, side: int) -> nn.Conv2d:
    if side == 1:
        return Pointwise(before, after, bias=False)
    return nn.Conv2d(before, after, side, padding=side // 2, bias=False)


def _convolved(convolution: nn.Conv2d, maps: Tensor) -> Tensor:
    if convolution.kernel_size == (1, 1):
        return at_each_cell(maps, convolution)
    return inside(convolution(outside(maps).contiguous()))


def san(blocks: Sequence[int], width: float = 1.0) -> SAN:
    """The authors' networks: san19 has 3, 3, 4, 6, 3 blocks. Channel counts are multiplied by `width` and rounded to a
    multiple of 32."""
    return SAN(blocks, _scaled((64, 256, 512, 1024, 2048), width), (3, 7, 7, 7, 7), stem=_scaled((64,), width, 8)[0])


def small_san(width: float = 1.0) -> SAN:
    """Our own, for small data: three stages of one block, between which convolutions see 3 x 3 cells. With single cells
    nothing but attention could tell shapes apart, which takes more videos than small data has."""
    return SAN((1, 1, 1), _scaled((32, 64, 128), width), (3, 5, 7), stem=_scaled((16,), width, 8)[0], transition=3)


def _scaled(channels: Sequence[int], width: float, multiple: int = 32) -> list[int]:
    return [max(multiple, round(number * width / multiple) * multiple) for number in channels]
