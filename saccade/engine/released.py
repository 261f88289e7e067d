"""Weights that others published. They are read without running any code of theirs, renamed by the method, and must fit
exactly."""

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from saccade import files
from saccade.engine import published_file, weights
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
    shape, in floating point of any width. A published tensor that it neither gives back nor takes (`pop`) out of its
    argument must be covered by `drops`. Raises SaccadeError otherwise, or where the file's sha256 is another one, and
    says so where what doesn't fit is the number of classes of one of the `heads`.
    """
    found = files.sha256(file)
    if sha256 and found != sha256:
        raise SaccadeError(
            f"{file} has the sha256 {found}, but the card expects {sha256}; get the file that the card names"
        )
    published = published_file.read(file)
    shapes = {name: tuple(tensor.shape) for name, tensor in published.items()}
    ours = rename(published)
    _check_fit(model, weights.covered(model.state_dict(), trains), ours, file, list(shapes), heads)
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


def unwrapped(name: str) -> str:
    """A published name without the `module.` that DataParallel puts before a network's."""
    return re.sub(r"(?:^|(?<=\.))module\.", "", name)


def with_batch_counts(renamed: Tensors) -> Tensors:
    """The tensors, with 0 for each normalisation's `num_batches_tracked` that is missing. Files of an old PyTorch lack
    these counts, and nothing reads them here."""
    norms = {
        name.removesuffix(".running_var"): tensor for name, tensor in renamed.items() if name.endswith(".running_var")
    }
    return {
        f"{name}.num_batches_tracked": tensor.new_zeros((), dtype=torch.int64) for name, tensor in norms.items()
    } | renamed


def _check_fit(
    model: nn.Module,
    expected: Sequence[str],
    ours: Tensors,
    file: Path,
    published: Sequence[str],
    heads: Sequence[Head],
) -> None:
    """Raises SaccadeError unless `ours` holds exactly the expected tensors, each of its shape in the model. `published`
    are the names in the file."""
    state, empty = model.state_dict(), weights.built_empty(model)
    if missing := sorted(set(expected) - set(ours)):
        raise SaccadeError(
            f"{file}: import_released gives nothing for {first_few(missing)}, which the phase's `trains` covers; the "
            f"file's names are {first_few(published)}. If it is another network's, get the file that the card names"
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
        if kind := _other_kind(ours[name], state[name]):
            raise SaccadeError(
                f"{file}: {name} is {kind} there, but the model needs plain numbers in floating point; save the "
                "weights as they were before that"
            )


def _other_kind(theirs: Tensor, ours: Tensor) -> str:
    """What a published tensor is that can't become ours by rounding: quantised, sparse, without values; '' where it
    can."""
    if theirs.is_meta:
        return "without values"
    if theirs.layout is not torch.strided:
        return str(theirs.layout).removeprefix("torch.")
    return str(theirs.dtype).removeprefix("torch.") * (ours.is_floating_point() and not theirs.is_floating_point())


def _check_classes(name: str, there: tuple[int, ...], here: tuple[int, ...], file: Path, heads: Sequence[Head]) -> None:
    """Raises SaccadeError where the tensor is a head's classifier that tells another number of classes apart."""
    for head in heads:
        if head.name in name.split(".") and here[:1] == (head.num_classes,) and here[1:] == there[1:]:
            if head.of_weights:
                raise SaccadeError(
                    f"{file}: its classifier tells {there[0]} classes apart, but the card's `num_classes` of it is "
                    f"{head.num_classes}; get the file that the card names, or say so there"
                )
            raise SaccadeError(
                f"{file}: its classifier tells {there[0]} classes apart, but the dataset's head '{head.name}' has "
                f"{head.num_classes}; the weights fit only the classes that they were trained on, in the same order"
            )
