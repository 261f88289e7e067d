"""T-CNN with spatial attention (Fig. 1): the clip, and two videos made of it, through the same network."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.nn.seeding import seeded
from saccade.records import Head, SaccadeError

from ..settings import MAPPED, Answers, Settings
from .attention import lots
from .places import Attended, attend
from .resampling import Resampler, resample
from .tcnn import TCNN, frame_maps, pooled

Clip = dict[str, Any]
Logits = dict[str, Tensor]


@dataclass
class Seen:
    """`features`: {video: (B, C)}, pooled; `map_size`: (h, w) of the original's maps, where they were read; `attended`:
    how the other videos were made of it, unless they are crops."""

    features: dict[str, Tensor]
    map_size: tuple[int, ...] | None = None
    attended: Attended | None = None


class SpatialTCNN(nn.Module):
    """`backbone`; `classifiers`, by video and head; `betas` of the attention. Without another video it is T-CNN."""

    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.settings, self.heads_known = settings, heads
        with seeded("backbone"):
            self.backbone = TCNN(settings)
        self.dropout = nn.Dropout(settings.dropout)
        self.classifiers = nn.ModuleDict()
        widths = {"original": 1} | {name: 1 for name in settings.branches}  # its maps are read, whatever learns
        if settings.combines:
            widths["total"] = len(settings.branches)
        for name, width in widths.items():
            with seeded(f"classifiers.{name}"):
                self.classifiers[name] = nn.ModuleDict(
                    {head.name: nn.Linear(width * self.backbone.num_features, head.num_classes) for head in heads}
                )
        if settings.resamples and settings.places != "crops":
            starts = {"discriminative": settings.beta_dis, "complementary": settings.beta_com}
            self.betas = nn.ParameterDict({name: torch.tensor(starts[name]) for name in settings.resampled})
            self.resampler = Resampler(settings.attention_size, settings.smoothing)

    def classify(self, features: Tensor, answer: str) -> Logits:
        """{head: (B, K)} of pooled features (B, C), or of those of all videos beside each other for `total`."""
        features = self.dropout(features)
        return {head: layer(features) for head, layer in self.classifiers[answer].items()}  # type: ignore[operator, union-attr]

    def mapped(self) -> nn.Linear:
        """The classifier whose response maps are read: of the original video, for the first head."""
        first: nn.Linear = next(iter(self.classifiers["original"].values()))  # type: ignore[union-attr, arg-type]
        return first

    def read(self, clip: Clip, settings: Settings) -> Tensor | None:
        """The original's features (B, C, T', h, w), where they say where attention lies."""
        return self.backbone(clip["rgb"].transpose(1, 2)) if settings.places in MAPPED else None  # type: ignore[no-any-return]

    def make(
        self, clip: Clip, features: Tensor | None, settings: Settings, wanted: tuple[str, ...]
    ) -> tuple[list[Tensor], Attended | None]:
        """The videos wanted, (B, T, C, H, W) each, of exactly the clip that the network read (Sec. 2.2), and how."""
        rgb = clip["rgb"]
        if settings.places == "crops":
            return [cropped(clip, settings, self.training, name) for name in wanted], None
        maps = None if features is None else frame_maps(features.detach(), rgb.shape[1]).flatten(0, 1)
        betas = {name: self.betas[name] for name in wanted}
        attended = attend(maps, self.mapped(), betas, clip, settings, self.training)
        attended.grids = {name: self.resampler(one) for name, one in attended.attention.items()}
        videos = [resample(rgb.flatten(0, 1), grid).unflatten(0, rgb.shape[:2]) for grid in attended.grids.values()]
        return videos, attended

    def look(self, clip: Clip, settings: Settings, wanted: tuple[str, ...]) -> Seen:
        """The videos wanted; the original is looked at, too, where its maps say what the others are. All that are made
        of it pass the network as one batch: in training they share the statistics of their normalisation (our
        choice)."""
        others = tuple(name for name in wanted if name != "original")
        seen, features = Seen({}), None
        if "original" in wanted:
            features = self.backbone(clip["rgb"].transpose(1, 2))
            seen.features["original"] = pooled(features)
        else:
            with torch.no_grad():
                features = self.read(clip, settings)
        if features is not None:
            seen.map_size = tuple(features.shape[-2:])
        if others:
            videos, seen.attended = self.make(clip, features, settings, others)
            found = pooled(self.backbone(torch.cat(videos).transpose(1, 2)))
            seen.features |= dict(zip(others, found.chunk(len(others)), strict=True))
        return seen

    def answer(self, found: dict[str, Tensor], answer: Answers) -> Logits:
        """The scores by one video's classifier, or by that of all features beside each other (Sec. 2.3)."""
        by = self.settings.answered_by(answer)
        features = torch.cat([found[name] for name in self.settings.branches], dim=1) if by == "total" else found[by]
        return self.classify(features, by)


def cropped(clip: Clip, settings: Settings, training: bool, use: str) -> Tensor:
    """(B, T, C, H, W): of each video a square-sided share of its frames at a place by lot, the same in all frames,
    brought back to their size; half of them mirrored where the settings want it. `use`: which of the videos it becomes,
    as each has a lot of its own."""
    rgb = clip["rgb"]
    height, width = rgb.shape[-2:]
    sides = [round(settings.crop_share * side) for side in (height, width)]
    if min(sides) < 1:
        raise SaccadeError(f"crop_share is {settings.crop_share}: of frames of {height} x {width} nothing is left")
    found = []
    for number, draw in enumerate(lots(clip, settings, training, use)):
        top, left = (int(draw.integers(whole - side + 1)) for whole, side in zip((height, width), sides, strict=True))
        crop = rgb[number, :, :, top : top + sides[0], left : left + sides[1]]
        if settings.crop_flip and draw.random() < 0.5:
            crop = crop.flip(-1)
        found.append(functional.interpolate(crop, (height, width), mode="bilinear", align_corners=True))
    return torch.stack(found)
