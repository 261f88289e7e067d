"""When to look (Sec. III-D): the temporal sampler T_M, the way through a video that its decisions make, and what it
learns from.

A decision m is made where a frame was pre-scanned. 0: the frame is seen in full. m from 1 to M: it is not, and the m -
1 frames behind it aren't looked at, either. The first frame is always seen in full.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.cost.formulas import gru_macs

from .hallucinator import State, similarity

FULL, SCANNED, SKIPPED = 2, 1, 0  # what becomes of a frame
LEAST = 1e-8  # a probability below which the official code doesn't go

# (n,) rows and (n,) frames to the attention (n, C, h, w) there
See = Callable[[Tensor, Tensor], Tensor]
# attention (n, C, h, w) and the state to what the next frame seen is expected to have, and the new state
Foresee = Callable[[Tensor, State | None], tuple[Tensor, State]]
# scores (n, M + 1) of rows and their frames to the decisions as numbers (n,)
Decide = Callable[[Tensor, Tensor, Tensor], Tensor]


class TimeSampler(nn.Module):
    """A GRU over the frames pre-scanned: what attention is, what it was expected to be, and how unlike they are, to a
    score per decision (Fig. 10; Sec. IV-A). No layer lies before the GRU (official code)."""

    def __init__(self, cells: int, decisions: int, hidden_size: int, num_layers: int) -> None:
        """`cells`: of an attention map, over all channels; 0: it reads how alike the two are, and neither of them."""
        super().__init__()
        self.reads_maps = cells > 0
        self.rnn = nn.GRU(2 * cells + 1, hidden_size, num_layers, batch_first=True)
        self.score = nn.Linear(hidden_size, decisions)

    @property
    def macs(self) -> int:
        """Of a decision."""
        rnn = self.rnn
        step = gru_macs(rnn.input_size, rnn.hidden_size, 1, rnn.num_layers)
        return step + self.score.in_features * self.score.out_features

    def forward(
        self, attention: Tensor, expected: Tensor, alike: Tensor, state: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Attention and what was expected (B, C, h, w), their similarity (B,), and the state (layers, B, hidden), None
        at first: scores (B, M + 1) and the new state."""
        maps = [attention.flatten(1), expected.flatten(1)] if self.reads_maps else []
        read = torch.cat([*maps, -alike[:, None]], 1)
        states, state = self.rnn(read[:, None], state)
        return self.score(states[:, 0]), state


