"""How the authors' code (a fork of PySlowFast) and pytorchvideo name what they save, written down from their networks
and not from our import of them."""

from typing import Any

import torch
from published_files import state
from torch import Tensor, nn

# settings that no weight depends on, for a quick run
SMALL = {"num_frames": 4, "stride": 1, "resize": 64, "crop": 64, "device": "cpu"}
# of a 3DResNet: (features inside a block, features it gives, frames that its first convolution sees) by stage
STAGES = {2: (8, 32, 3), 3: (64, 256, 1), 4: (128, 512, 1), 5: (256, 1024, 3)}
BLOCKS = {"3dresnet18": (2, 2, 2, 2), "3dresnet50": (3, 4, 6, 3)}
X3D_S = ((24, 3), (48, 5), (96, 11), (192, 7))  # (features, blocks) by stage


def classes(variant: str) -> int:
    """Kinetics-400's, or those of Mini-Kinetics in the authors' configurations."""
    return 400 if variant.startswith("x3d") else 194


def layout(variant: str, classes: int) -> dict[str, Any]:
    if variant.startswith("x3d"):
        return {"model_state": _x3d(classes)}
    optimizer = {"state": {0: {"momentum_buffer": torch.empty(8, 3, 5, 7, 7)}}, "param_groups": [{"lr": 0.1}]}
    network = _resnet(BLOCKS[variant.partition("-")[0]], classes, sampler="atfr" in variant)
    return {"epoch": 195, "model_state": network, "optimizer_state": optimizer, "cfg": "NUM_GPUS: 8\n"}


def _resnet(blocks: tuple[int, ...], classes: int, *, sampler: bool) -> dict[str, Tensor]:
    found = _convolution("s1.pathway0_stem.", nn.Conv3d(3, 8, (5, 7, 7), bias=False), "conv", "bn")
    given = 8
    for (stage, (inside, features, frames)), number in zip(STAGES.items(), blocks, strict=True):
        for block in range(number):
            name = f"s{stage}.pathway0_res{block}."
            if block == 0:
                found |= _convolution(name, nn.Conv3d(given, features, 1, bias=False), "branch1", "branch1_bn")
            convolutions = {
                "a": nn.Conv3d(given, inside, (frames, 1, 1), bias=False),
                "b": nn.Conv3d(inside, inside, (1, 3, 3), bias=False),
                "c": nn.Conv3d(inside, features, 1, bias=False),
            }
            for letter, convolution in convolutions.items():
                found |= _convolution(f"{name}branch2.", convolution, letter, f"{letter}_bn")
            given = features
        if stage == 2 and sampler:
            found |= state("s2.ts_layer.fc.", nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 8)))
            found |= state("s2.ts_layer.bn.", nn.BatchNorm1d(8))
    return found | state("head.projection.", nn.Linear(given, classes))


def _x3d(classes: int) -> dict[str, Tensor]:
    """Inside a block there are 2.25 times the features; every other one, beginning with the first, has
    squeeze-and-excitation."""
    found = state("blocks.0.conv.conv_t.", nn.Conv3d(3, 24, (1, 3, 3), bias=False))
    found |= state("blocks.0.conv.conv_xy.", nn.Conv3d(24, 24, (5, 1, 1), groups=24, bias=False))
    found |= state("blocks.0.norm.", nn.BatchNorm3d(24))
    given = 24
    for stage, (features, blocks) in enumerate(X3D_S, 1):
        inside = features * 9 // 4
        for block in range(blocks):
            name = f"blocks.{stage}.res_blocks.{block}."
            if block == 0:
                found |= state(f"{name}branch1_conv.", nn.Conv3d(given, features, 1, bias=False))
            if given != features:
                found |= state(f"{name}branch1_norm.", nn.BatchNorm3d(features))
            name += "branch2."
            found |= _convolution(name, nn.Conv3d(given, inside, 1, bias=False), "conv_a", "norm_a")
            depthwise = nn.Conv3d(inside, inside, 3, groups=inside, bias=False)
            found |= _convolution(name, depthwise, "conv_b", "norm_b.0")
            if block % 2 == 0:
                squeezed = _to_eights(inside / 16)
                excitation = nn.Sequential(nn.Conv3d(inside, squeezed, 1), nn.ReLU(), nn.Conv3d(squeezed, inside, 1))
                found |= state(f"{name}norm_b.1.block.", excitation)
            found |= _convolution(name, nn.Conv3d(inside, features, 1, bias=False), "conv_c", "norm_c")
            given = features
    found |= _convolution("blocks.5.pool.", nn.Conv3d(given, 432, 1, bias=False), "pre_conv", "pre_norm")
    found |= state("blocks.5.pool.post_conv.", nn.Conv3d(432, 2048, 1, bias=False))
    return found | state("blocks.5.proj.", nn.Linear(2048, classes))


def _convolution(prefix: str, convolution: nn.Conv3d, name: str, norm: str) -> dict[str, Tensor]:
    """A convolution and the normalisation behind it."""
    return state(f"{prefix}{name}.", convolution) | state(f"{prefix}{norm}.", nn.BatchNorm3d(convolution.out_channels))


def _to_eights(width: float) -> int:
    """To a multiple of 8, by no more than a tenth down."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * width else rounded
