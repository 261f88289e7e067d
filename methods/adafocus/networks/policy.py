"""The policy networks, and how they learn: proximal policy optimisation (Schulman et al. 2017) as far as the paper and
its code use it.

With `updates: 1` the old policy is the current one, so the probability ratio is exactly 1 and its clipping never acts:
what is left is an advantage actor-critic update. That is how the official code runs. More updates per batch are
possible here and are another algorithm.
"""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Categorical, Distribution, Independent, Normal
from torch.nn import functional

from ..settings import Settings


class Policy(nn.Module):
    """Reads global maps (B, T, C, h, w) in order; gives `outputs` numbers per frame, from it and those before (Sec.
    3.1, Fig. 3).

    1 x 1 convolution, ReLU, linear, ReLU, GRU, linear (official code; the paper names convolution and GRU). A map of
    another size than `map_size` cells is pooled to it. The critic reads the same GRU and is asked in training only.
    """

    def __init__(self, in_channels: int, outputs: int, settings: Settings) -> None:
        super().__init__()
        channels, size, cells = settings.policy_channels, settings.policy_size, settings.map_size**2
        self.map_size = settings.map_size
        self.squeeze = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.squeeze_norm = nn.BatchNorm2d(channels) if settings.policy_norm else nn.Identity()
        self.embed = nn.Linear(channels * cells, size)
        self.embed_norm = nn.BatchNorm1d(size) if settings.policy_norm else nn.Identity()
        self.gru = nn.GRU(size, size, batch_first=True)
        self.actor = nn.Linear(size, outputs)
        self.critic = nn.Linear(size, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """(B, T, outputs)."""
        scores: Tensor = self.actor(self.states(maps))
        return scores

    def states(self, maps: Tensor, before: Tensor | None = None) -> Tensor:
        """(B, T, D) of the GRU, from its state (B, D) before the first frame; zeros without one."""
        flat = maps.flatten(0, 1)  # (B*T, C, h, w)
        if flat.shape[-2:] != (self.map_size, self.map_size):
            flat = functional.adaptive_avg_pool2d(flat, self.map_size)
        # channel by channel, as in the code
        squeezed = functional.relu(self.squeeze_norm(self.squeeze(flat))).flatten(1)
        embedded = functional.relu(self.embed_norm(self.embed(squeezed))).unflatten(0, maps.shape[:2])
        states: Tensor = self.gru(embedded, None if before is None else before[None].contiguous())[0]
        return states

    def with_values(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, outputs), and the critic's expectation of what is to come (B, T)."""
        states = self.states(maps)
        return self.actor(states), self.critic(states)[..., 0]


@contextlib.contextmanager
def statistics_kept(policies: nn.Module) -> Iterator[None]:
    """Within it normalisations in training go by the batch, as ever, but leave their running statistics as they are:
    for acting, so that a batch moves them once per update. (The official code acts with a copy of the policy, which the
    updated one then replaces.)"""
    norms = [part for part in policies.modules() if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


def place_distribution(scores: Tensor, settings: Settings) -> Distribution:
    """Over the candidates (eq. 3); of `places: anywhere`, over places around a mean in [0, 1] (official code for
    Something-Something).

    A place drawn beyond the frame is moved to its edge, but its log-probability is that of what was drawn, so that the
    policy's gradient is unbiased. The official code moves it first and then takes that place's log-probability.
    """
    if settings.places == "grid":
        return Categorical(logits=scores)
    return Independent(Normal(scores.sigmoid(), settings.place_sigma), 1)


def keep_distribution(scores: Tensor) -> Distribution:
    """Whether a frame's patch is looked at (eq. 8), from (B, T, 1)."""
    return Bernoulli(logits=scores[..., 0])


def sample(distribution: Distribution, generator: torch.Generator) -> Tensor:
    """A draw by the generator that is passed in, on the CPU, so that every device draws the same."""
    if isinstance(distribution, Categorical):
        shape, device = distribution.probs.shape[:-1], distribution.probs.device
        drawn = torch.multinomial(distribution.probs.flatten(0, -2).cpu(), 1, generator=generator)
        return drawn.reshape(shape).to(device)
    if isinstance(distribution, Bernoulli):
        lots = torch.rand(distribution.probs.shape, generator=generator)
        return (lots.to(distribution.probs.device) < distribution.probs).float()
    mean = distribution.mean
    return mean + distribution.stddev * torch.randn(mean.shape, generator=generator).to(mean.device)


def returns(rewards: Tensor, discount: float) -> Tensor:
    """(B, T) sums of what follows, each step worth `discount` of the one before it (eq. 6)."""
    total = torch.zeros_like(rewards[:, 0])
    found = []
    for reward in rewards.flip(1).unbind(1):
        total = reward + discount * total
        found.append(total)
    return torch.stack(found[::-1], dim=1)


def standardised(values: Tensor) -> Tensor:
    """Over all steps of all videos of the batch (official code)."""
    return (values - values.mean()) / (values.std() + 1e-5)


def ppo_loss(
    log_prob: Tensor, old: Tensor, values: Tensor, target: Tensor, entropy: Tensor, settings: Settings
) -> tuple[Tensor, Tensor]:
    """The loss, and the largest distance of a probability ratio from 1. All (B, T). Source: Schulman et al. 2017, eq. 7
    and 9."""
    ratio = (log_prob - old).exp()
    advantage = target - values.detach()
    clipped = ratio.clamp(1 - settings.clip_ratio, 1 + settings.clip_ratio)
    gain = torch.minimum(ratio * advantage, clipped * advantage)
    loss = -gain + settings.value_weight * (values - target) ** 2 - settings.entropy_weight * entropy
    return loss.mean(), (ratio - 1).abs().max().detach()


def update(
    policy: Policy,
    distribution: Callable[[Tensor], Distribution],
    maps: Tensor,
    actions: Tensor,
    rewards: Tensor,
    optimizer: torch.optim.Optimizer,
    settings: Settings,
) -> dict[str, float]:
    """`updates` steps of PPO on one batch: maps and actions as they were taken, rewards (B, T). `distribution(scores)`
    of the policy.

    Returns are standardised, then the critic is taught them and subtracted (official code; no generalised advantage
    estimation).
    """
    target = standardised(returns(rewards, settings.discount))
    old, found = None, {}
    for _ in range(settings.updates):
        scores, values = policy.with_values(maps)
        chosen = distribution(scores)
        log_prob = chosen.log_prob(actions)
        old = log_prob.detach() if old is None else old
        loss, moved = ppo_loss(log_prob, old, values, target, chosen.entropy(), settings)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        found = {
            "loss": float(loss.detach()),
            "entropy": float(chosen.entropy().detach().mean()),
            "ratio": float(moved),
        }
    return found
