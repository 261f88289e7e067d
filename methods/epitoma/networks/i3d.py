"""I3D: Inception-v1 inflated to 3D (Carreira and Zisserman, CVPR 2017, Fig. 3), without its classifier."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

Triple = tuple[int, int, int]  # of time, height and width
Widths = tuple[
    int, int, int, int, int, int
]  # of a module's four branches: 1x1x1; 1x1x1, 3x3x3; the same; behind a pool

# Channels of the inception modules, and between stages the pools (kernel, stride).
PUBLISHED: tuple[Widths | tuple[Triple, Triple], ...] = (
    (64, 96, 128, 16, 32, 32),  # 3b
    (128, 128, 192, 32, 96, 64),  # 3c
    ((3, 3, 3), (2, 2, 2)),
    (192, 96, 208, 16, 48, 64),  # 4b
    (160, 112, 224, 24, 64, 64),
    (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64),
    (256, 160, 320, 32, 128, 128),  # 4f
    ((2, 2, 2), (2, 2, 2)),
    (256, 160, 320, 32, 128, 128),  # 5b
    (384, 192, 384, 48, 128, 128),  # 5c
)
# For frames of some 50 pixels: one module a stage, an eighth of the channels.
TINY: tuple[Widths | tuple[Triple, Triple], ...] = (
    (8, 12, 16, 2, 4, 4),
    ((3, 3, 3), (2, 2, 2)),
    (24, 12, 26, 2, 6, 8),
    ((2, 2, 2), (2, 2, 2)),
    (48, 24, 48, 6, 16, 16),
)
STEMS = {"published": (64, 64, 192), "tiny": (8, 8, 24)}


class I3D(nn.Module):
    """Snippets (N, 3, m, H, W) to features (N, D), averaged over time and space: `mixed_5c` of 8 frames of 224 pixels
    is 1024 x 1 x 7 x 7.

    `size` tiny leaves out the first pool, so that small frames keep some maps.
    """

    def __init__(self, size: str, width: float = 1.0) -> None:
        super().__init__()

        def wide(channels: int) -> int:
            return max(round(width * channels), 1)

        one, two, three = (wide(channels) for channels in STEMS[size])
        stem = [Unit(3, one, 7, (2, 2, 2)), Pool((1, 3, 3), (1, 2, 2)), Unit(one, two, 1), Unit(two, three, 3)]
        layers: list[nn.Module] = [*(stem if size == "published" else (stem[0], *stem[2:])), Pool((1, 3, 3), (1, 2, 2))]
        channels = three
        for part in PUBLISHED if size == "published" else TINY:
            if len(part) == 2:
                layers.append(Pool(*part))
            else:
                layers.append(Inception(channels, [wide(number) for number in part]))
                channels = layers[-1].out_channels  # type: ignore[assignment]
        self.layers, self.num_features = nn.Sequential(*layers), channels

    def forward(self, snippets: Tensor) -> Tensor:
        # channels last in memory, as the weights lie: pools are then many times as fast on a CPU
        snippets = snippets.contiguous(memory_format=torch.channels_last_3d)
        features: Tensor = self.layers(snippets).mean((2, 3, 4))
        return features


class Unit(nn.Module):
    """A convolution, batch normalisation and ReLU, padded as TensorFlow does it (`padded`)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: Triple = (1, 1, 1)) -> None:
        super().__init__()
        self.kernel, self.stride = (kernel, kernel, kernel), stride
        self.layers = nn.Sequential(
            nn.Conv3d(in_channels, out_channels, kernel, stride, bias=False),
            nn.BatchNorm3d(out_channels, eps=1e-3),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layers(padded(x, self.kernel, self.stride))
        return found


class Pool(nn.Module):
    """The largest value of each window, likewise padded: of values that are none of them below 0."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        return functional.max_pool3d(padded(x, self.kernel, self.stride), self.kernel, self.stride)


class Inception(nn.Module):
    """Four branches beside each other."""

    def __init__(self, in_channels: int, widths: list[int]) -> None:
        super().__init__()
        alone, narrow, wide, narrower, less, pooled = widths
        self.branches = nn.ModuleList(
            [
                Unit(in_channels, alone, 1),
                nn.Sequential(Unit(in_channels, narrow, 1), Unit(narrow, wide, 3)),
                nn.Sequential(Unit(in_channels, narrower, 1), Unit(narrower, less, 3)),
                nn.Sequential(Pool((3, 3, 3), (1, 1, 1)), Unit(in_channels, pooled, 1)),
            ]
        )
        self.out_channels = alone + wide + less + pooled

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def padded(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    """With so many zeros around that a window begins at every stride-th place, the odd one behind: TensorFlow's "same",
    with which the published weights were trained."""
    pads: list[int] = []
    for size, across, by in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        lacking = max((math.ceil(size / by) - 1) * by + across - size, 0)
        pads += [lacking // 2, lacking - lacking // 2]
    if not any(pads):
        return x
    return functional.pad(x, pads).contiguous(memory_format=torch.channels_last_3d)
