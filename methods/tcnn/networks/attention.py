"""From class response maps to attention (Sec. 2.1, 2.2): where single frames show what their classes respond to, and
how much each of the two videos wants of it. Everything is of single frames: N of them, on a grid of G x G cells whose
corners are the middles of the maps' corner cells."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.video.loader import generator

from ..settings import Attention, Settings

BEST = 5  # classes (Sec. 2.1)
AT_TEST = 0.5  # our choice, where the paper draws: a peak of half the strongest's height is discriminative
FLAT = 1e-6  # a map whose values differ less has no peak


@dataclass(frozen=True)
class Peaks:
    """M of them, by frame: `frame` (M,), its number; `place` (M, 2), row and column on the grid; `height` (M,) in (0,
    1]; `discriminative` (M,), whether it goes to P_dis (eq. 5)."""

    frame: Tensor
    place: Tensor
    height: Tensor
    discriminative: Tensor


def response_maps(maps: Tensor, classify: nn.Linear, rules: Attention) -> tuple[Tensor, Tensor]:
    """(N, h, w), not normalised, of features (N, C, h, w): the response map of the likeliest class where the network is
    sure of a frame, the sum of the BEST likeliest classes' otherwise (eq. 1 to 3); and (N,), whether it is. Only the
    maps of these classes are computed, and as their sum: that of their weights applied to the features. A bias moves a
    map as a whole, which eq. 4 takes away. At the entropy delta itself, which eq. 3 leaves out, the network isn't
    sure."""
    scores = classify(maps.mean((2, 3)))  # (N, K)
    likeliest, classes = scores.softmax(1).topk(min(BEST, scores.shape[1]), dim=1)
    if rules.renormalised:
        likeliest = likeliest / likeliest.sum(1, keepdim=True)
    entropy = torch.special.entr(likeliest).sum(1)  # eq. 2, natural logarithm
    sure = entropy < rules.delta
    counted = ~sure[:, None] | (torch.arange(classes.shape[1], device=maps.device) == 0)
    weights = (classify.weight[classes] * counted[..., None]).sum(1)  # (N, C)
    return torch.einsum("nc,nchw->nhw", weights, maps), sure


def on_grid(maps: Tensor, side: int) -> Tensor:
    """(N, side, side) in [0, 1] of maps (N, h, w): spread bilinearly (S3N), then eq. 4. Flat ones are 0 everywhere."""
    grown = functional.interpolate(maps[:, None], (side, side), mode="bilinear", align_corners=True)[:, 0]
    lowest, highest = grown.amin((1, 2), keepdim=True), grown.amax((1, 2), keepdim=True)
    room = highest - lowest
    normalised = (grown - lowest) / room.clamp(min=FLAT)
    return torch.where(room > FLAT * highest.abs().clamp(min=1), normalised, 0)


def peaks_of(responses: Tensor) -> Peaks:
    """The local maxima, among their eight neighbours, that aren't lower than their map's mean (S3N; the paper says
    "local maximum"); of equal neighbours the first. All of them are discriminative so far. A flat map has none."""
    side = responses.shape[-1]
    _, best = functional.max_pool2d(responses[:, None], 3, 1, 1, return_indices=True)
    own = torch.arange(side * side, device=responses.device).view(side, side)
    high = (responses >= responses.mean((1, 2), keepdim=True)) & (responses > 0)
    frame, row, column = ((best[:, 0] == own) & high).nonzero(as_tuple=True)
    height = responses[frame, row, column]
    return Peaks(frame, torch.stack([row, column], 1), height, torch.ones_like(frame, dtype=torch.bool))


def split(peaks: Peaks, least: Tensor | float) -> Peaks:
    """Eq. 5: those as high as `least` (one for all or one for each) are discriminative, the others complementary."""
    return Peaks(peaks.frame, peaks.place, peaks.height, peaks.height >= least)


def strongest_and_weakest(peaks: Peaks, frames: int) -> Peaks:
    """S3N's rule at test time: of each frame, the strongest peak alone is discriminative, and the weakest alone
    complementary; a frame's only peak is both, and stands there twice. Of equal ones the first."""
    chosen = []
    for number in range(frames):
        members = (peaks.frame == number).nonzero()[:, 0]
        if len(members):
            heights = peaks.height[members]
            chosen += [(members[heights.argmax()], True), (members[heights.argmin()], False)]
    if not chosen:
        return peaks
    kept = torch.stack([member for member, _ in chosen])
    there = torch.tensor([first for _, first in chosen], device=kept.device)
    return Peaks(peaks.frame[kept], peaks.place[kept], peaks.height[kept], there)


