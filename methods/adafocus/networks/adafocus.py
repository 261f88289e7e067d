"""The networks of AdaFocus (Sec. 3.1 to 3.3, 4.2), and where they look: the learned place, and what stands beside
it."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from saccade.nn.backbones import trunk
from saccade.nn.heads import FrameAverage, RecurrentClassifier
from saccade.nn.patches import Size, cut, drawn_corners, random_corners
from saccade.nn.seeding import seeded
from saccade.nn.shift import TemporalShift
from saccade.records import Head, SaccadeError
from saccade.video.loader import generator
from saccade.video.sampling import segments

from ..settings import Settings
from . import places
from .policy import Policy

Logits = dict[str, Tensor]


class Thresholds(nn.Module):
    """The policy's keep scores on two splits, sorted; empty until `calibrate` has run."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("from_train", torch.empty(0))
        self.register_buffer("from_val", torch.empty(0))

    def keeping(self, share: float, split: str) -> Tensor:
        """The threshold that this share of that split's frames reaches (Sec. 3.3)."""
        scores: Tensor = getattr(self, f"from_{split}")
        if not scores.numel():
            raise SaccadeError(
                "the threshold of learned skipping isn't known yet; the phase `calibrate` must run first"
            )
        number = round((1 - share) * len(scores))
        return scores[number] if number < len(scores) else scores.new_tensor(torch.inf)


class AdaFocus(nn.Module):
    """The parts, and what each phase asks of them; `predict` says in which order they work."""

    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.settings, self.heads = settings, heads
        shifted = settings.temporal == "shift"
        sizes = {"global": 0, "local": 0}
        for part, name, width in (
            ("global", settings.global_backbone, settings.global_width),
            ("local", settings.local_backbone, settings.local_width),
        ):
            if name != "none":
                with seeded(f"{part}_cnn"):
                    network, sizes[part] = trunk(name, width, settings.weights)
                self.add_module(f"{part}_cnn", TemporalShift(network) if shifted else network)
                if part == "global" or settings.pretrained_local:
                    with seeded(f"{part}_head"):
                        self.add_module(
                            f"{part}_head", FrameAverage(sizes[part], heads, settings.dropout)
                        )  # of stage 0
        self.sizes = sizes
        with seeded("classifier"):
            if shifted:
                self.classifier: nn.Module = FrameAverage(sizes["local"], heads, settings.dropout)
            else:
                read = (sizes["global"] if settings.reuse else 0) + sizes["local"]
                self.classifier = RecurrentClassifier(read, heads, settings.dropout, settings.hidden_size)
        stacked = (settings.glance_frames or settings.num_frames) if settings.per_clip else 1
        self.policies = nn.ModuleDict()
        if settings.look == "learned":
            outputs = settings.candidates**2 if settings.places == "grid" else 2
            with seeded("policies.where"):
                self.policies["where"] = Policy(stacked * sizes["global"], outputs, settings)
        if settings.skip == "learned":
            with seeded("policies.skip"):
                self.policies["skip"] = Policy(sizes["global"], 1, settings)
            self.thresholds = Thresholds()

    def maps(self, part: str, frames: Tensor) -> Tensor:
        """Of `global` or `local` network: (B, T, 3, H, W) to (B, T, C, h, w)."""
        network = self.get_submodule(f"{part}_cnn")
        if isinstance(network, TemporalShift):  # frames see their neighbours
            return network(frames)  # type: ignore[no-any-return]
        return network(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])  # type: ignore[no-any-return]

    def glance(self, rgb: Tensor) -> Tensor:
        """Global maps e^G (eq. 1) of whole frames."""
        return self.maps("global", rgb)

    def focus(self, patches: Tensor) -> Tensor:
        """Pooled local features (eq. 2) of (B, T, 3, P, P): (B, T, D)."""
        return self.maps("local", patches).mean((3, 4))

    def policy_input(self, maps: Tensor) -> Tensor:
        """The maps in order; or, where one place holds for the clip, all of them at once, as channels: (B, 1, T*C, h,
        w)."""
        return maps.flatten(1, 2)[:, None] if self.settings.per_clip else maps

    def scores(self, pooled: Tensor | None, local: Tensor | None) -> Logits:
        """{head: (B, S, K)} logits from pooled global (B, T, D) and local features: after each of S = T frames (eq. 4),
        or, of shifted networks, one answer, S = 1: the sum of both networks' mean logits (official code)."""
        if self.settings.temporal == "gru":
            return self.classifier(self.joined(pooled, local))  # type: ignore[no-any-return]
        assert pooled is not None and local is not None
        trained = self.global_head.classifiers[self.heads[0].name].weight.requires_grad
        glance = self.global_head(pooled) if trained else _mean_logits(self.global_head, pooled)
        return {head: (glance[head] + value)[:, None] for head, value in self.classifier(local).items()}

    def joined(self, pooled: Tensor | None, local: Tensor | None) -> Tensor:
        """What f_C reads of each frame: [e^G, e^L], global first."""
        parts = [pooled if self.settings.reuse else None, local]
        return torch.cat([part for part in parts if part is not None], dim=2)


