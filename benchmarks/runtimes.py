"""How fast static networks run in each runtime, beside what PyTorch's layers make of them, as ratios in one run.

    python -m benchmarks.runtimes [--network x3d-s resnet50 mobilenet_v2 slowfast-4x16-r50] [--batch 1 16]
    [--runtime eager onnxruntime openvino compile] [--rounds 10] [--clock processor|elapsed] [--layers] [--quick]

Random weights, random input of the network's usual size. The forms take turns call by call. `before` is what eager was
until convolutions were packed: normalisations folded, channels-last memory, new tensors filled with nan, freed memory
given back to the system. `folded` is the same model as the process is now. The last form stands there twice (A/A).
With --layers only convolutions like X3D-S's, alone and at batch 1: PyTorch's own, packed, and what else was tried.
"""

import argparse
import copy
import ctypes
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from saccade.engine.device import LAYOUTS, keep_memory
from saccade.nn.backbones import BUILDERS, backbone
from saccade.project import load_module
from saccade.records import EAGER
from saccade.timing import machine, optimise, runtimes
from saccade.timing.packed import Packed
from saccade.timing.side import PLAIN_MEMORY

ROOT = Path(__file__).parents[1]
CLIPS = {"x3d-s": (13, 160), "x3d-m": (16, 224), "slowfast-4x16-r50": (32, 224)}  # frames, height and width
OTHERS = (16, 112)
# Of glibc's mallopt: what a program ends up with that often fetches maps of some MB.
GLIBCS_OWN = {"M_TRIM_THRESHOLD": (-1, 2**26), "M_MMAP_THRESHOLD": (-3, 2**25), "M_MMAP_MAX": (-4, 2**16)}


class Video(nn.Module):
    """A network of ATFR's in one piece, without classifier."""

    def __init__(self, name: str) -> None:
        super().__init__()
        build_network = load_module(ROOT / "methods/atfr/networks/backbones.py").build_network
        self.early, self.late = build_network(name, "res2")

    def forward(self, rgb: Tensor) -> Tensor:
        return self.late(self.early(rgb))


def network_and_input(name: str, batch: int) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    if name in BUILDERS:
        return backbone(name)[0].eval(), torch.randn(batch, 3, 224, 224)
    frames, size = CLIPS.get(name, OTHERS)
    return Video(name).eval(), torch.randn(batch, 3, frames, size, size)


def forms(plain: nn.Module, x: Tensor, asked: list[str], folder: Path) -> dict[str, Callable[[], Tensor]]:
    """Each form's call on `x`; those that can't be used here are told and left out."""
    laid_out = x.contiguous(memory_format=LAYOUTS[x.ndim])
    found: dict[str, Callable[[], Tensor]] = {}
    for name in ("folded", *asked):
        model, given = copy.deepcopy(plain), x if name in PLAIN_MEMORY else laid_out
        optimise.optimise(model, packed=name == EAGER)
        if name == "folded":
            found["before"] = lambda m=model, g=given: as_before(m, g)  # type: ignore[misc]
        elif name != EAGER:
            if why := runtimes.why_absent(name, x.device):
                print(f"not timed: {why}")
                continue
            runtimes.use(model, name, lambda m=model, g=given: m(g), "benchmarks", folder)  # type: ignore[misc]
        found[name] = lambda m=model, g=given: m(g)  # type: ignore[misc]
    return found | {"again": found[next(reversed(found))]}


def as_before(model: nn.Module, x: Tensor) -> Tensor:
    """The model's answer in a process as it was."""
    filling = torch.utils.deterministic
    memory = ctypes.CDLL(None)
    torch.use_deterministic_algorithms(True)
    filling.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    for option, value in GLIBCS_OWN.values():
        memory.mallopt(option, value)
    try:
        return model(x)
    finally:
        filling.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        torch.use_deterministic_algorithms(False)
        keep_memory()


@torch.inference_mode()
def compare(name: str, batch: int, asked: list[str], rounds: int, clock: Callable[[], float], folder: Path) -> None:
    """Prints a row: milliseconds per item in each form, how much faster each is than what was before, and the largest
    difference from the plain network's output."""
    plain, x = network_and_input(name, batch)
    calls, expected = forms(plain, x, asked, folder), plain(x)
    off = max(float((call() - expected).abs().max() / expected.abs().max()) for call in calls.values())
    seconds: dict[str, list[float]] = {form: [] for form in calls}
    for _ in range(rounds):
        for form, call in calls.items():
            seconds[form].append(timed(call, clock))
    ms = {form: 1000 * float(np.median(each)) / batch for form, each in seconds.items()}
    cells = [f"{ms[form]:.1f} ({ms['before'] / ms[form]:.2f}x)" if form in ms else "" for form in ("folded", *asked)]
    check = list(ms.values())[-2] / ms["again"]
    print(f"| {name} | {batch} | {ms['before']:.1f} | {' | '.join(cells)} | {check:.2f} | {off:.0e} |", flush=True)


