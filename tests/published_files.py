"""Checkpoints as authors publish them, with random weights. How its authors name things each method's
tests/as_published.py says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from conftest import ROOT
from torch import Tensor, nn

from saccade.cards.method import load_method
from saccade.project import load_module, names

VARIANTS = [
    (method, variant)
    for method in names(ROOT, "methods")
    for variant, entry in load_method(ROOT, method).variants.items()
    if entry.released
]


def as_published(method: str) -> Any:
    """The method's tests/as_published.py: `classes(variant)`, how many the authors' weights tell apart, {head: number}
    where they have several; `layout(variant, classes)`, what their code gives torch.save; SMALL, settings for a quick
    run. Where some tensors of ours aren't theirs but reckoned from them, COMPUTED: {variant: globs over ours}; where
    variants differ in widths alone and not all need to go through the command line, TAKEN: those that do."""
    return load_module(ROOT / "methods" / method / "tests/as_published.py")


def layout(method: str, variant: str, classes: int | dict[str, int] = 0) -> dict[str, Any]:
    """What the authors' code gives torch.save, its tensors without contents (on the device meta); with as many classes
    as theirs or as asked for."""
    module = as_published(method)
    with torch.device("meta"):
        return module.layout(variant, classes or module.classes(variant))


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """(name, tensor) for each tensor in it, its place in dicts and lists joined by dots."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from flat(inner, f"{name}.{key}" if name else str(key))


def filled(value: Any, seed: int = 0) -> Any:
    """The same with random weights, such that features keep their size; a tensor that is there twice stays one."""
    generator, made = torch.Generator().manual_seed(seed), {}

    def fill(value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return {key: fill(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner, name) for inner in value]
        if isinstance(value, Tensor) and id(value) not in made:
            made[id(value)] = _random(value, name, generator)
        return made[id(value)] if isinstance(value, Tensor) else value

    return fill(value, "")


def _random(tensor: Tensor, name: str, generator: torch.Generator) -> Tensor:
    if not tensor.is_floating_point():
        return torch.full(tensor.shape, 7, dtype=tensor.dtype)
    made = torch.empty(tensor.shape, dtype=tensor.dtype)
    if tensor.ndim > 1:
        bound = (6 / tensor[0].numel()) ** 0.5
        return made.uniform_(-bound, bound, generator=generator)
    positive = name.endswith(("weight", "running_var"))  # of a normalisation
    return made.uniform_(0.5 if positive else -0.1, 1.0 if positive else 0.1, generator=generator)


def save(content: dict[str, Any], file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, file)
    return file


def state(prefix: str, network: nn.Module) -> dict[str, Tensor]:
    """A network's state with a prefix before each name."""
    return {f"{prefix}{name}": tensor for name, tensor in network.state_dict().items()}