def _mean_logits(head: FrameAverage, features: Tensor) -> Logits:
    """Without dropout, of a head that isn't trained."""
    return {name: classify(features).mean(1) for name, classify in head.classifiers.items()}


def glances(model: AdaFocus, settings: Settings) -> bool:
    """Whether anything reads the global network."""
    reads = settings.reuse or settings.look == "learned" or settings.skip != "none" or settings.temporal == "shift"
    return reads and model.sizes["global"] > 0


# ---- where to look


def frame_size(rgb: Tensor) -> Size:
    return rgb.shape[-2], rgb.shape[-1]


def corners_of(
    model: AdaFocus, clip: dict[str, Any], settings: Settings, maps: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Top and left of each frame's patch (B, T, 2), and the candidates' numbers (B, T) where it was one of them."""
    rgb, size = clip["rgb"], frame_size(clip["rgb"])
    videos, frames = rgb.shape[:2]
    count = (videos, 1 if settings.per_clip else frames)
    actions = None
    if settings.look == "learned":
        assert maps is not None
        scores = model.policies["where"](model.policy_input(maps))
        if settings.places == "grid":
            actions = scores.argmax(-1)
        else:
            corners = places.corners_at(scores.sigmoid(), size, settings.patch_size)
    elif settings.look == "oracle":
        actions = places.true_actions(clip, settings.candidates, size, settings.patch_size)
    elif settings.look == "random" and model.training:
        corners = random_corners(count, size, settings.patch_size)
    elif settings.look == "random":
        draws = [generator(0, 0, video, "place") for video in clip["video_id"]]
        corners = drawn_corners(draws, count[1], size, settings.patch_size)
    else:
        gaussian = settings.look == "gaussian"
        chosen = (
            places.gaussian_places(clip, count, settings.sigma, model.training)
            if gaussian
            else torch.full((*count, 2), 0.5)
        )
        corners = places.corners_at(chosen, size, settings.patch_size)
    if actions is not None:
        corners = places.candidate_corners(actions, settings.candidates, size, settings.patch_size)
        actions = actions.expand(videos, frames)
    return corners.to(rgb.device).expand(videos, frames, 2), actions


def patches_at(rgb: Tensor, corners: Tensor, patch: int) -> Tensor:
    """(B, T, C, H, W) and (B, T, 2) to (B, T, C, patch, patch)."""
    return cut(rgb.flatten(0, 1), corners.flatten(0, 1), patch).unflatten(0, rgb.shape[:2])


def whole_frames(rgb: Tensor, settings: Settings) -> Tensor:
    """What f_L sees where no patch is cut."""
    if settings.look == "whole":
        return rgb
    return places.shrink(rgb.flatten(0, 1), settings.patch_size).unflatten(0, rgb.shape[:2])


def kept_frames(model: AdaFocus, maps: Tensor, clip: dict[str, Any], settings: Settings) -> Tensor:
    """(B, T) whether a frame's patch is looked at."""
    videos, frames = maps.shape[:2]
    if settings.skip == "learned":
        wanted = model.policies["skip"](maps)[..., 0].sigmoid()
        return wanted >= model.thresholds.keeping(settings.keep, settings.threshold_from)
    kept = torch.zeros(videos, frames, dtype=torch.bool)
    for number, video in enumerate(clip["video_id"]):
        draw = generator(0, 0, video, "keep")
        count = int(settings.keep * frames + draw.random())  # rounded down or up, so that the mean is kept
        chosen = (
            draw.permutation(frames)[:count] if settings.skip == "random" else segments(frames, max(count, 1))[:count]
        )
        kept[number, torch.from_numpy(np.asarray(chosen))] = True
    return kept.to(maps.device)


def focus_on(model: AdaFocus, rgb: Tensor, corners: Tensor, kept: Tensor, patch: int) -> Tensor:
    """Local features (B, T, D) of the kept patches, zeros for the others, which are neither cut nor computed (eq.
    9)."""
    local = rgb.new_zeros((*rgb.shape[:2], model.sizes["local"]))
    if kept.any():
        features = model.focus(cut(rgb[kept], corners[kept], patch)[:, None])[:, 0]
        local = local.to(features.dtype).masked_scatter(kept[..., None], features)
    return local
