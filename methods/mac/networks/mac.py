"""The networks of Mac et al. (Sec. III-A, III-B, IV-A), and what they see of a video: the whole frame at low
resolution, windows of sound, and crops where its own attention is strongest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.nn.backbones import backbone
from saccade.nn.patches import cut
from saccade.nn.seeding import seeded
from saccade.records import Head, SaccadeError

from ..settings import READS, Settings, Slots
from . import regions
from .attention import cumulative, uniform
from .foreseen import Foreseen
from .hallucinator import Hallucinator
from .heads import FeatureClassifier, Logits, RecurrentHead
from .times import Foresee, Threshold, TimeSampler, Way, copied, nothing

Clip = dict[str, Any]


@dataclass
class Seen:
    """What was looked at: `features` {part: (B, T, D)}; `attention` (B, T, h, w), the mean over its channels, where it
    chose; `corners` (B, T, k, 2), top and left of the crops; `number` (B, T), how many regions attention had. Where a
    temporal sampler chose frames, all of it is of those seen in full, the first ones of T, and `way` says which;
    `foreseen`, where that is asked for, how well attention was foreseen in each video."""

    features: dict[str, Tensor]
    attention: Tensor | None = None
    corners: Tensor | None = None
    number: Tensor | None = None
    way: Way | None = None
    foreseen: list[Foreseen] | None = None


class Mac(nn.Module):
    """The parts that the settings' head and crops need; those of phase 1 begin with `high_` or `low_`."""

    def __init__(self, settings: Settings, heads: tuple[Head, ...]) -> None:
        super().__init__()
        self.settings, self.heads_known = settings, heads
        self.sizes: dict[str, int] = {}
        for part, in_channels in networks(settings):
            with seeded(part):
                network, self.sizes[part] = _network(settings, in_channels)
            self.add_module(part, network)
        if settings.fusion in ("high", "low"):
            with seeded(f"{settings.fusion}_head"):
                head = FeatureClassifier(sum(self.sizes.values()), heads, settings.dropout, settings.fc_features)
            self.add_module(f"{settings.fusion}_head", head)
        if settings.foresees:
            channels = self.low_cnn.attention_channels(settings.attention_layer)  # type: ignore[operator]
            with seeded("hallucinator"):
                self.hallucinator = Hallucinator(channels, settings.memory_channels)
        if settings.scans:
            with seeded("sampler"):
                self.sampler = self._sampler(settings)
        self.heads = nn.ModuleDict()
        for name in settings.recurrent_heads:
            with seeded(f"heads.{name}"):
                self.heads[name] = RecurrentHead(
                    self._width(name), heads, settings.dropout, settings.hidden_size, settings.num_layers
                )

    @property
    def foresight(self) -> Foresee:
        """What says what attention will be, for the temporal sampler."""
        expects = self.settings.expects
        return copied if expects == "copied" else nothing if expects == "nothing" else self.hallucinator

    def _sampler(self, settings: Settings) -> nn.Module:
        if settings.decide == "threshold":
            return Threshold()
        channels = self.low_cnn.attention_channels(settings.attention_layer)  # type: ignore[operator]
        cells = channels * settings.map_side**2 if settings.reads == "all" else 0
        return TimeSampler(cells, settings.skips + 1, settings.times_hidden, settings.times_layers)

    def _width(self, name: str) -> int:
        """How many features a recurrent head reads."""
        of_part = {
            "low": self.sizes.get("low_cnn", 0),
            "sound": self.sizes.get("high_spectrogram_cnn", 0),
            "regions": self.settings.regions * self.sizes.get("high_cnn", 0),
        }
        return sum(of_part[part] for part in READS[name])

    def average(self, clip: Clip, scale: str) -> Logits:
        """The scores of phase 1's head at `high` or `low` resolution: of whole frames, sound and flow."""
        rgb = low_resolution(clip["rgb"], self.settings.low_size) if scale == "low" else clip["rgb"]
        inputs = {"cnn": rgb, "spectrogram_cnn": clip.get("audio"), "flow_cnn": clip.get("flow")}
        features = [self.framewise(part, inputs[part.removeprefix(f"{scale}_")]) for part in self.sizes]
        return self.get_submodule(f"{scale}_head")(torch.cat(features, dim=2))  # type: ignore[no-any-return]

    def look(self, clip: Clip, read: set[str], settings: Settings) -> Seen:
        """What is read of a clip ({"low", "sound", "regions"}, and by what foresees it "attention" (B, T, C, h, w)),
        its crops where the settings want them; nothing else is computed. Where "places" are read, the crops' corners
        (B, T, k, 2), the crops wait to be put in slots: the most active is the first."""
        seen = Seen({})
        learned = "regions" in read and settings.look == "learned"
        if "low" in read or "attention" in read or learned:
            seen = self._glance(clip["rgb"], settings, read, learned)
        if "sound" in read and "high_spectrogram_cnn" in self.sizes:
            seen.features["sound"] = self.framewise("high_spectrogram_cnn", clip["audio"])
        if "regions" in read:
            slots = "activation" if "places" in read else settings.slots
            seen.corners, seen.number = self.corners(clip, seen.attention if learned else None, settings, slots)
            crops = crops_at(clip["rgb"], seen.corners, settings.region_size)  # (B, T, k, C, side, side)
            features = self.framewise("high_cnn", crops.flatten(1, 2))
            seen.features["regions"] = features.unflatten(1, crops.shape[1:3]).flatten(2)  # (B, T, k * D)
            if "places" in read:
                seen.features["places"] = seen.corners
        return seen

    def _glance(self, rgb: Tensor, settings: Settings, read: set[str], learned: bool) -> Seen:
        """Of the frames at low resolution: their features, their attention (eq. 3), or both at once; where only the
        attention is asked for, the network stops behind its block (Sec. III-D)."""
        network, shape = self.low_cnn, rgb.shape[:2]
        flat = low_resolution(rgb, settings.low_size).flatten(0, 1)
        if "attention" not in read and not learned:
            return Seen({"low": network(flat).unflatten(0, shape)})
        stop = network.attend if "low" in read else network.prescan
        found, weights = stop(flat, settings.attention_layer)  # type: ignore[operator]
        attention = cumulative(weights)
        features = {"low": found, "attention": attention}
        return Seen(
            {part: values.unflatten(0, shape) for part, values in features.items() if part in read},
            attention.mean(1).unflatten(0, shape),
        )

    def corners(
        self, clip: Clip, attention: Tensor | None, settings: Settings, slots: Slots
    ) -> tuple[Tensor, Tensor | None]:
        """(B, T, k, 2): where the crops lie; and where a map chooses, how many regions it had (B, T)."""
        rgb = clip["rgb"]
        if settings.look == "uniform":
            attention = self.uniform_attention(rgb, settings)
        if attention is None:
            return regions.other_corners(clip, settings, training=self.training), None
        found, number = regions.corners_and_number(attention, settings, (rgb.shape[-2], rgb.shape[-1]), slots)
        return found.to(rgb.device), number

    def uniform_attention(self, rgb: Tensor, settings: Settings) -> Tensor:
        """(B, T, h, w): what weights that are all alike add up to, on the map of the block whose attention is read."""
        layer, side = settings.attention_layer, settings.map_side
        return uniform(side, side, self.high_cnn.footprint(layer)).expand(*rgb.shape[:2], side, side)  # type: ignore[operator]

    def framewise(self, part: str, inputs: Tensor) -> Tensor:
        """(B, T, C, H, W) through a network of single frames: (B, T, D)."""
        return self.get_submodule(part)(inputs.flatten(0, 1)).unflatten(0, inputs.shape[:2])  # type: ignore[no-any-return]

    def answers(
        self, features: dict[str, Tensor], names: Sequence[str], numbers: Tensor | None = None
    ) -> dict[str, Logits]:
        """{head: its scores} of the recurrent heads named. `numbers` (B,): how many frames each video has of the T that
        `features` have room for; None: all."""
        return {name: self.heads[name](read_by(name, features), numbers) for name in names}

    @property
    def read(self) -> set[str]:
        """What the recurrent heads read."""
        return {part for name in self.heads for part in READS[name]}


