"""BN-Inception (Ioffe and Szegedy, "Batch normalization", ICML 2015, Appendix) as the codes of TSN and TBN have it: in
TSN's Caffe version, with a bias before every normalisation and every pooling's last step kept where it isn't whole.

Parameters are named as in those codes, and the weights published with them fit (`conv1_7x7_s2.weight`,
`inception_3a_1x1_bn.running_mean`, ...).
"""

from typing import NamedTuple, cast

import torch
import torch.fx
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.mobilenetv3 import InvertedResidualConfig


class Block(NamedTuple):
    """One inception block: the channels of its branches. `double`: reduction, then both 3 x 3 convolutions. Where there
    is no `single` branch and no projection, it halves the map."""

    single: int
    triple: tuple[int, int]
    double: tuple[int, int]
    pool: str
    projection: int


BLOCKS = {
    "3a": Block(64, (64, 64), (64, 96), "average", 32),
    "3b": Block(64, (64, 96), (64, 96), "average", 64),
    "3c": Block(0, (128, 160), (64, 96), "max", 0),
    "4a": Block(224, (64, 96), (96, 128), "average", 128),
    "4b": Block(192, (96, 128), (96, 128), "average", 128),
    "4c": Block(160, (128, 160), (128, 160), "average", 128),
    "4d": Block(96, (128, 192), (160, 192), "average", 128),
    "4e": Block(0, (128, 192), (192, 256), "max", 0),
    "5a": Block(352, (192, 320), (160, 224), "average", 128),
    "5b": Block(352, (192, 320), (192, 224), "max", 128),
}


class BNInception(nn.Module):
    """(N, 3, H, W) to the scores of `fc` (N, num_classes), from D = 1024 pooled features at width 1. `width` scales all
    channels, rounded to multiples of 8."""

    def __init__(self, width: float = 1.0, num_classes: int = 1) -> None:
        super().__init__()
        self.width = width
        channels = self._convolution("conv1_7x7_s2", 3, 64, 7, stride=2)
        self.pool1_3x3_s2 = _max_pool(2)
        channels = self._convolution("conv2_3x3_reduce", channels, 64, 1)
        channels = self._convolution("conv2_3x3", channels, 192, 3)
        self.pool2_3x3_s2 = _max_pool(2)
        for name, block in BLOCKS.items():
            channels = self._block(f"inception_{name}", channels, block)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1_3x3_s2(self._convolved("conv1_7x7_s2", x))
        x = self.pool2_3x3_s2(self._convolved("conv2_3x3", self._convolved("conv2_3x3_reduce", x)))
        for name, block in BLOCKS.items():
            x = self._inception(f"inception_{name}", x, block)
        scores: Tensor = self.fc(self.global_pool(x).flatten(1))
        return scores

    def _block(self, name: str, channels: int, block: Block) -> int:
        """Builds the block; how many channels it gives."""
        stride, (_, middle), (_, last) = 1 if block.single else 2, block.triple, block.double
        given = 0
        if block.single:
            given += self._convolution(f"{name}_1x1", channels, block.single, 1)
        reduced = self._convolution(f"{name}_3x3_reduce", channels, block.triple[0], 1)
        given += self._convolution(f"{name}_3x3", reduced, middle, 3, stride)
        reduced = self._convolution(f"{name}_double_3x3_reduce", channels, block.double[0], 1)
        reduced = self._convolution(f"{name}_double_3x3_1", reduced, last, 3)
        given += self._convolution(f"{name}_double_3x3_2", reduced, last, 3, stride)
        pool = nn.AvgPool2d(3, 1, 1, ceil_mode=True) if block.pool == "average" else _max_pool(stride)
        self.add_module(f"{name}_pool", pool)
        if not block.projection:
            return given + channels
        return given + self._convolution(f"{name}_pool_proj", channels, block.projection, 1)

    def _convolution(self, name: str, channels: int, wanted: int, size: int, stride: int = 1) -> int:
        """Builds a convolution, its normalisation and ReLU; how many channels it gives."""
        given = cast(int, InvertedResidualConfig.adjust_channels(wanted, self.width))
        self.add_module(name, nn.Conv2d(channels, given, size, stride, size // 2))
        self.add_module(f"{name}_bn", nn.BatchNorm2d(given))
        self.add_module(f"{name}_relu", nn.ReLU(inplace=True))
        return given

    def _inception(self, name: str, x: Tensor, block: Block) -> Tensor:
        branches = [self._convolved(f"{name}_1x1", x)] if block.single else []
        branches.append(self._convolved(f"{name}_3x3", self._convolved(f"{name}_3x3_reduce", x)))
        double = self._convolved(f"{name}_double_3x3_1", self._convolved(f"{name}_double_3x3_reduce", x))
        branches.append(self._convolved(f"{name}_double_3x3_2", double))
        pooled = self.get_submodule(f"{name}_pool")(x if block.single else _to_even(x))
        branches.append(self._convolved(f"{name}_pool_proj", pooled) if block.projection else pooled)
        return torch.cat(branches, 1)

    def _convolved(self, name: str, x: Tensor) -> Tensor:
        for part in (name, f"{name}_bn", f"{name}_relu"):
            x = self.get_submodule(part)(x)
        return x


@torch.fx.wrap  # whether it pads depends on the size: one step of a traced network
def _to_even(x: Tensor) -> Tensor:
    """A map of an odd size with zeros at its end, so that halving by pooling gives as much as by convolutions. They
    change no maximum of what a ReLU gave. The published codes fail on such maps."""
    down, across = x.shape[-2] % 2, x.shape[-1] % 2
    return functional.pad(x, (0, across, 0, down)) if down or across else x


def _max_pool(stride: int) -> nn.MaxPool2d:
    """3 x 3; with stride 1 the map keeps its size."""
    return nn.MaxPool2d(3, stride, padding=1 if stride == 1 else 0, ceil_mode=True)
