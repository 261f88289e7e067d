"""The phases of T-CNN with spatial attention (Sec. 2.3): `train`, T-CNN on clips as they are; from it `train_jointly`,
the network with all of its videos."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from saccade.engine.phase_run import PhaseRun
from saccade.nn.losses import classification_loss
from saccade.records import Head

from .networks.spatial import Logits, SpatialTCNN


def train(run: PhaseRun) -> None:
    """Cross-entropy of the clip's scores."""

    def loss(model: SpatialTCNN, batch: dict[str, Any]) -> tuple[Tensor, Logits]:
        logits = model.answer(model.look(batch, run.settings, ("original",)).features, "original")
        return classification_loss(logits, batch["labels"], run.settings.head_weights), logits

    run.fit(loss)


def train_jointly(run: PhaseRun) -> None:
    """The sum of the branches' cross-entropies and that of the scores of all features beside each other (eq. 8), all
    with the same weight. Where the other videos only augment, each passes the original's classifier, and the sum is
    divided by their number: as one loss of a batch that is so many times as large (our choice)."""
    settings = run.settings

    def loss(model: SpatialTCNN, batch: dict[str, Any]) -> tuple[Tensor, Logits]:
        def cost(logits: Logits) -> Tensor:
            return classification_loss(logits, batch["labels"], settings.head_weights)

        if not model.training:
            logits = model.answer(model.look(batch, settings, settings.branches).features, "total")
            return cost(logits), logits
        if settings.augments:
            found = model.look(batch, settings, ("original", *settings.resampled)).features
            answers = [model.classify(features, "original") for features in found.values()]
            return torch.stack([cost(logits) for logits in answers]).mean(), answers[0]
        found = model.look(batch, settings, settings.branches).features
        total = model.answer(found, "total")
        single = [model.answer(found, name) for name in settings.branches] if settings.combines else []
        return sum((cost(logits) for logits in single), cost(total)), total

    run.fit(loss)
    betas = getattr(run.model, "betas", {})  # how wide attention around a peak has become, in shares of the grid's side
    run.result |= {f"beta.{name}": beta.item() for name, beta in betas.items()}


def import_released(settings: Any, heads: Sequence[Head], published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The network of a file that holds the tensors of our `train` by their names, without its classifiers: no weights
    were published."""
    return {name: tensor for name, tensor in published.items() if name.startswith("backbone.")}
