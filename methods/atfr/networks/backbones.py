"""The paper's video networks by name, cut in two where ATFR samples (Sec. 4: behind the first convolution, res2 or
res3)."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Literal, get_args

from torch import nn

from saccade.records import SaccadeError

from . import resnet3d, slowfast, x3d
from .resnet3d import Residual, Stages

Placement = Literal["conv1", "res2", "res3"]

BUILDERS = {
    **dict.fromkeys(resnet3d.LAYOUTS, resnet3d.resnet3d),
    **dict.fromkeys(x3d.EXPANSIONS, x3d.x3d),
    **dict.fromkeys(slowfast.NETWORKS, slowfast.slowfast),
}


class Early(nn.Sequential):
    """rgb (B, 3, T, H, W) to features (B, C, T, H, W) before their ReLU; of SlowFast a tuple of both pathways'
    features."""

    def __init__(self, stages: Mapping[str, nn.Module], channels: tuple[int, ...]) -> None:
        super().__init__(OrderedDict(stages))
        self.channels = channels  # C of each pathway


class Late(nn.Sequential):
    """What `Early` gives, at any lengths of 1 and more, to averages (B, D) that a classifier can take."""

    def __init__(self, stages: Mapping[str, nn.Module], num_features: int) -> None:
        super().__init__(OrderedDict(stages))
        self.num_features = num_features  # D


def build_network(name: str, placement: Placement, width: float = 1.0) -> tuple[Early, Late]:
    """The network `name` up to and including the stage `placement`, and the rest of it without classifier.

    Between them stand the sums of the last block (or the first convolution, normalised) before their ReLU, which `Late`
    applies: there ATFR's code samples. `width` scales the channels; 1 is the published network. Raises SaccadeError for
    what doesn't exist.
    """
    if name not in BUILDERS:
        raise SaccadeError(f"unknown network '{name}'; there are {', '.join(BUILDERS)}")
    if width <= 0:
        raise SaccadeError(f"network {name}: width is {width}, it must be above 0")
    if placement not in get_args(Placement):
        raise SaccadeError(f"network {name} can't be cut behind '{placement}'; say conv1, res2 or res3")
    stages = BUILDERS[name](name, width)
    for module in stages.modules.values():
        initialise(module)
    return cut(stages, placement)


def cut(stages: Stages, placement: Placement) -> tuple[Early, Late]:
    names = list(stages.modules)
    behind = names.index(placement) + 1
    first, rest = ({name: stages.modules[name] for name in part} for part in (names[:behind], names[behind:]))
    return Early(first, stages.channels[placement]), Late(rest, stages.num_features)


def initialise(module: nn.Module) -> None:
    """As ATFR's code (and PySlowFast) does it: He et al.'s initialisation, and residual branches that start as
    nothing."""
    for part in module.modules():
        if isinstance(part, nn.Conv3d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, Residual):
            nn.init.zeros_(part.branch[-1].norm.weight)
