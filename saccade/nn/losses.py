"""Losses that more than one method needs."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional


def classification_loss(
    logits: dict[str, Tensor], labels: dict[str, Tensor], weights: Mapping[str, float] = {}
) -> Tensor:
    """The sum over heads of cross-entropy (labels (B,), one class) or binary cross-entropy (labels (B, K), any number).

    `weights`: of heads by name, where not 1.
    """
    losses = []
    for head, value in logits.items():
        target = labels[head]
        if target.ndim == 1:
            loss = functional.cross_entropy(value.float(), target)
        else:
            loss = functional.binary_cross_entropy_with_logits(value.float(), target.to(value.dtype).float())
        losses.append(weights.get(head, 1.0) * loss)
    return sum(losses[1:], losses[0])


def stepwise_loss(logits: dict[str, Tensor], labels: dict[str, Tensor], weights: Mapping[str, float] = {}) -> Tensor:
    """`classification_loss` of logits (B, T, K) at every step, averaged over steps and videos. So every beginning of a
    clip has to tell the class."""
    steps = {head: value.flatten(0, 1) for head, value in logits.items()}  # (B*T, K)
    # (B*T,) or (B*T, K)
    repeated = {head: labels[head].repeat_interleave(value.shape[1], dim=0) for head, value in logits.items()}
    return classification_loss(steps, repeated, weights)
