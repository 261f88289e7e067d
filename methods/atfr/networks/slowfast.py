"""SlowFast (Feichtenhofer et al., ICCV 2019): few frames through a wide pathway, all frames through a thin one that
feeds the other."""

from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from .resnet3d import ConvNorm, Layout, Stages, halving_pool, narrowed, residual_stage

Pair = tuple[Tensor, Tensor]  # features of the slow and of the fast pathway, (B, C, T, H, W) each

LATERAL = 2  # times the fast pathway's channels go to the slow one


@dataclass(frozen=True)
class TwoPathways:
    slow: Layout
    fast: Layout
    alpha: int  # the fast pathway sees this many times the frames of the slow one
    lateral_kernel: int  # over time


def _slow(depths: tuple[int, int, int, int]) -> Layout:
    return Layout(
        stem_kernel=(1, 7, 7),
        stem=64,
        depths=depths,
        inner=(64, 128, 256, 512),
        outer=(256, 512, 1024, 2048),
        temporal=((1,), (1,), (3,), (3,)),
    )


def _fast(depths: tuple[int, int, int, int]) -> Layout:
    """An eighth of the slow pathway's channels, and every block sees other frames."""
    return Layout(
        stem_kernel=(5, 7, 7),
        stem=8,
        depths=depths,
        inner=(8, 16, 32, 64),
        outer=(32, 64, 128, 256),
        temporal=((3,),) * 4,
    )


NETWORKS = {
    "slowfast-4x16-r50": TwoPathways(_slow((3, 4, 6, 3)), _fast((3, 4, 6, 3)), alpha=8, lateral_kernel=5),
    "slowfast-8x8-r50": TwoPathways(_slow((3, 4, 6, 3)), _fast((3, 4, 6, 3)), alpha=4, lateral_kernel=7),
    "slowfast-8x8-r18": TwoPathways(_slow((2, 2, 2, 2)), _fast((2, 2, 2, 2)), alpha=4, lateral_kernel=7),
    # Ours, for clips of about 16 x 48 x 48: smaller stems, and widths that keep the early stages' share of the cost.
    "slowfast-tiny": TwoPathways(
        Layout(
            stem_kernel=(1, 3, 3),
            stem=16,
            depths=(1, 1, 1, 1),
            inner=(16, 48, 64, 96),
            outer=(64, 192, 256, 384),
            temporal=((1,), (1,), (3,), (3,)),
        ),
        Layout(
            stem_kernel=(3, 3, 3),
            stem=8,
            depths=(1, 1, 1, 1),
            inner=(8, 8, 16, 24),
            outer=(32, 32, 64, 96),
            temporal=((3,),) * 4,
        ),
        alpha=4,
        lateral_kernel=5,
    ),
}


class SlowFrames(nn.Module):
    """Every alpha-th frame or so for the slow pathway, all for the fast one."""

    def __init__(self, alpha: int) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, rgb: Tensor) -> Pair:
        return slow_frames(rgb, self.alpha), rgb


class Pathways(nn.Module):
    """One module for each pathway."""

    def __init__(self, slow: nn.Module, fast: nn.Module) -> None:
        super().__init__()
        self.slow = slow
        self.fast = fast

    def forward(self, features: Pair) -> Pair:
        slow, fast = features
        return self.slow(slow), self.fast(fast)


class Lateral(ConvNorm):
    """What the fast pathway tells the slow one: appended to its channels, before their ReLU as they are."""

    def __init__(self, channels: int, kernel: int, alpha: int) -> None:
        super().__init__(channels, LATERAL * channels, (kernel, 1, 1), (alpha, 1, 1))

    def forward(self, features: Pair) -> Pair:
        slow, fast = features
        from_fast = super().forward(fast.relu())
        return joined(slow, from_fast), fast


class PooledPathways(nn.Module):
    """Both pathways' averages side by side, (B, D)."""

    def forward(self, features: Pair) -> Tensor:
        slow, fast = features
        return torch.cat([slow.relu().mean((2, 3, 4)), fast.relu().mean((2, 3, 4))], dim=1)


@fx.wrap  # their shapes decide, so that tracing has to stop here
def slow_frames(rgb: Tensor, alpha: int) -> Tensor:
    """T // alpha frames (at least one) of `rgb` (B, 3, T, H, W), evenly from the first to the last, rounded down
    (official code)."""
    frames = rgb.shape[2]
    chosen = torch.linspace(0, frames - 1, max(1, frames // alpha)).long()
    return rgb.index_select(2, chosen.to(rgb.device))


@fx.wrap
def joined(slow: Tensor, from_fast: Tensor) -> Tensor:
    """Channels of both; where sampling left them unequally long, the shorter one lies in the middle of zeros (official
    code)."""
    frames = max(slow.shape[2], from_fast.shape[2])
    return torch.cat([_centred(features, frames) for features in (slow, from_fast)], dim=1)


def _centred(features: Tensor, frames: int) -> Tensor:
    missing = frames - features.shape[2]
    before = missing // 2
    return nn.functional.pad(features, (0, 0, 0, 0, before, missing - before)) if missing else features


def slowfast(name: str, width: float) -> Stages:
    """frames, conv1, pool1, fuse1, res2, fuse2, ... res5 and head of a network in `NETWORKS`."""
    network = NETWORKS[name]
    layouts = slow, fast = narrowed(network.slow, width), narrowed(network.fast, width)
    modules: dict[str, nn.Module] = {
        "frames": SlowFrames(network.alpha),
        "conv1": Pathways(*(ConvNorm(3, layout.stem, layout.stem_kernel, (1, 2, 2)) for layout in layouts)),
        "pool1": Pathways(halving_pool(), halving_pool()),
    }
    channels = {"conv1": (slow.stem, fast.stem)}
    for stage in range(4):
        wide, thin = channels[f"res{stage + 1}" if stage else "conv1"]
        modules[f"fuse{stage + 1}"] = Lateral(thin, network.lateral_kernel, network.alpha)
        incoming = wide + LATERAL * thin
        modules[f"res{stage + 2}"] = Pathways(residual_stage(incoming, slow, stage), residual_stage(thin, fast, stage))
        channels[f"res{stage + 2}"] = (slow.outer[stage], fast.outer[stage])
    modules["head"] = PooledPathways()
    return Stages(modules, channels, num_features=sum(channels["res5"]))