def read_by(head: str, features: dict[str, Tensor]) -> Tensor:
    """(B, T, D): what the recurrent head reads."""
    return torch.cat([features[part] for part in READS[head] if part in features], dim=2)


def networks(settings: Settings) -> Iterator[tuple[str, int]]:
    """(name, channels of its input) of the networks that the settings' head and crops need."""
    sound = "audio" in settings.modalities
    if settings.fusion == "foreseen":
        yield "low_cnn", 3
        return
    if not settings.recurrent_heads:
        for scale in ["low", "high"] if settings.fusion == "none" else [settings.fusion]:
            yield f"{scale}_cnn", 3
            if sound:
                yield f"{scale}_spectrogram_cnn", 1
            if "flow" in settings.modalities:
                yield f"{scale}_flow_cnn", 10
        return
    yield "low_cnn", 3
    if sound:
        yield "high_spectrogram_cnn", 1
    if any("regions" in READS[head] for head in settings.recurrent_heads):
        yield "high_cnn", 3


def _network(settings: Settings, in_channels: int) -> tuple[nn.Module, int]:
    """The backbone; where it starts from weights for three colours, other inputs start from their mean (official
    code)."""
    if settings.weights == "none" or in_channels == 3:
        return backbone(settings.backbone, settings.width, in_channels, settings.weights)
    network, num_features = backbone(settings.backbone, settings.width, 3, settings.weights)
    other, _ = backbone(settings.backbone, settings.width, in_channels)
    own, mean = other.state_dict(), network.state_dict()
    for name, value in own.items():
        given = mean[name]
        own[name] = given if given.shape == value.shape else given.mean(1, keepdim=True).expand_as(value).clone()
    other.load_state_dict(own)
    return other, num_features


def low_resolution(rgb: Tensor, size: int) -> Tensor:
    """(B, T, C, H, W) to (B, T, C, size, size): bilinear, without antialiasing (official code); frames of that size
    stay as they are, smaller ones raise SaccadeError."""
    if rgb.shape[-2:] == (size, size):
        return rgb
    if size > min(rgb.shape[-2:]):
        height, width = rgb.shape[-2:]
        raise SaccadeError(
            f"low_size is {size}, larger than the frames of {height} x {width}; set it to {min(height, width)} or less"
        )
    shrunk = functional.interpolate(rgb.flatten(0, 1), (size, size), mode="bilinear", align_corners=False)
    return shrunk.unflatten(0, rgb.shape[:2])


def crops_at(rgb: Tensor, corners: Tensor, side: int) -> Tensor:
    """(B, T, C, H, W) and (B, T, k, 2) to (B, T, k, C, side, side), nothing resampled."""
    return cut(rgb.flatten(0, 1), corners.flatten(0, 1), side).unflatten(0, rgb.shape[:2])
