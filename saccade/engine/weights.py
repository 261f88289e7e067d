"""What a phase leaves behind: a safetensors file with the tensors it trained, and a small JSON that vouches for it."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from saccade import products
from saccade.class_lists import how_they_differ
from saccade.files import sha256, write_atomic
from saccade.records import Head, SaccadeError


def covered(names: Iterable[str], globs: Sequence[str], key: str = "trains") -> list[str]:
    """The names of the model's tensors that the globs under the card's `key` cover. Raises SaccadeError for a glob that
    covers none."""
    names = list(names)
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            raise SaccadeError(
                f"{key}: '{glob}' covers nothing of the model, whose first names are {', '.join(names[:5])}"
            )
    return [name for name in names if any(fnmatchcase(name, glob) for glob in globs)]


def freeze_rest(model: nn.Module, globs: Sequence[str]) -> None:
    """Lets only the covered parameters require gradients."""
    trained = set(covered(model.state_dict(), globs))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in trained)


def settle_rest(model: nn.Module, globs: Sequence[str]) -> None:
    """Puts every module whose state the globs leave out into evaluation mode, so that its BN statistics stay."""
    trained = covered(model.state_dict(), globs)
    for name, module in model.named_modules():
        own = [f"{name}.{key}".lstrip(".") for key in (*module._parameters, *module._buffers)]
        if own and not set(own) & set(trained):
            module.eval()


def save(
    product: Path,
    model: nn.Module,
    globs: Sequence[str],
    facts: dict[str, Any],
    beside: Mapping[str, str] | None = None,
) -> None:
    """Writes `<phase>.safetensors` with the covered tensors, then `<phase>.json` with its sha256 and `facts`; it
    vouches for the tensors and what else is `beside` it (`products.write`)."""
    state = model.state_dict()
    tensors = {name: state[name].detach().cpu().contiguous().clone() for name in covered(state, globs)}
    file = product.with_suffix(".safetensors")
    write_atomic(file, lambda temporary: save_file(tensors, temporary))
    found = sha256(file)
    counted = {"sha256": found, "bytes": file.stat().st_size, "tensors": len(tensors)}
    products.write(product, counted | facts, {file.name: found, **(beside or {})})


def load(model: nn.Module, phases: Iterable[Path], *, whole: bool, heads: Sequence[Head] = ()) -> None:
    """Loads phases, named by their `<phase>.json`, in order. Every tensor must exist in the model with its shape; a
    buffer that was built empty takes any shape.

    With `whole`, every tensor of the model must come from some phase, so that nothing is left at its random start.
    Where `phases` is a mapping (`Task.loads`), it gives for each phase globs over the tensors that are left out; each
    of them must leave something out of some phase. A tensor that bears the name of one of the `heads` was trained for
    the same classes in the same order; published weights bring their own.
    Raises SaccadeError otherwise, and where a file isn't what was written.
    """
    state, loaded, offered = model.state_dict(), set(), set()
    drops: Mapping[Path, Sequence[str]] = phases if isinstance(phases, Mapping) else {}
    for product in phases:
        tensors = load_file(products.whole(product.with_suffix(".safetensors")))
        if globs := drops.get(product, ()):
            offered |= set(tensors)
            tensors = {k: v for k, v in tensors.items() if not any(fnmatchcase(k, glob) for glob in globs)}
        _need_same_classes(product, tensors, heads)
        empty = built_empty(model)
        for name, tensor in tensors.items():
            if name not in state or (state[name].shape != tensor.shape and name not in empty):
                here = tuple(state[name].shape) if name in state else "absent"
                raise SaccadeError(
                    f"{product}: {name} is {tuple(tensor.shape)} in the file but {here} in the model; train that phase "
                    "again"
                )
        put(model, tensors)
        loaded |= set(tensors)
    covered(sorted(offered), sorted({glob for globs in drops.values() for glob in globs}), "drops")
    missing = sorted(set(state) - loaded)
    if whole and missing:
        raise SaccadeError(
            f"no phase gives {', '.join(missing[:5])}{' ...' if len(missing) > 5 else ''}; check `trains` in the "
            "method's card"
        )


def _need_same_classes(product: Path, names: Iterable[str], heads: Sequence[Head]) -> None:
    """Raises SaccadeError where the phase was trained for other classes of a head than the run has, and one of its
    tensors is that head's: it would fit wherever there are as many, and answer wrongly."""
    trained_for = products.read(product).get("classes", {})
    for head in heads:
        own = next((name for name in names if head.name in name.split(".")), "")
        how = how_they_differ("this run", head.classes, "that phase", trained_for.get(head.name, head.classes))
        if own and how and not head.of_weights:
            raise SaccadeError(
                f"{product}: {own} was trained for other classes of '{head.name}', or in another order: {how}; train "
                "that phase again, or name it in the `drops` of what needs it"
            )


def built_empty(model: nn.Module) -> set[str]:
    """The names of the buffers that were built empty, because only their phase knows the size. Example: the sorted
    scores of a calibration."""
    return {name for name, buffer in model.named_buffers() if buffer.numel() == 0}


def put(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Puts tensors into the model. Buffers that were built empty take the tensors' size."""
    for name in built_empty(model) & set(tensors):
        owner, _, leaf = name.rpartition(".")
        buffer = model.get_buffer(name)
        setattr(model.get_submodule(owner), leaf, buffer.new_empty(tensors[name].shape))
    model.load_state_dict(tensors, strict=False)
