"""Torchvision's image networks without their classifiers, at any width."""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model_weights, list_models, resnet
from torchvision.models.mobilenetv2 import MobileNetV2
from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3, _mobilenet_v3_conf

from saccade.nn.bn_inception import BNInception
from saccade.nn.san import san, small_san
from saccade.records import SaccadeError, first_few
from saccade.settings import WEIGHT_FILES


class ScaledResNet(resnet.ResNet):
    """torchvision's ResNet with every channel count multiplied by `width` and rounded to a multiple of 8, as the
    MobileNets do it."""

    inplanes: int

    def __init__(self, block: type[resnet.BasicBlock | resnet.Bottleneck], layers: list[int], width: float) -> None:
        self.width = width
        super().__init__(block, layers, num_classes=1)
        self.fc = nn.Linear(self.inplanes, 1)  # as wide as the last stage

    def _make_layer(self, block: type[Any], planes: int, *args: Any, **kwargs: Any) -> nn.Sequential:
        # now the stem is built and the first stage isn't: the only moment to narrow the stem
        if self.inplanes == 64 and planes == 64:
            self.inplanes = InvertedResidualConfig.adjust_channels(64, self.width)
            self.conv1 = nn.Conv2d(3, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
            self.bn1 = nn.BatchNorm2d(self.inplanes)
        return super()._make_layer(block, InvertedResidualConfig.adjust_channels(planes, self.width), *args, **kwargs)


class Conv4(nn.Module):
    """Four convolutions with batch normalisation, of 8, 16, 32 and 32 channels at width 1. The first is 5 x 5 and takes
    every fourth pixel, the second every second, so that a map has a cell for every 8 x 8 pixels. Our own, for small
    data: a network that only glances."""

    def __init__(self, width: float) -> None:
        super().__init__()
        channels = [3, *(max(1, round(width * number)) for number in (8, 16, 32, 32))]
        layers: list[nn.Module] = []
        for before, after, size, stride in zip(channels[:-1], channels[1:], (5, 3, 3, 3), (4, 2, 1, 1), strict=True):
            layers += [
                nn.Conv2d(before, after, size, stride, size // 2, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(channels[-1], 1)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.fc(self.features(x).mean((2, 3)))
        return scores


def _mobilenet_v3(name: str, width: float) -> MobileNetV3:
    blocks, last_channel = _mobilenet_v3_conf(name, width_mult=width)
    return MobileNetV3(blocks, last_channel, num_classes=1)


BUILDERS: dict[str, Callable[[float], nn.Module]] = {
    "conv4": Conv4,
    "resnet10": lambda width: ScaledResNet(resnet.BasicBlock, [1, 1, 1, 1], width),  # not torchvision's: for small data
    "resnet18": lambda width: ScaledResNet(resnet.BasicBlock, [2, 2, 2, 2], width),
    "resnet50": lambda width: ScaledResNet(resnet.Bottleneck, [3, 4, 6, 3], width),
    "mobilenet_v2": lambda width: MobileNetV2(num_classes=1, width_mult=width),
    "mobilenet_v3_large": lambda width: _mobilenet_v3("mobilenet_v3_large", width),
    "mobilenet_v3_small": lambda width: _mobilenet_v3("mobilenet_v3_small", width),
    "bninception": BNInception,
    "san10": lambda width: san((2, 1, 2, 4, 1), width),
    "san15": lambda width: san((3, 2, 3, 5, 2), width),
    "san19": lambda width: san((3, 3, 4, 6, 3), width),
    "san-tiny": small_san,
}


def backbone(name: str, width: float = 1.0, in_channels: int = 3, weights: str = "none") -> tuple[nn.Module, int]:
    """The network `name` without its classifier, and the number D of its features.

    The network maps (N, in_channels, H, W) to globally average-pooled features (N, D). At width 1 its parameters are by
    name and shape torchvision's, or of SAN and BN-Inception those of their published files. `weights`: `none`
    (torchvision's initialisation), `imagenet` (IMAGENET1K_V1, the training recipe of the papers' time, where
    torchvision also has a newer one) or the path of a .safetensors, .pth or .pt file; classifier keys in it are
    dropped. Raises SaccadeError for an unknown name, a file that can't be had, and parameters that don't fit.
    """
    if name not in BUILDERS:
        raise SaccadeError(f"unknown backbone '{name}'; there are {', '.join(BUILDERS)}")
    if width <= 0:
        raise SaccadeError(f"backbone {name}: width is {width}, it must be above 0")
    network = BUILDERS[name](width)
    if in_channels != 3:
        _replace_first_convolution(network, in_channels)
    classifier = _classifier_name(name)
    num_features = next(
        layer.in_features for layer in getattr(network, classifier).modules() if isinstance(layer, nn.Linear)
    )
    setattr(network, classifier, nn.Identity())
    if weights != "none":
        state, source = _imagenet(name) if weights == "imagenet" else (_read(Path(weights)), weights)
        _load(network, state, classifier, f"{source} does not fit {name} (width {width}, {in_channels} input channels)")
    return network, num_features


def trunk(name: str, width: float = 1.0, weights: str = "none") -> tuple[nn.Sequential, int]:
    """As `backbone`, up to the maps that it would pool: (N, 3, H, W) to (N, D, h, w). Parameters keep their names.
    Raises SaccadeError for a SAN and BN-Inception, whose parts are no chain."""
    if name == "bninception":
        raise SaccadeError(f"{name} has no trunk; take another backbone")
    if name.startswith("san"):
        raise SaccadeError(f"{name} has no trunk; its `prescan` gives the maps behind a block")
    network, num_features = backbone(name, width=width, weights=weights)
    parts = [
        (part, module) for part, module in network.named_children() if part not in ("avgpool", _classifier_name(name))
    ]
    return nn.Sequential(OrderedDict(parts)), num_features


def _classifier_name(name: str) -> str:
    return "fc" if name.startswith(("resnet", "conv4", "bninception", "san")) else "classifier"


def _replace_first_convolution(network: nn.Module, in_channels: int) -> None:
    path, old = next((path, module) for path, module in network.named_modules() if isinstance(module, nn.Conv2d))
    new = nn.Conv2d(in_channels, old.out_channels, old.kernel_size, old.stride, old.padding, bias=old.bias is not None)  # type: ignore[arg-type]
    nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
    network.set_submodule(path, new)


def _imagenet(name: str) -> tuple[Mapping[str, Tensor], str]:
    if name not in list_models():
        raise SaccadeError(f"there are no ImageNet weights of {name}; set weights to none, or to a file's path")
    weights = get_model_weights(name)["IMAGENET1K_V1"]
    try:
        return weights.get_state_dict(progress=False, check_hash=True, weights_only=True), weights.url
    except (OSError, RuntimeError) as error:  # no network; a damaged download
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise SaccadeError(
            f"cannot get the ImageNet weights of {name} ({error}); on a machine without network put {weights.url} into "
            f"{folder}, or give the file's path as `weights`"
        ) from error


def _read(path: Path) -> Mapping[str, Tensor]:
    if path.suffix not in WEIGHT_FILES:
        raise SaccadeError(f"weights '{path}': give none, imagenet, or the path of a {' or '.join(WEIGHT_FILES)} file")
    if not path.is_file():
        raise SaccadeError(f"weights '{path}': there is no such file")
    try:
        state = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (SafetensorError, pickle.UnpicklingError, OSError, RuntimeError, EOFError) as error:
        raise SaccadeError(f"weights '{path}' cannot be read as plain tensors: {error}") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise SaccadeError(f"weights '{path}' must hold a state dict (names to tensors) and nothing around it")
    return state


def _load(network: nn.Module, state: Mapping[str, Tensor], classifier: str, complaint: str) -> None:
    wanted = network.state_dict()
    # files of before torch 0.4 have vectors with a first dimension of 1, as those of BN-Inception
    given = {
        key: value[0] if key in wanted and value.shape == (1, *wanted[key].shape) else value
        for key, value in state.items()
        if not key.startswith((f"{classifier}.", "last_linear."))  # as a widespread copy of BN-Inception calls it
    }
    problems = {
        # `num_batches_tracked` is absent before torch 0.4.1
        "missing": [key for key in wanted if key not in given and not key.endswith("num_batches_tracked")],
        "unexpected": [key for key in given if key not in wanted],
        "wrong shape": [
            f"{key} {tuple(given[key].shape)} instead of {tuple(value.shape)}"
            for key, value in wanted.items()
            if key in given and given[key].shape != value.shape
        ],
    }
    found = [f"{kind}: {first_few(names)}" for kind, names in problems.items() if names]
    if found:
        raise SaccadeError(f"{complaint}; {'; '.join(found)}")
    network.load_state_dict({**wanted, **given})
