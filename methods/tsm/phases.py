"""TSM has one phase: cross-entropy on the averaged scores."""

from torch import Tensor, nn

from saccade.engine.phase_run import PhaseRun
from saccade.nn.losses import classification_loss


def train(run: PhaseRun) -> None:
    """As TSN's training (Lin et al. 2019, Sec. 5.1): the loss is taken after the average."""

    def loss(model: nn.Module, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        logits = model(batch["rgb"])
        return classification_loss(logits, batch["labels"], run.settings.head_weights), logits

    run.fit(loss)
