"""What SAN's attention costs by the clock and in memory, beside the same network that unfolds every neighbourhood, as
ratios in one run.

    python -m benchmarks.san [--network san19] [--size 112] [--batch 8] [--rounds 7] [--threads 1] [--quick]

Random weights, random frames. The forms take turns call by call, each once unheard right before, by processor time: the
faithful form (`benchmarks/unfolded.py`), ours, and the faithful one again (A/A). Peak memory is that of a fresh process
beyond what it held before the call. `attention`: the share of our forward pass inside the attention modules, less
their query, key and value convolutions; `1 x 1 convolutions alone`: the limit, all of the network's on inputs that lie
ready, those two inside of the attention among them, so that the shares overlap.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.unfolded import UnfoldedSAN
from saccade.engine.device import keep_memory
from saccade.nn.backbones import backbone
from saccade.nn.product import multiply
from saccade.nn.san import SAN, PairwiseAttention
from saccade.timing import machine

FORMS, PASSES = ("faithful", "ours"), ("forward", "forward and backward")
KIB = 1024


def network(name: str, form: str) -> nn.Module:
    torch.manual_seed(0)
    found = backbone(name)[0]
    assert isinstance(found, SAN)
    return UnfoldedSAN(found) if form == "faithful" else found


def call(model: nn.Module, x: Tensor, kind: str) -> Callable[[], Tensor]:
    """A forward pass in eval mode, or a step of training without its optimiser."""

    def forward() -> Tensor:
        with torch.inference_mode():
            return model.eval()(x)

    def both() -> Tensor:
        model.train().zero_grad(set_to_none=True)
        features = model(x)
        features.square().mean().backward()
        return features.detach()

    return forward if kind == PASSES[0] else both


def timed(one: Callable[[], object]) -> float:
    one()
    started = time.process_time()
    one()
    return time.process_time() - started


def resident(what: str) -> float:
    """MiB of this process by Linux: VmRSS, now, or VmHWM, at most so far. (getrusage would tell the parent's.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{what}:"))) / KIB


def peak(name: str, form: str, kind: str, size: int, batch: int) -> float:
    """MiB that the call takes beyond what the process held before it."""
    one = call(network(name, form), torch.randn(batch, 3, size, size), kind)
    held = resident("VmRSS")
    one()
    return resident("VmHWM") - held


def peak_alone(given: argparse.Namespace, form: str, kind: str) -> float:
    words = ["--network", given.network, "--size", given.size, "--batch", given.batch, "--threads", given.threads]
    command = [sys.executable, "-m", "benchmarks.san", *map(str, words), "--alone", form, kind]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@torch.inference_mode()
def convolutions(model: nn.Module, x: Tensor) -> Callable[[], object]:
    """The network's 1 x 1 convolutions, one after the other, on inputs of the right shapes."""
    calls: list[Callable[[], object]] = []

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        calls.append(partial(type(module).forward, module, torch.randn_like(inputs[0])))

    def note_weights(module: PairwiseAttention, inputs: tuple[Tensor, ...]) -> None:
        columns = module.footprint**2 * inputs[0][0].numel() // len(x)
        for layer in (module.conv_w[2], module.conv_w[5]):
            weight = layer.weight.flatten(1)
            calls.extend([partial(multiply, weight, torch.randn(weight.shape[1], columns))] * len(x))

    handles = [one.register_forward_pre_hook(note) for one in model.modules() if isinstance(one, nn.Conv2d)]
    handles += [
        one.register_forward_pre_hook(note_weights) for one in model.modules() if isinstance(one, PairwiseAttention)
    ]
    model.eval()(x)
    for handle in handles:
        handle.remove()

    @torch.inference_mode()
    def run() -> None:
        for one in calls:
            one()

    return run


def attention_seconds(model: nn.Module, one: Callable[[], object]) -> float:
    """Of a call, what is spent inside the attention modules but not in their convolutions."""
    spent = [0.0]

    def watch(module: nn.Module, sign: int) -> None:
        module.register_forward_pre_hook(lambda *_: spent.__setitem__(0, spent[0] - sign * time.process_time()))
        module.register_forward_hook(lambda *_: spent.__setitem__(0, spent[0] + sign * time.process_time()))

    for module in model.modules():
        if isinstance(module, PairwiseAttention):
            watch(module, 1)
            for layer in (module.conv1, module.conv2, module.conv3):
                watch(layer, -1)
    one()
    spent[0] = 0.0
    one()
    return spent[0]


def compare(given: argparse.Namespace, kind: str, x: Tensor) -> None:
    """Prints a row: milliseconds and peak memory of both forms, and by what ours is better."""
    calls = [call(network(given.network, form), x, kind) for form in FORMS]
    expected, found = (one() for one in calls)
    off = float((found - expected).abs().max() / expected.abs().max())
    seconds = np.array([[timed(one) for one in (*calls, calls[0])] for _ in range(given.rounds)])
    faithful, ours, again = np.median(seconds, 0)
    memory = [peak_alone(given, form, kind) for form in FORMS]
    times = f"{1000 * faithful:.0f} | {1000 * ours:.0f} | {faithful / ours:.2f}x | {again / faithful:.2f}"
    print(
        f"| {kind} | {times} | {memory[0]:.0f} | {memory[1]:.0f} | {memory[1] / memory[0]:.2f} | {off:.0e} |",
        flush=True,
    )


def shares(given: argparse.Namespace, x: Tensor) -> None:
    model = network(given.network, "ours")
    whole, alone = call(model, x, PASSES[0]), convolutions(model, x)
    seconds = np.array([[timed(whole), timed(alone)] for _ in range(given.rounds)])
    total, limit = np.median(seconds, 0)
    attention = attention_seconds(model, whole)
    print(f"\nforward: attention {attention / total:.0%} of the whole; 1 x 1 convolutions alone {limit / total:.0%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="san19", choices=["san10", "san15", "san19", "san-tiny"])
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a small network, one round: whether it runs")
    parser.add_argument("--alone", nargs=2, metavar=("FORM", "PASS"), help="print the peak memory of one call")
    given = parser.parse_args()
    if given.quick:
        given.network, given.size, given.rounds = "san-tiny", 48, 1
    torch.set_num_threads(given.threads)
    keep_memory()
    if given.alone:
        print(peak(given.network, *given.alone, given.size, given.batch))
        return
    watch, x = machine.Watch(), torch.randn(given.batch, 3, given.size, given.size)
    print("| pass | faithful, ms | ours | faster | A/A | peak, MiB | ours | of it | largest difference |")
    print("|" + " --- |" * 9)
    for kind in PASSES:
        compare(given, kind, x)
    shares(given, x)
    others, cpu = watch.read()["others_cores"], machine.describe()["cpu"]
    how = (
        f"{given.network}, batch {given.batch}, {given.size} x {given.size}, {given.threads} thread(s), processor time"
    )
    print(f"{how}, torch {torch.__version__}; {cpu}; others kept {others or 0:.2f} cores busy")


if __name__ == "__main__":
    main()
