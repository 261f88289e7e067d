"""Self-attention over the timesteps of a video (Wang et al., Non-local Neural Networks, CVPR 2018), which may leave
timesteps out."""

import torch
from torch import Tensor, nn


class SelfAttention(nn.Module):
    """Features (B, T, D) to the same shape, each timestep's with what it gathers from all of them added.

    The embedded-Gaussian form with half the channels inside; the projection back starts at zero, so that the layer
    starts as the identity (Sec. 3.3 and 4.1 there). The scores are divided by the root of their length, as in its
    code. The paper says only that it is one such layer; that features are pooled over space before it follows from
    Table 1, as one over all places would cost more than the whole selector.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        inner = max(features // 2, 1)
        self.query, self.key, self.value = (nn.Linear(features, inner) for _ in range(3))
        self.back = nn.Linear(inner, features)
        nn.init.zeros_(self.back.weight)
        nn.init.zeros_(self.back.bias)

    def forward(self, features: Tensor, there: Tensor | None = None) -> Tensor:
        """`there`: (B, T) bool, which timesteps are seen, at least one in each video; nobody gathers from the others,
        and what is given back in their places means nothing."""
        query, key, value = self.query(features), self.key(features), self.value(features)
        scores = query @ key.transpose(1, 2) / key.shape[2] ** 0.5  # (B, T, T)
        if there is not None:
            scores = scores.masked_fill(~there[:, None, :], -torch.inf)
        return features + self.back(scores.softmax(2) @ value)
