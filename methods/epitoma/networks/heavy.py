"""The HeavyNets: what sees the snippets of the timesteps chosen."""

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from saccade.nn.backbones import backbone

from ..settings import Settings
from .i3d import I3D
from .shufflenet3d import ShuffleNet3D


class ResNet(nn.Module):
    """Snippets of one frame (N, 3, 1, H, W) to features (N, D) of ResNet-50 as published (He et al., CVPR 2016), which
    Table 1's cost is: a stage's first block strides in its first convolution, where torchvision's does in its second.
    torchvision's ImageNet weights, which were trained for the latter, are where fine-tuning starts all the same: others
    aren't at hand.

    `size` tiny is ResNet-10.
    """

    def __init__(self, size: str, width: float, weights: str) -> None:
        super().__init__()
        name = "resnet50" if size == "published" else "resnet10"
        self.network, self.num_features = backbone(name, width=width, weights=weights)
        for block in self.network.modules():
            if isinstance(block, Bottleneck):
                block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride

    def forward(self, snippets: Tensor) -> Tensor:
        features: Tensor = self.network(snippets.squeeze(2))
        return features


def heavy_net(settings: Settings) -> I3D | ShuffleNet3D | ResNet:
    """The network of the settings, (N, 3, m, H, W) to (N, num_features)."""
    if settings.heavy == "i3d":
        return I3D(settings.heavy_size, settings.heavy_width)
    if settings.heavy == "shufflenet3d":
        return ShuffleNet3D(settings.heavy_size, settings.heavy_width, settings.shuffle_groups)
    return ResNet(settings.heavy_size, settings.heavy_width, settings.heavy_weights)
