"""Runs the traceable parts of any method's model by another runtime than PyTorch's own. What the method decides between
its parts stays Python."""

import contextlib
import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from saccade.engine.device import precision
from saccade.records import RUNTIMES, SaccadeError, suggest

PACKAGES = {"onnxruntime": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("onnx", "onnxscript", "openvino")}


def why_absent(runtime: str, device: torch.device) -> str | None:
    """Why the runtime can't be used here, and what would bring it; None where it can. Raises SaccadeError for a name
    that isn't in `RUNTIMES`."""
    if runtime not in RUNTIMES:
        raise SaccadeError(f"there is no runtime '{runtime}'" + suggest(runtime, RUNTIMES))
    if runtime == "bf16" and device.type == "cpu":
        return "bf16 runs on a GPU only"
    if runtime == "compile" and device.type == "cpu" and not shutil.which("c++"):
        return "compile needs a C++ compiler (c++); install one, for example g++"
    if runtime in PACKAGES and device.type != "cpu":
        return f"{runtime} runs on a CPU only"
    lacking = [package for package in PACKAGES.get(runtime, ()) if importlib.util.find_spec(package) is None]
    if lacking:
        how = f"python -m pip install -c constraints.txt -e '.[{runtime}]'"
        return f"{runtime} needs {', '.join(lacking)}; in the checkout, type {how}"
    return None


def use(model: nn.Module, runtime: str, run_example: Callable[[], object], code: str, folder: Path) -> list[str]:
    """Puts the model's parts, in place, into the runtime, and gives their paths; none for `eager` and `bf16`.

    `run_example()` runs one prediction with the model. Call it after `optimise`. `code`: the hash of the code that
    the model is made of; `folder`: where exported parts are kept from one time to the next. Raises SaccadeError where
    the runtime is absent here and where a part's outputs differ from PyTorch's.
    """
    if why := why_absent(runtime, next(model.parameters()).device):
        raise SaccadeError(why)
    if runtime in ("eager", "bf16"):
        return []
    raise SaccadeError(f"{runtime} isn't built yet")


@contextlib.contextmanager
def running(runtime: str, device: torch.device) -> Iterator[None]:
    """What a prediction by the runtime has to stand in: bfloat16 is a matter of each call, the others of the model."""
    with precision("bf16" if runtime == "bf16" else "off", device):
        yield
