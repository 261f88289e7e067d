"""The SGS layer of one pathway: which frames go to which bin, and what the assignment is compared with."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from saccade.records import SaccadeError
from saccade.video.loader import generator

from ..settings import LOOKS, Settings
from . import sgs


class Sampler(nn.Module):
    """Gives bins' weights over frames for features (B, C, T, H, W) of one pathway.

    `bank` (N, blocks, K, T / blocks) holds the positions of the training videos' frames, once `calibrate` has run;
    empty until then.
    """

    def __init__(self, channels: int, settings: Settings, pathway: int) -> None:
        super().__init__()
        self.pathway = pathway
        if settings.assignment in LOOKS:
            self.similarity = sgs.SimilarityNetwork(channels, settings.dimensions, settings.similarity_network)
            self.register_buffer("bank", torch.empty(0))

    def forward(self, features: Tensor, settings: Settings, clip: dict[str, Any]) -> Tensor:
        """Weights (B, N, T) in fp32; an empty bin's row is zero. clip: `video_id` and, for `moments`,
        `truth.moment`."""
        with torch.autocast(features.device.type, enabled=False):
            features = features.float()
            batch, frames = len(features), features.shape[2]
            if settings.assignment == "uniform":
                return torch.stack(
                    [sgs.pooled_evenly(frames, bins, like=features) for bins in self._lots(frames, settings, clip)]
                )
            if settings.assignment == "moments":
                return self._moments(clip, frames).to(features)
            share = (
                self._others(clip, frames)
                if settings.assignment == "permuted"
                else self.share(features, settings, clip)
            )
            block = settings.block_of(self.pathway)
            weights = sgs.kernel_weights(share, settings.bins_of(block or frames), settings.kernel)
            weights = sgs.out_of_blocks(weights, batch) if block else weights
            return self._shuffled(weights, clip) if settings.assignment == "shuffled" else weights

    def share(self, features: Tensor, settings: Settings, clip: dict[str, Any]) -> Tensor:
        """Where on each coordinate a frame lies: (B, K, T) in [0, 1], nan where all frames are alike; with blocks B *
        blocks of them."""
        if settings.assignment == "noise":
            embeddings = self._noise(features, settings.dimensions, clip)
        else:
            embeddings = self.similarity(features)
            embeddings = embeddings if settings.learned else embeddings.detach()
        values, scales = sgs.coordinates(embeddings, settings.similarity, settings.distance)
        if block := settings.block_of(self.pathway):
            values, scales = sgs.in_blocks(values, block), scales.repeat_interleave(values.shape[2] // block, dim=0)
        share = sgs.positions(values, scales)
        return share.detach() + settings.gradient_scale * (share - share.detach())  # the same numbers, other gradients

    def _lots(self, frames: int, settings: Settings, clip: dict[str, Any]) -> list[int]:
        """B' of each video: `mean_bins` rounded down or up, so that the mean is kept, without looking."""
        # a slow pathway's share
        mean = settings.mean_bins * frames / settings.num_frames if settings.mean_bins else frames
        if self.training:
            lots = torch.rand(len(clip["video_id"])).tolist()
        else:
            lots = [self._draw(video, "uniform").random() for video in clip["video_id"]]
        return [int(mean + lot) for lot in lots]

    def _noise(self, features: Tensor, dimensions: int, clip: dict[str, Any]) -> Tensor:
        """Embeddings (B, T, L) without any structure: drawn anew for each batch in training, by the video's name
        otherwise."""
        batch, frames = len(features), features.shape[2]
        if self.training:
            return torch.randn(batch, frames, dimensions).to(features)
        drawn = [self._draw(video, "noise").standard_normal((frames, dimensions)) for video in clip["video_id"]]
        return torch.from_numpy(np.stack(drawn)).to(features)

    def _others(self, clip: dict[str, Any], frames: int) -> Tensor:
        """Each video gets the positions of a training video: bins as often and as full, the content ignored."""
        if not self.bank.numel():
            raise SaccadeError(
                "assignment 'permuted' takes the decisions of training videos; the phase `calibrate` must run first"
            )
        known = self.bank.shape[1] * self.bank.shape[3]
        if known != frames:
            raise SaccadeError(f"assignment 'permuted' was calibrated on {known} frames and is asked for {frames}")
        # of both pathways
        rows = [int(generator(0, 0, video, "permuted0").integers(len(self.bank))) for video in clip["video_id"]]
        return self.bank[rows].flatten(0, 1)

    def _shuffled(self, weights: Tensor, clip: dict[str, Any]) -> Tensor:
        """The same bins, of the same sizes and weights, with frames assigned at random."""
        orders = [self._draw(video, "shuffled").permutation(weights.shape[2]) for video in clip["video_id"]]
        order = torch.from_numpy(np.stack(orders)).to(weights.device)
        return weights.gather(2, order[:, None].expand_as(weights))

    def _moments(self, clip: dict[str, Any], frames: int) -> Tensor:
        """Frames of one true moment share a bin and are averaged: no redundancy is missed, and none is imagined."""
        if (truth := clip.get("truth.moment")) is None:
            raise SaccadeError(
                "assignment 'moments' needs the ground truth of moments; set truth: [moment], on data that has it"
            )
        # of the slow pathway: the frames that it sees
        chosen = truth[:, torch.linspace(0, truth.shape[1] - 1, frames).long()]
        numbers = [torch.unique_consecutive(row, return_inverse=True)[1] for row in chosen]
        same = torch.stack([torch.nn.functional.one_hot(number, frames).T for number in numbers]).float()  # (B, T, T)
        return same / same.sum(2, keepdim=True).clamp(min=1)

    def _draw(self, video: str, use: str) -> np.random.Generator:
        return generator(0, 0, video, f"{use}{self.pathway}")
