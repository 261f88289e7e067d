"""TSN has one phase: cross-entropy on the averaged scores."""

from torch import Tensor, nn

from saccade.engine import PhaseRun
from saccade.nn.losses import classification_loss


def train(run: PhaseRun) -> None:
    """Wang et al. 2016, eq. 3: the loss is taken after the consensus, so that gradients see the whole video."""

    def loss(model: nn.Module, batch: dict) -> tuple[Tensor, dict[str, Tensor]]:
        logits = model(batch["rgb"])
        return classification_loss(logits, batch["labels"]), logits

    run.fit(loss)
