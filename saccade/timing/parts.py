"""A module of a model that another runtime computes in PyTorch's place. Its name, weights and hooks stay."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import TreeSpec, tree_flatten, tree_map, tree_unflatten

from saccade.records import SaccadeError, first_line
from saccade.timing.sessions import Run

CLOSE = 1e-4  # how far an output may be from PyTorch's, as a share of its largest magnitude
FORMS = 16  # as many may be made of one module, for shapes at which its code takes different branches
WIDE = (2, 4, 4)  # sizes to export with of the first, second and third dimension, where they are free


class UnfitError(Exception):
    """The module can't be put into the runtime as a whole."""


@dataclass
class Part:
    """Takes the place of the module's `forward`. `make(args, number)` gives ways to make a form of it for such inputs,
    the most general first; `number`: how many forms there are.

    The first answer to inputs of new shapes is compared with PyTorch's, so that a form is never asked for what it can't
    say.
    """

    module: nn.Module
    path: str
    runtime: str
    make: Callable[[tuple[Any, ...], int], Iterator[Callable[[], Run]]]
    forms: list[Run] = field(default_factory=list)
    known: dict[Any, tuple[Run, TreeSpec]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.eager = self.module.forward
        self.name = self.path or "the model"

    def put_in(self, args: tuple[Any, ...]) -> None:
        """From now on the runtime computes the module, which is first tried with these inputs."""
        tensors, structure = tree_flatten(args)
        self.known[kind_of(tensors, structure)] = self.learn(args, tensors)
        self.module.forward = self

    def take_out(self) -> None:
        self.module.forward = self.eager

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, the module computes by itself."""
        standing = self.module.forward
        self.module.forward = self.eager
        try:
            yield
        finally:
            self.module.forward = standing

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        tensors, structure = tree_flatten(args)
        # what was no part of the example, nothing at all, and what it would cost, asked without computing
        if kwargs or not all(isinstance(one, Tensor) and one.numel() and not one.is_meta for one in tensors):
            return self.eager(*args, **kwargs)
        kind = kind_of(tensors, structure)
        if kind not in self.known:
            try:
                with self.aside():
                    self.known[kind] = self.learn(args, tensors)
            except UnfitError as error:
                sizes = ", ".join(" x ".join(map(str, tensor.shape)) for tensor in tensors)
                raise SaccadeError(f"{self.name} can't take {sizes} in {self.runtime}: {error}") from None
        form, spec = self.known[kind]
        return tree_unflatten(form(tensors), spec)

    def learn(self, args: tuple[Any, ...], tensors: Sequence[Tensor]) -> tuple[Run, TreeSpec]:
        """The form for such inputs, made if none that is there fits, and how its outputs are packed. Raises UnfitError
        where none can be made, SaccadeError where it gives something else than PyTorch."""
        expected, spec = tree_flatten(self.eager(*tree_map(torch.clone, args)))
        for form in self.forms:
            if _distance(form, tensors, expected)[0] <= CLOSE:
                return form, spec
        if len(self.forms) == FORMS:
            raise SaccadeError(f"{self.name} takes more than {FORMS} forms in {self.runtime}; leave it in eager")
        differs, why = None, ""
        for made in self.make(args, len(self.forms)):
            try:
                form = made()
            except SaccadeError:  # of the folder
                raise
            except Exception as error:  # whatever exporters and runtimes raise for what they can't express
                why = _told(error)
                continue
            differs, why = _distance(form, tensors, expected)
            if differs <= CLOSE:
                self.forms.append(form)
                return form, spec
        if differs is None or differs == math.inf:
            raise UnfitError(why)
        raise SaccadeError(
            f"{self.name} isn't the same in {self.runtime}: its outputs differ from PyTorch's by {differs:.2g} of "
            f"their largest, more than {CLOSE:g}; leave it in eager"
        )


def kind_of(tensors: Sequence[Tensor], structure: TreeSpec) -> tuple[Any, ...]:
    return structure, *((tensor.shape, tensor.dtype) for tensor in tensors)


def examples(call: Callable[..., Any], args: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Inputs to export the module with, those that leave most sizes open first: a dimension of size 1 would be taken
    for fixed. A dimension is free where the module can be called with another size of it."""
    found = [args]
    for dimension, size in enumerate(WIDE):
        try:
            wider = tree_map(lambda tensor, d=dimension, s=size: _resized(tensor, d, s), found[-1])
            call(*tree_map(torch.clone, wider))
        except Exception:  # whatever the module's code raises: its channels, for one, are as many as they are
            continue
        found.append(wider)
    yield from reversed(found)


def _resized(tensor: Tensor, dimension: int, size: int) -> Tensor:
    if dimension >= max(tensor.ndim - 2, 1):
        return tensor
    return tensor.index_select(dimension, torch.arange(size, device=tensor.device) % tensor.shape[dimension])


def _distance(form: Run, tensors: Sequence[Tensor], expected: Sequence[Tensor]) -> tuple[float, str]:
    """How far the form's outputs are from the expected ones, as a share of their largest magnitude; infinite where it
    can't take such inputs, or its outputs have another shape or hold no numbers, and then why."""
    try:
        found = form(tensors)
    except Exception as error:  # the runtimes have errors of their own for shapes that don't fit
        return math.inf, _told(error)
    if [value.shape for value in found] != [value.shape for value in expected]:
        return math.inf, "its outputs have other shapes than PyTorch's"
    shares = [
        float((one - other).abs().max() / other.abs().max().clamp(min=torch.finfo(other.dtype).tiny))
        for one, other in zip(found, expected, strict=True)
        if other.numel()
    ]
    if any(map(math.isnan, shares)):
        return math.inf, "its outputs or PyTorch's are no numbers"
    return max(shares, default=0.0), ""


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"
