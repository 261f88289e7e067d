"""A step of training as it was before it was made faster, and as it is, as ratios in one run.

    python -m benchmarks.training [RUN ...] [--steps 40] [--parts] [--quick]

RUN as in `python -m saccade plan`; without one the small networks of ATFR's study and of the demo. Random weights and
clips of the embedded data's size, with the run's batch, frames, loss, optimizer and clipping. Every form has a process
of its own, since the C library's memory is the process's. They take turns step by step, the old form twice (A/A; more
than 3 % from 1 is marked †). Processor time, the median of the turns' ratios.
"""

import argparse
import dataclasses
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from saccade.engine import device, loop, optimizer
from saccade.nn.convolution import quicken
from saccade.plan.layers import heads_of, resolve
from saccade.plan.runs import Run
from saccade.project import load_module
from saccade.timing import machine

ROOT = Path(__file__).parents[1]
RUNS = (
    "study/motion-digits@tempo/atfr/3dresnet-tiny/seed0",
    "study/motion-digits@tempo/atfr/3dresnet-tiny-atfr/seed0",
    "study/motion-digits@tempo/atfr/x3d-tiny/seed0",
    "study/motion-digits@tempo/atfr/x3d-tiny-atfr/seed0",
    "study/motion-digits@tempo/atfr/slowfast-tiny/seed0",
    "demo/motion-digits/tsn/resnet10-tiny/seed0",
    "demo/motion-digits/tsm/resnet10-tiny-t8/seed0",
)
SIZE = 48  # pixels of the embedded data's sides where the settings crop nothing
PARTS = ("nothing", "unfilled", "memory", "update", "convolutions")  # each has those before it, too
NAMES = {
    "unfilled": "no nan into new tensors",
    "memory": "memory kept",
    "update": "one update of all weights",
    "convolutions": "3D convolutions' forms",
}
UNHEARD = 3  # steps that fetch memory and make the optimizer's state


def take_steps(name: str, part: str) -> None:
    """Makes a step for each line that comes in, with the parts up to `part`, and prints its processor time."""
    has = PARTS[1 : PARTS.index(part) + 1]
    if "memory" not in has:
        device.keep_memory = lambda: None
    device.seed_everything(seed=0, threads=1)
    torch.utils.deterministic.fill_uninitialized_memory = "unfilled" not in has
    run = Run.parse(ROOT, name)
    settings, heads = resolve(ROOT, run, "train").typed, heads_of(ROOT, run)
    folder = ROOT / "methods" / run.method
    model = device.place(load_module(folder / "model.py").build(settings, heads), torch.device("cpu")).train()
    if "convolutions" in has:
        quicken(model)
    losses: list[loop.Loss] = []
    load_module(folder / "phases.py").train(SimpleNamespace(settings=settings, fit=losses.append))
    # no step changes the weights, or ATFR's maps would be more in one process and fewer in another
    batch, update = clips(settings, heads), optimizer.make_optimizer(model, dataclasses.replace(settings, lr=0.0))
    if "update" not in has:
        for group in update.param_groups:
            group["foreach"] = False
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    for _ in sys.stdin:
        started = time.process_time()
        loop._step(model, losses[0], batch, update, scaler, settings)
        print(time.process_time() - started, flush=True)


def clips(settings: Any, heads: Any) -> dict[str, Any]:
    videos, frames, size = settings.batch_size, settings.num_frames, settings.crop or SIZE
    labels = {head.name: torch.arange(videos) % head.num_classes for head in heads}
    names, indices = [str(number) for number in range(videos)], torch.arange(frames).expand(videos, -1)
    return {"rgb": torch.randn(videos, frames, 3, size, size), "indices": indices, "video_id": names, "labels": labels}


def compare(name: str, parts: tuple[str, ...], steps: int) -> str:
    """A row of the table: milliseconds before and now, how many times as fast with each part, and A/A."""
    sides = {part: start(name, part) for part in (PARTS[0], *parts)} | {"again": start(name, PARTS[0])}
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for turn in range(UNHEARD + steps):
        for side in list(sides) if turn % 2 else reversed(sides):
            sides[side].stdin.write("\n")
            sides[side].stdin.flush()
            taken[side].append(1000 * float(sides[side].stdout.readline()))
    for process in sides.values():
        process.communicate()
    old, again = taken[PARTS[0]][UNHEARD:], taken["again"][UNHEARD:]
    before = [(one + other) / 2 for one, other in zip(old, again, strict=True)]
    same = over(old, again)
    ratios = [f"{over(before, taken[part][UNHEARD:]):.2f}×" for part in parts]
    ms = f"{statistics.median(before):.0f}, {statistics.median(taken[PARTS[-1]][UNHEARD:]):.0f}"
    cells = [name, ms, *ratios, f"{same:.2f}{' †' * (abs(same - 1) > 0.03)}"]
    return f"| {' | '.join(cells)} |"


def over(some: list[float], others: list[float]) -> float:
    """The median of the turns' ratios: in a turn the machine is as busy for all."""
    return statistics.median(one / other for one, other in zip(some, others, strict=True))


def start(name: str, part: str) -> Any:
    asked = [sys.executable, "-m", "benchmarks.training", name, "--only", part]
    return subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", metavar="RUN", default=list(RUNS))
    parser.add_argument("--steps", type=int, default=40, help="timed steps of each form")
    parser.add_argument("--parts", action="store_true", help="what each part brings, beside the whole")
    parser.add_argument("--quick", action="store_true", help="one network, a step: whether it runs")
    parser.add_argument("--only", choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        take_steps(given.runs[0], given.only)
        return
    if given.quick:
        given.runs, given.steps = RUNS[2:3], 1
    parts = PARTS[1:] if given.parts else PARTS[-1:]
    watch = machine.Watch()
    titles = [NAMES[part] for part in parts[:-1]] + ["and " + NAMES[parts[-1]] if given.parts else "faster"]
    print(f"| run | ms a step, before and now | {' | '.join(titles)} | A/A |\n|{' --- |' * (len(parts) + 3)}")
    for name in given.runs:
        print(compare(name, parts, given.steps), flush=True)
    others, cpu = watch.read()["others_cores"], machine.describe()["cpu"]
    print(f"\n{cpu}, one thread, torch {torch.__version__}; others kept {others or 0:.2f} cores busy")


if __name__ == "__main__":
    main()
