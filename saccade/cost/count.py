"""How many multiply-adds (MACs) one call executes: torch's FlopCounterMode, with `formulas` where it is blind.

The rule: one multiply-add counts 1; counted are convolutions, linear layers and every other matrix product (einsum,
attention, recurrent gates). Not counted: bias terms, normalisation, activations, pooling, resampling, softmax,
element-wise arithmetic, distances, FFTs. Counts are exact integers over everything executed: all items of the batch,
and masked or discarded work at its full price. On the meta device nothing is computed and nothing needs memory.
`second_counter` holds a second counter against this one.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils.flop_counter import FlopCounterMode

from saccade.cost.formulas import FORMULAS
from saccade.records import SaccadeError

if TYPE_CHECKING:
    import pandas as pd

aten = torch.ops.aten
# operators of these count as element-wise where there is no formula
PYTORCHS_OWN = {"aten", "prim", "prims", "profiler"}

# Operators that give back what they were given, changed, and those that give back a new tensor like it.
IN_PLACE = (aten.relu_.default, aten.hardtanh_.default, aten.silu_.default, aten.hardswish_.default)
ACTIVATIONS = (*IN_PLACE, aten.relu.default, aten.hardtanh.default, aten.silu.default, aten.sigmoid.default)


@dataclass(frozen=True)
class Count:
    """MACs executed by one call, and what it gave back.

    operators: {operator: MACs}; modules: {path: {operator: MACs}} with everything executed inside that module, for
    every module that ran, by its path in the first nn.Module among the function and its arguments ('' is that module
    itself); types, calls: per path.
    """

    macs: int
    operators: dict[str, int]
    modules: dict[str, dict[str, int]]
    types: dict[str, str]
    calls: dict[str, int]
    result: Any


def count(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Count:
    """Call `function(*args, **kwargs)` once and count what it executes. Raises SaccadeError for a custom operator
    without formula."""
    flops = {
        op: (lambda *shapes, formula=formula, **others: 2 * formula(*shapes, **others))
        for op, formula in FORMULAS.items()
    }
    counter = FlopCounterMode(display=False, custom_mapping=flops)
    watch = _CustomOperators(counter.flop_registry)
    root = first_module(function, args, kwargs)
    spans = _Spans(counter)
    with decomposed_attention(), spans.hooked(root), watch, counter, _ShapesAtOnce():
        result = function(*args, **kwargs)
    if watch.unknown:
        names = ", ".join(sorted(watch.unknown))
        raise SaccadeError(
            f"no formula says what {names} costs; give one with "
            "saccade.cost.formulas.register(torch.ops.<library>.<name>, formula)"
        )
    operators = spans.macs_so_far()
    modules = {path: {op: macs for op, macs in inside.items() if macs} for path, inside in spans.inside.items()}
    types = {path: type(root.get_submodule(path)).__name__ for path in modules} if root is not None else {}
    return Count(sum(operators.values()), dict(operators), modules, types, dict(spans.calls), result)


@contextlib.contextmanager
def counting_paused() -> Iterator[None]:
    """What runs inside belongs to no count that is under way: asking what something would cost isn't doing it."""
    before = _Spans.asleep
    _Spans.asleep = True
    try:
        with _disable_current_modes():
            yield
    finally:
        _Spans.asleep = before


def module_table(counted: Count) -> "pd.DataFrame":
    """One row per module that ran: name (path), type, macs (with its children), share of all, calls; in the order they
    first started."""
    import pandas as pd

    rows = [
        (
            path,
            counted.types[path],
            sum(inside.values()),
            sum(inside.values()) / max(counted.macs, 1),
            counted.calls[path],
        )
        for path, inside in counted.modules.items()
    ]
    return pd.DataFrame(rows, columns=["name", "type", "macs", "share", "calls"])


class _CustomOperators(TorchDispatchMode):
    """Collects the executed operators that aren't PyTorch's and have no formula: an unknown cost, which is not the same
    as none."""

    supports_higher_order_operators = True

    def __init__(self, known: Mapping[Any, Any]) -> None:
        super().__init__()
        self.known = known
        self.unknown: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        packet = getattr(func, "overloadpacket", func)
        if func.namespace not in PYTORCHS_OWN and packet not in self.known:
            self.unknown.add(str(packet))
        return func(*args, **(kwargs or {}))


class _ShapesAtOnce(TorchDispatchMode):
    """Gives the results of normalisations and activations on the meta device at once. They cost nothing by the rule,
    yet PyTorch works out their shapes in Python, which takes most of the time of counting a network."""

    supports_higher_order_operators = True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in ACTIVATIONS and args[0].is_meta:
            return args[0] if func in IN_PLACE else torch.empty_like(args[0])
        if func is aten.native_batch_norm.default and args[0].is_meta and not args[5]:  # args[5]: in training
            x, channels = args[0], args[0].shape[1]
            return torch.empty_like(x), x.new_empty(channels), x.new_empty(channels)
        return func(*args, **(kwargs or {}))


class _Spans:
    """What was executed between a module's start and its end. By module object, where FlopCounterMode goes by class
    name at the root."""

    asleep = False

    def __init__(self, counter: FlopCounterMode) -> None:
        self.counter = counter
        self.inside: dict[str, Counter[str]] = {}
        self.calls: Counter[str] = Counter()
        self.started: list[Counter[str]] = []

    def macs_so_far(self) -> Counter[str]:
        return Counter({str(op): flops // 2 for op, flops in self.counter.flop_counts["Global"].items() if flops})

    @contextlib.contextmanager
    def hooked(self, root: nn.Module | None) -> Iterator[None]:
        handles = []
        for path, module in root.named_modules() if root is not None else ():
            handles.append(module.register_forward_pre_hook(lambda module, inputs, path=path: self._start(path)))
            handles.append(module.register_forward_hook(lambda module, inputs, output, path=path: self._end(path)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _start(self, path: str) -> None:
        if self.asleep:
            return
        self.inside.setdefault(path, Counter())
        self.started.append(self.macs_so_far())

    def _end(self, path: str) -> None:
        if self.asleep:
            return
        self.inside[path] += self.macs_so_far() - self.started.pop()
        self.calls[path] += 1


@contextlib.contextmanager
def decomposed_attention() -> Iterator[None]:
    """Without PyTorch's fused inference path of attention modules, which hides the same products from every counter."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def first_module(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> nn.Module | None:
    candidates = (function, getattr(function, "__self__", None), *args, *kwargs.values())
    return next((candidate for candidate in candidates if isinstance(candidate, nn.Module)), None)