LAYERS = {  # channels in and out, kernel, groups; height and width
    "5x1x1 depthwise": (24, 24, (5, 1, 1), 24, 80),
    "1x1x1": (24, 54, (1, 1, 1), 1, 80),
    "3x3x3 depthwise": (54, 54, (3, 3, 3), 54, 40),
    "1x1x1, deep": (432, 192, (1, 1, 1), 1, 5),
    "1x1x1, tiny": (16, 16, (1, 1, 1), 1, 1),
}


def tried(convolution: nn.Conv3d, x: Tensor) -> Tensor | None:
    """A 1x1x1 convolution as a matrix product, a temporal depthwise one as shifted multiply-adds; None of others."""
    weight, frames = convolution.weight, x.shape[2]
    if convolution.kernel_size == (1, 1, 1):
        return functional.linear(x.movedim(1, -1), weight.flatten(1), convolution.bias).movedim(-1, 1)
    if convolution.kernel_size[1:] != (1, 1):
        return None
    each = [weight[:, 0, step].view(1, -1, 1, 1, 1) for step in range(len(weight[0, 0]))]
    middle = len(each) // 2
    found = torch.addcmul(convolution.bias.view(1, -1, 1, 1, 1), x, each[middle])
    for shift in (shift for shift in range(-middle, middle + 1) if shift):
        to, source = slice(max(0, -shift), frames - max(0, shift)), slice(max(0, shift), frames + min(0, shift))
        found[:, :, to].addcmul_(x[:, :, source], each[middle + shift])
    return found


@torch.inference_mode()
def layers(rounds: int, clock: Callable[[], float]) -> None:
    """Prints milliseconds of single convolutions of 13 frames; then of 8 frames, packed with weights laid out for these
    and for 13."""
    columns = ["convolution", "PyTorch's", "packed", "tried besides", "8 frames, packed", "laid out for 13"]
    print(f"| {' | '.join(columns)} |\n|" + " --- |" * len(columns))
    for name, (inputs, outputs, kernel, groups, size) in LAYERS.items():
        torch.manual_seed(0)
        plain = nn.Conv3d(inputs, outputs, kernel, padding=tuple(k // 2 for k in kernel), groups=groups)
        x, short = (torch.randn(1, inputs, t, size, size).contiguous(memory_format=LAYOUTS[5]) for t in (13, 8))
        packed, other = Packed(plain), Packed(plain)
        other(x)
        other.laid_out[short.shape] = other.laid_out[x.shape]
        calls = [partial(plain, x), partial(packed, x), partial(tried, plain, x), partial(packed, short)]
        expected, _, another, *_ = found = [call() for call in calls]
        for one in (found[1], another):
            torch.testing.assert_close(expected if one is None else one, expected, rtol=0, atol=1e-4)
        seconds = [[timed(call, clock) for _ in range(rounds)] for call in (*calls, partial(other, short))]
        ms = [f"{1000 * float(np.median(each)):.2f}" for each in seconds]
        ms[2] = "" if another is None else ms[2]
        print(f"| {name} | {' | '.join(ms)} |", flush=True)


def timed(call: Callable[[], object], clock: Callable[[], float]) -> float:
    """Seconds of a call, after one unheard: another form has just had the caches and the memory."""
    call()
    started = clock()
    call()
    return clock() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", nargs="+", default=["x3d-s", "resnet50", "mobilenet_v2", "slowfast-4x16-r50"])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--runtime", nargs="+", default=[EAGER, "onnxruntime", "openvino"])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=["processor", "elapsed"], default="processor")
    parser.add_argument("--layers", action="store_true", help="single convolutions instead of networks")
    parser.add_argument("--quick", action="store_true", help="small networks, one round: whether it runs")
    given: Any = parser.parse_args()
    if given.quick:
        given.network, given.batch, given.rounds = ["x3d-tiny", "conv4"], [1], 1
    torch.set_num_threads(given.threads)
    keep_memory()
    clock = {"processor": time.process_time, "elapsed": time.perf_counter}[given.clock]
    if given.layers:
        layers(10 * given.rounds, clock)
        return
    watch = machine.Watch()
    print(f"| ms per item | batch | before | folded | {' | '.join(given.runtime)} | A/A | largest difference |")
    print("|" + " --- |" * (len(given.runtime) + 6))
    with tempfile.TemporaryDirectory() as folder:
        for name in given.network:
            for batch in given.batch:
                compare(name, batch, given.runtime, given.rounds, clock, Path(folder))
    others, cpu = watch.read()["others_cores"], machine.describe()["cpu"]
    how = f"{given.threads} thread(s), {given.clock} time, torch {torch.__version__}"
    print(f"\n{cpu}, {how}; others kept {others or 0:.2f} cores busy")


if __name__ == "__main__":
    main()
