"""How well attention was foreseen (Fig. 9, 12): what the hallucinator expected of each frame looked at, beside two
guesses that need no network."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .hallucinator import similarity

# rows and columns by which a map may move from one frame looked at to the next; rest first, which wins where all fit
STEPS = sorted(((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)), key=lambda step: step != (0, 0))


@dataclass
class Foreseen:
    """Of a video's n frames looked at, in order: their `attention` (n, h, w) and what was `expected` of all but the
    first (n - 1, h, w), means over channels; SSIM, all channels, of these with the map before: as it was (`copied`),
    and moved on as it had moved last (`shifted`), (n - 1,) each."""

    attention: Tensor
    expected: Tensor
    copied: Tensor
    shifted: Tensor


def foreseen(videos: int, rows: Tensor, attention: Tensor, expected: Sequence[Tensor]) -> list[Foreseen]:
    """Of every video. rows: (N,), whose the maps `attention` (N, C, h, w) are, a video's in order, the first of every
    video before all others; expected: what was expected of those others (parts of (N - videos, C, h, w))."""
    later = torch.cat(list(expected)) if expected else attention[:0]
    found = []
    for row in range(videos):
        own, foretold = attention[rows == row], later[rows[videos:] == row]
        before, now = own[:-1], own[1:]
        likenesses = [similarity(now, guess) for guess in (before, moved_on(before))]
        found.append(Foreseen(own.mean(1), foretold.mean(1), *likenesses))
    return found


def moved_on(maps: Tensor) -> Tensor:
    """(n, C, h, w), in order: each map moved by the step that carried the one before it here best, by the squared
    difference over the cells that both have; the first as it is. At the edge that a map leaves, its cells are
    repeated: zeros there would be unlike any attention."""
    steps = [STEPS[0]] * min(len(maps), 1)
    if len(maps) > 1:
        before, now = maps[:-1].float(), maps[1:].float()
        misses = torch.stack([_miss(before, now, step) for step in STEPS])  # (9, n - 1)
        steps += [STEPS[best] for best in misses.argmin(0).tolist()]
    return torch.stack([moved(one, step) for one, step in zip(maps, steps, strict=True)]) if steps else maps


def moved(maps: Tensor, step: tuple[int, int]) -> Tensor:
    """(..., h, w) moved so many cells down and to the right, edges repeated."""
    rows, columns = (
        (torch.arange(size, device=maps.device) - by).clamp(0, size - 1)
        for size, by in zip(maps.shape[-2:], step, strict=True)
    )
    return maps[..., rows[:, None], columns]


def _miss(before: Tensor, now: Tensor, step: tuple[int, int]) -> Tensor:
    """(n,) of maps (n, C, h, w): the mean squared difference where the moved map has cells of its own."""
    height, width = now.shape[-2:]
    down, right = step
    inside = (..., slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0)))
    return ((moved(before, step)[inside] - now[inside]) ** 2).flatten(1).mean(1)
