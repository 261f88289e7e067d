"""The timestep selector (Sec. 3, Fig. 2): which timesteps of a video matter, told from what the LightNet sees of
them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..settings import Activation, Settings
from .attention import SelfAttention

OPEN = 0.5  # from this value of the sigmoid on a gate is open: the gating value is 0 there
# Where all gates are closed: the value of the one that stays and its derivative, those of the sigmoid at 0. A ReLU has
# neither there, and gets 1 and 1
KEPT = {"clipped": (OPEN, 0.25), "binary": (1.0, 0.25)}


class Selector(nn.Module):
    """LightNet features (B, T, D) to the gating value of each timestep, alpha (B, T).

    Features pass the context layer, are compared with the concept kernels by dot products, and two layers make one
    number of the N similarities.
    """

    def __init__(self, features: int, settings: Settings) -> None:
        super().__init__()
        self.context = SelfAttention(features) if settings.context else None
        self.concepts = nn.Linear(features, settings.concepts, bias=False)
        self.gate = nn.Sequential(
            nn.Linear(settings.concepts, settings.gate_hidden), nn.ReLU(), nn.Linear(settings.gate_hidden, 1)
        )
        nn.init.constant_(self.gate[2].bias, settings.gate_bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        if self.context is not None:
            features = self.context(features)
        alpha: Tensor = self.gate(self.concepts(features)).squeeze(2)
        return alpha


def gates(alpha: Tensor, settings: Settings, generator: torch.Generator | None) -> Tensor:
    """(B, T): by what training multiplies each timestep, 0 where it is discarded. At least the timestep of the highest
    gating value stays, as if it were just open (`KEPT`): without any there would be nothing to classify.

    `generator`: of the noise, which is the difference of two Gumbel variables, hence logistic; None: no noise.
    """
    drawn = alpha
    if settings.noise and generator is not None:
        uniform = torch.rand(alpha.shape, generator=generator).clamp(1e-6, 1 - 1e-6).to(alpha)
        drawn = alpha + torch.log(uniform) - torch.log1p(-uniform)
    found = ACTIVATIONS[settings.activation](drawn / settings.temperature)
    closed = ~(found > 0).any(1, keepdim=True)  # (B, 1)
    best = functional.one_hot(alpha.argmax(1), alpha.shape[1]).bool()
    value, slope = KEPT.get(settings.activation, (1.0, 1.0))
    return torch.where(closed & best, value + slope * (alpha - alpha.detach()) / settings.temperature, found)


def step(alpha: Tensor) -> Tensor:
    """(B, T) bool: which gates are open at test time, at least that of the highest value."""
    best = functional.one_hot(alpha.argmax(1), alpha.shape[1]).bool()
    return (alpha >= 0) | best


def expected_share(alpha: Tensor) -> Tensor:
    """(B,): the share of gates that are open in expectation over the noise, the L0 of Louizos et al. per timestep. With
    logistic noise and a threshold at half of the sigmoid, a gate is open with probability sigmoid(alpha), at any
    temperature."""
    return alpha.sigmoid().mean(1)


def _clipped(value: Tensor) -> Tensor:
    soft = value.sigmoid()
    return torch.where(soft >= OPEN, soft, 0.0)


def _binary(value: Tensor) -> Tensor:
    soft = value.sigmoid()
    return (soft >= OPEN).to(soft) + soft - soft.detach()


ACTIVATIONS = {
    "clipped": _clipped,
    "binary": _binary,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
}
assert set(ACTIVATIONS) == set(Activation.__args__)  # type: ignore[attr-defined]
