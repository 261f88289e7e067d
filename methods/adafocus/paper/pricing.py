"""What the card's variants cost on a video, in GMACs: our model takes one on the meta device, and all that it executes
is counted."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch

from saccade.cost.count import count
from saccade.cost.image_networks import GIGA
from saccade.plan.layers import resolve
from saccade.plan.runs import Run
from saccade.records import Head

from ..model import build, offline

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Price:
    """patches: f_L on a patch of every frame; rest: f_G, the policies, f_C and one answer."""

    patches: float
    rest: float

    @property
    def whole(self) -> float:
        return self.keeping(1)

    def keeping(self, share: float) -> float:
        """The mean of videos of which this share of patches is looked at."""
        return self.rest + share * self.patches

    def implied(self, printed: float) -> float:
        """The share at which that is the printed cost."""
        return (printed - self.rest) / self.patches


@cache
@torch.no_grad()
def price(variant: str, classes: int) -> Price:
    """Where a patch of every frame is looked at; of AdaFocus+ with what its second policy costs. The dataset changes no
    size."""
    settings = resolve(ROOT, Run("paper", "activitynet", "", "adafocus", variant, 0)).typed
    with torch.device("meta"):
        model = build(
            replace(settings, weights="none"), (Head("label", "single", tuple(map(str, range(classes)))),)
        ).eval()
        clip = {"rgb": torch.empty(1, settings.num_frames, 3, settings.crop, settings.crop)}
        if settings.glance_frames:
            clip["glance.rgb"] = torch.empty(1, settings.glance_frames, 3, settings.crop, settings.crop)
    counted = count(offline, model, clip, replace(settings, skip="none"))
    patches = sum(counted.modules["local_cnn"].values())
    whether = count(model.policies["skip"], model.glance(clip["rgb"])).macs if settings.skip == "learned" else 0
    return Price(patches / GIGA, (counted.macs - patches + whether) / GIGA)
