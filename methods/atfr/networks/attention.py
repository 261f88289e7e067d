"""Double attention (Chen et al., NeurIPS 2018), which ATFR's Table A.6 puts where SGS would be: it weighs frames and
drops none."""

from torch import Tensor, nn


class DoubleAttention(nn.Module):
    """Features (B, C, T, H, W) to the same shape, each frame multiplied by what it gets back of the clip's gathered
    descriptors.

    As in ATFR's official code: 1x1x1 convolutions to C / 4 channels whose maps are pooled over space, a softmax over
    time to gather and one over channels to give out, and a convolution back to C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(channels // 4, 1)
        self.values, self.gather, self.give = (nn.Conv3d(channels, hidden, kernel_size=1) for _ in range(3))
        self.back = nn.Conv3d(hidden, channels, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        # (B, C/4, T)
        values, gather, give = (layer(features).mean((3, 4)) for layer in (self.values, self.gather, self.give))
        descriptors = values @ gather.softmax(2).transpose(1, 2)  # (B, C/4, C/4)
        weights = descriptors @ give.softmax(1)  # (B, C/4, T)
        return features * self.back(weights[..., None, None])
