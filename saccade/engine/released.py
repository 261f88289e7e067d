"""Weights that others published. They are read without running any code of theirs, renamed by the method, and must fit
exactly."""

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from saccade import files
from saccade.engine import weights
from saccade.records import Head, SaccadeError, first_few

Tensors = dict[str, Tensor]


def load(
    model: nn.Module,
    file: Path,
    rename: Callable[[Tensors], Tensors],
    trains: Sequence[str],
    drops: Sequence[str],
    sha256: str = "",
    heads: Sequence[Head] = (),
) -> dict[str, Any]:
    """Puts a published file's tensors into the model. Gives back the file's name, its sha256 and the published tensors
    that were left out.

    `rename({published name: tensor})` gives {our name: tensor}: exactly the tensors that `trains` covers, each with its
    shape. A published tensor that it neither gives back nor takes (`pop`) out of its argument must be covered by
    `drops`. Raises SaccadeError otherwise, or where the file's sha256 is another one, and says so where what doesn't
    fit is the number of classes of one of the `heads`.
    """
    found = files.sha256(file)
    if sha256 and found != sha256:
        raise SaccadeError(
            f"{file} has the sha256 {found}, but the card expects {sha256}; get the file that the card names"
        )
    published = read(file)
    shapes = {name: tuple(tensor.shape) for name, tensor in published.items()}
    ours = rename(published)
    _check_fit(model, weights.covered(model.state_dict(), trains), ours, file, heads)
    left = sorted(name for name, tensor in published.items() if not any(tensor is other for other in ours.values()))
    if unsaid := [name for name in left if not any(fnmatchcase(name, glob) for glob in drops)]:
        raise SaccadeError(
            f"{file}: import_released uses {len(shapes) - len(left)} of {len(shapes)} tensors and leaves "
            f"{first_few(unsaid)}; map them, or name them in `released: "
            "{drops: [...]}` of the variant"
        )
    weights.put(model, ours)
    return {"file": file.name, "sha256": found, "dropped": {name: list(shapes[name]) for name in left}}


def only_head(heads: Sequence[Head]) -> str:
    """The name of the run's one head, which a published file's one classifier becomes.

    Raises SaccadeError where the run has several.
    """
    if len(heads) != 1:
        named = ", ".join(head.name for head in heads)
        raise SaccadeError(
            f"published weights have one classifier, but the run has the heads {named}; name one of them in the card, "
            f"as `heads: [{heads[0].name}]`"
        )
    return heads[0].name


def with_batch_counts(renamed: Tensors) -> Tensors:
    """The tensors, with 0 for each normalisation's `num_batches_tracked` that is missing. Files of an old PyTorch lack
    these counts, and nothing reads them here."""
    norms = {
        name.removesuffix(".running_var"): tensor for name, tensor in renamed.items() if name.endswith(".running_var")
    }
    return {
        f"{name}.num_batches_tracked": tensor.new_zeros((), dtype=torch.int64) for name, tensor in norms.items()
    } | renamed


def read(file: Path) -> Tensors:
    """{name: tensor} of a safetensors file or a torch file. The names of nested dicts and lists are joined by dots;
    what isn't a tensor is left out."""
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        return dict(_flat(torch.load(file, map_location="cpu", weights_only=True), ""))
    except OSError:
        raise
    except Exception as error:  # a damaged pickle may fail with any exception
        reasons = [type(error).__name__, *str(error).splitlines()[:1]]
        raise SaccadeError(
            f"{file} can't be read ({': '.join(reasons)}). If it is incomplete, get it again. Only tensors are read "
            "(safetensors, or a torch file with weights_only=True), since anything else may run code that came with "
            "it; save its tensors alone where you trust it"
        ) from None


def _flat(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value.detach()
    elif isinstance(value, dict | list | tuple):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(inner, f"{name}.{key}" if name else str(key))


def _check_fit(model: nn.Module, expected: Sequence[str], ours: Tensors, file: Path, heads: Sequence[Head]) -> None:
    """Raises SaccadeError unless `ours` holds exactly the expected tensors, each of its shape in the model."""
    state, empty = model.state_dict(), weights.built_empty(model)
    if missing := sorted(set(expected) - set(ours)):
        raise SaccadeError(
            f"{file}: import_released gives nothing for {first_few(missing)}, which the phase's `trains` covers"
        )
    if unknown := sorted(set(ours) - set(expected)):
        raise SaccadeError(
            f"{file}: import_released gives {first_few(unknown)}, which the phase's `trains` doesn't cover"
        )
    for name in expected:
        if state[name].shape != ours[name].shape and name not in empty:
            here = tuple(state[name].shape)
            _check_classes(name, tuple(ours[name].shape), here, file, heads)
            raise SaccadeError(
                f"{file}: {name} is {tuple(ours[name].shape)} there but {here} in the model; check the variant's "
                "settings"
            )


def _check_classes(name: str, there: tuple[int, ...], here: tuple[int, ...], file: Path, heads: Sequence[Head]) -> None:
    """Raises SaccadeError where the tensor is a head's classifier that tells another number of classes apart."""
    for head in heads:
        if head.name in name.split(".") and here[:1] == (head.num_classes,) and here[1:] == there[1:]:
            raise SaccadeError(
                f"{file}: its classifier tells {there[0]} classes apart, but the dataset's head '{head.name}' has "
                f"{head.num_classes}; the weights fit only the classes that they were trained on, in the same order"
            )
