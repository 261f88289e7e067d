"""The phases of TSN: `train` for the average of frames, then `recurrent` for a GRU in its place."""

from torch import Tensor, nn

from saccade.engine.phase_run import PhaseRun
from saccade.nn.losses import classification_loss, stepwise_loss


def train(run: PhaseRun) -> None:
    """Wang et al. 2016, eq. 3: the loss is taken after the consensus, so that gradients see the whole video."""

    def loss(model: nn.Module, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        logits = model.average(model.features(batch["rgb"]))
        return classification_loss(logits, batch["labels"], run.settings.head_weights), logits

    run.fit(loss)


def recurrent(run: PhaseRun) -> None:
    """Wang et al. 2021 (AdaFocus), stage I: cross-entropy at every step, averaged; judged on val by the last step."""

    def loss(model: nn.Module, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        steps = model.steps(batch["rgb"])
        return stepwise_loss(steps, batch["labels"], run.settings.head_weights), {
            head: logits[:, -1] for head, logits in steps.items()
        }

    run.fit(loss)
