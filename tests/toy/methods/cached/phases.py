"""A phase that learns from pictures, and one that learns from its features."""

import torch
from torch import Tensor, nn

from saccade.engine.phase_run import PhaseRun
from saccade.nn.losses import classification_loss


def base(run: PhaseRun) -> None:
    def loss(model: nn.Module, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        rgb = batch["rgb"]
        features = model.features(rgb.flatten(0, 1)).unflatten(0, rgb.shape[:2]).mean(1)
        logits = {head: classify(features) for head, classify in model.base["classify"].items()}
        return classification_loss(logits, batch["labels"]), logits

    run.fit(loss)


def base_features(model: nn.Module, clip: dict, settings) -> list[dict[str, Tensor]]:
    """Of each video (timesteps, D): of the frames with which its equal parts begin."""
    found = []
    for frames in clip["frames"]:
        numbers = [place * frames.frames // settings.timesteps for place in range(settings.timesteps)]
        found.append({"timesteps": model.features(frames.get(numbers))})
    return found


def head(run: PhaseRun) -> None:
    def loss(model: nn.Module, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        timesteps = torch.stack([run.features["base"][video]["timesteps"] for video in batch["video_id"]])
        logits = model.logits(timesteps)
        return classification_loss(logits, batch["labels"]), logits

    run.fit(loss)
