"""What the card's networks cost, part by part, in GMACs: counted on the meta device, by Saccade's rule and by the rule
that Table 1's numbers imply; and what other networks cost that the paper's words would allow."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from saccade.cost.count import count
from saccade.cost.image_networks import GIGA, frame_gmacs, gmacs, head_gmacs
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.records import Head

from ..networks.attention import SelfAttention
from ..networks.epitoma import Epitoma
from ..networks.shufflenet3d import ShuffleNet3D

ROOT = Path(__file__).parents[3]
ACTIVITIES = 10  # classes of Breakfast
IMAGENET = 1000  # classes
NETWORKS = {"RNet2D": "resnet50", "SNet3D": "shufflenet3d", "I3D": "i3d"}  # rows of Table 1 -> variants
PENULTIMATE = 1024  # features before the ImageNet classifier of MobileNetV3-Small
SHUFFLENETS = {f"g{groups} {width}x": (groups, width) for groups, width in ((3, 2.0), (2, 2.0), (1, 2.0))}
LONG = (3, 32, 112, 112)  # a snippet of other frames and size, with which one ShuffleNet3D comes near print, too


@dataclass(frozen=True)
class Parts:
    """Of a timestep, in GMACs. heavy: all of the HeavyNet; large: its convolutions with kernels larger than a point;
    light: the LightNet."""

    heavy: float
    large: float
    light: float


@cache
def given(variant: str) -> tuple[Any, Epitoma]:
    """A variant's settings and its network, without contents, for Breakfast."""
    resolved = resolve(ROOT, Run("paper", "breakfast", "", "epitoma", variant, 0)).typed
    settings = replace(resolved, light_weights="none", heavy_weights="none")
    with torch.device("meta"):
        return settings, Epitoma(settings, (Head("activity", "single", tuple(map(str, range(ACTIVITIES)))),)).eval()


@cache
@torch.no_grad()
def parts(variant: str) -> Parts:
    settings, model = given(variant)
    side = settings.crop
    counted = count(model.heavy, torch.empty(1, 3, settings.heavy_frames, side, side, device="meta"))
    large = {
        name
        for name, module in model.heavy.named_modules()
        if isinstance(module, nn.Conv2d | nn.Conv3d) and max(module.kernel_size) > 1
    }
    return Parts(
        heavy=counted.macs / GIGA,
        large=sum(sum(counted.modules[path].values()) for path in large) / GIGA,
        light=gmacs(model.light, (1, 3, side, side)),
    )


@cache
def selecting(variant: str, timesteps: int) -> float:
    """LightNet and selector on so many timesteps."""
    _, model = given(variant)
    features = model.selector.concepts.in_features
    return timesteps * parts(variant).light + gmacs(model.selector, (1, timesteps, features))


@cache
def classifying(variant: str, timesteps: int) -> float:
    """Self-attention over so many timesteps and the two layers."""
    _, model = given(variant)
    return gmacs(model.classifier, (1, timesteps, model.heavy.num_features))


@cache
def attention(features: int, timesteps: int) -> float:
    with torch.device("meta"):
        layer = SelfAttention(features)
    return gmacs(layer, (1, timesteps, features))


def as_printed_selector(concepts: int, timesteps: int = 16) -> dict[str, float]:
    """What would make 0.94: found by trying, after the number was known."""
    classifier = head_gmacs(576, PENULTIMATE) + head_gmacs(PENULTIMATE, IMAGENET)
    return {
        "MobileNetV3-Small with its ImageNet classifier": timesteps * (frame_gmacs("mobilenet_v3_small") + classifier),
        f"self-attention on its {PENULTIMATE} features": attention(PENULTIMATE, timesteps),
        f"{concepts} concepts": timesteps * head_gmacs(PENULTIMATE, concepts),
    }


def other_lights(timesteps: int = 16) -> dict[str, float]:
    """So many frames of other MobileNets."""
    names = {"V3-Large": "mobilenet_v3_large", "V2": "mobilenet_v2"}
    return {name: timesteps * frame_gmacs(network) for name, network in names.items()}


@cache
def shufflenet(groups: int, width: float, snippet: tuple[int, ...] = (3, 8, 224, 224)) -> float:
    """A timestep of ShuffleNet3D with so many groups."""
    with torch.device("meta"):
        network = ShuffleNet3D("published", width, groups).eval()
    return gmacs(network, (1, *snippet))
