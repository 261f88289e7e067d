"""What it costs to run a SAN only up to the block whose attention is asked for."""

from collections.abc import Sequence

from torch import Tensor, nn

from saccade.cost.forward import forward_macs
from saccade.nn.san import SAN


class _Prescan(nn.Module):
    def __init__(self, network: SAN, layer: str) -> None:
        super().__init__()
        self.network, self.layer = network, layer

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.network.prescan(x, self.layer)


def prescan_macs(network: SAN, shape: Sequence[int], layer: str) -> int:
    """MACs of `network.prescan(x, layer)` for one x of `shape` (C, H, W), remembered as `forward_macs` does."""
    kept = network.__dict__.setdefault("_prescans", {})  # not among its children, since it is theirs
    if layer not in kept:
        kept[layer] = _Prescan(network, layer)
    return forward_macs(kept[layer], shape)
