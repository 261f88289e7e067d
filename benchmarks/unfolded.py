"""The obvious local attention: neighbourhoods unfolded, C x F x F numbers for every cell. What `saccade/nn` computes
otherwise is held against it, in values, gradients, time and memory."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.nn.san import SAN, SHARE, PairwiseAttention


class Unfolded(nn.Module):
    """A PairwiseAttention's own layers, called as its authors call theirs."""

    def __init__(self, attention: PairwiseAttention) -> None:
        super().__init__()
        self.footprint = attention.footprint
        for name, layer in attention.named_children():
            setattr(self, name, layer)

    def forward(self, x: Tensor) -> Tensor:
        batch, _, height, width = x.shape
        queries, keys, values = self.conv1(x), self.conv2(x), self.conv3(x)
        columns = torch.linspace(-1, 1, width, dtype=x.dtype, device=x.device).expand(height, width)
        rows = torch.linspace(-1, 1, height, dtype=x.dtype, device=x.device)[:, None].expand(height, width)
        places = self.conv_p(torch.stack([columns, rows])[None])
        apart = places.flatten(2)[:, :, None] - self.around(places)
        compared = queries.flatten(2)[:, :, None] - self.around(keys)
        weights = self.conv_w(torch.cat([compared, apart.repeat(batch, 1, 1, 1)], 1)).softmax(-2)
        shared = weights.shape[1]
        seen = self.around(values).view(batch, SHARE, shared, self.footprint**2, height * width)
        return (weights[:, None] * seen).sum(-2).view(batch, -1, height, width)

    def around(self, maps: Tensor) -> Tensor:
        """(B, C, F * F, H * W): what lies around each cell."""
        margin = self.footprint // 2
        if margin < min(maps.shape[2:]):
            padded = functional.pad(maps, [margin] * 4, mode="reflect")
        else:
            padded = maps
            for _ in range(margin):
                padded = functional.pad(padded, [1] * 4, mode="reflect")
        return functional.unfold(padded, self.footprint).view(*maps.shape[:2], self.footprint**2, -1)


class UnfoldedSAN(nn.Module):
    """The network as its authors run it, on maps (B, C, H, W), with a copy of the layers."""

    def __init__(self, network: SAN) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        for path, module in list(self.network.named_modules()):
            if isinstance(module, PairwiseAttention):
                self.network.set_submodule(path, Unfolded(module))

    def forward(self, x: Tensor) -> Tensor:
        layers = self.network
        x = layers.relu(layers.bn_in(layers.conv_in(x)))
        for stage in range(layers.stages):
            x = layers.get_submodule(f"conv{stage}")(layers.pool(x))
            for block in layers.get_submodule(f"layer{stage}").children():
                x = x + block.conv(block.relu(block.bn2(block.sam(block.relu(block.bn1(x))))))
            x = layers.relu(layers.get_submodule(f"bn{stage}")(x))
        return layers.fc(functional.adaptive_avg_pool2d(x, 1).flatten(1))