def chosen(peaks: Peaks, clip: dict[str, Any], settings: Settings, training: bool) -> Peaks:
    """The peaks as eq. 5 divides them: in training by lot, at test time as the settings say."""
    videos, frames = clip["rgb"].shape[:2]
    if not training and settings.split == "threshold":
        return split(peaks, AT_TEST)
    if not training and settings.split == "strongest":
        return strongest_and_weakest(peaks, videos * frames)
    least = drawn(peaks, clip, settings, training, "split", lambda lot, count: lot.random(count))
    return split(peaks, least.to(peaks.height))


def drawn(
    peaks: Peaks,
    clip: dict[str, Any],
    settings: Settings,
    training: bool,
    use: str,
    draw: Callable[[np.random.Generator, int], np.ndarray],
) -> Tensor:
    """(M, ...): of each peak what `draw` makes of its video's lot, for as many as that video has."""
    counts = (peaks.frame // clip["rgb"].shape[1]).bincount(minlength=len(clip["rgb"])).tolist()
    every = zip(lots(clip, settings, training, use), counts, strict=True)
    return torch.cat([torch.from_numpy(draw(lot, count)) for lot, count in every])


def lots(clip: dict[str, Any], settings: Settings, training: bool, use: str) -> list[np.random.Generator]:
    """A generator for each video: in training seeded by torch's own, which a checkpoint keeps; else by the video's name
    and the clip's first frame, so not by what lies beside it."""
    if training:
        seeds = torch.randint(2**31, (len(clip["video_id"]),)).tolist()
        return [np.random.default_rng(seed) for seed in seeds]
    starts = clip["indices"][:, 0].tolist()
    return [generator(settings.draw, start, video, use) for video, start in zip(clip["video_id"], starts, strict=True)]


def attention_of(peaks: Peaks, wanted: str, beta: Tensor, frames: int, rules: Attention) -> Tensor:
    """(N, G, G): the sum of Gaussians around the discriminative or complementary peaks (eq. 6, 7), and the floor.
    Discriminative ones are as high as their peak, complementary ones the higher the lower it is; the standard deviation
    is beta * sqrt(R) * G (S3N; eq. 6 as printed lacks the parentheses, and in its units beta would be sqrt(2) * G
    times as large). Where a frame has none of them, the floor alone is left, which magnifies nothing."""
    side = rules.attention_size
    mine = peaks.discriminative if wanted == "discriminative" else ~peaks.discriminative
    frame, place, height = peaks.frame[mine], peaks.place[mine], peaks.height[mine].clamp(min=rules.weakest)
    cells = torch.arange(side, device=height.device, dtype=height.dtype)
    spread = 2 * height * (beta * side) ** 2 + torch.finfo(height.dtype).tiny  # 2 sigma^2
    rows, columns = (torch.exp(-((cells - place[:, [axis]]) ** 2) / spread[:, None]) for axis in (0, 1))
    amplitude = height if wanted == "discriminative" else 1 / height
    each = (amplitude[:, None] * rows)[:, :, None] * columns[:, None, :]  # (M, G, G)
    return each.new_full((frames, side, side), rules.floor).index_add(0, frame, each)
