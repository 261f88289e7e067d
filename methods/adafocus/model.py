"""AdaFocus (Wang et al., ICCV 2021): a cheap network glances at whole frames, a policy chooses a patch of each, an
expensive network reads the patches, a recurrent classifier reads both (Sec. 3.1); AdaFocus+ skips patches (Sec. 3.3);
AdaFocus-TSM chooses one place for a clip of two shifted networks (Sec. 4.2). Here is the order of inference; the
networks are in network.py."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from saccade.cost.formulas import gru_macs
from saccade.cost.forward import forward_macs
from saccade.nn.shift import TemporalShift
from saccade.records import Head, Prediction
from saccade.video.transforms import from_test_clip

from .networks import places
from .networks.adafocus import (
    AdaFocus,
    Logits,
    corners_of,
    focus_on,
    frame_size,
    glances,
    kept_frames,
    patches_at,
    whole_frames,
)
from .settings import WHOLE, Settings


def build(settings: Settings, heads: tuple[Head, ...]) -> AdaFocus:
    return AdaFocus(settings, heads)


@dataclass
class Seen:
    """What inference found in one batch: logits {head: (B, S, K)}, and what it looked at and executed."""

    logits: Logits
    macs: Tensor  # (B,)
    corners: Tensor | None = None  # (B, T, 2)
    actions: Tensor | None = None  # (B, T)
    kept: Tensor | None = None  # (B, T)


def predict(model: AdaFocus, clip: dict[str, Any], settings: Settings) -> Prediction:
    """A video costs its glances, its policies, as many patches as were kept, and the classifier; nothing else is
    computed."""
    clip = _beginning(clip, settings.first) if settings.first else clip
    seen = _joined(list(online(model, clip, settings))) if settings.online else offline(model, clip, settings)
    videos, frames = clip["rgb"].shape[:2]
    more = clip["glance.rgb"].shape[1] if "glance.rgb" in clip else 0
    return Prediction(
        probabilities={head: value[:, -1].softmax(1) for head, value in seen.logits.items()},
        macs=seen.macs,
        frames=torch.full((videos,), frames + more, dtype=torch.int64),
        decisions=[_decision(clip, seen, settings, number) for number in range(videos)],
    )


def offline(model: AdaFocus, clip: dict[str, Any], settings: Settings) -> Seen:
    """All frames at once (Sec. 3.4): both networks in one batch each, only the policy and f_C in the order of time."""
    rgb = clip["rgb"]
    videos, frames = rgb.shape[:2]
    macs = torch.zeros(videos, dtype=torch.int64)
    maps, pooled = None, None
    if glances(model, settings):
        seen = clip.get("glance.rgb", rgb)
        maps = model.glance(seen)
        macs += _clip_macs(model.global_cnn, seen)
        pooled = maps.mean((3, 4)) if settings.reuse or settings.temporal == "shift" else None
    if settings.look in WHOLE:
        local = None
        if settings.look != "none":
            inputs = whole_frames(rgb, settings)
            local = model.focus(inputs)
            macs += _clip_macs(model.local_cnn, inputs)
        return Seen(_last(model, pooled, local), macs + _classifier_macs(model, frames))
    corners, actions = corners_of(model, clip, settings, maps)
    macs += sum(_policy_macs(model, kind, maps) for kind in _asked(settings))
    if settings.skip == "none":
        patches = patches_at(rgb, corners, settings.patch_size)
        local = model.focus(patches)
        macs += _clip_macs(model.local_cnn, patches)
        kept = None
    else:
        assert maps is not None
        kept = kept_frames(model, maps, clip, settings)
        local = focus_on(model, rgb, corners, kept, settings.patch_size)
        macs += kept.sum(1).cpu() * forward_macs(model.local_cnn, (3, settings.patch_size, settings.patch_size))
    logits = _last(model, pooled, local)
    return Seen(logits, macs + _classifier_macs(model, frames), corners, actions, kept)


def online(model: AdaFocus, clip: dict[str, Any], settings: Settings) -> Iterator[Seen]:
    """Frame by frame, what was seen of each with the answer after it (Sec. 3.1): the policies and f_C carry their
    states, so no frame is computed twice. The last answer is that of `offline`, and so are all others at the points
    `prefix`."""
    where, whether, before = (None, None, None)
    for number in range(clip["rgb"].shape[1]):
        frame = {key: value[:, [number]] if _per_frame(key) else value for key, value in clip.items()}
        rgb, size, videos = frame["rgb"], frame_size(clip["rgb"]), len(clip["rgb"])
        macs = torch.zeros(videos, dtype=torch.int64)
        maps = model.glance(rgb)
        macs += _clip_macs(model.global_cnn, rgb) + sum(_policy_macs(model, kind, maps) for kind in _asked(settings))
        pooled = maps.mean((3, 4)) if settings.reuse else None
        policy = model.policies["where"]
        where = policy.states(maps, where)[:, 0]
        actions = policy.actor(where).argmax(-1)[:, None]
        corners = places.candidate_corners(actions, settings.candidates, size, settings.patch_size)
        kept = None
        if settings.skip == "learned":
            whether = model.policies["skip"].states(maps, whether)[:, 0]
            wanted = model.policies["skip"].actor(whether).sigmoid()
            kept = wanted >= model.thresholds.keeping(settings.keep, settings.threshold_from)
        seen_patch = torch.ones(videos, 1, dtype=torch.bool, device=rgb.device) if kept is None else kept
        local = focus_on(model, rgb, corners, seen_patch, settings.patch_size)
        macs += seen_patch.sum(1).cpu() * forward_macs(model.local_cnn, (3, settings.patch_size, settings.patch_size))
        classifier = model.classifier
        before = classifier.states(model.joined(pooled, local), before)[:, -1]  # type: ignore[operator]
        logits = classifier.classify(before[:, None])  # type: ignore[operator]
        yield Seen(logits, macs + _classifier_macs(model, 1), corners, actions, kept)


def _joined(steps: list[Seen]) -> Seen:
    """All steps as one: every answer, and all that was spent."""
    logits = {head: torch.cat([step.logits[head] for step in steps], dim=1) for head in steps[0].logits}
    parts = [[getattr(step, name) for step in steps] for name in ("corners", "actions", "kept")]
    corners, actions, kept = (None if part[0] is None else torch.cat(part, dim=1) for part in parts)
    return Seen(logits, torch.stack([step.macs for step in steps]).sum(0), corners, actions, kept)


def _last(model: AdaFocus, pooled: Tensor | None, local: Tensor | None) -> Logits:
    """The answer after the last frame alone: (B, 1, K)."""
    if model.settings.temporal == "shift":
        return model.scores(pooled, local)
    states = model.classifier.states(model.joined(pooled, local))  # type: ignore[operator]
    return model.classifier.classify(states[:, -1:])  # type: ignore[operator, no-any-return]


def _asked(settings: Settings) -> list[str]:
    """The policies that decide something."""
    return [name for name, choice in (("where", settings.look), ("skip", settings.skip)) if choice == "learned"]


def _beginning(clip: dict[str, Any], first: int) -> dict[str, Any]:
    return {key: value[:, :first] if _per_frame(key) else value for key, value in clip.items()}


def _per_frame(key: str) -> bool:
    return key in ("rgb", "indices") or key.startswith("truth.")


def _decision(clip: dict[str, Any], seen: Seen, settings: Settings, number: int) -> dict[str, Any]:
    """`frames` and `boxes` as Prediction has them; `actions`: the candidates' numbers; `kept`: how many patches were
    looked at."""
    decision: dict[str, Any] = {"frames": clip["indices"][number].tolist()}
    if "glance.indices" in clip:
        decision["glance"] = clip["glance.indices"][number].tolist()
    if seen.corners is None:
        return decision
    kept = [True] * seen.corners.shape[1] if seen.kept is None else seen.kept[number].tolist()
    boxes = _boxes(clip, seen.corners[number].tolist(), settings, number)
    decision["boxes"] = [box if keep else None for box, keep in zip(boxes, kept, strict=True)]
    if seen.actions is not None:
        decision["actions"] = seen.actions[number].tolist()
    return decision | {"kept": sum(kept)}


def _boxes(clip: dict[str, Any], corners: list[list[int]], settings: Settings, number: int) -> list[list[float]]:
    """[x0, y0, x1, y1] in fractions of the whole frame."""
    height, width = frame_size(clip["rgb"])
    tall, wide = clip["frame_size"][number].tolist() if "frame_size" in clip else (height, width)
    side = settings.patch_size
    found = [[left / width, top / height, (left + side) / width, (top + side) / height] for top, left in corners]
    cropped = settings if "frame_size" in clip else None
    return [from_test_clip(box, tall, wide, cropped) if cropped else box for box in found]


# ---- what each part costs


def _clip_macs(network: nn.Module, frames: Tensor) -> int:
    """Of one video's frames (B, T, C, H, W) through a network of frames or clips."""
    if isinstance(network, TemporalShift):
        return forward_macs(network, tuple(frames.shape[1:]))
    return frames.shape[1] * forward_macs(network, tuple(frames.shape[2:]))


def _policy_macs(model: AdaFocus, kind: str, maps: Tensor | None) -> int:
    assert maps is not None
    inputs = model.policy_input(maps) if kind == "where" else maps
    return forward_macs(model.policies[kind], tuple(inputs.shape[1:]))


def _classifier_macs(model: AdaFocus, frames: int) -> int:
    """f_C over the frames and one answer; of shifted networks both linear heads, on every frame."""
    outputs = sum(head.num_classes for head in model.heads)
    if model.settings.temporal == "shift":
        seen = model.settings.glance_frames or frames
        return outputs * (seen * model.sizes["global"] + frames * model.sizes["local"])
    gru = model.classifier.gru
    assert isinstance(gru, nn.GRU)
    return gru_macs(gru.input_size, gru.hidden_size, frames) + outputs * gru.hidden_size
