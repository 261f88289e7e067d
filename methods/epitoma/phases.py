"""The phases of VideoEpitoma. Both networks are fine-tuned on the data by themselves first (Sec. 3.1); what comes after
is trained on their features, which stay as they are (our choice: the paper's recipe, Adam for 100 epochs, is one for
features)."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saccade.engine.loop import Batch
from saccade.engine.phase_run import PhaseRun
from saccade.nn.losses import classification_loss
from saccade.records import SaccadeError

from .model import look, see
from .networks import places
from .networks.epitoma import Epitoma, Logits
from .networks.selector import expected_share, gates, step
from .settings import Settings

Features = list[dict[str, Tensor]]


def finetune_light(run: PhaseRun) -> None:
    """Cross-entropy of the mean of the scores of some frames of each video."""
    settings = run.settings
    own = settings.light_resize or settings.light_crop
    if own and (settings.resize, settings.crop) != (settings.light_resize, settings.light_crop):
        raise SaccadeError(
            f"the LightNet is to see frames of light_resize {settings.light_resize}, light_crop {settings.light_crop}, "
            f"but phase finetune_light has resize {settings.resize}, crop {settings.crop}: make them equal"
        )

    def loss(model: Epitoma, batch: dict[str, Any]) -> tuple[Tensor, Logits]:
        rgb = batch["rgb"]
        features = model.light(rgb.flatten(0, 1)).unflatten(0, rgb.shape[:2])
        logits = model.light_classifier(features)
        return classification_loss(logits, batch["labels"], settings.head_weights), logits

    run.fit(loss)


def finetune_heavy(run: PhaseRun) -> None:
    """The same of some snippets of each video, or of frames, where the HeavyNet sees one of a timestep."""
    settings = run.settings
    if settings.snippet_frames != settings.heavy_frames:
        raise SaccadeError(
            f"phase finetune_heavy has snippet_frames {settings.snippet_frames}, but {settings.heavy} sees "
            f"{settings.heavy_frames} frames of a timestep: make them equal"
        )

    def loss(model: Epitoma, batch: dict[str, Any]) -> tuple[Tensor, Logits]:
        rgb = batch["rgb"].unflatten(1, (-1, settings.snippet_frames))  # (B, T, m, C, H, W)
        features = model.heavy(rgb.flatten(0, 1).transpose(1, 2)).unflatten(0, rgb.shape[:2])
        logits = model.heavy_classifier(features)
        return classification_loss(logits, batch["labels"], settings.head_weights), logits

    run.fit(loss)


def finetune_light_features(model: Epitoma, clip: dict[str, Any], settings: Settings) -> Features:
    """Of each video `light` (N, D): what the LightNet sees at the places that training knows."""
    return [{"light": look(model, clip, number, cached(settings), settings).features} for number in _videos(clip)]


def finetune_heavy_features(model: Epitoma, clip: dict[str, Any], settings: Settings) -> Features:
    """Of each video `heavy` (N, D): what the HeavyNet sees there."""
    return [{"heavy": see(model, clip, number, cached(settings), settings).features} for number in _videos(clip)]


def cached(settings: Settings) -> places.Places:
    """The places that training knows."""
    return places.centre(settings.timesteps, settings.cached_timesteps)


def train_selector(run: PhaseRun) -> None:
    """The selector alone, with the LightNet as HeavyNet too (Sec. 4.2): its features, multiplied by the gates, are
    classified, and the expected share of open gates is held down."""
    fit_on_features(run, {"light": run.features["finetune_light"]}, _selecting(run, "light", "selector_classifier"))


def train_classifier(run: PhaseRun) -> None:
    """An off-the-shelf classifier of timesteps that nobody selected (Sec. 4.2)."""

    def loss(model: Epitoma, batch: dict[str, Any]) -> tuple[Tensor, Logits]:
        logits = model.classifier(batch["heavy"], batch["there"])
        return classification_loss(logits, batch["labels"], run.settings.head_weights), logits

    fit_on_features(run, {"heavy": run.features["finetune_heavy"]}, loss, run.settings.train_fewest)


def train_jointly(run: PhaseRun) -> None:
    """Selector and classifier together (Sec. 4.3): the gates, told from LightNet features, multiply those of the
    HeavyNet, so that its classifier's gradient reaches the selector."""
    known = {"light": run.features["finetune_light"], "heavy": run.features["finetune_heavy"]}
    fit_on_features(run, known, _selecting(run, "heavy", "classifier"))


