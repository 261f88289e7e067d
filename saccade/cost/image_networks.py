"""What one frame costs in the image networks that the papers' tables name, in giga multiply-adds, and how many
parameters networks have, on the meta device."""

from collections import Counter
from functools import cache

import torch
from torch import nn
from torchvision.models.resnet import Bottleneck

from saccade.cost.count import count
from saccade.nn.backbones import backbone

GIGA, MEGA = 1e9, 1e6
FRAME = (1, 3, 224, 224)
KINDS: dict[type, str] = {
    nn.BatchNorm2d: "BN",
    nn.ReLU: "ReLU",
    Bottleneck: "sum",
    **dict.fromkeys([nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d], "pool"),
    nn.Conv2d: "bias",
}


def network(name: str) -> nn.Module:
    """The backbone without its classifier, on the meta device."""
    with torch.device("meta"):
        return backbone(name)[0].eval()


def gmacs(module: nn.Module, shape: tuple[int, ...]) -> float:
    """Of `module(x)` for an x of `shape`."""
    return count(module, torch.empty(shape, device="meta")).macs / GIGA


@cache
def frame_gmacs(name: str) -> float:
    """One 224 x 224 frame through a backbone without its classifier."""
    return gmacs(network(name), FRAME)


def million_parameters(*modules: nn.Module) -> float:
    return sum(value.numel() for module in modules for value in module.parameters()) / MEGA


def head_million_parameters(num_features: int, num_classes: int) -> float:
    return (num_features + 1) * num_classes / MEGA


def head_gmacs(num_features: int, num_classes: int) -> float:
    return num_features * num_classes / GIGA


def resnet50_gmacs(num_classes: int) -> float:
    """One frame through ResNet-50 with a classifier. ResNet-50 is torchvision's, which takes strides in the 3x3
    convolutions (v1.5)."""
    return frame_gmacs("resnet50") + head_gmacs(2048, num_classes)


def elements(module: nn.Module, shape: tuple[int, ...]) -> dict[str, float]:
    """Giga-elements of `module(x)` for an x of `shape`, on the meta device: results of its normalisations (BN), ReLUs
    and ResNets' shortcut sums, inputs of its poolings, biases that its convolutions add."""
    found: Counter[str] = Counter()

    def add(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        kind = next(kind for known, kind in KINDS.items() if isinstance(module, known))
        if kind != "bias" or module.bias is not None:
            found[kind] += (inputs[0] if kind == "pool" else output).numel()

    hooks = [part.register_forward_hook(add) for part in module.modules() if isinstance(part, tuple(KINDS))]
    module(torch.empty(shape, device="meta"))
    for hook in hooks:
        hook.remove()
    return {kind: number / GIGA for kind, number in found.items()}


@cache
def resnet50_elements() -> dict[str, float]:
    """`elements` of one frame in ResNet-50."""
    return elements(network("resnet50"), FRAME)
