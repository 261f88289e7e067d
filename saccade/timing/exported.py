"""Modules as ONNX files, kept by the hash of what they were made of: code, weights, geometry, shapes, versions."""

import contextlib
import copy
import hashlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map

from saccade import products
from saccade.project import version_of
from saccade.records import canonical

PLAIN = (int, float, str, bool, tuple, type(None))  # attributes of modules that may decide what they compute


def exported(module: nn.Module, args: Sequence[Any], path: str, code: str, folder: Path) -> Path:
    """The ONNX file of the module called with `args` (tensors, and tuples of them), made where it isn't there whole.

    Dimensions before the last two may have other sizes than in `args` where the module's code allows it. Whoever opens
    the file compares its answers with the module's own: the sizes at which Python took another branch can't be read
    from it.
    """
    shapes = [list(tensor.shape) for tensor in tree_flatten(tuple(args))[0]]
    versions = {package: version_of(package) for package in ("torch", "onnx", "onnxscript")}
    made_of = {"code": code, "path": path, "shapes": shapes, "module": fingerprint(module), "versions": versions}
    file = folder / f"{hashlib.sha256(canonical(made_of).encode()).hexdigest()[:32]}.onnx"
    if not products.is_whole(file):
        products.write_file(file, lambda temporary: _export(module, tuple(args), temporary), made_of)
    return file


def fingerprint(module: nn.Module) -> str:
    """A hash of all that the module is: classes, plain attributes, weights and buffers."""
    digest = hashlib.sha256()
    for name, part in module.named_modules():
        plain = {key: value for key, value in sorted(vars(part).items()) if isinstance(value, PLAIN)}
        digest.update(f"{name} {type(part).__module__}.{type(part).__qualname__} {plain}\n".encode())
    for name, value in (*module.named_parameters(), *module.named_buffers()):  # state_dict() may leave buffers out
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _export(module: nn.Module, args: tuple[Any, ...], file: Path) -> None:
    from onnx_ir import Shape

    with torch.inference_mode(False), torch.no_grad(), _quiet(), _readable_precision():
        module, args = (
            copy.deepcopy(module),
            tree_map(torch.clone, args),
        )  # tracing runs the code, which may leave symbols
        program = torch.export.export(module, args, dynamic_shapes=tree_map(_dynamic, args), strict=False)
        made = torch.onnx.export(program, dynamo=True, verbose=False)
    assert made is not None
    inputs = [node for node in program.graph.nodes if node.name in program.graph_signature.user_inputs]
    for value, node in zip(
        made.model.graph.inputs, inputs, strict=True
    ):  # sizes that turned out to be fixed aren't said
        value.shape = Shape([size if isinstance(size, int) else str(size) for size in node.meta["val"].shape])
    made.save(file, external_data=False)


def _dynamic(tensor: Tensor) -> dict[int, Any]:
    return dict.fromkeys(range(max(tensor.ndim - 2, 1)), torch.export.Dim.AUTO)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what PyTorch says of its own internals while it exports."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _readable_precision() -> Iterator[None]:
    """torch.export asks for cuDNN's TF32 by its old name, which is an error once it was set by the new ones, as
    `seed_everything` does."""
    kinds = [torch.backends.cudnn.conv, torch.backends.cudnn.rnn]  # type: ignore[attr-defined]
    before = [kind.fp32_precision for kind in kinds]
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        for kind, precision in zip(kinds, before, strict=True):
            kind.fp32_precision = precision
