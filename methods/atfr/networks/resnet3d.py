"""3D residual networks as stages in a row: the paper's thin 3DResNet, I3D, C2D and R(2+1)D; the parts are X3D's and
SlowFast's too.

Every stage takes and gives features *before* their ReLU, which its first block applies. So a network can be cut behind
any stage just where ATFR samples, between the last residual sum and its ReLU, and no block has to know that it is the
last one. Poolings in between change places with the ReLU, which changes nothing: the largest value is also the largest
one after it.
"""

from collections import OrderedDict
from dataclasses import dataclass, replace
from itertools import cycle, islice

from torch import Tensor, fx, nn

Kernel = tuple[int, int, int]  # of time, height and width, as strides are


@dataclass(frozen=True)
class Stages:
    """A network without classifier: its stages by name, in order; the channels of every pathway where ATFR may
    sample."""

    modules: dict[str, nn.Module]
    channels: dict[str, tuple[int, ...]]
    num_features: int  # D of what the last stage gives


@dataclass(frozen=True)
class Layout:
    """A residual network by numbers; those of the four stages res2 to res5 in this order."""

    stem_kernel: Kernel
    stem: int  # channels
    depths: tuple[int, int, int, int]  # blocks
    inner: tuple[int, int, int, int]  # channels inside a block
    outer: tuple[int, int, int, int]  # channels between blocks
    temporal: tuple[tuple[int, ...], ...]  # kernel over time of a stage's blocks, repeated over them
    strides: tuple[Kernel, ...] = ((1, 1, 1), (1, 2, 2), (1, 2, 2), (1, 2, 2))
    stem_pool: bool = True  # halves height and width behind the stem
    pairs: bool = False  # the larger of every two frames behind res2
    factorised: bool = False  # R(2+1)D: a 3x3x3 convolution as 3x1x1, then 1x3x3


WIDE = {"inner": (64, 128, 256, 512), "outer": (256, 512, 1024, 2048)}  # of ResNet-50
THIN = {"inner": (8, 64, 128, 256), "outer": (32, 256, 512, 1024), "temporal": ((3,), (1,), (1,), (3,))}  # Table A.1
FLAT = {"stem_kernel": (1, 7, 7), "stem": 64, "temporal": ((1,),) * 4, "pairs": True, **WIDE}

LAYOUTS = {
    "3dresnet18": Layout(stem_kernel=(5, 7, 7), stem=8, depths=(2, 2, 2, 2), **THIN),
    "3dresnet50": Layout(stem_kernel=(5, 7, 7), stem=8, depths=(3, 4, 6, 3), **THIN),
    # Ours, for clips of about 16 x 48 x 48: a smaller stem, and late stages so narrow that the early ones keep their
    # share.
    "3dresnet-tiny": Layout(
        stem_kernel=(3, 3, 3),
        stem=8,
        depths=(1, 1, 1, 1),
        inner=(8, 32, 64, 96),
        outer=(32, 128, 256, 384),
        temporal=THIN["temporal"],
    ),
    "i3d-r50": Layout(
        stem_kernel=(5, 7, 7), stem=64, depths=(3, 4, 6, 3), temporal=((3,), (3, 1), (3, 1), (1, 3)), pairs=True, **WIDE
    ),
    "c2d-r50": Layout(depths=(3, 4, 6, 3), **FLAT),
    "c2d-r18": Layout(depths=(2, 2, 2, 2), **FLAT),
    "r2plus1d-r50": Layout(
        stem_kernel=(1, 7, 7),
        stem=64,
        depths=(3, 4, 6, 3),
        temporal=((1,),) * 4,
        strides=((1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2)),
        stem_pool=False,
        factorised=True,
        **WIDE,
    ),
}


