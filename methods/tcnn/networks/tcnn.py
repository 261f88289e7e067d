"""T-CNN (Table 1): 36 convolutions in seven stages. What the table doesn't say of them is a setting: kernels, strides,
shortcuts."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from saccade.nn.shift import SHARE

from ..settings import Network

# Channels of each stage, and the dilation of every second convolution (Table 1).
PUBLISHED = (
    (32, (1,)), (64, (1,)), (96, (1,)), (160, (1, 4, 4, 4, 1, 4)), (224, (1, 2, 4)), (288, (1, 2, 2, 1)), (512, (1, 2)),
)  # fmt: skip
TINY = ((8, (1,)), (16, (1,)), (24, (1,)), (32, (4,)), (40, (2,)), (48, (2,)), (64, (2,)))  # our choice


class Shift(nn.Module):
    """An eighth of the channels of each frame comes from `distance` frames ahead, another from as far behind; what
    would come from outside the clip is 0 (the shift of TSM, dilated: our reading of a temporal operator that costs
    nothing). (B, C, T, H, W) to the same."""

    def __init__(self, distance: int) -> None:
        super().__init__()
        self.distance = distance

    def forward(self, features: Tensor) -> Tensor:
        moved, by = features.shape[1] // SHARE, min(self.distance, features.shape[2])
        found = features.clone()
        found[:, : 2 * moved] = 0
        found[:, :moved, : -by or None] = features[:, :moved, by:]
        found[:, moved : 2 * moved, by:] = features[:, moved : 2 * moved, : -by or None]
        return found


class Pair(nn.Module):
    """Two convolutions, each normalised, with a shortcut around both where there is one (our choice, as of ResNet's
    basic block: the paper's table has none)."""

    def __init__(self, first: nn.Module, second: nn.Module, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.first, self.second, self.shortcut = first, second, shortcut
        self.between = nn.ReLU(inplace=True)  # of its own, as only then it can be computed with the convolution
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        found = self.second(self.between(self.first(x)))
        return self.relu(found if self.shortcut is None else found + self.shortcut(x))  # type: ignore[no-any-return]


class TCNN(nn.Module):
    """A clip (B, 3, T, H, W) to its features (B, C, T', h, w); `num_features` is C. T' is T but where `frame_strides`
    leave frames out."""

    def __init__(self, settings: Network) -> None:
        super().__init__()
        stages = PUBLISHED if settings.network == "published" else TINY
        self.num_features = stages[-1][0]
        channels = 3
        self.stages = nn.ModuleList()
        for number, (width, dilations) in enumerate(stages):
            stride = (settings.frame_strides[number], *[settings.strides[number]] * 2)
            pairs = list(_pairs(settings, number, channels, width, dilations, stride))
            if number == 0 and settings.stem_pool:
                pairs.append(nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)))
            self.stages.append(nn.Sequential(*pairs))
            channels = width
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                # fan_out would count what a channel alone does not reach
                reached = "fan_in" if module.groups > 1 else "fan_out"
                nn.init.kaiming_normal_(module.weight, mode=reached, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.stages:
            x = stage(x)
        return x


def _pairs(
    settings: Network, stage: int, channels: int, width: int, dilations: tuple[int, ...], stride: tuple[int, ...]
) -> Iterator[nn.Module]:
    for number, dilation in enumerate(dilations):
        before, step = (channels, stride) if number == 0 else (width, (1, 1, 1))
        stem = stage == number == 0
        kernel = (3, 3, 3) if stem and settings.stem == "3x3x3" else (1, 3, 3)
        shortcut: nn.Module | None = None
        if settings.shortcut == "projection" and stage > 0:
            same = before == width and max(step) == 1
            shortcut = nn.Identity() if same else _normalised(before, width, (1, 1, 1), stride=step)
        yield Pair(
            _normalised(before, width, kernel, stride=step),
            _second(settings.kernels, width, dilation, dilation if settings.dilate else 1),
            shortcut,
        )


def _second(kernels: str, width: int, printed: int, dilation: int) -> nn.Module:
    """The even convolution of a pair. `printed`: its dilation in Table 1, which says what kind it is."""
    if kernels == "factorised" or (kernels == "dilated" and printed > 1):
        return _normalised(width, width, (3, 1, 1), dilation=dilation)
    if kernels == "depthwise":
        return _normalised(width, width, (3, 1, 1), dilation=dilation, groups=width)
    if kernels == "full" and printed > 1:
        return _normalised(width, width, (3, 3, 3), dilation=dilation)
    spatial = _normalised(width, width, (1, 3, 3))
    return nn.Sequential(Shift(dilation), spatial) if kernels == "shift" else spatial


def _normalised(
    before: int,
    width: int,
    kernel: tuple[int, ...],
    stride: tuple[int, ...] = (1, 1, 1),
    dilation: int = 1,
    groups: int = 1,
) -> nn.Sequential:
    """Dilated in time alone; as many places as the stride leaves."""
    padding = (dilation * (kernel[0] // 2), kernel[1] // 2, kernel[2] // 2)
    convolution = nn.Conv3d(before, width, kernel, stride, padding, (dilation, 1, 1), groups, bias=False)  # type: ignore[arg-type]
    return nn.Sequential(convolution, nn.BatchNorm3d(width))


def pooled(features: Tensor) -> Tensor:
    """(B, C, T, h, w) to (B, C): the global average (Table 1)."""
    return features.mean((2, 3, 4))


def frame_maps(features: Tensor, frames: int) -> Tensor:
    """(B, T, C, h, w): a map for each of T frames. Where the network left frames out, the nearest in time that it has:
    our choice, as the paper has a map for every frame."""
    maps = features.transpose(1, 2)
    if maps.shape[1] == frames:
        return maps
    step = -(-frames // maps.shape[1])
    nearest = (torch.arange(frames, device=maps.device) + step // 2) // step  # of two as near the later one
    return maps[:, nearest.clamp(max=maps.shape[1] - 1)]
