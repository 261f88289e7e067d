"""ATFR (Fayyaz et al., CVPR 2021): a 3D CNN whose temporal resolution, from an early stage on, is what the video needs.

The stages up to `placement` see all T frames; similarity guided sampling mixes them to B' <= T maps; the other stages
see B' maps. At test time videos of equal B' are computed together, so that a video's prediction and cost are its own.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from saccade.cost.forward import forward_macs
from saccade.nn.heads import probabilities
from saccade.nn.seeding import seeded
from saccade.records import Head, Prediction

from .networks import sgs
from .networks.attention import DoubleAttention
from .networks.backbones import build_network
from .networks.sampler import Sampler
from .settings import ASKS, Settings

Pathways = list[Tensor]  # the slow pathway first where there are two


class ATFR(nn.Module):
    """Gives {head: (B, K)} logits for clips of shape (B, T, 3, H, W)."""

    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.heads, self.settings = heads, settings
        with seeded("network"):
            self.early, self.late = build_network(settings.network, settings.placement, settings.width)
        if settings.layer == "sgs":
            with seeded("sgs"):
                self.sgs = nn.ModuleList(
                    Sampler(channels, settings, pathway) for pathway, channels in enumerate(self.early.channels)
                )
        if settings.layer == "attention":
            with seeded("attention"):
                self.attention = nn.ModuleList(DoubleAttention(channels) for channels in self.early.channels)
        self.dropout = nn.Dropout(settings.dropout)
        with seeded("classifiers"):
            self.classifiers = nn.ModuleDict(
                {head.name: nn.Linear(self.late.num_features, head.num_classes) for head in heads}
            )
            for classifier in self.classifiers.values():  # official code: every linear layer starts so
                nn.init.normal_(classifier.weight, std=0.01)
                nn.init.zeros_(classifier.bias)

    def look(self, rgb: Tensor) -> Pathways:
        """Features (B, C, T, H, W) of each pathway after `placement`, before its last ReLU."""
        features = self.early(rgb.transpose(1, 2))
        pathways = list(features) if isinstance(features, tuple) else [features]
        if self.settings.layer == "attention":
            pathways = [attend(one) for attend, one in zip(self.attention, pathways, strict=True)]
        return pathways

    def classify(self, pathways: Pathways) -> dict[str, Tensor]:
        features = self.dropout(self.late(tuple(pathways) if len(pathways) > 1 else pathways[0]))  # (B, D)
        return {head: classifier(features) for head, classifier in self.classifiers.items()}

    def weigh(self, pathways: Pathways, settings: Settings, clip: dict[str, Any]) -> Pathways:
        """Of each pathway the bins' weights (B, N, T)."""
        return [sample(one, settings, clip) for sample, one in zip(self.sgs, pathways, strict=True)]

    def forward(self, clip: dict[str, Any]) -> dict[str, Tensor]:
        """As in training: each video's occupied bins first, then empty maps up to the most bins of the batch (official
        code)."""
        pathways = self.look(clip["rgb"])
        if self.settings.layer == "sgs":
            pathways = padded(pathways, self.weigh(pathways, self.settings, clip))
        return self.classify(pathways)


def build(settings: Settings, heads: tuple[Head, ...]) -> ATFR:
    return ATFR(settings, heads)


def padded(pathways: Pathways, weights: Pathways) -> Pathways:
    most = [int(sgs.occupied(one).sum(1).max()) for one in weights]
    return [sgs.mix(sgs.packed(w, number), x) for w, number, x in zip(weights, most, pathways, strict=True)]


def predict(model: ATFR, clip: dict[str, Any], settings: Settings) -> Prediction:
    """What a video costs follows from its number of bins B' (with two pathways, from both): a + b B' multiply-adds."""
    rgb = clip["rgb"]
    videos, frames = rgb.shape[:2]
    pathways = model.look(rgb)
    base = _early_macs(model, rgb, pathways)
    if settings.layer != "sgs":
        logits = model.classify(pathways)
        macs = [base + _late_macs(model, [tuple(one.shape[1:]) for one in pathways])] * videos
        decisions: list[Any] = [{"frames": row} for row in clip["indices"].tolist()]
    else:
        weights = model.weigh(pathways, settings, clip)
        bins = torch.stack([sgs.occupied(one).sum(1) for one in weights], dim=1)  # (B, pathways)
        computed = bins.amax(0).expand_as(bins) if settings.padded else bins
        logits, per_bins = {}, {}
        for count, members in _groups(computed):
            mixed = [
                sgs.mix(sgs.packed(w[members], k), x[members]) for w, k, x in zip(weights, count, pathways, strict=True)
            ]
            for head, value in model.classify(mixed).items():
                logits.setdefault(head, value.new_empty(videos, value.shape[1]))[members] = value
            per_bins[count] = _sampling_macs(model, pathways, count, settings) + _late_macs(
                model, [tuple(m.shape[1:]) for m in mixed]
            )
        macs = [base + per_bins[tuple(row)] for row in computed.tolist()]
        decisions = [_decision(clip, weights, bins, number) for number in range(videos)]
    return Prediction(
        probabilities=probabilities(logits, model.heads),
        macs=torch.tensor(macs, dtype=torch.int64),
        frames=torch.full((videos,), frames, dtype=torch.int64),
        decisions=decisions,
    )


