"""Decisions that rounding may turn: another batch, or another form of a network, parts values that were equal."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from saccade.records import Prediction
from saccade.video.in_memory import ChangedFrames

CLOSE = 1e-4  # by how much input is disturbed, as a share of its mean magnitude
ROUNDED = 1e-3  # how far numbers with a fraction may be in decisions, which hold them rounded
TRIES = 8  # how often a decision is asked for again with disturbed input before it counts as none of a tie


def is_tie(answer: Callable[[dict[str, Any]], Prediction], clip: dict[str, Any], seed: int = 0) -> bool:
    """Whether a model itself decides otherwise about the clip once its input is off by as little as `CLOSE`."""
    generator = torch.Generator().manual_seed(seed)

    def disturbed(value: Any) -> Any:
        if isinstance(value, list):
            return [ChangedFrames(one, disturbed) if hasattr(one, "get") else one for one in value]
        if not isinstance(value, Tensor) or not value.is_floating_point():
            return value
        noise = torch.randn(value.shape, generator=generator, dtype=value.dtype).to(value.device)
        return value + CLOSE * noise * value.abs().mean()

    decisions = answer(clip).decisions
    others = (answer({key: disturbed(value) for key, value in clip.items()}).decisions for _ in range(TRIES))
    return any(not same_decisions(other, decisions) for other in others)


def same_decisions(one: Any, other: Any) -> bool:
    """Whether two decisions are equal, numbers with a fraction to within `ROUNDED`: rounding parts what is close."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_decisions(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same_decisions, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1.001 * ROUNDED
    return bool(one == other)
