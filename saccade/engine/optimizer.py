"""What a recipe says of an update: the optimizer with its groups of parameters, and the learning rate at any time."""

import math
from fnmatch import fnmatchcase

import torch
from torch import nn

from saccade.engine.weights import covered
from saccade.records import SaccadeError
from saccade.settings import Recipe


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD with momentum or Adam over the parameters that require gradients. Parameters with the same factor of the
    learning rate and the same weight decay form one group, and are updated by a call for all of them."""
    kinds: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            factor = next((value for glob, value in recipe.lr_factors.items() if fnmatchcase(name, glob)), 1.0)
            spared = any(fnmatchcase(name, glob) for glob in recipe.undecayed)
            spared |= not recipe.decay_vectors and parameter.ndim == 1
            decay = 0.0 if spared else recipe.weight_decay
            kinds.setdefault((factor, decay), []).append(parameter)
    if not kinds:
        raise SaccadeError("no parameter is trainable in this phase; check the `trains` globs of its card")
    for key in ("lr_factors", "undecayed"):
        covered([name for name, _ in model.named_parameters()], list(getattr(recipe, key)), key)
    groups = [
        {"params": parameters, "factor": factor, "weight_decay": decay} for (factor, decay), parameters in kinds.items()
    ]
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, lr=recipe.lr, eps=recipe.adam_epsilon, foreach=True)
    return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.nesterov, foreach=True)


def rate_at(recipe: Recipe, epoch: int, share: float) -> float:
    """The learning rate of a batch: `epoch` epochs and this `share` of the next are done. With `lr_every: epoch` it is
    that of the epoch's start."""
    return rate(recipe, epoch if recipe.lr_every == "epoch" else epoch + share)


def rate(recipe: Recipe, epoch: float) -> float:
    """The learning rate after `epoch` epochs (fractions count batches): a linear warm-up, then the schedule.

    The warm-up rises from `warmup_from` to what the schedule says where it ends. `cosine` falls to `lr_end` (Loshchilov
    & Hutter 2017, eq. 5, without restarts) over the epochs that follow the warm-up, or, with `cosine_from: start`, over
    all of them (as PySlowFast's).
    """
    if epoch < recipe.warmup_epochs:
        peak = _scheduled(recipe, recipe.warmup_epochs)
        return recipe.warmup_from + (peak - recipe.warmup_from) * epoch / recipe.warmup_epochs
    return _scheduled(recipe, epoch)


def _scheduled(recipe: Recipe, epoch: float) -> float:
    if recipe.schedule == "step":
        return recipe.lr * recipe.gamma ** sum(epoch >= milestone for milestone in recipe.milestones)
    if recipe.schedule == "cosine":
        first = recipe.warmup_epochs if recipe.cosine_from == "warmup" else 0.0
        share = (epoch - first) / max(recipe.epochs - first, 1e-9)
        return recipe.lr_end + 0.5 * (recipe.lr - recipe.lr_end) * (1 + math.cos(math.pi * min(share, 1.0)))
    return recipe.lr