class ConvNorm(nn.Sequential):
    """A convolution that keeps the size (but for its stride), and batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: Kernel, stride: Kernel = (1, 1, 1), groups: int = 1) -> None:
        padding = tuple(size // 2 for size in kernel)
        conv = nn.Conv3d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        super().__init__(OrderedDict(conv=conv, norm=nn.BatchNorm3d(outputs)))


class Residual(nn.Module):
    """The sum of a branch and a shortcut, both of the input's ReLU; what follows has to apply the sum's."""

    def __init__(self, branch: nn.Sequential, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut

    def forward(self, features: Tensor) -> Tensor:
        features = features.relu()
        return self.branch(features) + self.shortcut(features)


class PairPool(nn.Module):
    """The larger of every two frames, (B, C, T, H, W) to (B, C, T // 2, H, W): an odd last frame is left out, a single
    one stays."""

    def forward(self, features: Tensor) -> Tensor:
        return pair_pool(features)


@fx.wrap  # its shape decides, so that tracing has to stop here
def pair_pool(features: Tensor) -> Tensor:
    return nn.functional.max_pool3d(features, (2, 1, 1)) if features.shape[2] > 1 else features


def halving_pool() -> nn.Module:
    """Halves height and width behind a stem."""
    return nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))


def average_head() -> nn.Module:
    """(B, C, T, H, W) before their ReLU to the averages (B, C)."""
    return nn.Sequential(OrderedDict(activation=nn.ReLU(), pool=nn.AdaptiveAvgPool3d(1), flatten=nn.Flatten()))


def scaled(channels: int, width: float) -> int:
    """`width` times the channels, to the nearest multiple of 8; a network's own number where `width` is 1."""
    return channels if width == 1 else max(8, int(channels * width + 4) // 8 * 8)


def bottleneck(inputs: int, inner: int, outputs: int, temporal: int, stride: Kernel) -> nn.Sequential:
    """Narrow, look around, widen; the first convolution is the one that may see other frames (Table A.1)."""
    return nn.Sequential(
        OrderedDict(
            reduce=ConvNorm(inputs, inner, (temporal, 1, 1)),
            relu1=nn.ReLU(inplace=True),
            spatial=ConvNorm(inner, inner, (1, 3, 3), stride),
            relu2=nn.ReLU(inplace=True),
            expand=ConvNorm(inner, outputs, (1, 1, 1)),
        )
    )


def factorised_bottleneck(inputs: int, inner: int, outputs: int, stride: Kernel) -> nn.Sequential:
    """R(2+1)D's: time, then space, each with its stride; time first and as many channels between as around, as
    pytorchvideo has it."""
    return nn.Sequential(
        OrderedDict(
            reduce=ConvNorm(inputs, inner, (1, 1, 1)),
            relu1=nn.ReLU(inplace=True),
            temporal=ConvNorm(inner, inner, (3, 1, 1), (stride[0], 1, 1)),
            relu2=nn.ReLU(inplace=True),
            spatial=ConvNorm(inner, inner, (1, 3, 3), (1, *stride[1:])),
            relu3=nn.ReLU(inplace=True),
            expand=ConvNorm(inner, outputs, (1, 1, 1)),
        )
    )


def residual_stage(inputs: int, layout: Layout, stage: int) -> nn.Sequential:
    """Stage number `stage` (0 is res2) for features with `inputs` channels; the first block takes the stride and
    projects the shortcut."""
    inner, outputs = layout.inner[stage], layout.outer[stage]
    blocks = []
    for temporal in islice(cycle(layout.temporal[stage]), layout.depths[stage]):
        stride = (1, 1, 1) if blocks else layout.strides[stage]
        if layout.factorised:
            branch = factorised_bottleneck(inputs, inner, outputs, stride)
        else:
            branch = bottleneck(inputs, inner, outputs, temporal, stride)
        blocks.append(Residual(branch, nn.Identity() if blocks else ConvNorm(inputs, outputs, (1, 1, 1), stride)))
        inputs = outputs
    return nn.Sequential(*blocks)


def narrowed(layout: Layout, width: float) -> Layout:
    """The layout with `width` times the channels everywhere."""
    inner, outer = (tuple(scaled(channels, width) for channels in row) for row in (layout.inner, layout.outer))
    return replace(layout, stem=scaled(layout.stem, width), inner=inner, outer=outer)


def resnet3d(name: str, width: float) -> Stages:
    """conv1, pool1, res2, pool2, res3, res4, res5 and head of a network in `LAYOUTS`; those poolings that it has."""
    layout = narrowed(LAYOUTS[name], width)
    modules: dict[str, nn.Module] = {"conv1": ConvNorm(3, layout.stem, layout.stem_kernel, (1, 2, 2))}
    if layout.stem_pool:
        modules["pool1"] = halving_pool()
    inputs = layout.stem
    for stage in range(4):
        modules[f"res{stage + 2}"] = residual_stage(inputs, layout, stage)
        inputs = layout.outer[stage]
        if layout.pairs and stage == 0:
            modules["pool2"] = PairPool()
    modules["head"] = average_head()
    channels = {"conv1": (layout.stem,), "res2": (layout.outer[0],), "res3": (layout.outer[1],)}
    return Stages(modules, channels, num_features=inputs)
