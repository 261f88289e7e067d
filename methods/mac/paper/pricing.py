"""What the card's variants cost a frame, in GMACs: our model takes a video on the meta device, and all products that it
executes are counted. And what the authors' counter says of BNInception."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from saccade.cost.count import count
from saccade.cost.image_networks import GIGA, elements, gmacs
from saccade.nn.backbones import backbone
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.records import Head

from ..model import build
from ..networks.heads import Logits, mean_logits
from ..networks.mac import Mac

ROOT = Path(__file__).parents[3]
CLASSES = {"epic-kitchens-55": {"verb": 125, "noun": 352}, "ucf101": {"label": 101}}
INPUTS = {"rgb": (3, 224, 224), "audio": (1, 256, 256), "flow": (10, 224, 224)}


@cache
@torch.no_grad()
def executed(variant: str, data: str) -> float:
    """A frame of a video, with its share of the answer. Where crops lie doesn't change what they cost, so they lie in
    the middle: on the meta device attention has no values."""
    settings = resolve(ROOT, Run("paper", data, "", "mac", variant, 0)).typed
    settings = replace(settings, weights="none", look="central")
    with torch.device("meta"):
        heads = tuple(Head(name, "single", tuple(map(str, range(classes)))) for name, classes in CLASSES[data].items())
        model = build(settings, heads).eval()
        clip = {modality: torch.empty(1, settings.num_frames, *INPUTS[modality]) for modality in settings.modalities}
    return count(answer, model, clip, settings.fusion).macs / settings.num_frames / GIGA


def answer(model: Mac, clip: dict[str, Tensor], fusion: str) -> Logits:
    if fusion in ("high", "low"):
        return model.average(clip, fusion)
    return mean_logits(
        list(model.answers(model.look(clip, model.read, model.settings).features, list(model.heads)).values())
    )


@cache
def authors_bninception(modality: str) -> float:
    """One input through BNInception by the authors' rule."""
    channels, *size = INPUTS[modality]
    with torch.device("meta"):
        network = backbone("bninception", in_channels=channels)[0].eval()
    shape = (1, channels, *size)
    found = elements(network, shape)
    return gmacs(network, shape) + found["bias"] + 2 * found["BN"] + found["ReLU"] + found["pool"]