def _selecting(run: PhaseRun, classified: str, classifier: str) -> Any:
    """The loss of a selector and a classifier of the features `classified`, by the names of the model's parts."""
    settings = run.settings

    def loss(model: Epitoma, batch: dict[str, Any]) -> tuple[Tensor, Logits]:
        alpha = model.selector(batch["light"])
        features, classify = batch[classified], getattr(model, classifier)
        if not model.training:
            logits = classify(features, step(alpha))
            return classification_loss(logits, batch["labels"], settings.head_weights), logits
        gate = gates(alpha, settings, run.generator)
        logits = classify(features * gate[..., None], gate > 0)
        value = classification_loss(logits, batch["labels"], settings.head_weights)
        if batch["epoch"] >= settings.l0_warmup_epochs:
            pressed = (expected_share(alpha).mean() - settings.l0_target).relu()
            value = value + settings.l0_weight * pressed
        return value, logits

    return loss


def fit_on_features(
    run: PhaseRun, known: Mapping[str, Mapping[str, Mapping[str, Tensor]]], loss: Any, fewest: int = 0
) -> None:
    """Trains on features of some timesteps of each video, drawn anew in every epoch, in order of time: batches hold
    them as (B, T, D) by name, and `there` (B, T), which of them a video has: all, or from `fewest` on."""

    def train(epoch: int, start: int) -> Iterator[Batch]:
        for batch in run.batches(epoch, start):
            yield with_features(batch, known, run.settings, run.generator, fewest) | {"epoch": epoch}

    def val() -> Iterator[Batch]:
        for batch in run.val_batches():
            yield with_features(batch, known, run.settings, None)

    run.fit(loss, train, val)


def with_features(
    batch: Batch,
    known: Mapping[str, Mapping[str, Mapping[str, Tensor]]],
    settings: Settings,
    generator: torch.Generator | None,
    fewest: int = 0,
) -> Batch:
    """The batch with features of as many timesteps as training takes. generator: of the draws; None: none, and
    timesteps by the rule `centre`."""
    most, device = settings.train_timesteps, batch["video_frames"].device
    videos = batch["video_id"]
    chosen = [_drawn(settings, generator, fewest) for _ in videos]
    found: Batch = {"there": torch.zeros(len(videos), most, dtype=torch.bool)}
    for number, at in enumerate(chosen):
        found["there"][number, : len(at)] = True
    for name, features in known.items():
        rows = []
        for video, at in zip(videos, chosen, strict=True):
            picked = features[video][name][at]
            rows.append(torch.nn.functional.pad(picked, (0, 0, 0, most - len(at))))
        found[name] = torch.stack(rows)
    return batch | {name: value.to(device) for name, value in found.items()}


def _drawn(settings: Settings, generator: torch.Generator | None, fewest: int) -> Tensor:
    """(T,) numbers of the timesteps taken, of those that training knows, rising."""
    number, every = settings.train_timesteps, settings.cached_timesteps
    if generator is None or settings.train_rule == "centre":
        return torch.from_numpy(places.centre(every, number))
    if fewest:
        low, high = np.log([fewest, number + 1])
        lot = torch.rand((), generator=generator).item()
        number = min(int(np.exp(low + (high - low) * lot)), number)
    return torch.randperm(every, generator=generator)[:number].sort().values


def _videos(clip: dict[str, Any]) -> range:
    return range(len(clip["video_id"]))
