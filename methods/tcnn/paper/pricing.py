"""What the card's networks cost on a view, part by part, in GMACs: our model takes one on the meta device, and all that
it executes is counted."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.cost.count import count
from saccade.cost.image_networks import GIGA
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.records import Head

from ..model import build, predict
from ..networks.attention import response_maps
from ..networks.spatial import SpatialTCNN
from ..networks.tcnn import frame_maps
from ..settings import MAPPED

ROOT = Path(__file__).parents[3]
CLASSES = {"ucf101": 101, "hmdb51": 51, "all": 101}
# The networks that have about the printed cost: as the dossier of choices calls them -> the card's variant.
PRESETS = {
    "P1": "tcnn",
    "P1b": "tcnn-p1b",
    "P2": "tcnn-p2",
    "P2b": "tcnn-p2b",
    "P3": "tcnn-p3",
    "P4": "tcnn-p4",
    "P5": "tcnn-p5",
}
SPATIAL = "spatial-odc"
TAPS = 4  # multiply-adds of a bilinear value


@dataclass(frozen=True)
class Price:
    """Of a view, in GMACs. stages: of one pass; passes: how many; maps: every frame's scores and its response map;
    grids: where every frame of the new videos looks; classifier: the last layer."""

    stages: tuple[float, ...]
    passes: int
    maps: float
    grids: float
    classifier: float

    @property
    def one_pass(self) -> float:
        return sum(self.stages)

    @property
    def whole(self) -> float:
        return self.passes * self.one_pass + self.maps + self.grids + self.classifier


@dataclass(frozen=True)
class Given:
    """A variant's network, and a view of the size that it is given, without contents."""

    settings: Any  # the variant's; its type, whose fields decide nothing here, would be hashed with the code
    model: SpatialTCNN
    clip: dict[str, Any]

    @property
    def video(self) -> Tensor:
        return self.clip["rgb"].transpose(1, 2)  # type: ignore[no-any-return]  # (1, 3, T, H, W)


@cache
def given(variant: str, classes: int, point: str = "single") -> Given:
    """The dataset changes no size but the number of classes."""
    settings = resolve(ROOT, Run("paper", "ucf101", "", "tcnn", variant, 0), point=point).typed
    heads = (Head("label", "single", tuple(map(str, range(classes)))),)
    with torch.device("meta"):
        model = build(settings, heads).eval()
        rgb = torch.empty(1, settings.num_frames, 3, settings.crop, settings.crop)
    return Given(settings, model, {"rgb": rgb, "indices": torch.arange(settings.num_frames)[None]})


@cache
@torch.no_grad()
def price(variant: str, classes: int = CLASSES["ucf101"], point: str = "single") -> Price:
    """Attention costs the same wherever it lies, so the network answers with the same attention everywhere, which needs
    no numbers; what this leaves out is counted beside it: the response maps, and the original's pass where it gives
    nothing else."""
    one = given(variant, classes, point)
    backbone = count(one.model.backbone, one.video)
    answered = count(predict, one.model, one.clip, replace(one.settings, places="uniform"))
    inside = {path: sum(macs.values()) for path, macs in answered.modules.items()}
    mapped = one.settings.resamples and one.settings.places in MAPPED
    maps = 0
    if mapped:
        features = frame_maps(backbone.result, one.settings.num_frames).flatten(0, 1)
        maps = count(response_maps, features, one.model.mapped(), one.settings).macs
    return Price(
        stages=tuple(
            sum(backbone.modules[f"stages.{number}"].values()) / GIGA
            for number in range(len(one.model.backbone.stages))
        ),
        passes=inside["backbone"] // backbone.macs + (mapped and not one.settings.original),
        maps=maps / GIGA,
        grids=inside.get("resampler", 0) / GIGA,
        classifier=sum(macs for path, macs in inside.items() if path.count(".") == 2 and "classifiers" in path) / GIGA,
    )


@cache
@torch.no_grad()
def map_sizes(variant: str) -> list[tuple[int, int]]:
    """Frames and side of what each stage gives."""
    one = given(variant, CLASSES["ucf101"])
    x, found = one.video, []
    for stage in one.model.backbone.stages:
        x = stage(x)
        found.append((x.shape[2], x.shape[3]))
    return found


@cache
def million_parameters(variant: str) -> list[float]:
    """Of each stage, then of the classifiers; with 101 classes."""
    model = given(variant, CLASSES["ucf101"]).model
    parts = [*model.backbone.stages, model.classifiers]
    return [sum(weights.numel() for weights in part.parameters()) / 1e6 for part in parts]


@cache
@torch.no_grad()
def otherwise(variant: str, classes: int = CLASSES["ucf101"]) -> dict[str, float]:
    """GMACs that a view would cost more, were its maps, grids and frames made as published or counted otherwise."""
    one, own = given(variant, classes), price(variant, classes)
    frames, made, side = one.settings.num_frames, len(one.settings.resampled), one.settings.attention_size
    maps = frame_maps(one.model.backbone(one.video), frames)[0]  # (T, C, h, w)
    every = one.model.mapped().weight[:, :, None, None]
    with torch.device("meta"):
        kernel = torch.empty(1, 1, 2 * side - 1, 2 * side - 1)
        attention = torch.empty(3 * made * frames, 1, 3 * side - 2, 3 * side - 2)  # alone, times x, times y; continued
    values = made * (one.clip["rgb"].numel() + 2 * frames * one.settings.crop**2)
    return {
        "a response map of every class": count(functional.conv2d, maps, every).macs / GIGA,
        f"a convolution of {2 * side - 1} x {2 * side - 1} for the grids": (
            count(functional.conv2d, attention, kernel).macs / GIGA - own.grids
        ),
        f"reading pixels and grids, at {TAPS} a value": TAPS * values / GIGA,
    }


@cache
@torch.no_grad()
def behind(variant: str) -> dict[str, float]:
    """GMACs that a view would cost more with a convolution behind the network for each new video. S3N has one of 3 x 3
    and stride 2 for images."""
    one = given(variant, CLASSES["ucf101"])
    features = one.model.backbone(one.video)  # (1, C, T, h, w)
    found = {}
    for kernel, stride in (((1, 3, 3), 2), ((3, 3, 3), 2), ((1, 3, 3), 1)):
        with torch.device("meta"):
            padding = (kernel[0] // 2, 1, 1)
            convolution = nn.Conv3d(*[features.shape[1]] * 2, kernel, (1, stride, stride), padding, bias=False)
        found[f"{'x'.join(map(str, kernel))} of stride {stride}"] = (
            len(one.settings.resampled) * count(convolution, features).macs / GIGA
        )
    return found