@torch.inference_mode()
def maps(model: ATFR, clip: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """As the paper's Figure A.5, of one clip: its frames, as bytes, their features where the layer sits (of the
    fast pathway, where there are two), and the maps that are left of them, as arrays."""
    rgb = clip["rgb"][0]
    mean, std = (torch.tensor(values, device=rgb.device)[:, None, None] for values in (settings.mean, settings.std))
    frames = rgb * std + mean
    pathways = model.look(clip["rgb"])
    pictures = (frames.flip(1) if settings.channel_order == "bgr" else frames).clamp(0, 1).permute(0, 2, 3, 1)
    shown = {
        "frames": (255 * pictures).round().byte(),
        settings.placement: pathways[-1][0].transpose(0, 1),
    }
    if settings.layer == "sgs":
        weights = model.weigh(pathways, settings, clip)[-1]
        mixed = sgs.mix(sgs.packed(weights, int(sgs.occupied(weights).sum())), pathways[-1])
        shown["after SGS"] = mixed[0].transpose(0, 1)  # (B', C, H, W)
    return {name: values.cpu().numpy() for name, values in shown.items()}


def _groups(counts: Tensor) -> Iterator[tuple[tuple[int, ...], list[int]]]:
    """(B' of each pathway, the videos that have it), from (B, pathways)."""
    members = defaultdict(list)
    for number, row in enumerate(counts.tolist()):
        members[tuple(row)].append(number)
    yield from sorted(members.items())


def _decision(clip: dict[str, Any], weights: Pathways, bins: Tensor, number: int) -> dict[str, Any]:
    """`bins`: B' (of the fast pathway, and `slow_bins`, where there are two); `bin_of`: the bin that most of each frame
    went to; `full_bins`: how many hold more than the trace which the linear kernel leaves of a frame at a bin's edge.
    """
    fast = weights[-1][number]
    held = fast.sum(1)
    decision = {
        "frames": clip["indices"][number].tolist(),
        "bins": int(bins[number, -1]),
        "bin_of": fast.argmax(0).tolist(),
        "full_bins": int((held > 10 * sgs.EPSILON).sum()),
    }
    return decision | ({"slow_bins": int(bins[number, 0])} if len(weights) > 1 else {})


def _early_macs(model: ATFR, rgb: Tensor, pathways: Pathways) -> int:
    """Of one video up to where the layer sits; attention, which is static, included."""
    frames, channels, height, width = rgb.shape[1:]
    macs = forward_macs(model.early, (channels, frames, height, width))
    if model.settings.layer == "attention":
        macs += sum(
            forward_macs(attend, tuple(one.shape[1:])) for attend, one in zip(model.attention, pathways, strict=True)
        )
    return macs


def _late_macs(model: ATFR, shapes: list[tuple[int, ...]]) -> int:
    """Of one video from there on, classifiers included: shapes (C, B', H, W) of each pathway."""
    macs = forward_macs(model.late, tuple(shapes) if len(shapes) > 1 else shapes[0])
    return macs + sum(classifier.in_features * classifier.out_features for classifier in model.classifiers.values())


def _sampling_macs(model: ATFR, pathways: Pathways, count: tuple[int, ...], settings: Settings) -> int:
    """Of one video in the layer itself: the similarity network where it is asked, and mixing."""
    macs = 0
    for sampler, features, bins in zip(model.sgs, pathways, count, strict=True):
        shape = tuple(features.shape[1:])
        macs += sgs.mix_macs(bins, shape)
        macs += forward_macs(sampler.similarity, shape) if settings.assignment in ASKS else 0
    return macs
