"""The phases of this method, one function each: `train` alone."""

from torch import Tensor, nn

from saccade.engine.phase_run import PhaseRun
from saccade.nn.losses import classification_loss


def train(run: PhaseRun) -> None:
    """Cross-entropy of the mean score of all frames."""

    def loss(model: nn.Module, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        logits = model(batch["rgb"])
        return classification_loss(logits, batch["labels"], run.settings.head_weights), logits

    run.fit(loss)