class Threshold(nn.Module):
    """In place of the sampler: a frame is full where attention and what was expected are less alike than `least`, and
    pre-scanned elsewhere; none is skipped. `least` is calibrated on the training videos."""

    macs = 0  # of a decision

    def __init__(self) -> None:
        super().__init__()
        self.least = nn.Buffer(torch.zeros(()))

    def forward(
        self, attention: Tensor, expected: Tensor, alike: Tensor, state: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """As of the sampler, with two scores and an empty state."""
        full = (alike < self.least).to(alike)
        return torch.stack([full, 1 - full], 1), alike.new_zeros(0, len(alike))

    def calibrate(self, alike: Tensor, frames: int, full_share: float) -> None:
        """alike: similarities of all frames but the first, of all videos, of `frames` each. Full with the first ones is
        then that share of all frames, as near as it can be."""
        videos = alike.numel() // (frames - 1)
        wanted = min(max(round(full_share * videos * frames) - videos, 0), alike.numel())
        ordered = torch.cat([alike.flatten().sort().values, alike.new_tensor([torch.inf])])
        self.least.copy_(ordered[wanted])


def copied(attention: Tensor, state: State | None = None) -> tuple[Tensor, State]:
    """In place of the hallucinator: what was seen last is expected again."""
    return attention, ()


def nothing(attention: Tensor, state: State | None = None) -> tuple[Tensor, State]:
    """In place of the hallucinator: nothing is expected, which is zeros."""
    return torch.zeros_like(attention), ()


@dataclass
class Way:
    """Through B videos of T frames. fates: (B, T), FULL, SCANNED or SKIPPED; decisions: (B, T) int64, -1 where none was
    made; similarity: (B, T) of attention and what was expected, nan where there is none."""

    fates: Tensor
    decisions: Tensor
    similarity: Tensor = field(repr=False)


def go(see: See, shape: tuple[int, int], foresee: Foresee, sampler: nn.Module, decide: Decide) -> Way:
    """The way through (B, T) frames, by what `foresee` expects and how `sampler` scores it. All videos take their next
    step together, each to its own frame; one that has come to its end drops out. What nobody will read isn't computed:
    no expectation behind the last frame looked at."""
    (videos, frames), rows = shape, torch.arange(shape[0])
    at = torch.zeros_like(rows)
    attention = see(rows, at)
    rows, at = rows.to(attention.device), at.to(attention.device)
    way = Way(
        torch.full((videos, frames), SKIPPED, device=rows.device),
        torch.full((videos, frames), -1, device=rows.device),
        attention.new_full((videos, frames), torch.nan),
    )
    way.fates[:, 0] = FULL
    at, memory, state = at + 1, None, None
    while frames > 1 and len(rows):
        expected, memory = foresee(attention, memory)
        attention = see(rows, at)
        alike = similarity(attention, expected)
        scores, state = sampler(attention, expected, alike, state)
        chosen = decide(scores, rows, at)
        way.decisions[rows, at] = chosen
        way.fates[rows, at] = torch.where(chosen == 0, FULL, SCANNED)
        way.similarity[rows, at] = alike.to(way.similarity)
        at = at + chosen.clamp(min=1)
        on = at < frames
        rows, at, attention, state = rows[on], at[on], attention[on], state[:, on]
        memory = tuple(part[on] for part in memory)
    return way


def most_likely(scores: Tensor, rows: Tensor, at: Tensor) -> Tensor:
    return scores.argmax(1)


def relaxed(scores: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """(n, M + 1) decisions drawn by Gumbel-softmax, as vectors of one 1 with the gradient of the soft ones
    (straight through; Sec. III-D)."""
    likely = scores.softmax(1).clamp(min=LEAST).log()
    uniform = torch.rand(scores.shape, generator=generator, dtype=torch.float64).clamp(min=1e-12)
    noise = -(-uniform.log()).log()
    soft = ((likely + noise.to(likely)) / temperature).softmax(1)
    hard = functional.one_hot(soft.argmax(1), scores.shape[1]).to(soft)
    return hard + soft - soft.detach()


def spans(decisions: Tensor) -> Tensor:
    """(B, T): over how many frames each decision holds, itself included, up to the end of the video; 0 where there is
    none."""
    left = torch.arange(decisions.shape[1], 0, -1, device=decisions.device)
    return torch.where(decisions < 0, 0, torch.minimum(decisions.clamp(min=1), left))


def usage_loss(vectors: Tensor, spans: Tensor) -> Tensor:
    """How far decisions are from being used alike (official code; not in the paper): the length of the difference
    between the mean of the vectors (n, M + 1), each as often as frames stand under it (n,), and its own mean."""
    mean = (vectors * spans[:, None]).sum(0) / spans.sum()
    return torch.linalg.vector_norm(mean - mean.mean())


def efficiency_loss(vectors: Tensor, videos: int, full: float, scanned: float) -> Tensor:
    """Eq. 7, of the mean video: what its full frames cost, the first among them, and its pre-scanned ones. With a
    gradient: a decision is full as far as its vector says. It pushes away from full frames, to whichever other
    decision: how many frames are left out behind one has no gradient."""
    return full + (vectors[:, 0].sum() * full + vectors[:, 1:].sum() * scanned) / videos


def inert_efficiency_loss(vectors: Tensor, videos: int, full: float, scanned: float) -> Tensor:
    """As the official code has it: a full frame costs the sum of its vector, which is always 1, times `full`; a
    pre-scanned one that sum plus `scanned`. Its gradient is nothing."""
    sums, seen = vectors.sum(1), vectors[:, 0] > 0.5
    return full + torch.where(seen, sums * full, sums + scanned).sum() / videos
