"""Runs the parts of any method's model by another runtime than PyTorch's layers. What the method decides between its
parts stays Python, and no method needs code of its own."""

import contextlib
import functools
import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from saccade.engine.device import precision
from saccade.records import RUNTIMES, SaccadeError, suggest
from saccade.timing.calls import Call, outermost_calls
from saccade.timing.exported import exported
from saccade.timing.optimise import CONVOLUTIONS
from saccade.timing.parts import Part, UnfitError, examples
from saccade.timing.sessions import OPEN, Run, compiled

PACKAGES = {"onnxruntime": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("onnx", "onnxscript", "openvino")}
# so many shapes of inputs are compiled for alone, which gives faster code; what comes then is compiled once for all
COMPILED_FOR_ONE = 2


def why_absent(runtime: str, device: torch.device) -> str | None:
    """Why the runtime can't be used here, and what would bring it; None where it can. Raises SaccadeError for a name
    that isn't in `RUNTIMES`."""
    if runtime not in RUNTIMES:
        raise SaccadeError(f"there is no runtime '{runtime}'" + suggest(runtime, RUNTIMES))
    if runtime == "bf16" and device.type == "cpu":
        return "bf16 runs on a GPU only"
    if runtime == "compile" and device.type == "cpu" and not shutil.which(cxx := _compiler()):
        return f"compile needs a C++ compiler; {cxx} isn't on the path: install it, or name another one in CXX"
    if runtime in PACKAGES and device.type != "cpu":
        return f"{runtime} runs on a CPU only"
    lacking = [package for package in PACKAGES.get(runtime, ()) if importlib.util.find_spec(package) is None]
    if lacking:
        how = f"python -m pip install -c constraints.txt -e '.[{runtime}]'"
        return f"{runtime} needs {', '.join(lacking)}; in the checkout, type {how}"
    return None


def _compiler() -> str:
    """The one that torch.compile takes."""
    return os.environ.get("CXX") or ("clang++" if sys.platform == "darwin" else "g++")


def need(runtime: str, device: torch.device) -> None:
    """Raises SaccadeError where the runtime can't be used here."""
    if why := why_absent(runtime, device):
        raise SaccadeError(why)


def use(model: nn.Module, runtime: str, run_example: Callable[[], object], code: str, folder: Path) -> list[str]:
    """Puts the model's parts, in place, into the runtime, and gives their paths; none for `eager` and `bf16`.

    A part is a module that is called outermost, with nothing but tensors, holds convolutions, and can be put into the
    runtime as a whole; where it can't, what it calls is tried in its place. `run_example()` runs one prediction with
    the model; asked again, for another one, it puts what that calls besides. `code`: the hash of the code that the
    model is made of; `folder`: where exported parts are kept from one time to the next. Raises SaccadeError where the
    runtime is absent here, where no part fits it, and where a part's outputs differ from PyTorch's.
    """
    need(runtime, next(model.parameters()).device)
    if runtime in ("eager", "bf16"):
        return []
    problems: list[str] = []

    def place(calls: Sequence[Call]) -> Iterator[str]:
        for call in calls:
            if _put(call, runtime, code, folder, problems):
                yield call.path
            elif _holds_convolutions(call.module):
                again = functools.partial(call.module, *call.args, **call.kwargs)
                yield from place(outermost_calls(model, again, below=call.path))

    with torch.inference_mode():
        parts = list(place(outermost_calls(model, run_example)))
    if not parts:
        why = problems[0] if problems else "no module with convolutions inside is called with nothing but tensors"
        raise SaccadeError(f"no part of the model can be put into {runtime}; {why}")
    return parts


@contextlib.contextmanager
def running(runtime: str, device: torch.device) -> Iterator[None]:
    """What a prediction by the runtime has to stand in: bfloat16 is a matter of each call, the others of the model."""
    with precision("bf16" if runtime == "bf16" else "off", device):
        yield


def _put(call: Call, runtime: str, code: str, folder: Path, problems: list[str]) -> bool:
    """Whether the module is in the runtime now; why not, if it was tried, is added to `problems`."""
    if isinstance(call.module.forward, Part):
        return True
    if not (_holds_convolutions(call.module) and call.only_tensors and call.on_its_own):
        return False
    for inner in call.module.modules():
        if isinstance(inner.forward, Part):  # of an earlier example, which called the inner one alone
            inner.forward.take_out()
    part = Part(call.module, call.path, runtime, _maker(call, runtime, code, folder))
    try:
        part.put_in(call.args)
    except UnfitError as error:
        problems.append(f"{call.path or 'as a whole'}: {error}")
        return False
    return True


def _holds_convolutions(module: nn.Module) -> bool:
    """Whether there are any inside. One alone is none: nothing could be gained by it."""
    return any(isinstance(inner, CONVOLUTIONS) for inner in module.modules() if inner is not module)


def _maker(
    call: Call, runtime: str, code: str, folder: Path
) -> Callable[[tuple[Any, ...], int], Iterator[Callable[[], Run]]]:
    """What `Part` makes its forms with."""

    def make(args: tuple[Any, ...], number: int) -> Iterator[Callable[[], Run]]:
        if runtime == "compile":
            yield functools.partial(compiled, call.module, args, only_these=number < COMPILED_FOR_ONE)
            return
        for example in examples(call.module, args):
            yield functools.partial(opened, example)

    def opened(example: tuple[Any, ...]) -> Run:
        return OPEN[runtime](exported(call.module, example, call.path, code, folder))

    return make
