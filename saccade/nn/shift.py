"""The temporal shift (Lin et al., TSM, ICCV 2019): frames lend channels to their neighbours in time, which multiplies
nothing."""

import torch
from torch import Tensor, nn
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.models.resnet import BasicBlock, Bottleneck

from saccade.records import SaccadeError

SHARE = 8  # of C channels, C // 8 come from the next frame and C // 8 from the one before (Sec. 3.2)
EXPANDING = 4  # parts of an InvertedResidual that has an expansion: expand, depthwise, project, normalise


def shift(features: Tensor, num_frames: int, share: int = SHARE) -> Tensor:
    """`features` (B*T, C, ...) after the shift along T = `num_frames`, in the same shape. What would come from outside
    the clip is 0.

    The first C // share channels of frame t are those of frame t + 1, the next C // share are those of frame t - 1, the
    rest stay (Fig. 1b).
    """
    clips = features.unflatten(0, (-1, num_frames))  # (B, T, C, ...)
    moved = clips.shape[2] // share
    ahead, behind, rest = clips.split([moved, moved, clips.shape[2] - 2 * moved], dim=2)
    nothing = torch.zeros_like(clips[:, :1, :moved])
    ahead = torch.cat([ahead[:, 1:], nothing], dim=1)
    behind = torch.cat([nothing, behind[:, :-1]], dim=1)
    return torch.cat([ahead, behind, rest], dim=2).flatten(0, 1)  # (B*T, C, ...)


def shifted_convolutions(network: nn.Module) -> list[nn.Module]:
    """The layers of a torchvision network whose input is shifted, in order: the first of each residual branch (Sec.
    4.1, Fig. 3b).

    In residual networks these are in every block; in MobileNetV2 in the blocks that have a shortcut and an expansion,
    as in the TSM code. Raises SaccadeError where there is none.
    """
    found: list[nn.Module] = []
    for block in network.modules():
        if isinstance(block, BasicBlock | Bottleneck):
            found.append(block.conv1)
        elif isinstance(block, InvertedResidual) and block.use_res_connect and len(block.conv) == EXPANDING:
            found.append(block.conv[0])
    if not found:
        raise SaccadeError(f"{type(network).__name__} has no residual branch to shift; take a ResNet or MobileNetV2")
    return found


class TemporalShift(nn.Module):
    """An image network, or a part of one, whose residual branches see the neighbouring frames: (B, T, ...) to (B, T,
    ...).

    The parameters keep their names below `network`. Any T is possible, since the shift is hooked in before the
    convolutions.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.num_frames = 1  # T of the clip under way
        for convolution in shifted_convolutions(network):
            convolution.register_forward_pre_hook(self._shift)

    def forward(self, clip: Tensor) -> Tensor:
        self.num_frames = clip.shape[1]
        return self.network(clip.flatten(0, 1)).unflatten(0, clip.shape[:2])

    def _shift(self, convolution: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        return (shift(inputs[0], self.num_frames),)
