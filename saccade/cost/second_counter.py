"""The second counter: ptflops and formulas by hand, held against what `cost.count` saw executed.

Convolutions and linear layers are counted by ptflops from their modules' sizes, recurrent networks by hand from theirs;
products outside of these (matmul, einsum, attention) by ptflops from the operators, by hand where it is blind. The rule
is that of `cost`.
"""

import contextlib
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from saccade.cost.count import Count, count, decomposed_attention, first_module
from saccade.cost.formulas import FORMULAS, recurrent_macs, scaled_attention
from saccade.records import SaccadeError

aten = torch.ops.aten
TOLERANCE = 0.01  # by which the counters may differ in any part

GATES = {nn.RNN: 1, nn.GRU: 3, nn.LSTM: 4}
BY_SIZE = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)
# Operators that ptflops counts as nothing and FlopCounterMode counts: packet -> MACs from the shapes of the operator's
# tensors.
STATIC_FORMULAS: dict[Any, Callable[..., int]] = {
    aten.baddbmm: lambda added, x, y, **others: x[0] * x[1] * x[2] * y[2],
    aten._scaled_dot_product_flash_attention_for_cpu: scaled_attention,
    aten._scaled_dot_product_flash_attention: scaled_attention,
    aten._scaled_dot_product_efficient_attention: scaled_attention,
    aten._scaled_dot_product_cudnn_attention: scaled_attention,
}


class CostDisagreement(SaccadeError):  # noqa: N818
    """The counters differ by more than TOLERANCE in a part that the message names: at least one of them is blind to
    something there."""


@dataclass(frozen=True)
class Comparison:
    """A call counted twice. modules: those counted from their sizes, and their paths; parts, static: MACs by the first
    and by the second counter, of each of these modules (`label`) and of each operator outside of them."""

    executed: Count
    modules: dict[nn.Module, str]
    parts: dict[str, int]
    static: dict[str, int]

    @property
    def static_macs(self) -> int:
        return sum(self.static.values())

    def need_agreement(self) -> None:
        """Raises CostDisagreement naming every module or operator in which the counters differ by more than
        TOLERANCE."""
        wrong = []
        for part in {**self.parts, **self.static}:
            ours, static = self.parts.get(part, 0), self.static.get(part, 0)
            if abs(ours - static) > TOLERANCE * max(ours, static):
                wrong.append(f"{part}: {ours:,} executed, {static:,} by the static counter")
        if wrong:
            raise CostDisagreement(
                "the counters disagree, so one is blind (give the operator a formula with "
                "saccade.cost.formulas.register, or count by hand); " + "; ".join(wrong)
            )


