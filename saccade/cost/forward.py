"""What a forward pass of a module costs for an input of a given shape: counted once on the meta device, then remembered
for as long as the module stays as it is."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from saccade.cost.count import count, counting_paused

# Attributes of modules that decide how often their weights are used.
GEOMETRY = ("training", "kernel_size", "stride", "padding", "dilation", "groups")

# Of each module, what forward_macs counted: shapes of the input -> the module's form then, and the MACs.
_REMEMBERED: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], tuple[list[Any], int]]] = WeakKeyDictionary()

_TRUSTED = [False]  # whether modules that were asked about before are taken for unchanged


@contextlib.contextmanager
def modules_stay() -> Iterator[None]:
    """Inside, no module changes, so what is remembered is believed without a look at the module: for the clock, which
    is to time a method and not its accounts, and where a finished model predicts."""
    before, _TRUSTED[0] = _TRUSTED[0], True
    try:
        yield
    finally:
        _TRUSTED[0] = before


def forward_macs(module: nn.Module, shape: Sequence[int] | Sequence[Sequence[int]]) -> int:
    """MACs of `module(x)` for one x of `shape` (without the batch dimension), counted on the meta device; remembered
    per module and shape for as long as the module stays as it is (`_form`).

    `shape` may be a tuple of shapes, for an x that is a tuple of tensors. It costs a forward pass in shapes only, so
    `predict` can say for every batch what a video costs that takes all steps. Weights of any type cost the same.
    """
    shapes = tuple(tuple(part) for part in shape if not isinstance(part, int))
    asked: tuple[Any, ...] = shapes or tuple(shape)
    remembered = _REMEMBERED.setdefault(module, {})
    known = remembered.get(asked)
    if known is not None and _TRUSTED[0]:
        return known[1]
    form = _form(module)
    if known is None or known[0] != form:
        videos = tuple(torch.empty((1, *part), device="meta") for part in shapes or (asked,))
        weights = {name: _shape_only(value) for name, value in (*module.named_parameters(), *module.named_buffers())}
        with torch.no_grad(), counting_paused():
            counted = count(torch.func.functional_call, module, weights, (videos if shapes else videos[0],))
        known = remembered[asked] = (form, counted.macs)
    return known[1]


def _form(module: nn.Module) -> list[Any]:
    """What decides a module's cost, read in a fraction of a millisecond: class, mode, geometry and shapes of every
    module inside. Looks into the modules' own dictionaries, since named_parameters() takes ten times as long."""
    form: list[Any] = []
    waiting: list[nn.Module | None] = [module]
    while waiting:
        one = waiting.pop()
        if one is None:
            continue
        inside = one.__dict__
        form.append((type(one), *map(inside.get, GEOMETRY)))
        form.extend([value.shape for value in inside["_parameters"].values() if value is not None])
        form.extend([value.shape for value in inside["_buffers"].values() if value is not None])
        waiting.extend(inside["_modules"].values())
    return form


def _shape_only(value: Tensor) -> Tensor:
    return torch.empty_like(value, device="meta", dtype=torch.float32 if value.is_floating_point() else value.dtype)
