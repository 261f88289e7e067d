"""Published weights of the video networks under our names: those of ATFR's code (which are PySlowFast's) and of
pytorchvideo's hub.

Both give {our name: tensor}; what they don't know is left to the caller, who refuses it. The networks become `early.*`
and `late.*`, the classifier `classifiers.<head>.*`, the sampler of pathway p `sgs.<p>.similarity.*`.
"""

import re
from collections.abc import Callable

from torch import Tensor

from saccade.engine.released import unwrapped, with_batch_counts
from saccade.records import SaccadeError

from ..networks import slowfast, x3d
from ..networks.backbones import Placement

Tensors = dict[str, Tensor]

# both keep the network under `model_state`, the optimizer's tensors beside it; other training code under other keys
WRAPPERS = re.compile(r"(?:(?:model_state|state_dict|model|net)\.)*")
PATHWAYS = ("slow", "fast")
ORDER = ("conv1", "fuse1", "res2", "fuse2", "res3", "fuse3", "res4", "fuse4", "res5", "head")

# {their name without the tensor's: our name}; {layer} is looked up in the tables below, {pathway} is empty where there
# is one only.
PYSLOWFAST = {
    r"s1\.pathway(?P<pathway>[01])_stem\.(?P<layer>conv|bn)": "conv1.{pathway}{layer}",
    r"s(?P<stage>[2-5])\.pathway(?P<pathway>[01])_res(?P<block>\d+)\.(?P<layer>.+)": (
        "res{stage}.{pathway}{block}.{layer}"
    ),
    r"s(?P<stage>[1-4])_fuse\.(?P<layer>conv_f2s|bn)": "fuse{stage}.{layer}",
}
PYSLOWFAST_LAYERS = {
    "conv": "conv",
    "conv_f2s": "conv",
    "bn": "norm",
    "branch1": "shortcut.conv",
    "branch1_bn": "shortcut.norm",
    "branch2.a": "branch.reduce.conv",
    "branch2.a_bn": "branch.reduce.norm",
    "branch2.b": "branch.spatial.conv",
    "branch2.b_bn": "branch.spatial.norm",
    "branch2.c": "branch.expand.conv",
    "branch2.c_bn": "branch.expand.norm",
}
SAMPLER = re.compile(r"s(?P<stage>[1-5])\.(?:pathway(?P<pathway>[01])_)?ts_layer\.(?P<layer>fc\.0|fc\.2|bn)")
SAMPLER_LAYERS = {"fc.0": "first", "fc.2": "second", "bn": "norm"}

OF_A_PATHWAY = r"(?:multipathway_blocks\.(?P<pathway>[01])\.)?"
PYTORCHVIDEO = {
    rf"blocks\.0\.{OF_A_PATHWAY}(?P<layer>conv|norm|conv\.conv_t|conv\.conv_xy)": "conv1.{pathway}{layer}",
    rf"blocks\.(?P<stage>[1-5])\.{OF_A_PATHWAY}res_blocks\.(?P<block>\d+)\.(?P<layer>.+)": (
        "res{stage}.{pathway}{block}.{layer}"
    ),
    r"blocks\.(?P<stage>[0-3])\.multipathway_fusion\.(?P<layer>conv_fast_to_slow|norm)": "fuse{stage}.{layer}",
    r"blocks\.5\.pool\.(?P<layer>pre_conv|pre_norm|post_conv)": "head.{layer}",
}
PYTORCHVIDEO_LAYERS = {
    "conv": "conv",
    "conv_fast_to_slow": "conv",
    "norm": "norm",
    "branch1_conv": "shortcut.conv",
    "branch1_norm": "shortcut.norm",
    "branch2.conv_a": "branch.reduce.conv",
    "branch2.norm_a": "branch.reduce.norm",
    "branch2.conv_b": "branch.spatial.conv",
    "branch2.conv_b.conv_t": "branch.temporal.conv",  # these three: R(2+1)D
    "branch2.conv_b.norm": "branch.temporal.norm",
    "branch2.conv_b.conv_xy": "branch.spatial.conv",
    "branch2.norm_b": "branch.spatial.norm",
    "branch2.conv_c": "branch.expand.conv",
    "branch2.norm_c": "branch.expand.norm",
}
PYTORCHVIDEO_X3D_LAYERS = {
    "conv.conv_t": "spatial",  # so they are called there, the other way round
    "conv.conv_xy": "temporal.conv",
    "norm": "temporal.norm",
    "branch1_conv": "shortcut.conv",
    "branch1_norm": "shortcut.norm",
    "branch2.conv_a": "branch.widen.conv",
    "branch2.norm_a": "branch.widen.norm",
    "branch2.conv_b": "branch.depthwise.conv",
    "branch2.norm_b.0": "branch.depthwise.norm",
    "branch2.norm_b.1.block.0": "branch.excite.squeeze",
    "branch2.norm_b.1.block.2": "branch.excite.excite",
    "branch2.conv_c": "branch.narrow.conv",
    "branch2.norm_c": "branch.narrow.norm",
    "pre_conv": "conv5.conv",
    "pre_norm": "conv5.norm",
    "post_conv": "linear",
}