def compare(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Comparison:
    """The MACs of a call by both counters, part by part.

    The call is made three times and has to do the same each time: put random decisions under a generator made inside.
    """
    executed = count(function, *args, **kwargs)
    static = static_parts(function, *args, **kwargs)
    counted = Counter(executed.operators)
    parts: dict[str, int] = {}
    modules = _counted_by_size(first_module(function, args, kwargs))
    for path in modules.values():
        inside = executed.modules.get(path, {})
        parts[label(path)] = sum(inside.values())
        counted.subtract(inside)
    parts.update({op: macs for op, macs in counted.items() if macs})
    return Comparison(executed, modules, parts, static)


def agree(function: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[int, int]:
    """The MACs of a call by both counters; raises CostDisagreement as `Comparison.need_agreement` does. The call is
    made three times, as by `compare`."""
    found = compare(function, *args, **kwargs)
    found.need_agreement()
    return found.executed.macs, found.static_macs


def static_parts(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, int]:
    """MACs of a call by the second counter, per part: 'module <path>' for convolutions, linear and recurrent layers,
    and the operator for what is outside of them. The call is made twice."""
    call = _Call(function, args, kwargs)
    paths = _counted_by_size(call.root)
    parts: Counter[str] = Counter()
    _run_ptflops(call, "pytorch", _module_hooks(paths, parts), count_functional=False)
    handles, depth = [], [0]
    for module in paths:
        handles.append(module.register_forward_pre_hook(lambda *_: depth.__setitem__(0, depth[0] + 1)))
        handles.append(module.register_forward_hook(lambda *_: depth.__setitem__(0, depth[0] - 1)))
    try:
        _run_ptflops(call, "aten", _operator_hooks(depth, parts))
    finally:
        for handle in handles:
            handle.remove()
    return {part: macs for part, macs in parts.items() if macs}


def label(path: str) -> str:
    """The name of a module among the parts."""
    return f"module {path or '(the whole)'}"


def _counted_by_size(root: nn.Module | None) -> dict[nn.Module, str]:
    """The modules counted from their sizes, and their paths. Exact types: a subclass may compute something else."""
    modules = root.named_modules() if root is not None else ()
    return {module: path for path, module in modules if type(module) in (*GATES, *BY_SIZE)}


def _module_hooks(paths: dict[nn.Module, str], parts: Counter[str]) -> dict[type[nn.Module], Callable[..., None]]:
    from ptflops.pytorch_ops import MODULES_MAPPING

    def by_size(module: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        before = module.__flops__
        MODULES_MAPPING[type(module)](module, inputs, output)
        bias = output.numel() if module.bias is not None else 0
        parts[label(paths[module])] += module.__flops__ - before - bias

    def by_hand(module: Any, inputs: tuple[Any, ...], output: Any) -> None:
        sequence = getattr(output[0], "data", output[0])  # packed sequences hold all steps of all videos in `data`
        steps = sequence.numel() // sequence.shape[-1]
        if module.proj_size:
            raise SaccadeError(f"{label(paths[module])}: the static counter has no formula for a projected LSTM")
        sizes = (module.input_size, module.hidden_size, steps, module.num_layers, module.bidirectional)
        parts[label(paths[module])] += recurrent_macs(GATES[type(module)], *sizes)

    return {**dict.fromkeys(BY_SIZE, by_size), **dict.fromkeys(GATES, by_hand)}


def _operator_hooks(depth: list[int], parts: Counter[str]) -> dict[Any, Callable[..., int]]:
    """Counts operators while no module that is counted by its size runs (depth 0)."""
    from ptflops.aten_ops import ATEN_OPS_MAPPING

    def hook(op: Any, macs: Callable[[Any, Any], int]) -> Callable[..., int]:
        def counted(inputs: Any, outputs: Any) -> int:
            found = 0 if depth[0] else int(macs(inputs, outputs))
            parts[str(op)] += found
            return found

        return counted

    def without_bias(position: int, formula: Callable[..., int]) -> Callable[[Any, Any], int]:
        return lambda inputs, outputs: formula([*inputs[:position], None, *inputs[position + 1 :]], outputs)

    def from_shapes(formula: Callable[..., int]) -> Callable[[Any, Any], int]:
        return lambda inputs, outputs: formula(*tree_map(_shape, inputs), out_shape=tree_map(_shape, outputs))

    hooks = {op: hook(op, from_shapes(formula)) for op, formula in {**FORMULAS, **STATIC_FORMULAS}.items()}
    hooks |= {op: hook(op, formula) for op, formula in ATEN_OPS_MAPPING.items()}
    hooks[aten.addmm] = hook(aten.addmm, without_bias(0, ATEN_OPS_MAPPING[aten.addmm]))
    hooks[aten.convolution] = hook(aten.convolution, without_bias(2, ATEN_OPS_MAPPING[aten.convolution]))
    return hooks


def _shape(value: Any) -> Any:
    return value.shape if isinstance(value, Tensor) else value


class _Call(nn.Module):
    """The call as a module without arguments, which is what ptflops can run. Remembers what went wrong, which ptflops
    only prints."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__()
        self.root = first_module(function, args, kwargs)
        self.call = lambda: function(*args, **kwargs)
        self.error: Exception | None = None
        self.modes = {module: module.training for module in self.modules()}

    def forward(self, _: Tensor) -> Tensor:
        for module, training in self.modes.items():
            module.training = training  # ptflops sets eval mode, which may change what is executed
        try:
            with decomposed_attention(), _Decomposed():
                self.call()
        except Exception as error:
            self.error = error
            raise
        return _


class _Decomposed(TorchDispatchMode):
    """Breaks composite operators up, as FlopCounterMode does by itself; else ptflops would miss them in inference
    mode."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        with self:
            result = func.decompose(*args, **kwargs)
        return func(*args, **kwargs) if result is NotImplemented else result


def _run_ptflops(call: _Call, backend: str, hooks: dict[Any, Any], **config: Any) -> None:
    from ptflops import get_model_complexity_info

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        get_model_complexity_info(
            call,
            (1,),
            print_per_layer_stat=False,
            as_strings=False,
            input_constructor=lambda _: torch.zeros(1),
            custom_modules_hooks=hooks,
            backend=backend,
            backend_specific_config=config,
        )
    for module in call.modules():
        for name in ("__flops__", "__params__"):  # ptflops leaves these behind and stumbles over them the next time
            module.__dict__.pop(name, None)
    if call.error is not None:
        raise call.error
