"""X3D (Feichtenhofer, CVPR 2020): a slim image network expanded in depth and width, with depthwise 3x3x3
convolutions."""

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

from torch import Tensor, nn

from .resnet3d import ConvNorm, Kernel, Residual, Stages

DEPTHS = (1, 2, 5, 3)  # blocks of res2 to res5 before expansion (X2D, Table 1)
CHANNELS = (12, 24, 48, 96)  # behind them
INNER = 2.25  # times as many channels inside a block
SQUEEZED = 1 / 16  # of a block's inner channels, inside squeeze-and-excitation
FEATURES = 2048


@dataclass(frozen=True)
class Expansion:
    width: float
    depth: float
    depths: tuple[int, ...] = DEPTHS  # before it
    channels: tuple[int, ...] = CHANNELS


EXPANSIONS = {  # Table 2 and the code of the paper: S and M differ only in the clips that they see
    "x3d-s": Expansion(width=2.0, depth=2.2),
    "x3d-m": Expansion(width=2.0, depth=2.2),
    "x3d-l": Expansion(width=2.0, depth=5.0),
    "x3d-xl": Expansion(width=2.9, depth=5.0),
    # Ours, for clips of about 16 x 48 x 48: as few blocks as keep the early stages' share of the cost.
    "x3d-tiny": Expansion(width=1.25, depth=1.0, depths=(1, 2, 3, 1), channels=(12, 36, 72, 144)),
}


class SqueezeExcite(nn.Module):
    """Scales every channel by a number in (0, 1) that is read from all channels' averages over the clip (Hu et al.,
    CVPR 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = rounded(channels * SQUEEZED)
        self.pool = nn.AdaptiveAvgPool3d(1)
        self.squeeze = nn.Conv3d(channels, squeezed, 1)
        self.excite = nn.Conv3d(squeezed, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        scales = self.excite(self.squeeze(self.pool(features)).relu()).sigmoid()  # (B, C, 1, 1, 1)
        return features * scales


def rounded(channels: float) -> int:
    """The nearest multiple of 8, the next one where that would take away more than a tenth."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def stem(channels: int) -> nn.Sequential:
    """1x3x3 over space, then a depthwise 5x1x1 over time with nothing between them, and batch normalisation."""
    temporal = ConvNorm(channels, channels, (5, 1, 1), groups=channels)
    return nn.Sequential(
        OrderedDict(spatial=nn.Conv3d(3, channels, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False), temporal=temporal)
    )


def inverted_bottleneck(inputs: int, inner: int, outputs: int, stride: Kernel, excites: bool) -> nn.Sequential:
    """Widen, look around in each channel on its own, narrow."""
    parts = OrderedDict(
        widen=ConvNorm(inputs, inner, (1, 1, 1)),
        relu=nn.ReLU(inplace=True),
        depthwise=ConvNorm(inner, inner, (3, 3, 3), stride, groups=inner),
        excite=SqueezeExcite(inner) if excites else nn.Identity(),
        swish=nn.SiLU(inplace=True),
        narrow=ConvNorm(inner, outputs, (1, 1, 1)),
    )
    return nn.Sequential(parts)


def x3d_stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    """The first, third, ... blocks excite. The first one halves height and width."""
    blocks = []
    for block in range(depth):
        stride = (1, 1, 1) if block else (1, 2, 2)
        branch = inverted_bottleneck(inputs, int(INNER * outputs), outputs, stride, excites=block % 2 == 0)
        blocks.append(Residual(branch, nn.Identity() if block else projection(inputs, outputs, stride)))
        inputs = outputs
    return nn.Sequential(*blocks)


def projection(inputs: int, outputs: int, stride: Kernel) -> nn.Module:
    """A shortcut that only gets smaller, as in res2, isn't normalised: pytorchvideo's way, not PySlowFast's."""
    if inputs == outputs:
        return nn.Sequential(OrderedDict(conv=nn.Conv3d(inputs, outputs, 1, stride, bias=False)))
    return ConvNorm(inputs, outputs, (1, 1, 1), stride)


def head(inputs: int, inner: int, num_features: int) -> nn.Sequential:
    """(B, C, T, H, W) before their ReLU to (B, D): widened, averaged, and widened once more where that is cheap."""
    return nn.Sequential(
        OrderedDict(
            activation=nn.ReLU(),
            conv5=ConvNorm(inputs, inner, (1, 1, 1)),
            relu5=nn.ReLU(inplace=True),
            pool=nn.AdaptiveAvgPool3d(1),
            linear=nn.Conv3d(inner, num_features, 1, bias=False),
            relu=nn.ReLU(inplace=True),
            flatten=nn.Flatten(),
        )
    )


def x3d(name: str, width: float) -> Stages:
    """conv1, res2 to res5 and head of a network in `EXPANSIONS`, `width` times as wide."""
    expansion = EXPANSIONS[name]
    factor = expansion.width * width
    inputs = rounded(expansion.channels[0] * factor)
    modules: dict[str, nn.Module] = {"conv1": stem(inputs)}
    channels = {"conv1": (inputs,)}
    for stage, (depth, basis) in enumerate(zip(expansion.depths, expansion.channels, strict=True), start=2):
        outputs = rounded(basis * factor)
        modules[f"res{stage}"] = x3d_stage(inputs, outputs, ceil(depth * expansion.depth))
        channels[f"res{stage}"] = (outputs,)
        inputs = outputs
    num_features = rounded(FEATURES * width)
    modules["head"] = head(inputs, int(INNER * inputs), num_features)
    return Stages(modules, channels, num_features)
