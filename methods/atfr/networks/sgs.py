"""Similarity guided sampling (Fayyaz et al., CVPR 2021, Sec. 4): frames whose embeddings are alike share a bin, empty
bins are dropped.

Where paper and official code differ the card decides; where their formulas break, what happens is said and tested here:

- one frame alone (T = 1) keeps itself, weight 1;
- frames whose magnitudes can't be told apart in fp32 (all alike, all zero, or two frames around their own mean) share
one bin and are
  averaged, where the formulas would divide by zero or erase them;
- the frame of the largest magnitude lies on the edge of the last bin: the linear kernel gives it a weight of EPSILON,
as the code
  does, so its bin counts as occupied although it's nearly empty.

Everything runs in fp32, also under autocast: in half precision 1 + EPSILON is 1 and that bin would vanish.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from saccade.records import SaccadeError

EPSILON = 1e-7  # official code: added to the 1 of eq. 6; in fp32 it is 1.19e-7
SHIFT = 1e-6  # official code, through torch's pairwise distance: added to each component of a difference
ALIKE = 4e-6  # magnitudes closer than this, times the largest embedding's norm, are one: some eight roundings of fp32

Distance = Literal["dist_to_mean", "norm"]
Similarity = Literal["magnitude", "angular", "spherical"]
Kernel = Literal["linear", "linear_normalised", "kronecker"]


class SimilarityNetwork(nn.Module):
    """f_s (Sec. 4.1): features (B, C, T, H, W) to embeddings (B, T, L), a frame at a time.

    `code`: pool, linear C to C/2, ReLU, linear to L, batch normalisation over L, as the official code; `paper`: pool
    and two linear layers, C to C to L, as Sec. 4.1 says.
    """

    def __init__(self, channels: int, dimensions: int, form: Literal["code", "paper"]) -> None:
        super().__init__()
        hidden = channels if form == "paper" else max(channels // 2, 1)
        self.first, self.second = nn.Linear(channels, hidden), nn.Linear(hidden, dimensions)
        for layer in (self.first, self.second):  # official code: every linear layer starts so
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        self.activation = nn.Identity() if form == "paper" else nn.ReLU()
        self.norm = nn.Identity() if form == "paper" else nn.BatchNorm1d(dimensions)

    def forward(self, features: Tensor) -> Tensor:
        pooled = features.mean((3, 4)).transpose(1, 2)  # (B, T, C)
        embedded = self.second(self.activation(self.first(pooled)))  # (B, T, L)
        return self.norm(embedded.flatten(0, 1)).unflatten(0, embedded.shape[:2])


def coordinates(embeddings: Tensor, similarity: Similarity, distance: Distance) -> tuple[Tensor, Tensor]:
    """What frames are compared by: embeddings (B, T, L) to non-negative numbers (B, K, T), and their scales (B, K) for
    rounding errors.

    `magnitude` (K = 1): eq. 1, or the distance to the clip's mean embedding, as the official code has it. `angular` (K
    = 2) and `spherical` (K = 3, the radius first): App. D; of three dimensions the polar angle and the azimuth in [0, 2
    pi), of more the first two polar angles. There is no official code for these two.
    """
    vectors = embeddings if distance == "norm" else embeddings.mean(1, keepdim=True) - embeddings + SHIFT
    radius = torch.linalg.vector_norm(vectors, dim=2)  # (B, T)
    size = torch.linalg.vector_norm(embeddings, dim=2).amax(1)  # (B,)
    if similarity == "magnitude":
        return radius[:, None], size[:, None]
    if vectors.shape[2] < 3:
        raise SaccadeError(f"angles need embeddings of 3 dimensions or more, not {vectors.shape[2]}; set `dimensions`")
    if distance == "norm":
        vectors = vectors + SHIFT  # the angle of a zero vector has no gradient
    rest, further = (torch.linalg.vector_norm(vectors[..., first:], dim=2) for first in (1, 2))
    polar = torch.atan2(rest, vectors[..., 0])
    if vectors.shape[2] == 3:
        second = torch.atan2(vectors[..., 2], vectors[..., 1]).remainder(2 * torch.pi)
    else:
        second = torch.atan2(further, vectors[..., 1])
    kinds, scales = [polar, second], [torch.ones_like(size)] * 2
    if similarity == "spherical":
        kinds, scales = [radius, *kinds], [size, *scales]
    return torch.stack(kinds, dim=1), torch.stack(scales, dim=1)


def positions(values: Tensor, scales: Tensor) -> Tensor:
    """Coordinates (B, K, T) over their largest in the clip (eq. 2): in [0, 1], and nan where all are alike.

    Gradients also flow through the largest one, as in the official code. Where several are the largest they share that
    gradient; in the code one of them gets all of it. scales (B, K): of which ALIKE is a rounding error.
    """
    largest, smallest = values.amax(2, keepdim=True), values.amin(2, keepdim=True)
    alike = largest - smallest <= ALIKE * scales[..., None] + torch.finfo(values.dtype).tiny
    share = values / largest.where(~alike, torch.ones_like(largest))  # no division by zero, not even in a gradient
    return share.where(~alike, torch.full_like(share, torch.nan))


def kernel_weights(share: Tensor, bins: Sequence[int], kernel: Kernel) -> Tensor:
    """How much of frame t goes to bin b: positions (B, K, T) to weights (B, N, T) of N = product of `bins` bins, the
    first varying slowest. An empty bin's row is all zero.

    Eqs. 4 to 6, and 9 for K > 1, in units in which a bin is 1 wide. A coordinate in which all frames are alike tells
    nothing: it gives weight 1 in its first bin. Where no coordinate tells anything, the frames are averaged.
    """
    weights = share.new_ones(len(share), 1, share.shape[2])
    for coordinate, number in zip(share.unbind(1), bins, strict=True):
        row = _along(coordinate.nan_to_num(0.0), number, kernel)
        first = torch.zeros_like(row)
        first[:, 0] = 1
        row = row.where(~coordinate.isnan()[:, None], first)
        weights = (weights[:, :, None] * row[:, None]).flatten(1, 2)  # (B, N, T)
    count = (weights.detach() > 0).sum(2, keepdim=True).clamp(min=1)
    if kernel == "linear":
        nothing = share.isnan().flatten(1).all(1)[:, None, None]  # (B, 1, 1)
        return torch.where(nothing, weights / count, weights)
    if kernel == "linear_normalised":  # an option of the code, which passes the gradient on undivided
        return (weights / count).detach() + (weights - weights.detach())
    return weights / count  # eq. 5


def _along(place: Tensor, number: int, kernel: Kernel) -> Tensor:
    """One coordinate: (B, T) in [0, 1] to weights (B, number, T)."""
    place = (place * number)[:, None]  # (B, 1, T), in bins
    centres = torch.arange(number, device=place.device, dtype=place.dtype)[:, None] + 0.5  # eq. 3
    offset = 2 * (place - centres)  # (B, number, T), in half widths
    if kernel == "kronecker":
        inside = (place.detach().floor().clamp(max=number - 1) == centres - 0.5).to(place.dtype)
        return inside * (1 + 2 * (place - place.detach()))  # straight through: the code's gradient, one per half width
    # at a bin's centre eq. 8 takes the left side's slope, abs() none
    distance = torch.where(offset <= 0, -offset, offset)
    return (1 + EPSILON - distance).clamp(min=0)


def in_blocks(values: Tensor, block: int) -> Tensor:
    """Coordinates (B, K, T) as (B * blocks, K, block), blocks in time order (App. A: SlowFast on
    Something-Something)."""
    batch, kinds, frames = values.shape
    if frames % block:
        raise SaccadeError(
            f"{frames} frames can't be cut into blocks of {block}; choose num_frames and block that divide"
        )
    return values.unflatten(2, (-1, block)).transpose(1, 2).reshape(batch * (frames // block), kinds, block)


def out_of_blocks(weights: Tensor, batch: int) -> Tensor:
    """Weights (B * blocks, N, block) as (B, blocks * N, T): a block's bins take only its own frames."""
    blocks, (_, bins, block) = len(weights) // batch, weights.shape
    whole = weights.new_zeros(batch, blocks, bins, blocks, block)
    for number in range(blocks):
        whole[:, number, :, number] = weights.unflatten(0, (batch, blocks))[:, number]
    return whole.flatten(3, 4).flatten(1, 2)  # (B, blocks * N, T)


