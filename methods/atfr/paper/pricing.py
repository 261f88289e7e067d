"""What the paper's networks cost with so many maps left, in GMACs on the meta device, and how many bins embeddings
without structure keep.

A view costs a + b B': all frames up to where ATFR samples, B' maps behind it. With two pathways, and where pairs of
maps are pooled, the line runs over the lengths that convolutions see.
"""

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor, nn

from saccade.cost import image_networks
from saccade.cost.count import count
from saccade.cost.forward import forward_macs
from saccade.cost.image_networks import GIGA, head_gmacs, head_million_parameters

from ..networks import backbones, resnet3d, sgs, slowfast
from ..networks.attention import DoubleAttention
from ..settings import SLOW_TO_FAST

DRAWS = 3000  # clips without structure: the mean B' of 32 frames is then known to 0.03
DIMENSIONS = 8  # L


@dataclass(frozen=True)
class Network:
    """A network as it takes one view, and where ATFR samples in it. bins: B, 0 for as many as frames; block: as in
    settings.py."""

    name: str
    frames: int
    size: int
    placement: str = "res2"
    bins: int = 0
    block: int = 0

    @property
    def alpha(self) -> int:
        """How many times the slow pathway's frames the fast one sees; 0 where there is one pathway."""
        return slowfast.NETWORKS[self.name].alpha if self.name in slowfast.NETWORKS else 0

    @property
    def pairs(self) -> bool:
        return self.name in resnet3d.LAYOUTS and resnet3d.LAYOUTS[self.name].pairs

    @property
    def lengths(self) -> tuple[int, ...]:
        """Frames of each pathway, the slow one first."""
        return (self.frames // self.alpha, self.frames) if self.alpha else (self.frames,)

    @property
    def unit(self) -> tuple[int, ...]:
        """The fewest maps of each pathway, in step, that add to the cost."""
        return (1, self.alpha) if self.alpha else (2 if self.pairs else 1,)


@cache
@torch.no_grad()
def built(name: str, placement: str) -> tuple[nn.Module, nn.Module]:
    with torch.device("meta"):
        early, late = backbones.build_network(name, placement)
    return early.eval(), late.eval()


def before(network: Network) -> tuple[float, tuple[tuple[int, ...], ...]]:
    """GMACs up to where ATFR samples, and the shapes (C, T, H, W) of the pathways there."""
    return _before(replace(network, bins=0, block=0))  # which cost nothing there


@cache
@torch.no_grad()
def _before(network: Network) -> tuple[float, tuple[tuple[int, ...], ...]]:
    counted = count(
        built(network.name, network.placement)[0],
        torch.empty(1, 3, network.frames, network.size, network.size, device="meta"),
    )
    pathways = counted.result if network.alpha else (counted.result,)
    return counted.macs / GIGA, tuple(tuple(one.shape[1:]) for one in pathways)


def behind(network: Network, maps: tuple[int, ...]) -> float:
    """GMACs from there on, where so many maps of each pathway are left."""
    shapes = tuple((channels, left, *size) for (channels, _, *size), left in zip(before(network)[1], maps, strict=True))
    return forward_macs(built(network.name, network.placement)[1], shapes if network.alpha else shapes[0]) / GIGA


def static_gmacs(network: Network, classes: int) -> float:
    return (
        before(network)[0]
        + behind(network, network.lengths)
        + head_gmacs(built(network.name, network.placement)[1].num_features, classes)
    )


def gmacs(network: Network, classes: int, maps: Tensor) -> Tensor:
    """Maps (N, pathways) to GMACs (N,) of a view, by the line through as few counts as determine it."""
    probes = (
        [(1, 1), (2, 1), (1, 2), (2, network.alpha + 1)] if network.alpha else [network.unit, (2 * network.unit[0],)]
    )
    counts = torch.tensor([behind(network, probe) for probe in probes], dtype=torch.float64)
    line = torch.linalg.solve(terms(network, torch.tensor(probes)), counts)
    return (
        before(network)[0]
        + terms(network, maps) @ line
        + head_gmacs(built(network.name, network.placement)[1].num_features, classes)
    )


def terms(network: Network, maps: Tensor) -> Tensor:
    """What the cost is linear in: 1 and the lengths that convolutions see."""
    if not network.alpha:
        seen = [(maps[:, 0] // 2).clamp(min=1) if network.pairs else maps[:, 0]]
    else:
        slow, fast = maps.unbind(1)
        # a lateral convolution's stride; the shorter side is filled up
        lateral = (fast + network.alpha - 1) // network.alpha
        seen = [torch.maximum(slow, lateral), lateral, fast]
    return torch.stack([torch.ones_like(maps[:, 0]), *seen], dim=1).double()


@cache
@torch.no_grad()
def normalised_giga(network: Network) -> float:
    """Results of all batch normalisations of a view, in 10^9 numbers."""
    elements, early_and_late = [], built(network.name, network.placement)
    hooks = [
        module.register_forward_hook(lambda module, inputs, output: elements.append(output.numel()))
        for part in early_and_late
        for module in part.modules()
        if isinstance(module, nn.BatchNorm3d)
    ]
    features = early_and_late[0](torch.empty(1, 3, network.frames, network.size, network.size, device="meta"))
    early_and_late[1](features)
    for hook in hooks:
        hook.remove()
    return sum(elements) / GIGA


def in_step(network: Network, classes: int) -> tuple[float, float]:
    """a and b: GMACs of no map, were that possible, and of each unit of maps."""
    first, second = gmacs(network, classes, torch.tensor([network.unit, [2 * maps for maps in network.unit]])).tolist()
    return 2 * first - second, second - first


def implied_bins(network: Network, classes: int, printed: float) -> float:
    """B' (of the fast pathway where there are two, the slow one in step) at which the network costs what is printed."""
    start, step = in_step(network, classes)
    return (printed - start) / step * network.unit[-1]


@cache
@torch.no_grad()
def attention_gmacs(network: Network) -> float:
    (shape,) = before(network)[1]
    with torch.device("meta"):
        attention = DoubleAttention(shape[0])
    return forward_macs(attention, shape) / GIGA


def sampling_gmacs(network: Network) -> float:
    """The layer's own, at the null model's B': similarity network and mixing."""
    macs = 0.0
    for bins, shape in zip(null_bins(network).double().mean(0).tolist(), before(network)[1], strict=True):
        macs += sgs.mix_macs(1, shape) * bins + forward_macs(similarity(shape[0]), shape)
    return macs / GIGA


def million_parameters(network: Network, classes: int) -> float:
    """Of the static network with its head, in 10^6."""
    early, late = built(network.name, network.placement)
    return image_networks.million_parameters(early, late) + head_million_parameters(late.num_features, classes)


def sampling_million_parameters(network: Network) -> float:
    """Of the similarity networks, one for each pathway."""
    return image_networks.million_parameters(*(similarity(shape[0]) for shape in before(network)[1]))


@cache
def similarity(channels: int) -> nn.Module:
    with torch.device("meta"):
        return sgs.SimilarityNetwork(channels, DIMENSIONS, "code").eval()


def null_bins(network: Network) -> Tensor:
    """(DRAWS, pathways): how many bins are occupied where each frame's embedding is drawn on its own."""
    slow = network.block // SLOW_TO_FAST if network.alpha else 0
    blocks = (slow, network.block) if network.alpha else (network.block,)
    kept = [
        drawn(frames, network.bins, block, seed)
        for seed, (frames, block) in enumerate(zip(network.lengths, blocks, strict=True))
    ]
    return torch.stack(kept, dim=1)


@cache
def drawn(frames: int, bins: int = 0, block: int = 0, seed: int = 0) -> Tensor:
    """(DRAWS,) numbers of occupied bins of Gaussian embeddings; in blocks by the norm, as the card has it."""
    embeddings = torch.randn(DRAWS, frames, DIMENSIONS, generator=torch.Generator().manual_seed(seed))
    values, scales = sgs.coordinates(embeddings, "magnitude", "norm" if block else "dist_to_mean")
    if block:
        values, scales = sgs.in_blocks(values, block), scales.repeat_interleave(frames // block, dim=0)
    weights = sgs.kernel_weights(sgs.positions(values, scales), [bins or block or frames], "linear")
    return sgs.occupied(weights).sum(1).unflatten(0, (DRAWS, -1)).sum(1)
