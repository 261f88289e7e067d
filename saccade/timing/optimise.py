"""Makes any method's finished model faster without changing what it computes. All exact inference optimisations are
here.

Exact means: the same multiply-adds, the same decisions away from ties, probabilities equal within fp32 rounding. There
are four: batch normalisation folded into the convolution before it; channels-last memory; inference mode; and, on a
CPU, convolutions by oneDNN alone, together with the activation behind them (`packed`).
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights

from saccade.cost.forward import modules_stay
from saccade.engine.device import place, to_device
from saccade.records import Prediction
from saccade.timing.packed import ACTIVATIONS, Packed, can_pack

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def optimise(model: nn.Module, packed: bool = True) -> int:
    """Puts the model, in place, into its fastest exact form for inference; its weights must not change after that.
    Gives back how many normalisations were folded. `packed`: whether PyTorch's layers will run it, so that convolutions
    may take a form that another runtime couldn't read."""
    model.eval().requires_grad_(False)
    pairs = list(foldable(model))
    for convolution, norm in pairs:
        _fold(model.get_submodule(convolution), model.get_submodule(norm))
        model.set_submodule(norm, nn.Identity())
    place(model, next(model.parameters()).device)
    if packed:
        _pack(model)
    return len(pairs)


def _pack(model: nn.Module) -> None:
    """Every convolution that oneDNN can compute, together with the activation that alone reads it."""
    for convolution, activation in list(activated(model)):
        follower = model.get_submodule(activation)
        model.set_submodule(activation, nn.Identity())
        part = model.get_submodule(convolution)
        part.forward = Packed(part, follower)
    for module in model.modules():
        if can_pack(module):
            module.forward = Packed(module)


def lay_out(clip: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """The clip on `device` with its pictures (B, T, C, H, W) in channels-last memory, so that the first convolution
    needn't rearrange them."""
    clip = to_device(clip, device)
    if isinstance(clip.get("rgb"), Tensor) and clip["rgb"].ndim == 5:
        frames = clip["rgb"].flatten(0, 1).contiguous(memory_format=torch.channels_last)  # (B*T, C, H, W)
        clip["rgb"] = frames.unflatten(0, clip["rgb"].shape[:2])
    return clip


@torch.inference_mode()
def infer(predict: Callable[..., Prediction], model: nn.Module, clip: dict[str, Any], settings: Any) -> Prediction:
    """The method's `predict` without the bookkeeping of gradients, and without asking again what was once counted of a
    model that stays as it is."""
    with modules_stay():
        return predict(model, clip, settings)


def foldable(model: nn.Module) -> Iterator[tuple[str, str]]:
    """Pairs (path of a convolution, path of the normalisation that alone reads its output). Both are used once in the
    whole model."""
    modules = dict(model.named_modules(remove_duplicate=False))
    yield from (pair for pair in read_by_one(model) if _fits(*map(modules.__getitem__, pair)))


def activated(model: nn.Module) -> Iterator[tuple[str, str]]:
    """Pairs (path of a convolution that can be packed, path of the activation that alone reads its output), as
    `foldable`."""
    modules = dict(model.named_modules(remove_duplicate=False))
    for pair in read_by_one(model):
        convolution, activation = map(modules.__getitem__, pair)
        if can_pack(convolution) and type(activation) in ACTIVATIONS and not _between(convolution, activation):
            yield pair


def read_by_one(model: nn.Module) -> Iterator[tuple[str, str]]:
    """Pairs of paths of modules, the second of which alone reads what the first one gives, but for identities between
    them. Both are used once in the whole model.

    The data flow is read by symbolic tracing. What a method decides while it runs can't be traced. Such a model's parts
    are traced instead, and what stands between them is left alone.
    """
    graphs = list(_graphs(copy.deepcopy(model), ""))  # a copy, since tracing runs the modules' code
    modules = dict(model.named_modules(remove_duplicate=False))
    calls = [
        (prefix, node) for prefix, graph in graphs for node in graph.nodes if node.op in ("call_module", "get_attr")
    ]
    uses = Counter(id(modules.get(prefix + str(node.target))) for prefix, node in calls if node.op == "call_module")
    read = {(prefix + str(node.target)).rpartition(".")[0] for prefix, node in calls if node.op == "get_attr"}
    for prefix, node in calls:
        source = _source(node, prefix, modules)
        if source is not None:
            paths = prefix + str(source.target), prefix + str(node.target)
            if all(uses[id(modules[path])] == 1 for path in paths) and not read & set(paths):
                yield paths


def _source(node: fx.Node, prefix: str, modules: dict[str, nn.Module]) -> fx.Node | None:
    """The call of the module whose output `node` alone reads."""
    while node.op == "call_module" and node.args:
        source = node.args[0]
        if not isinstance(source, fx.Node) or source.op != "call_module" or len(source.users) != 1:
            return None
        module = modules[prefix + str(source.target)]
        if type(module) is not nn.Identity or module._forward_pre_hooks or module._forward_hooks:
            return source
        node = source
    return None


def _graphs(module: nn.Module, prefix: str) -> Iterator[tuple[str, fx.Graph]]:
    """The graphs of the largest traceable parts, with the path that their nodes' targets start from."""
    try:
        yield prefix, fx.Tracer().trace(module)
    except Exception:  # whatever a method's own code raises when it is handed symbols in place of tensors
        for name, child in module.named_children():
            if not isinstance(child, CONVOLUTIONS + (_BatchNorm,)):
                yield from _graphs(child, f"{prefix}{name}.")


def _fits(convolution: nn.Module, norm: nn.Module) -> bool:
    """Plain modules with running statistics, and no hook that would see or change what passes between them."""
    plain = type(convolution) in CONVOLUTIONS and isinstance(norm, _BatchNorm) and norm.running_mean is not None
    return plain and not _between(convolution, norm) and not hasattr(convolution, "parametrizations")


def _between(first: nn.Module, second: nn.Module) -> bool:
    """Whether a hook sees or changes what passes from the one to the other, or what the other gives."""
    return any((first._forward_hooks, second._forward_pre_hooks, second._forward_hooks))


@torch.no_grad()
def _fold(convolution: Any, norm: Any) -> None:
    """Folds in place, so that the convolution keeps its hooks and its name. It computes in double precision, so that
    only one rounding is added."""
    double = [None if value is None else value.double() for value in (convolution.weight, convolution.bias)]
    statistics = [
        None if v is None else v.double() for v in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    ]
    mean, var, scale, shift = statistics
    weight, bias = fuse_conv_bn_weights(double[0], double[1], mean, var, norm.eps, scale, shift)  # type: ignore[arg-type]
    dtype = convolution.weight.dtype
    convolution.weight = nn.Parameter(weight.to(dtype), requires_grad=False)
    convolution.bias = nn.Parameter(bias.to(dtype), requires_grad=False)
