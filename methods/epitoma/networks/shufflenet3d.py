"""ShuffleNet v1 in 3D (Köpüklü et al., Resource Efficient 3D Convolutional Neural Networks, 2019, Table 2), without its
classifier."""

from torch import Tensor, cat, nn
from torch.nn import functional

# Channels of the stages at width 1 by groups of the 1x1x1 convolutions (Zhang et al., ShuffleNet, CVPR 2018, Table 1).
CHANNELS = {
    1: (144, 288, 576),
    2: (200, 400, 800),
    3: (240, 480, 960),
    4: (272, 544, 1088),
    8: (384, 768, 1536),
}
STEM = 24
REPEATS = {"published": (4, 8, 4), "tiny": (1, 2, 1)}


class ShuffleNet3D(nn.Module):
    """Snippets (N, 3, m, H, W) to features (N, D), averaged over time and space.

    `size` tiny takes a first convolution that keeps the resolution of small frames, and fewer units.
    """

    def __init__(self, size: str, width: float, groups: int) -> None:
        super().__init__()

        def wide(channels: int) -> int:
            units = 4 * groups  # a unit's inner channels are a quarter, and fall into groups
            return max(int(width * channels) // units, 1) * units

        stem = wide(STEM) if width != 1 else STEM
        stride = 2 if size == "published" else 1
        first = nn.Conv3d(3, stem, 3, (1, stride, stride), 1, bias=False)
        # in a part of its own: optimised inference folds what it can trace, which a unit's padding isn't
        layers: list[nn.Module] = [
            nn.Sequential(first, nn.BatchNorm3d(stem), nn.ReLU(inplace=True), nn.MaxPool3d(3, 2, 1))
        ]
        channels = stem
        for stage, (out_channels, repeats) in enumerate(zip(CHANNELS[groups], REPEATS[size], strict=True)):
            for number in range(repeats):
                # as in the published code: the first 1x1x1 of all isn't grouped where its input has just 24 channels
                inner_groups = 1 if stage == number == 0 and stem == STEM else groups
                layers.append(ShuffleUnit(channels, wide(out_channels), groups, inner_groups, halves=number == 0))
                channels = wide(out_channels)
        self.layers, self.num_features = nn.Sequential(*layers), channels

    def forward(self, snippets: Tensor) -> Tensor:
        features: Tensor = self.layers(snippets).mean((2, 3, 4))
        return features


class ShuffleUnit(nn.Module):
    """Two grouped 1x1x1 convolutions with a shuffle of channels and a depthwise 3x3x3 one between them, beside the
    input: added to it, or, where the unit halves the resolution, behind its average pool as further channels."""

    def __init__(self, channels: int, out_channels: int, groups: int, first_groups: int, halves: bool) -> None:
        super().__init__()
        inner, added = out_channels // 4, out_channels - (channels if halves else 0)
        self.groups, self.halves = groups, halves
        self.squeeze = nn.Sequential(
            nn.Conv3d(channels, inner, 1, groups=first_groups, bias=False), nn.BatchNorm3d(inner), nn.ReLU(inplace=True)
        )
        self.depthwise = nn.Sequential(
            nn.Conv3d(inner, inner, 3, 2 if halves else 1, 1, groups=inner, bias=False), nn.BatchNorm3d(inner)
        )
        self.widen = nn.Sequential(nn.Conv3d(inner, added, 1, groups=groups, bias=False), nn.BatchNorm3d(added))

    def forward(self, x: Tensor) -> Tensor:
        found = self.widen(self.depthwise(shuffled(self.squeeze(x), self.groups)))
        if not self.halves:
            return (x + found).relu_()
        return cat([halved(x), found], dim=1).relu_()


def shuffled(x: Tensor, groups: int) -> Tensor:
    """Channels in another order, so that each group of the next convolution sees some of every group."""
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


def halved(x: Tensor) -> Tensor:
    """Averages over 3 x 3 x 3, every second one, zeros around included. A single frame has no neighbours to be averaged
    with: the published code's pool doesn't fit there."""
    across = 1 if x.shape[2] == 1 else 3
    # padded before: PyTorch's pool on the meta device refuses two frames
    around = functional.pad(x, (1, 1, 1, 1, across // 2, across // 2))
    return functional.avg_pool3d(around, (across, 3, 3), 2)