def occupied(weights: Tensor) -> Tensor:
    """(B, N) bool: which bins hold a frame. By the weights, never by the mixed features, which may cancel."""
    return weights.sum(2) != 0


def mix(weights: Tensor, features: Tensor) -> Tensor:
    """Eq. 4: weights (B, N, T) of features (B, C, T, H, W) to (B, C, N, H, W), in such memory as the features lie in,
    so that nothing is copied."""
    weights = weights.to(features.dtype)
    if features.is_contiguous():
        return (weights[:, None] @ features.flatten(3)).unflatten(3, features.shape[3:])
    frames = features.permute(0, 2, 3, 4, 1)  # (B, T, H, W, C), as channels-last memory lies
    mixed = weights @ frames.flatten(2)  # (B, N, H*W*C)
    return mixed.unflatten(2, frames.shape[2:]).permute(0, 4, 1, 2, 3)


def mix_macs(bins: int, shape: Sequence[int]) -> int:
    """Multiply-adds of `mix` for one video with features of `shape` (C, T, H, W)."""
    channels, frames, height, width = shape
    return bins * channels * frames * height * width


def packed(weights: Tensor, number: int) -> Tensor:
    """(B, number, T): the occupied bins first, in their order; zeros where a video has fewer."""
    order = torch.argsort(occupied(weights).logical_not().to(torch.uint8), dim=1, stable=True)  # (B, N)
    return weights.gather(1, order[:, :number, None].expand(-1, -1, weights.shape[2]))


def pooled_evenly(frames: int, bins: int, like: Tensor) -> Tensor:
    """(T, T): the clip cut into `bins` equal stretches of time, each averaged, as a fixed temporal down-sampling does;
    other rows 0."""
    if not 1 <= bins <= frames:
        raise SaccadeError(f"{frames} frames can't be pooled to {bins}; set `mean_bins` within 1 and {frames}")
    edges = torch.arange(bins + 1) * frames // bins
    weights = torch.zeros(frames, frames)
    for number, (low, high) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        weights[number, low:high] = 1 / (high - low)
    return weights.to(like)