def from_pyslowfast(name: str, placement: Placement, published: Tensors, head: str) -> Tensors:
    """Of a checkpoint of ATFR's code with or without samplers, or of PySlowFast's SlowFast, I3D and C2D; its classifier
    becomes `head`'s.

    Samplers behind another stage than `placement` are left. Raises SaccadeError for X3D, which PySlowFast builds
    otherwise.
    """
    if name in x3d.EXPANSIONS:
        raise SaccadeError(
            f"PySlowFast's {name} normalises the first shortcut of res2, pytorchvideo's and ours don't, so its weights "
            "don't fit; take pytorchvideo's"
        )

    def ours(layer: str) -> str | None:
        if layer == "head.projection":
            return f"classifiers.{head}"
        if sampler := SAMPLER.fullmatch(layer):
            here = _stage(int(sampler["stage"])) == placement
            return f"sgs.{sampler['pathway'] or 0}.similarity.{SAMPLER_LAYERS[sampler['layer']]}" if here else None
        return _in_network(layer, PYSLOWFAST, PYSLOWFAST_LAYERS, name, placement, int)

    return _renamed(published, ours)


def is_pytorchvideos(published: Tensors) -> bool:
    """Whether the names are pytorchvideo's, which numbers the blocks of its networks."""
    return any(_bare(name).startswith("blocks.") for name in published)


def from_pytorchvideo(name: str, placement: Placement, published: Tensors, head: str) -> Tensors:
    """Of pytorchvideo's x3d_{s,m,l,xl}, slowfast_r50 (8x8), i3d_r50, c2d_r50 or r2plus1d_r50; its classifier becomes
    `head`'s."""
    layers = PYTORCHVIDEO_X3D_LAYERS if name in x3d.EXPANSIONS else PYTORCHVIDEO_LAYERS
    pooled = name.startswith(("i3d", "c2d"))  # blocks.2 is a pooling there

    def number(block: str) -> int:
        return int(block) if pooled and int(block) > 1 else int(block) + 1

    def ours(layer: str) -> str | None:
        if re.fullmatch(r"blocks\.[56]\.proj", layer):
            return f"classifiers.{head}"
        return _in_network(layer, PYTORCHVIDEO, layers, name, placement, number)

    return _renamed(published, ours)


def _bare(name: str) -> str:
    """A published name as the network itself has it."""
    return WRAPPERS.sub("", unwrapped(name), count=1)


def _renamed(published: Tensors, ours: Callable[[str], str | None]) -> Tensors:
    """`ours` gives our layer for theirs, or None. A batch count that a file of an old PyTorch lacks is 0: nothing reads
    it here."""
    renamed = {}
    for theirs, tensor in published.items():
        layer, _, tensors_name = _bare(theirs).rpartition(".")
        if (name := ours(layer)) is not None:
            renamed[f"{name}.{tensors_name}"] = tensor
    return with_batch_counts(renamed)


def _in_network(
    layer: str,
    patterns: dict[str, str],
    layers: dict[str, str],
    name: str,
    placement: Placement,
    number: Callable[[str], int],
) -> str | None:
    """Our name of a layer of early or late, None if there is none; `number` gives the number in the name of the stage
    for theirs."""
    for pattern, template in patterns.items():
        found = re.fullmatch(pattern, layer)
        if found and found["layer"] in layers:
            parts = found.groupdict()
            stage = number(parts["stage"]) if "stage" in parts else 0
            several, which = name in slowfast.NETWORKS, int(parts.get("pathway") or 0)
            if which and not several:
                return None
            pathway = f"{PATHWAYS[which]}." if several and parts.get("pathway") else ""
            ours = template.format(stage=stage, pathway=pathway, block=parts.get("block"), layer=layers[found["layer"]])
            stage_name = ours.partition(".")[0]
            return f"{_part(stage_name, placement)}.{ours}" if stage_name in ORDER else None
    return None


def _stage(number: int) -> str:
    return "conv1" if number == 1 else f"res{number}"


def _part(stage: str, placement: Placement) -> str:
    """early or late; what fuses behind a stage comes after the sampler there."""
    return "early" if ORDER.index(stage) <= ORDER.index(placement) else "late"
