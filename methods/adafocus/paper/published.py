"""The authors' checkpoints under our names; what isn't needed, a second copy or an unused classifier, keeps its name
and is left.

Both of their code bases save the parts under `glancer` (f_G), `focuser` (f_L), `fc` (f_C) and `policy` (pi). Of the
latter's copies it is the one that their evaluation reads. Its places are numbered row by row, and what it flattens runs
over channels, rows and columns, as here; maps of several frames lie behind each other, in order.
"""

import re
from collections.abc import Sequence

from torch import Tensor

from saccade.engine.released import only_head, unwrapped, with_batch_counts
from saccade.records import Head

from ..settings import Settings

Tensors = dict[str, Tensor]

# {their name of a layer: ours}; what stands for a position in a list of theirs is looked up in POSITIONS.
WITH_GRU = {  # ActivityNet, FCVID, Mini-Kinetics: torchvision's networks
    r"glancer\.net\.(?P<layer>features\..+)": "global_cnn.{layer}",
    r"glancer\.net\.classifier\.1": "global_head.classifiers.{head}",
    r"focuser\.net\.(?P<layer>(?:conv1|bn1|layer[1-4])(?:\..+)?)": "local_cnn.{layer}",
    r"fc\.gru": "classifier.gru",
    r"fc\.fc": "classifier.classifiers.{head}",
}
# Something-Something: the ResNet-50 is a list of its stages, a block of the MobileNetV2 a list without lists inside
WITH_SHIFT = {
    r"glancer\.net\.features\.(?P<layer>(?:0|18)\.[01])": "global_cnn.network.features.{layer}",
    r"glancer\.net\.features\.1\.conv\.(?P<unexpanded>\d)": "global_cnn.network.features.1.conv.{unexpanded}",
    r"glancer\.net\.features\.(?P<block>\d+)\.conv\.(?P<expanded>\d)": (
        "global_cnn.network.features.{block}.conv.{expanded}"
    ),
    r"glancer\.net\.classifier": "global_head.classifiers.{head}",
    r"focuser\.net\.base_model\.(?P<child>[01])": "local_cnn.network.{child}",
    r"focuser\.net\.base_model\.(?P<child>[4-7])\.(?P<layer>.+)": "local_cnn.network.{child}.{layer}",
    r"fc": "classifier.classifiers.{head}",
}
POLICY = {
    r"policy\.state_encoder\.(?P<encoder>\d)": "policies.where.{encoder}",
    r"policy\.gru": "policies.where.gru",
    r"policy\.(?P<layer>actor|critic)\.0": "policies.where.{layer}",
}

POSITIONS = {
    "child": {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"},
    "expanded": {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2", "7": "3"},
    "unexpanded": {"0": "0.0", "1": "0.1", "3": "1", "4": "2"},
}
ENCODER = {"0": "squeeze", "3": "embed"}
NORMALISED_ENCODER = {"0": "squeeze", "1": "squeeze_norm", "4": "embed", "5": "embed_norm"}
SHIFTED = ".net"  # a convolution behind a shift lies in a wrapper


def import_released(settings: Settings, heads: Sequence[Head], published: Tensors) -> Tensors:
    """{our name: tensor} of a checkpoint of stage III; its classifiers become those of the run's one head."""
    head = only_head(heads)
    layers = (WITH_GRU if settings.temporal == "gru" else WITH_SHIFT) | POLICY
    positions = POSITIONS | {"encoder": NORMALISED_ENCODER if settings.policy_norm else ENCODER}
    renamed = {}
    for theirs, tensor in published.items():
        layer, _, tensors_name = unwrapped(theirs).rpartition(".")
        if (ours := _renamed(layer.removesuffix(SHIFTED), layers, positions)) is not None:
            renamed[f"{ours.format(head=head)}.{tensors_name}"] = tensor
    return with_batch_counts(renamed)


def _renamed(layer: str, layers: dict[str, str], positions: dict[str, dict[str, str]]) -> str | None:
    """Our name of their layer, with `{head}` still open; None where we have no such layer."""
    for pattern, template in layers.items():
        if found := re.fullmatch(pattern, layer):
            parts = {
                name: positions[name].get(part) if name in positions else part
                for name, part in found.groupdict().items()
            }
            return None if None in parts.values() else template.format(head="{head}", **parts)
    return None
